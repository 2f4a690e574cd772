"""The order in which cases should be claimed: sorted once, then updated row by row."""

from bisect import bisect_left
from collections.abc import Collection
from datetime import datetime

from console.web.live.row import Row

Place = tuple[int, float, str]


class Order:
    """The open cases in order at the time `now`. `rows`: the most urgent case first."""

    def __init__(self, rows: Collection[Row], now: datetime) -> None:
        self._now = now
        self._of = {row.id: self._place(row) for row in rows}
        of = {row.id: row for row in rows}
        self._places = sorted(self._of.values())
        self.rows = [of[name] for _, _, name in self._places]

    def put(self, row: Row) -> None:
        """Add a new open case, move a changed one to its new position, or remove a closed one; a closed case that is
        not here changes nothing. The positions are those at `now`, with which this object was made.
        """
        if before := self._of.pop(row.id, None):
            there = bisect_left(self._places, before)
            del self._places[there], self.rows[there]
        if row.case.open:
            place = self._of[row.id] = self._place(row)
            here = bisect_left(self._places, place)
            self._places.insert(here, place)
            self.rows.insert(here, row)

    def _place(self, row: Row) -> Place:
        turn, worth = row.weight.place(self._now)
        return turn, worth, row.case.id
