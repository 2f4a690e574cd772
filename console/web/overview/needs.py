"""Gathers the matters that need a supervisor now in their area, with the names of those responsible."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from console.web.auth.who import Who
from console.web.kit.services import Services
from console.web.live.claims import claims_end
from console.web.live.queue import place_of
from console.web.overview import area
from console.web.tasks.late_visits import LateVisit
from domain.calendar import local_date
from domain.desk.attention import (
    SHOWN,
    Attention,
    Concern,
    attention,
    complaints_late,
    hand_overs_failed,
    matter_of,
    objections_late,
    orders_waiting,
    silences,
    stops_ending,
    subject_requests_late,
    unchecked,
    undecided,
    visits_late,
    wrong_numbers,
)
from domain.payments.releases import is_open
from schemas.casework.cases import Case
from schemas.levels import Level
from schemas.people.handovers import HandOver
from schemas.people.public_reports import PublicReportState
from schemas.people.rosters import Roster


@dataclass(frozen=True, slots=True)
class People:
    """Names for the pages of a shift. `staff`: by login; `officers`: by the id on the roster."""

    services: Services
    staff: Mapping[str, str]
    officers: Mapping[str, str]

    def named(self, login: str) -> str:
        """Return the name of the person with this login; the login itself if the account was deleted."""
        return self.staff.get(login, login)

    def officer(self, case: Case) -> str:
        """Return the name of the officer sent to a case, "" if none was sent or the name is unknown."""
        return self.officers.get(case.officer or "", "")

    def known(self, case_id: str) -> bool:
        """Return True if the case is open."""
        return case_id in self.services.hub.rows

    def number(self, case_id: str) -> str:
        """Return the short number of an open case, "" for any other case."""
        row = self.services.hub.rows.get(case_id)
        return self.services.hub.numbers.of(row.case) if row else ""

    def level(self, case_id: str) -> Level | None:
        """Return the level of an open case, None for any other case."""
        row = self.services.hub.rows.get(case_id)
        return row.level if row else None

    def resident(self, case_id: str) -> str:
        """Return the unmasked name of an open case's resident, "" if unknown. The caller must mask it before it is
        shown.
        """
        row = self.services.hub.rows.get(case_id)
        return row.name if row else ""

    def place(self, division: str) -> str:
        """Return the county and street of a division in Chinese."""
        return place_of(division, local_date(self.services.line.clock.now()).year)


async def people(services: Services, rosters: list[Roster]) -> People:
    """Return the names of staff (by login) and of the officers on these rosters (by id). Errors of Kafka and Redis pass
    through.
    """
    officers = {officer.id: officer.name for roster in rosters for officer in roster.officers}
    return People(services, await services.staff.names(), officers)


async def needs(
    services: Services, who: Who, feeds: list[area.Feed], late: Mapping[str, LateVisit], now: datetime
) -> Attention:
    """Return the matters that need the supervisor at `now`, and the topics that have no matter. At most SHOWN (4)
    reports of the public page are listed; the rest is only counted. `late`: by case id, the visits that cannot be made
    in time. Errors of Redis pass through.
    """
    complaints = [each for each in await services.line.complaints.all() if who.sees(each.area)]
    asked = [each for each in await services.line.subject_requests.all() if who.sees(each.area)]
    requests = [each for each in await services.line.releases.all() if is_open(each) and who.sees(each.division)]
    reports = await services.line.public_reports.waiting(who.sees, SHOWN)
    waiting_reports = (await services.line.public_reports.count(who.sees))[PublicReportState.WAITING]
    rows = [row for row in services.hub.rows.values() if who.sees(row.division)]
    ends = await claims_end(services, [row.id for row in rows if row.case.claimed_by is not None])
    cases = (matter_of(row.case, row.weight, now, ends.get(row.id)) for row in rows)
    found = attention(
        [
            *(matter for matter in cases if matter is not None),
            *visits_late((row.case, late[row.id].arrival.due) for row in rows if row.id in late),
            *orders_waiting((row.case for row in rows), who.login, who.role),
            *hand_overs_failed(row.case for row in rows),
            *wrong_numbers(row.case for row in rows),
            *silences(feed.silence for feed in feeds if feed.silence is not None),
            *stops_ending(services.figures.book.in_force(who.sees), now + area.SOON),
            *undecided(requests),
            *objections_late(services.figures.book.unreviewed(who.sees), now),
            *unchecked(reports),
            *complaints_late(complaints, now),
            *subject_requests_late(asked, now),
        ]
    )
    if waiting_reports > len(reports):  # anybody can send them: only those that are shown were read
        found.more[Concern.PUBLIC_REPORT] += waiting_reports - len(reports)
    return found


async def waiting(services: Services, who: Who) -> HandOver | None:
    """Return the area's latest hand-over if another person wrote it and nobody has confirmed it yet; else None. Errors
    of Redis pass through.
    """
    latest = next(iter(await services.line.handovers.latest(who.area, 1)), None)
    return latest if latest and latest.taken_by is None and latest.by != who.login else None
