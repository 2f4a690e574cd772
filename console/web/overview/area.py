"""Gathers a supervisor's overview of an area: load, clocks, officers on duty, feeds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.web.auth.who import Who
from console.web.kit.services import Services
from domain.calendar import Shift, before, local_date, shift_at
from domain.desk.load import Load, load_of
from domain.feeds.silence import begin_of
from domain.identity import divisions
from domain.statistics.clocks import Clock, Tally, Whose, tally
from domain.visits.officers import load_of as visits_of
from domain.visits.officers import on_duty
from schemas.casework.cases import Case
from schemas.casework.inputs import Hold
from schemas.levels import GRAVEST_FIRST, Level
from schemas.people.rosters import Officer, Roster
from schemas.risk.feeds import Silence
from streams.monitoring import overview
from streams.operations import rules

SHIFTS_SHOWN = 4
CLAIMS_SHOWN = 40
STATIONS_OPEN = 3  # up to this many stations are shown with their people unfolded
SOON = timedelta(hours=8)  # stops that expire within this time need attention


@dataclass(frozen=True, slots=True)
class OnDuty:
    """An officer on duty. `until`: the end of the shift (UTC); `visits`: the number of open visits."""

    officer: Officer
    until: datetime
    visits: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed case. `by`: the person's login; `since`: the time of the claim, None if unknown."""

    case: Case
    by: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Feed:
    """A source. `heard`: the time of its last signal (to 10 s), None if it never sent one; `silence`: set during an
    outage.
    """

    source: str
    heard: datetime | None
    silence: Silence | None


@dataclass(frozen=True, slots=True)
class ClockTables:
    """Numbers of clocks kept and missed in the present shift: by level and responsible side, and by station; and the
    totals of the latest shifts.
    """

    shift: Shift
    levels: dict[Level, dict[Whose, Tally]]
    stations: list[tuple[str, Tally]]
    shifts: list[tuple[Shift, Tally]]


def load(services: Services, who: Who) -> Load:
    """Return the numbers of the area's open cases by level."""
    rows = (row for row in services.hub.rows.values() if who.sees(row.division))
    return load_of(((row.case, row.offered) for row in rows), services.line.clock.now())


def clocks(services: Services, who: Who, rosters: Iterable[Roster]) -> ClockTables:
    """Return the clocks of the present shift (the stations with the most missed clocks first) and of the SHIFTS_SHOWN
    latest shifts.
    """
    shift = shift_at(services.line.clock.now())
    counted = list(services.figures.clocks.by(who.sees, shift.start))
    levels = {level: _whose(counted, level) for level in GRAVEST_FIRST}
    station = {officer.id: roster.station for roster in rosters for officer in roster.officers}
    visits = [(clock, n) for clock, n in counted if clock.whose is Whose.OFFICER]
    by_station = tally(visits, lambda clock: station.get(clock.officer, ""))
    shifts = [shift]
    while len(shifts) < SHIFTS_SHOWN:
        shifts.append(before(shifts[-1]))
    return ClockTables(
        shift,
        levels,
        sorted(by_station.items(), key=lambda item: (-item[1].missed, item[0])),
        [(each, _sum(services.figures.clocks.by(who.sees, each.start))) for each in shifts],
    )


def _whose(counted: Iterable[tuple[Clock, int]], level: Level) -> dict[Whose, Tally]:
    found = tally(((clock, n) for clock, n in counted if clock.level is level), lambda clock: clock.whose)
    return {whose: found.get(whose, Tally()) for whose in Whose}


def _sum(counted: Iterable[tuple[Clock, int]]) -> Tally:
    return tally(counted, lambda clock: "all").get("all", Tally())


async def duty(services: Services, who: Who, rosters: Iterable[Roster]) -> list[tuple[str, list[OnDuty]]]:
    """Return (station, officers on duty) for the stations with officers on duty in the area, the most visits first."""
    now = services.line.clock.now()
    visits = visits_of((await services.line.outgoing.rosters.tasks(now)).values())
    found = []
    for roster in rosters:
        here = [officer for officer in roster.officers if who.sees(officer.division) and on_duty(officer, now)]
        people = [OnDuty(officer, _until(officer, now), len(visits.get(officer.id, ()))) for officer in here]
        if people:
            found.append((roster.station, sorted(people, key=lambda each: (-each.visits, each.officer.id))))
    return sorted(found, key=lambda each: (-sum(person.visits for person in each[1]), each[0]))


def _until(officer: Officer, now: datetime) -> datetime:
    return max(shift.end for shift in officer.shifts if shift.start <= now < shift.end)


def claims(services: Services, who: Who) -> list[Claim]:
    """Return the claimed cases of the area, the oldest claim first."""
    since = services.figures.clocks.claimed
    found = [
        Claim(row.case, row.case.claimed_by, since.get(row.case.id))
        for row in services.hub.rows.values()
        if row.case.claimed_by and who.sees(row.case.profile.division)
    ]
    return sorted(found, key=lambda claim: (claim.since or claim.case.updated_at, claim.case.id))


async def feeds(services: Services) -> list[Feed]:
    """Return every source that has sent or should send signals, those in an outage first."""
    book = await overview.feeds(services.line.redis)
    found = [
        Feed(source, None if (last := book.last(source)) is None else begin_of(last), book.silent.get(source))
        for source in sorted(book.sources | book.silent.keys())
    ]
    return sorted(found, key=lambda feed: feed.silence is None)


async def holds(services: Services, who: Who) -> list[Hold]:
    """Return the outreach holds in force that overlap the reader's area."""
    return [hold for hold in await rules.in_force(services.line) if touches(hold, who.area)]


def touches(hold: Hold, area: str) -> bool:
    """Return whether a hold overlaps an area. A hold without an area overlaps every area."""
    return divisions.meet(hold.area or "", area)


def name_of(code: str, now: datetime) -> str:
    """Return the Chinese name of a division code of 4, 6 or 9 digits."""
    return divisions.name_of(code if len(code) > 4 else f"{code}00", local_date(now))


def area_name(who: Who, now: datetime) -> str:
    """Return the Chinese name of the reader's area; the province's name for an area of fewer than four digits."""
    return name_of(who.area, now) if len(who.area) >= 4 else divisions.name_of(divisions.PROVINCE, local_date(now))
