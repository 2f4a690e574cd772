"""The time of day as all workers have it, whatever this machine's clock is set to meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from domain.timekeeping import NOTHING, Known, Reckoning, approach, disagreement, heard

Seconds = Callable[[], float]


@dataclass(slots=True, eq=False)
class Wall:
    """Seconds since 1970: this machine's clock as it was at first, and the shared clock's once the two agree.

    `machine` is the clock that may be set, `counter` the one that is not.
    """

    machine: Seconds = time.time
    counter: Seconds = time.monotonic
    reckoning: Reckoning = NOTHING
    _shown: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._at = self.counter()
        self._shown = self.machine() - self._at

    @property
    def known(self) -> Known | None:
        """The shared clock that is followed; None until it agrees with this machine's."""
        return self.reckoning.known

    def time(self) -> float:
        now = self.counter()
        if self.known is not None:
            self._shown = approach(self._shown, self.known.offset, now - self._at)
        self._at = now
        return now + self._shown

    def hear(self, answer: Known) -> None:
        """Take an answer of the shared clock in. The first that is followed is shown at once: nothing was done yet."""
        first = self.known is None
        self.reckoning = heard(self.reckoning, answer, self.machine_offset())
        if first and self.known is not None:
            self._shown = self.known.offset

    def difference(self) -> float:
        """By how much this machine's clock is ahead of the workers' time."""
        return self.machine() - self.time()

    def refused(self) -> float:
        """By how much the shared clock is ahead of the workers' time while it is refused; else 0."""
        return disagreement(self.reckoning, self.machine_offset())

    def machine_offset(self) -> float:
        return self.machine() - self.counter()
