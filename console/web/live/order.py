"""The order in which cases should be claimed: sorted once, then updated row by row."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

from console.web.live.row import Row

Place = tuple[int, float, str]


class Order:
    """The open cases in order at the time `now`. `rows`: the most urgent case first."""

    def __init__(self, rows: Iterable[Row], now: datetime) -> None:
        self._now = now
        placed = sorted(((self._place(row), row) for row in rows), key=lambda each: each[0])
        self.rows = [row for _, row in placed]
        self._places = [place for place, _ in placed]
        self._of = {row.id: place for place, row in placed}

    def put(self, row: Row) -> None:
        """Move a changed case to its new position, or remove a closed one."""
        if before := self._of.pop(row.id, None):
            there = bisect_left(self._places, before)
            del self._places[there], self.rows[there]
        if row.case.open:
            place = self._of[row.id] = self._place(row)
            here = bisect_left(self._places, place)
            self._places.insert(here, place)
            self.rows.insert(here, row)

    def _place(self, row: Row) -> Place:
        return (*row.weight.place(self._now), row.id)
