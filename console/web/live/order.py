"""The order in which cases are to be taken: sorted once, and kept while one after the other changes."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

from console.web.live.row import Row

Place = tuple[int, float, str]


class Order:
    """As it stands at one moment. `rows`: the open cases, the one to take first at the head."""

    def __init__(self, rows: Iterable[Row], now: datetime) -> None:
        self._now = now
        placed = sorted(((self._place(row), row) for row in rows), key=lambda each: each[0])
        self.rows = [row for _, row in placed]
        self._places = [place for place, _ in placed]
        self._of = {row.id: place for place, row in placed}

    def put(self, row: Row) -> None:
        """A case that has changed goes where it belongs now; one that was closed goes out."""
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
