"""How soon a missing resident is found, with a sweep by several officers and by one officer alone.

Each drawn resident is at one of the places on the list with the probability AT_A_PLACE, else nowhere on it: all ways
then fail alike. These are assumptions, for which no figures are published; travel times are the policy's. It studies
the sweep's order and division of places, and is not a forecast.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from domain.calendar import local_date
from domain.identity.divisions import counties, streets
from domain.policy.visits import VisitRules
from domain.visits.sweep import assigned, ranked
from domain.visits.travel import drive_between
from schemas.casework.searches import AssignedPlace
from schemas.people.places import Located, PlaceKind
from schemas.people.rosters import Officer, Role

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)  # 12:00 on a Wednesday: every place is open
PREFECTURE = "220100"
AT_A_PLACE = 0.7  # assumed
# Places of the kind on the list, and its weight as the true one; assumed.
KINDS: Mapping[PlaceKind, tuple[int, float]] = {
    PlaceKind.USUAL: (2, 3.0),
    PlaceKind.BANK_BRANCH: (4, 2.0),
    PlaceKind.HOTEL: (4, 2.0),
    PlaceKind.INTERNET_CAFE: (2, 1.0),
    PlaceKind.OTHER: (0, 0.0),
}
WITHIN = timedelta(hours=2)  # a search's usual end


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """The result of searching with `officers` officers. `hour`, `found`: the shares (0 to 1) of all residents who are
    found within one hour, and within WITHIN (two hours).

    `median_minutes`: of the residents who are at a place on the list, the median time in minutes until an officer has
    looked there, also after the end of the search; None if nobody is at a place.
    """

    officers: int
    hour: float
    found: float
    median_minutes: float | None


def search_times(officers: Sequence[int], seeds: Sequence[int], residents: int, rules: VisitRules) -> list[SearchTimes]:
    """Simulate searches with each number of officers, and return how soon residents are found, in the order of
    `officers`. All numbers of officers search for the same residents, of whom each seed draws `residents`.

    `rules`: travel times and time at a door. Raises ZeroDivisionError if `residents` is 0, and ValueError if `officers`
    is empty.
    """
    drawn = [one for seed in seeds for one in _residents(seed, residents, max(officers))]
    return [_times(count, [_found_after(each, count, rules) for each in drawn]) for count in officers]


@dataclass(frozen=True, slots=True)
class _Missing:
    """A missing resident: the list in the search's order, the number of the true place (None: none), the officers."""

    places: list[tuple[str, Located]]
    true: str | None
    officers: list[Officer]


def _residents(seed: int, count: int, officers: int) -> list[_Missing]:
    chance, divisions = random.Random(f"missing {seed}"), _divisions()
    return [_missing(chance, divisions, officers) for _ in range(count)]


def _divisions() -> list[list[str]]:
    """Return the divisions of each county of the prefecture: its streets, or itself if none are known."""
    found = counties(local_date(NOON), PREFECTURE)
    return [[street.code for street in streets(each.code)] or [each.code] for each in found]


def _missing(chance: random.Random, divisions: list[list[str]], officers: int) -> _Missing:
    here = chance.choice(divisions)
    home = chance.choice(here)
    near = [chance.choice(here if chance.random() < 0.8 else chance.choice(divisions)) for _ in range(99)]
    kinds = [kind for kind, (count, _) in KINDS.items() for _ in range(count)]
    places = [
        Located(kind=kind, name=f"{number}", division=near[number], address="示例路1号")
        for number, kind in enumerate(kinds)
    ]
    order = [(f"p{number}", place) for number, place in enumerate(ranked(places, home, NOON), 1)]
    weights = [KINDS[place.kind][1] / KINDS[place.kind][0] for _, place in order]
    true = chance.choices([number for number, _ in order], weights)[0] if chance.random() < AT_A_PLACE else None
    men = [
        Officer(id=f"w-{number}", name="某警官", role=Role.OFFICER, division=near[-1 - number])
        for number in range(officers)
    ]
    return _Missing(order, true, men)


def _found_after(missing: _Missing, count: int, rules: VisitRules) -> timedelta | None:
    if missing.true is None:
        return None
    officers = missing.officers[:count]
    return looked_at(missing.places, assigned(missing.places, officers, NOON, rules), officers, rules)[missing.true]


def looked_at(
    places: Sequence[tuple[str, Located]],
    tasks: Sequence[AssignedPlace],
    officers: Sequence[Officer],
    rules: VisitRules,
) -> dict[str, timedelta]:
    """Return, keyed by the number of the place, how long after the start of the search an officer has searched it: the
    travel and the time at each door until then.

    `places`: (number, place) of the list; `tasks`: which officer searches which place, in the order in which each
    officer goes; `officers`: with the divisions in which they start; `rules`: travel times and the time at a door.
    Raises KeyError if a task names an unknown officer or place.
    """
    there, today = dict(places), local_date(NOON)
    at = {each.id: (timedelta(0), each.division) for each in officers}
    found = {}
    for task in tasks:
        after, here = at[task.officer]
        place = there[task.number]
        found[task.number] = after + drive_between(here, place.division, today, rules) + rules.door
        at[task.officer] = found[task.number], place.division
    return found


def _times(officers: int, found: Sequence[timedelta | None]) -> SearchTimes:
    minutes = [each.total_seconds() / 60 for each in found if each is not None]
    hour, within = (sum(each <= limit for each in minutes) / len(found) for limit in (60, WITHIN.total_seconds() / 60))
    return SearchTimes(officers, hour, within, median(minutes) if minutes else None)
