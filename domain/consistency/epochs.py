"""Which Redis leads: epochs in the order of their log, each naming one run, and how long a worker may believe in one.

A worker confirms what it believes: it writes to the log, reads the log up to its own record, and knows the epoch that
was in force then. The confirmation is valid for VALID_SECONDS from before the write began. An epoch that follows is
acted under only once SETTLE_SECONDS have passed since it was read: by then every worker that had not read it has no
valid confirmation any more. So no two workers ever act under two epochs at one moment.
"""

import math
from dataclasses import dataclass, replace

VALID_SECONDS = 1.5
DRIFT_SECONDS = 0.25  # for clocks that run at different speeds: no clock is off by a tenth of that
SETTLE_SECONDS = VALID_SECONDS + DRIFT_SECONDS


@dataclass(frozen=True, slots=True)
class Epoch:
    """A time in which one Redis leads. Number 0: none was ever named."""

    number: int = 0
    run: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """That a worker was there when this epoch was in force. `settled`: it might act under it before it wrote."""

    number: int
    settled: bool


Entry = Epoch | Confirmation
"""What the log holds."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What one worker knows. Times are seconds of its own monotonic clock."""

    epoch: Epoch = Epoch()
    settled_at: float = math.inf  # from when on it may act under the epoch
    confirmed_at: float = -math.inf  # when its last confirmation began

    def read(self, entry: Entry, now: float) -> "Belief":
        """Return the belief after the next entry of the log. Of two epochs of one number the first counts."""
        if isinstance(entry, Epoch):
            follows = entry.number == self.epoch.number + 1
            return replace(self, epoch=entry, settled_at=now + SETTLE_SECONDS) if follows else self
        if entry.settled and entry.number == self.epoch.number:
            return replace(self, settled_at=min(self.settled_at, now))
        return self

    def confirmed(self, began: float) -> "Belief":
        """Return the belief once the log was read up to a record whose writing began then."""
        return replace(self, confirmed_at=began)

    def confirmation(self, now: float) -> Confirmation:
        """Return what to write to confirm it."""
        return Confirmation(self.epoch.number, now >= self.settled_at)

    def valid(self, now: float) -> bool:
        """Return whether the epoch was in force VALID_SECONDS ago or later."""
        return now < self.confirmed_at + VALID_SECONDS

    def run(self, now: float) -> str | None:
        """Return the run that leads; None when this worker must not act now."""
        if not self.epoch.number or not self.valid(now) or now < self.settled_at:
            return None
        return self.epoch.run


@dataclass(frozen=True, slots=True)
class Server:
    """The Redis that a worker is connected to. `address` as its Sentinels write it."""

    run: str
    address: str
    leads: bool  # it says itself that it is a primary
    replicas: int = 0


@dataclass(frozen=True, slots=True)
class Sentinels:
    """How many there are, how many answer, and the primary that most of those name ('' when none does), by how many."""

    members: int
    answering: int
    primary: str
    agreeing: int

    @property
    def decided(self) -> bool:
        """Whether most of all of them name it. Fewer may be cut off, and name one that others have replaced."""
        return bool(self.primary) and 2 * self.agreeing > self.members


def proposal(epoch: Epoch, server: Server, sentinels: Sentinels | None) -> Epoch | None:
    """Return the next epoch that a worker on this server proposes; None when nothing is to be proposed.

    Without Sentinels there is one server, which leads whenever it answers.
    """
    if server.run == epoch.run or not server.leads:
        return None
    if sentinels is not None and not (sentinels.decided and sentinels.primary == server.address):
        return None
    return Epoch(epoch.number + 1, server.run)


def abandoned(epoch: Epoch, server: Server, sentinels: Sentinels | None) -> bool:
    """Return whether the worker is on a server that others have left: it has to look for the primary anew."""
    if server.run == epoch.run or sentinels is None:
        return False
    return not server.leads or (sentinels.decided and sentinels.primary != server.address)
