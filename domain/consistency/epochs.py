"""Decides which Redis leads, by epochs: each names one run of Redis. Also how long a worker may rely on an epoch.

A worker confirms the epoch by writing to the log and reading it up to its own record: it then knows the epoch that was
in force. The confirmation is valid for VALID_SECONDS from the start of the write. A worker acts under a new epoch only
SETTLE_SECONDS after it read it: by then, every worker that has not read it has no valid confirmation. So no two workers
act under two epochs at the same time.
"""

import math
from dataclasses import dataclass, replace

VALID_SECONDS = 1.5
DRIFT_SECONDS = 0.25  # reserve for clocks of different speed, over ten times their real error
SETTLE_SECONDS = VALID_SECONDS + DRIFT_SECONDS


@dataclass(frozen=True, slots=True)
class Epoch:
    """A period in which one Redis leads. `number`: counted from 1; 0: no epoch was ever named.

    `run`: the identity of that Redis, which names its process and the history of its data.
    """

    number: int = 0
    run: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A worker's record in the log: the number of the epoch that it knows.

    `settled`: True if the worker was already allowed to act under that epoch when it wrote the record.
    """

    number: int
    settled: bool


Entry = Epoch | Confirmation
"""An entry of the log."""


@dataclass(frozen=True, slots=True)
class Belief:
    """One worker's knowledge of the epochs. Times are seconds of its own monotonic clock.

    `epoch`: the latest that it read. `settled_at`: when it may begin to act under it; infinity: no epoch yet.
    `confirmed_at`: when its last confirmation began; minus infinity: never.
    """

    epoch: Epoch = Epoch()
    settled_at: float = math.inf
    confirmed_at: float = -math.inf

    def read(self, entry: Entry, now: float) -> "Belief":
        """Return a copy of the belief after the next entry of the log, read at `now` (seconds of the worker's monotonic
        clock).

        Epochs must follow each other by number: of two with the same number, the first counts. An entry without news
        leaves the belief as it is. A confirmation that another worker wrote as settled settles this worker's epoch at
        once.
        """
        if isinstance(entry, Epoch):
            follows = entry.number == self.epoch.number + 1
            return replace(self, epoch=entry, settled_at=now + SETTLE_SECONDS) if follows else self
        if entry.settled and entry.number == self.epoch.number:
            return replace(self, settled_at=min(self.settled_at, now))
        return self

    def confirmed(self, began: float) -> "Belief":
        """Return a copy of the belief with a confirmation that began at `began`: when the worker began to write the
        record up to which it has now read the log.
        """
        return replace(self, confirmed_at=began)

    def confirmation(self, now: float) -> Confirmation:
        """Return the confirmation to write at `now`: the number of the latest epoch that this worker has read (0:
        none), and whether it may already act under it.
        """
        return Confirmation(self.epoch.number, now >= self.settled_at)

    def valid(self, now: float) -> bool:
        """Return True if the last confirmation is still valid at `now`: it began less than 1.5 s
        (VALID_SECONDS) ago.
        """
        return now < self.confirmed_at + VALID_SECONDS

    def run(self, now: float) -> str | None:
        """Return the run of the leading Redis, or None if this worker must not act at `now`: before an epoch is named
        and settled, or without a valid confirmation.
        """
        if not self.epoch.number or not self.valid(now) or now < self.settled_at:
            return None
        return self.epoch.run


@dataclass(frozen=True, slots=True)
class Server:
    """The Redis to which a worker is connected: its run, and its number of connected replicas.

    `address`: host:port as its Sentinels name it. `leads`: True if it reports that it is a primary.
    """

    run: str
    address: str
    leads: bool
    replicas: int = 0


@dataclass(frozen=True, slots=True)
class Sentinels:
    """The answers of the Sentinels.

    `members`: their number. `answering`: how many answered. `primary`: the primary (host:port) that most of them name,
    "" if none. `agreeing`: how many name it.
    """

    members: int
    answering: int
    primary: str
    agreeing: int

    @property
    def decided(self) -> bool:
        """True if a majority of all Sentinels name the primary.

        A minority may be cut off from the others, and may name a primary that was replaced.
        """
        return bool(self.primary) and 2 * self.agreeing > self.members


def proposal(epoch: Epoch, server: Server, sentinels: Sentinels | None) -> Epoch | None:
    """Return the next epoch, which a worker connected to `server` should propose, or None if it should propose none.

    None if the server already leads under `epoch`, does not report to be a primary, or is not the primary on which the
    Sentinels agree. `sentinels` None: there is one server, which leads whenever it answers.
    """
    if server.run == epoch.run or not server.leads:
        return None
    if sentinels is not None and not (sentinels.decided and sentinels.primary == server.address):
        return None
    return Epoch(epoch.number + 1, server.run)


def abandoned(epoch: Epoch, server: Server, sentinels: Sentinels | None) -> bool:
    """Return True if the worker must look for a new primary: `server` does not report to be one, or a majority of the
    Sentinels name another.

    False while the server leads under `epoch`, and without Sentinels (None).
    """
    if server.run == epoch.run or sentinels is None:
        return False
    return not server.leads or (sentinels.decided and sentinels.primary != server.address)
