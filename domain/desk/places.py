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
    """What the ramp measures: a figure of `PlaceFigures`."""

    OPEN = "open"
    RED = "red"
    WAITING = "waiting"
    OFFICERS = "officers"
    MONEY = "money"


class PlaceFigures(NamedTuple):
    """Of one place. `waiting`: for an operator, and nobody has them; `money`: what can still be kept (fen)."""

    open: int = 0
    red: int = 0
    waiting: int = 0
    officers: int = 0
    money: int = 0

    def measured(self, layer: Layer) -> int:
        """Return the figure that a layer shows."""
        return self[self._fields.index(layer.value)]


class OpenCase(NamedTuple):
    """An open case, as far as a map tells of it."""

    division: str
    level: Level
    waiting: bool
    money: int


class Range(NamedTuple):
    """A step of the ramp and the figures that have it, both ends included."""

    step: int
    least: int
    most: int


def by_division(cases: Iterable[OpenCase], officers: Iterable[str]) -> dict[str, PlaceFigures]:
    """Count cases, and officers by the division where each one works, by the code's first six digits."""
    found: defaultdict[str, PlaceFigures] = defaultdict(PlaceFigures)
    for case in cases:
        red = int(case.level is Level.RED)
        added = PlaceFigures(1, red, int(case.waiting), 0, case.money)
        found[case.division[:6]] = _plus(found[case.division[:6]], added)
    for division in officers:
        found[division[:6]] = _plus(found[division[:6]], PlaceFigures(officers=1))
    return dict(found)


def figures_of(found: Mapping[str, PlaceFigures], begins: str) -> PlaceFigures:
    """Add up the divisions whose code begins so."""
    whole = PlaceFigures()
    for division, figures in found.items():
        if division.startswith(begins):
            whole = _plus(whole, figures)
    return whole


def ramp(value: int, most: int) -> int:
    """Return the step of a value, 0 (nothing) to 4, beside the place with the most.

    The steps grow with the square: where one city has most of all cases, small places still differ from one another.
    """
    if value <= 0:
        return 0
    return next((step for step in range(1, STEPS) if value <= _top(step, most)), STEPS)


def ranges(most: int) -> list[Range]:
    """Return the steps that a value can have, with their values. Small figures have fewer steps."""
    found = [Range(step, _top(step - 1, most) + 1, _top(step, most)) for step in range(1, STEPS + 1)]
    return [each for each in found if each.least <= each.most]


def _top(step: int, most: int) -> int:
    return most * step * step // (STEPS * STEPS)


def _plus(one: PlaceFigures, other: PlaceFigures) -> PlaceFigures:
    return PlaceFigures(*(a + b for a, b in zip(one, other, strict=True)))
