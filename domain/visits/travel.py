"""Distances between divisions, and travel times. No person's coordinates are stored."""

from datetime import date, timedelta
from functools import lru_cache
from math import dist

from domain.identity.divisions import current_code, middle_of
from domain.policy.visits import VisitRules

# Distances in steps: within the same street, county, prefecture, province.
STREET, COUNTY, PREFECTURE, PROVINCE = 0, 1, 4, 12
DETOUR = 1.25  # a road's length over the straight line; assumed
ROAD_KMH = 80  # between two counties, once on the road; the policy's time within a county comes on top. Assumed


def distance(one: str, other: str, today: date) -> int:
    """Return the distance between two divisions, given by their codes, in steps: 0 in the same street, 1 in the same
    county, 4 in the same prefecture, 12 otherwise.

    Codes that have ended by the day `today` count as their successors.
    """
    here, there = _current(one, today), _current(other, today)
    if len(here) == 9 and here == there:
        return STREET
    if here[:6] == there[:6]:
        return COUNTY
    if here[:4] == there[:4]:
        return PREFECTURE
    return PROVINCE


@lru_cache(maxsize=65_536)  # each visit asks for the travel time of every officer on duty
def kilometres_apart(one: str, other: str, today: date) -> float | None:
    """Return the straight-line distance in km between the middles of the counties of two divisions, given by their
    codes (of 6 digits or more). Codes that have ended by the day `today` count as their successors.

    None within one county, or if the map lacks one of them.
    """
    here, there = _current(one, today)[:6], _current(other, today)[:6]
    start, end = middle_of(here), middle_of(there)
    return None if here == there or start is None or end is None else dist(start, end)


def drive_between(one: str, other: str, today: date, rules: VisitRules) -> timedelta:
    """Return the travel time from one division to another, in whole minutes.

    Within a street and within a county it is the policy's. Between two counties it is the policy's time within a
    county, for the streets and village roads at both ends, and the time on the road between their middles. If the map
    lacks one of them, it is the policy's time within the prefecture or the province.
    """
    apart = kilometres_apart(one, other, today)
    if apart is not None:
        return rules.way.county + timedelta(minutes=round(apart * DETOUR / ROAD_KMH * 60))
    ways = rules.way
    times = {STREET: ways.street, COUNTY: ways.county, PREFECTURE: ways.prefecture, PROVINCE: ways.province}
    return times[distance(one, other, today)]


def _current(code: str, today: date) -> str:
    return current_code(code, today) or code
