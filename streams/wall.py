"""The time of day as all workers have it, whatever this machine's clock is set to meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from domain.timekeeping import Known, approach, heard

Seconds = Callable[[], float]


@dataclass(slots=True, eq=False)
class Wall:
    """Seconds since 1970: this machine's clock as it was at first, and the shared clock's as soon as it is heard.

    `machine` is the clock that may be set, `counter` the one that is not.
    """

    machine: Seconds = time.time
    counter: Seconds = time.monotonic
    known: Known | None = None
    _shown: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._at = self.counter()
        self._shown = self.machine() - self._at

    def time(self) -> float:
        now = self.counter()
        if self.known is not None:
            self._shown = approach(self._shown, self.known.offset, now - self._at)
        self._at = now
        return now + self._shown

    def hear(self, answer: Known) -> float:
        """Go by the shared clock from now on; gives by how much that was set since it was heard last, else 0.

        The first time it is taken as it is: nothing was done by this machine's clock yet.
        """
        first = self.known is None
        self.known, moved = heard(self.known, answer)
        if first:
            self._shown = self.known.offset
        return moved

    def difference(self) -> float:
        """By how much this machine's clock is ahead."""
        return self.machine() - self.time()
