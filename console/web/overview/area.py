"""Gathers a supervisor's overview of an area: open cases, clocks, officers on duty, claims, feeds and
outreach holds.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.web.auth.who import Who
from console.web.auth.words import place
from console.web.kit.pages import ZONE
from console.web.kit.services import Services
from console.web.tasks.late_visits import LateVisit
from domain.calendar import Shift, before, local_date, shift_at
from domain.desk.load import Load, load_of, visits_by_officer
from domain.feeds.silence import begin_of
from domain.identity import divisions
from domain.policy.duty import Need
from domain.statistics.clocks import Clock, ResponsibleParty, Tally, tally
from domain.visits.coverage import gaps
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
MOMENT = timedelta(seconds=1)  # staffing is looked at as it is now
SOON = timedelta(hours=8)  # stops that expire within this time need attention


@dataclass(frozen=True, slots=True)
class OnDuty:
    """An officer on duty. `until`: the end of the shift (UTC); `visits`: the number of open visits; `late`: those of
    them that cannot be made in time.
    """

    officer: Officer
    until: datetime
    visits: int
    late: list[LateVisit]


@dataclass(frozen=True, slots=True)
class StationDuty:
    """A station and its people on duty, those with most open visits first. `missing`: how many people the policy's
    requirements want besides them now.
    """

    station: str
    people: list[OnDuty]
    missing: int

    @property
    def thin(self) -> bool:
        """True if people are missing, or each one on duty has a visit: nobody is left for the next."""
        return self.missing > 0 or all(each.visits for each in self.people)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed case. `by`: the person's login; `since`: the time of the claim, None if unknown."""

    case: Case
    by: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Feed:
    """A source of signals. `heard`: when its last signal came (UTC, rounded down to 10 s), None if it never sent one;
    `silence`: the outage, None while there is none.
    """

    source: str
    heard: datetime | None
    silence: Silence | None


@dataclass(frozen=True, slots=True)
class ClockTables:
    """Numbers of clocks (deadlines) that were kept and missed.

    `levels`: in the present shift, by level and responsible side; `stations`: visits of the present shift by station,
    the most missed first; `shifts`: the totals of the latest shifts, the present one first.
    """

    shift: Shift
    levels: dict[Level, dict[ResponsibleParty, Tally]]
    stations: list[tuple[str, Tally]]
    shifts: list[tuple[Shift, Tally]]


def load(services: Services, who: Who) -> Load:
    """Return the numbers of the area's open cases by level, and by who handles them (see domain/desk/load.py)."""
    rows = (row for row in services.hub.rows.values() if who.sees(row.division))
    return load_of(((row.case, row.offered) for row in rows), services.line.clock.now())


def clocks(services: Services, who: Who, rosters: Iterable[Roster]) -> ClockTables:
    """Return how many clocks (deadlines) were kept and missed in the reader's area, in the present shift and in each of
    the SHIFTS_SHOWN (4) latest ones. Every level and side is there, with zeros if it had none.
    """
    shift = shift_at(services.line.clock.now())
    counted = list(services.figures.clocks.by(who.sees, shift.start))
    levels = {level: _whose(counted, level) for level in GRAVEST_FIRST}
    station = {officer.id: roster.station for roster in rosters for officer in roster.officers}
    visits = [(clock, n) for clock, n in counted if clock.responsible is ResponsibleParty.OFFICER]
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


def _whose(counted: Iterable[tuple[Clock, int]], level: Level) -> dict[ResponsibleParty, Tally]:
    found = tally(((clock, n) for clock, n in counted if clock.level is level), lambda clock: clock.responsible)
    return {whose: found.get(whose, Tally()) for whose in ResponsibleParty}


def _sum(counted: Iterable[tuple[Clock, int]]) -> Tally:
    return tally(counted, lambda clock: "all").get("all", Tally())


def duty(
    services: Services, who: Who, rosters: Iterable[Roster], needs: Sequence[Need], late: Collection[LateVisit]
) -> list[StationDuty]:
    """Return the stations with people on duty in the reader's area, those with most open visits first, then by name.
    `needs`: the policy's requirements; `late`: the visits that cannot be made in time.
    """
    now = services.line.clock.now()
    visits = visits_by_officer(row.case for row in services.hub.rows.values() if who.sees(row.division))
    found = []
    for roster in rosters:
        here = [officer for officer in roster.officers if who.sees(officer.division) and on_duty(officer, now)]
        people = [
            OnDuty(each, _until(each, now), visits[each.id], [one for one in late if one.officer.id == each.id])
            for each in here
        ]
        if people:
            ordered = sorted(people, key=lambda each: (-each.visits, each.officer.id))
            found.append(StationDuty(roster.station, ordered, _missing(roster, needs, now)))
    return sorted(found, key=lambda each: (-sum(person.visits for person in each.people), each.station))


def _missing(roster: Roster, needs: Sequence[Need], now: datetime) -> int:
    """Return how many people are missing at the station at `now`; of several requirements, the greatest number."""
    found = gaps(roster.officers, needs, now, now + MOMENT, ZONE)
    return max((gap.missing for gap in found), default=0)


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
    """Return every source that has sent or should send signals, those in an outage first, then by name. Errors of Redis
    pass through.
    """
    book = await overview.feeds(services.line.redis)
    found = [
        Feed(source, None if (last := book.last(source)) is None else begin_of(last), book.silent.get(source))
        for source in sorted(book.sources | book.silent.keys())
    ]
    return sorted(found, key=lambda feed: feed.silence is None)


async def holds(services: Services, who: Who) -> list[Hold]:
    """Return the outreach holds (stops of calls and messages) in force that overlap the reader's area. Errors of Redis
    pass through.
    """
    return [hold for hold in await rules.holds_in_force(services.line) if divisions.meet(hold.area or "", who.area)]


def area_name(who: Who, now: datetime) -> str:
    """Return the Chinese name of the reader's area; the province's name for an area of fewer than four digits."""
    return place(who.area if len(who.area) >= 4 else divisions.PROVINCE, local_date(now))
