"""Which Redis leads: epochs, ordered by their log, each naming one run; and how long a worker may rely on one.

A worker confirms the epoch by writing to the log and reading it up to its own record: it then knows the epoch that was
in force. The confirmation is valid for VALID_SECONDS from the start of the write. A new epoch is acted under only
SETTLE_SECONDS after it was read: by then every worker that has not read it has no valid confirmation. So no two workers
act under two epochs at the same time.
"""

import math
from dataclasses import dataclass, replace

VALID_SECONDS = 1.5
DRIFT_SECONDS = 0.25  # reserve for clocks of different speed, over ten times their real error
SETTLE_SECONDS = VALID_SECONDS + DRIFT_SECONDS


@dataclass(frozen=True, slots=True)
class Epoch:
    """A period in which the Redis with this run leads. `number`: 0: no epoch was ever named; else they count from 1.

    `run`: identifies a Redis process and the history of its data.
    """

    number: int = 0
    run: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A worker's record of the epoch that it knows, by its number.

    `settled`: whether the worker was already allowed to act under this epoch when it wrote the record.
    """

    number: int
    settled: bool


Entry = Epoch | Confirmation
"""An entry of the log."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What one worker knows of the epochs. Times are seconds of its own monotonic clock.

    `epoch`: the latest; `settled_at`: when it may begin to act under it; `confirmed_at`: when its last confirmation
    began.
    """

    epoch: Epoch = Epoch()
    settled_at: float = math.inf
    confirmed_at: float = -math.inf

    def read(self, entry: Entry, now: float) -> "Belief":
        """Return the belief after the next entry of the log. Of two epochs with the same number, the first counts."""
        if isinstance(entry, Epoch):
            follows = entry.number == self.epoch.number + 1
            return replace(self, epoch=entry, settled_at=now + SETTLE_SECONDS) if follows else self
        if entry.settled and entry.number == self.epoch.number:
            return replace(self, settled_at=min(self.settled_at, now))
        return self

    def confirmed(self, began: float) -> "Belief":
        """Return the belief after reading the log up to the worker's own record, whose writing began at `began`."""
        return replace(self, confirmed_at=began)

    def confirmation(self, now: float) -> Confirmation:
        """Return the confirmation to write now, for the epoch that this worker knows."""
        return Confirmation(self.epoch.number, now >= self.settled_at)

    def valid(self, now: float) -> bool:
        """Return whether the last confirmation is still valid: it began less than 1.5 s ago."""
        return now < self.confirmed_at + VALID_SECONDS

    def run(self, now: float) -> str | None:
        """Return the run of the leading Redis, or None while this worker must not act.

        It must not act before an epoch is named and settled, or without a valid confirmation.
        """
        if not self.epoch.number or not self.valid(now) or now < self.settled_at:
            return None
        return self.epoch.run


@dataclass(frozen=True, slots=True)
class Server:
    """The Redis that a worker is connected to: its run, and its number of connected replicas.

    `address`: host:port as its Sentinels name it; `leads`: whether it reports to be a primary.
    """

    run: str
    address: str
    leads: bool
    replicas: int = 0


@dataclass(frozen=True, slots=True)
class Sentinels:
    """The Sentinels' answers. `members`: their number; `answering`: how many answered; `primary`: the primary
    (host:port) that most of them name, "" if none is named; `agreeing`: how many name it.
    """

    members: int
    answering: int
    primary: str
    agreeing: int

    @property
    def decided(self) -> bool:
        """Whether a majority of all Sentinels name the primary.

        Fewer may be cut off, and name one that was replaced.
        """
        return bool(self.primary) and 2 * self.agreeing > self.members


def proposal(epoch: Epoch, server: Server, sentinels: Sentinels | None) -> Epoch | None:
    """Return the next epoch that a worker connected to this server should propose, or None.

    None if the server leads already under `epoch`, does not report to be a primary, or is not the primary on which the
    Sentinels agree. Without Sentinels (None) there is one server, which leads whenever it answers.
    """
    if server.run == epoch.run or not server.leads:
        return None
    if sentinels is not None and not (sentinels.decided and sentinels.primary == server.address):
        return None
    return Epoch(epoch.number + 1, server.run)


def abandoned(epoch: Epoch, server: Server, sentinels: Sentinels | None) -> bool:
    """Return whether the server was replaced as primary, so that the worker must look for the new one.

    False while it leads under `epoch`, and without Sentinels (None).
    """
    if server.run == epoch.run or sentinels is None:
        return False
    return not server.leads or (sentinels.decided and sentinels.primary != server.address)
