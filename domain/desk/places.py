"""What a map tells of each place: open cases, reds, cases that wait, officers on duty, money at stake.

Volume has one neutral ramp, whatever is measured. Its steps are told as ranges, so that a colour can be read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from schemas.levels import Level

STEPS = 4  # of the ramp, without the one for nothing


class Layer(StrEnum):
    """What the ramp measures: a figure of `PlaceFigures` (open cases, red ones, waiting ones, officers on duty, money
    in fen).
    """

    OPEN = "open"
    RED = "red"
    WAITING = "waiting"
    OFFICERS = "officers"
    MONEY = "money"


class PlaceFigures(NamedTuple):
    """The figures of one place: numbers of open cases, of red ones, of cases that wait, of officers on duty; and money.

    `waiting`: an operator must call, and nobody has claimed the case. `money`: what can still be kept, in fen.
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
    """An open case, as far as a map shows it. `division`: code of where the resident lives; `waiting`: an operator must
    call, and nobody has claimed it.

    `money`: what can still be kept, in fen.
    """

    division: str
    level: Level
    waiting: bool
    money: int


class Range(NamedTuple):
    """A step (1 to 4) of the map's ramp, and the figures that have it: from `least` to `most`, both included."""

    step: int
    least: int
    most: int


def by_division(cases: Iterable[OpenCase], officers: Iterable[str]) -> dict[str, PlaceFigures]:
    """Return the figures by division (the code's first six digits). Money is in fen.

    `officers`: for each officer on duty, the division where they work.
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
    """Return the sums over the divisions whose code begins with `begins` ("": all). `found`: figures by division
    code.
    """
    whole = PlaceFigures()
    for division, figures in found.items():
        if division.startswith(begins):
            whole = _plus(whole, figures)
    return whole


def ramp(value: int, most: int) -> int:
    """Return the ramp's step of a value, 0 (nothing) to 4. `most`: the highest value of any place.

    The steps grow with the square: where one city has most of all cases, small places still differ from one another.
    """
    if value <= 0:
        return 0
    return next((step for step in range(1, STEPS) if value <= _top(step, most)), STEPS)


def ranges(most: int) -> list[Range]:
    """Return the steps (without 0) that a value up to `most` can have, with their values. Small figures have fewer
    steps.
    """
    found = [Range(step, _top(step - 1, most) + 1, _top(step, most)) for step in range(1, STEPS + 1)]
    return [each for each in found if each.least <= each.most]


def _top(step: int, most: int) -> int:
    return most * step * step // (STEPS * STEPS)


def _plus(one: PlaceFigures, other: PlaceFigures) -> PlaceFigures:
    return PlaceFigures(*(a + b for a, b in zip(one, other, strict=True)))
