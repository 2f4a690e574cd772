"""Distances between divisions, and travel times. No person's coordinates are stored."""

from datetime import date, timedelta

from domain.identity.divisions import current_code
from domain.policy.visits import VisitRules

# Distances in steps: within the same street, county, prefecture, province.
STREET, COUNTY, PREFECTURE, PROVINCE = 0, 1, 4, 12


def distance(one: str, other: str, today: date) -> int:
    """Return the distance between two divisions, given by their codes, in steps: 0 in the same street, 1 in the same
    county, 4 in the same prefecture, 12 otherwise.

    Codes that have ended by the day `today` count as their successors.
    """
    here, there = current_code(one, today) or one, current_code(other, today) or other
    if len(here) == 9 and here == there:
        return STREET
    if here[:6] == there[:6]:
        return COUNTY
    if here[:4] == there[:4]:
        return PREFECTURE
    return PROVINCE


def way(steps: int, rules: VisitRules) -> timedelta:
    """Return the travel time by the policy for a distance in steps (see `distance`).

    Raises KeyError for other numbers of steps than 0, 1, 4 and 12.
    """
    ways = rules.way
    return {STREET: ways.street, COUNTY: ways.county, PREFECTURE: ways.prefecture, PROVINCE: ways.province}[steps]
