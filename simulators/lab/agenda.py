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

    Of actions at one moment, those scheduled with SOON run before those with LAST, and otherwise in the order in which
    they were added.
    """

    def __init__(self, start: datetime) -> None:
        self.now = start
        self._waiting: list[tuple[datetime, int, int, Do]] = []
        self._numbers = count()

    @property
    def next_at(self) -> datetime:
        """Return the time of the next action, or NEVER if none is scheduled."""
        return self._waiting[0][0] if self._waiting else NEVER

    def at(self, moment: datetime, do: Do, turn: int = SOON) -> None:
        """Schedule the action `do` for the time `moment`, or for `now` if `moment` is before it.

        `turn`: of the actions at one time, those with SOON run before those with LAST.
        """
        heapq.heappush(self._waiting, (max(moment, self.now), turn, next(self._numbers), do))

    def run_until(self, end: datetime) -> None:
        """Run all actions up to `end` (inclusive), including those that they schedule. Afterwards, `now` is the time of
        the last action that ran, not `end`. Exceptions of an action pass through.
        """
        while self.next_at <= end:
            self.step()

    def step(self) -> None:
        """Set `now` to the time of the next action, and run that action. Raises IndexError if none is scheduled."""
        self.now, _, _, do = heapq.heappop(self._waiting)
        do()
