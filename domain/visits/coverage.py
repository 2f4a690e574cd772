"""Staffing of stations: gaps compared with the policy's duty rules, hours on duty, and the station of a place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from domain.policy.duty import Need
from domain.visits.travel import distance
from schemas.people.rosters import Officer, Role, Roster

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """A period with too few people: from `start` (inclusive) to `end` (exclusive), only `there` of the `needed` are on
    duty.

    `roles`: the roles that count.
    """

    start: datetime
    end: datetime
    needed: int
    there: int
    roles: frozenset[Role]

    @property
    def missing(self) -> int:
        """The number of people who are missing."""
        return self.needed - self.there


def gaps(officers: Sequence[Officer], needs: Iterable[Need], start: datetime, end: datetime, zone: tzinfo) -> list[Gap]:
    """Return the periods between `start` and `end` with too few people on duty, for each need, the earliest first.

    Neighbours with the same number of people are joined. `zone`: the time zone of the hours in `needs`.
    """
    found = [gap for need in needs for gap in _gaps(officers, need, start, end, zone)]
    return sorted(found, key=lambda gap: (gap.start, gap.end, sorted(gap.roles)))


def hours(officers: Iterable[Officer], start: datetime, end: datetime) -> float:
    """Return the hours of all officers' shifts between `start` and `end`, added up (person-hours)."""
    spans = (
        max(timedelta(0), min(shift.end, end) - max(shift.start, start))
        for officer in officers
        for shift in officer.shifts
    )
    return sum((span.total_seconds() for span in spans), 0.0) / 3600


def station_of(division: str, rosters: Mapping[str, Roster], today: date) -> str | None:
    """Return the name of the station whose officers are nearest to a place (a division's code); None without officers.

    If several are equally near, the first by name. `rosters`: by station.
    """
    near = [
        (distance(place, division, today), station)
        for station, roster in rosters.items()
        for place in {officer.division for officer in roster.officers}
    ]
    return min(near)[1] if near else None


def _gaps(officers: Sequence[Officer], need: Need, start: datetime, end: datetime, zone: tzinfo) -> Iterator[Gap]:
    able = [officer for officer in officers if officer.role in need.roles]
    for opens, closes in _windows(need, start, end, zone):
        held: Gap | None = None
        for since, until in _pieces(able, opens, closes):
            there = sum(_on_duty(officer, since) for officer in able)
            gap = Gap(since, until, need.people, there, need.roles) if there < need.people else None
            if held and gap and held.end == gap.start and held.there == gap.there:
                held = Gap(held.start, gap.end, need.people, there, need.roles)
                continue
            if held:
                yield held
            held = gap
        if held:
            yield held


def _windows(need: Need, start: datetime, end: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """Yield the need's hours of each day, clipped to the period."""
    day = start.astimezone(zone).date() - DAY  # a window of the previous day may reach into this one
    while day <= end.astimezone(zone).date():
        opens = datetime.combine(day, need.hours.start, zone)
        later = day + DAY if need.hours.end <= need.hours.start else day
        closes = datetime.combine(later, need.hours.end, zone)
        if max(opens, start) < min(closes, end):
            yield max(opens, start), min(closes, end)
        day += DAY


def _pieces(officers: Iterable[Officer], opens: datetime, closes: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the window cut at every start and end of a shift: within a piece nothing changes."""
    marks = {opens, closes}
    for officer in officers:
        for shift in officer.shifts:
            marks.update(mark for mark in (shift.start, shift.end) if opens < mark < closes)
    ordered = sorted(marks)
    yield from pairwise(ordered)


def _on_duty(officer: Officer, at: datetime) -> bool:
    return any(shift.start <= at < shift.end for shift in officer.shifts)


def monday(at: datetime, zone: tzinfo) -> datetime:
    """Return the start (0:00 in `zone`) of the week that contains `at`: the Monday on or before it."""
    local = at.astimezone(zone)
    return datetime.combine(local.date() - timedelta(days=local.weekday()), time(), zone)
