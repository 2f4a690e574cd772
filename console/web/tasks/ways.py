"""The way to a visit: minutes by the policy, and the distance between two counties. No person's position is used."""

from math import hypot

from console.web.overview.shapes import county_shapes, source
from domain.policy.visits import VisitRules
from domain.visits.travel import way


def travel_minutes(steps: int, rules: VisitRules) -> int:
    """Return the travel time in minutes for a distance in steps (domain/visits/travel).

    Raises KeyError for other numbers of steps than 0, 1, 4 and 12.
    """
    return round(way(steps, rules).total_seconds() / 60)


def kilometres(here: str, there: str) -> int | None:
    """Return the straight-line distance in whole km between the middles of the counties of two division codes (of six
    digits or more).

    None within one county, or if the map lacks one of them.
    """
    one, other = _middle(here), _middle(there)
    if one is None or other is None or here[:6] == there[:6]:
        return None
    return round(hypot(one[0] - other[0], one[1] - other[1]) * source().unit_metres / 1000)


def _middle(division: str) -> tuple[int, int] | None:
    found = (shape for shape in county_shapes(division[:4]) if shape.code == division[:6])
    return next(((shape.x, shape.y) for shape in found), None)
