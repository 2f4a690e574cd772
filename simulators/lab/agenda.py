"""A virtual clock that jumps from one scheduled event to the next."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

Do = Callable[[], None]

SOON, LAST = 0, 1  # order within a moment: consequences of events first, then those who wait for all of them
NEVER = datetime.max.replace(tzinfo=UTC)


class Agenda:
    """Scheduled actions on a virtual clock. `now`: the clock's time, which never goes back.

    Of actions at one moment, those of the turn SOON run before those of LAST, and within a turn in the order in which
    they were added.
    """

    def __init__(self, start: datetime) -> None:
        self.now = start
        self._waiting: list[tuple[datetime, int, int, Do]] = []
        self._numbers = count()

    @property
    def next_at(self) -> datetime:
        """The time of the next action; NEVER if none is scheduled."""
        return self._waiting[0][0] if self._waiting else NEVER

    def at(self, moment: datetime, do: Do, turn: int = SOON) -> None:
        """Schedule the action `do` at a time, or now if that is past.

        `turn`: among actions at one time, SOON runs before LAST.
        """
        heapq.heappush(self._waiting, (max(moment, self.now), turn, next(self._numbers), do))

    def run_until(self, end: datetime) -> None:
        """Run all actions up to `end` (inclusive), including those that they schedule. `now` is then the time of the
        last action that ran, not `end`.
        """
        while self.next_at <= end:
            self.step()

    def step(self) -> None:
        """Advance to the next action and run it. Raises IndexError if none is scheduled."""
        self.now, _, _, do = heapq.heappop(self._waiting)
        do()
