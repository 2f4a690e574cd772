"""What is to happen when: a virtual clock that jumps from one moment to the next."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

Do = Callable[[], None]

SOON, LAST = 0, 1  # of one moment: what follows from something, and who looks once all of that is known
NEVER = datetime.max.replace(tzinfo=UTC)


class Agenda:
    """`now` only goes forward. Of what falls on one moment, what was put in first is done first."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self._waiting: list[tuple[datetime, int, int, Do]] = []
        self._numbers = count()

    @property
    def next_at(self) -> datetime:
        """When something is to be done next; NEVER when nothing is."""
        return self._waiting[0][0] if self._waiting else NEVER

    def at(self, moment: datetime, do: Do, turn: int = SOON) -> None:
        """Have something done at a moment: now, if that is over."""
        heapq.heappush(self._waiting, (max(moment, self.now), turn, next(self._numbers), do))

    def step(self) -> None:
        """Go to the next moment, and do one thing of it. Raises IndexError when there is none."""
        self.now, _, _, do = heapq.heappop(self._waiting)
        do()
