"""The figures of each place on a map: open cases, red ones, waiting ones, officers on duty, money at stake.

Every figure is drawn with one neutral colour ramp. The legend names the range of each step, so that a colour can be
read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from schemas.levels import Level

STEPS = 4  # of the ramp, without the one for nothing


class Layer(StrEnum):
    """The figure that a map shows, a field of PlaceFigures: open, red or waiting cases, officers on duty, or money in
    fen.
    """

    OPEN = "open"
    RED = "red"
    WAITING = "waiting"
    OFFICERS = "officers"
    MONEY = "money"


class PlaceFigures(NamedTuple):
    """The figures of one place: numbers of open cases, of red cases, of waiting cases, of officers on duty; and money.

    `waiting`: cases in which an operator must call and that nobody has claimed. `money`: fen that can still be kept.
    """

    open: int = 0
    red: int = 0
    waiting: int = 0
    officers: int = 0
    money: int = 0

    def measured(self, layer: Layer) -> int:
        """Return the figure of this place that a layer of the map shows; money in fen."""
        return self[self._fields.index(layer.value)]


class OpenCase(NamedTuple):
    """The data of an open case that a map needs. `division`: code of the place where the resident lives.

    `waiting`: True if an operator must call and nobody has claimed the case. `money`: fen that can still be kept.
    """

    division: str
    level: Level
    waiting: bool
    money: int


class Range(NamedTuple):
    """A step (1 to 4) of the map's colours, with the figures that are drawn in it: from `least` to `most`, both
    inclusive.
    """

    step: int
    least: int
    most: int


def by_division(cases: Iterable[OpenCase], officers: Iterable[str]) -> dict[str, PlaceFigures]:
    """Return the figures of each division that has a case or an officer, by the first six digits of its code; divisions
    without any are left out.

    `officers`: the division code of each officer on duty, where they work.
    """
    found: defaultdict[str, PlaceFigures] = defaultdict(PlaceFigures)
    for case in cases:
        red = int(case.level is Level.RED)
        added = PlaceFigures(1, red, int(case.waiting), 0, case.money)
        found[case.division[:6]] = _plus(found[case.division[:6]], added)
    for division in officers:
        found[division[:6]] = _plus(found[division[:6]], PlaceFigures(officers=1))
    return dict(found)


def figures_of(found: Mapping[str, PlaceFigures], begins: str) -> PlaceFigures:
    """Return the sums over the divisions whose code begins with `begins` ("": all). `found`: figures by
    division code.
    """
    whole = PlaceFigures()
    for division, figures in found.items():
        if division.startswith(begins):
            whole = _plus(whole, figures)
    return whole


def ramp(value: int, most: int) -> int:
    """Return the step of the map's colours in which a value is drawn: 0 if it is 0 or less, else 1 to 4. `most`: the
    highest value of any place.

    The limits of the steps grow with the square, so that small places still differ where one city has most of all
    cases.
    """
    if value <= 0:
        return 0
    return next((step for step in range(1, STEPS) if value <= _top(step, most)), STEPS)


def ranges(most: int) -> list[Range]:
    """Return the steps of the map's colours (without 0) that values up to `most` can have, with the figures of each,
    the lowest first. A small `most` gives fewer steps, 0 none.
    """
    found = [Range(step, _top(step - 1, most) + 1, _top(step, most)) for step in range(1, STEPS + 1)]
    return [each for each in found if each.least <= each.most]


def _top(step: int, most: int) -> int:
    return most * step * step // (STEPS * STEPS)


def _plus(one: PlaceFigures, other: PlaceFigures) -> PlaceFigures:
    return PlaceFigures(*(a + b for a, b in zip(one, other, strict=True)))
