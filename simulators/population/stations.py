"""The staff of police stations: one station per county, with officers, auxiliaries, grid workers and building heads."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from domain.identity.divisions import Division, counties, streets
from domain.visits.officers import ELIGIBLE
from schemas.levels import Level
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Role, Roster, Shift
from simulators.assumptions import figures
from simulators.assumptions.chance import pick, stream
from simulators.population.names import name

_SHIFT = timedelta(hours=12)  # assumed: two shifts a day
_BEFORE = timedelta(hours=1)
DAYS = 14  # the week in which a demo begins, and the next, which a supervisor can see

GUEST = "220104-officer-1"  # the officer whose telephone a demo leaves to the user
_GUESTS_PREFECTURE = GUEST[:4]


def rosters(seed: int, start: datetime, days: int = DAYS) -> list[Roster]:
    """Return the roster of each county's station, in the order of the counties, for `days` days, beginning one hour
    before `start`. Equal arguments give equal rosters.
    """
    return [
        Roster(station=f"{county.name}派出所", officers=list(_officers(seed, county, start, days)))
        for county in counties(start.date())
    ]


def left_to_guest(found: Iterable[Roster]) -> list[Roster]:
    """Return copies of all rosters, changed so that red cases in the guest's prefecture go to the guest or a colleague.

    The guest is the officer GUEST. Everybody else in the prefecture who may be sent to red cases loses all shifts:
    officers of other stations, and all auxiliaries. The officers of the guest's own station keep their shifts.
    """
    return [each.model_copy(update={"officers": [_with_guest(officer) for officer in each.officers]}) for each in found]


def _with_guest(officer: Officer) -> Officer:
    own = officer.role is Role.OFFICER and officer.division == GUEST[:6]
    others = officer.division.startswith(_GUESTS_PREFECTURE) and officer.role in ELIGIBLE[Level.RED] and not own
    return officer.model_copy(update={"shifts": []}) if others else officer


def _officers(seed: int, county: Division, start: datetime, days: int) -> Iterator[Officer]:
    places = streets(county.code) or (county,)
    chance = stream(seed, "roster", county.code)
    for role, count in figures.OFFICERS.items():
        for number in range(count):
            sex = pick(chance, figures.SEXES)
            korean = chance.random() < _korean(county)
            yield Officer(
                id=f"{county.code}-{role}-{number + 1}",
                name=name(chance, sex, korean),
                role=role,
                division=_place(chance, role, county, places),
                languages=frozenset({Language.CHINESE, Language.KOREAN} if korean else {Language.CHINESE}),
                shifts=list(_shifts(start, days, night=number % 3 == 2)),
            )


def _korean(county: Division) -> float:
    return figures.KOREAN_IN_YANBIAN if county.prefecture == figures.YANBIAN else figures.KOREAN_ELSEWHERE


def _place(chance: Random, role: Role, county: Division, places: Sequence[Division]) -> str:
    """Return the division code where a person works: for officers the station's county, for others a street."""
    return county.code if role is Role.OFFICER else chance.choice(places).code


def _shifts(start: datetime, days: int, night: bool) -> Iterator[Shift]:
    begins = start - _BEFORE + (_SHIFT if night else timedelta(0))
    for day in range(days):
        since = begins + timedelta(days=day)
        yield Shift(start=since, end=since + _SHIFT)
