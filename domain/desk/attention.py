"""Finds what needs a supervisor now: each matter with its time, for the first screen of the overview."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.casework.triage import QueueBand, Weight
from domain.desk.complaints import due as complaint_due
from domain.desk.handover import ending
from domain.desk.load import late_steps
from domain.desk.public_reports import check_due
from domain.payments.bank_book import ObjectionLine, StopLine
from schemas.casework.cases import Case, Step
from schemas.channels.releases import ReleaseRequest
from schemas.levels import Action, Level
from schemas.people.complaints import Complaint
from schemas.people.public_reports import PublicReport
from schemas.risk.feeds import Silence

SHOWN = 4  # matters shown of each topic
_GRAVEST, _GRAVE, _LEAST = Level.RED.rank, Level.ORANGE.rank, Level.BLUE.rank


class Concern(StrEnum):
    """The kinds of matters.

    UNCLAIMED: a red case, or one beyond its waiting limit, that no operator has claimed; OVERDUE: a case with a step
    past its due time; SILENT: a source in an outage; STOP: a stop-payment that expires soon; RELEASE: an undecided
    request to lift a stop; OBJECTION: to a stop order, on which nobody has decided in time; PUBLIC_REPORT: one
    that nobody has checked; COMPLAINT: an overdue answer or decision.
    """

    UNCLAIMED = "unclaimed"
    OVERDUE = "overdue"
    SILENT = "silent"
    STOP = "stop"
    RELEASE = "release"
    OBJECTION = "objection"
    PUBLIC_REPORT = "public_report"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Matter:
    """One matter for a supervisor. `rank`: of a level, by which matters are sorted; higher is graver.

    `at`: since when it lasts, or when it expires (aware UTC); None if unknown. `case`: for UNCLAIMED and OVERDUE;
    `step`: the overdue step; `about`: the record of the other topics.
    """

    topic: Concern
    rank: int
    at: datetime | None
    case: Case | None = None
    step: Step | None = None
    about: StopLine | ReleaseRequest | ObjectionLine | PublicReport | Complaint | Silence | None = None

    @property
    def assignable(self) -> bool:
        """Whether it helps to give the case to an operator: nobody has it, or its holder is late on the telephone."""
        if self.case is None or self.case.settled:
            return False
        late = self.step is not None and self.step.action is Action.OPERATOR_CALL
        return self.case.claimed_by is None or late


@dataclass(slots=True)
class Attention:
    """The matters shown, the gravest first.

    `more`: by topic, numbers of matters not shown; `fine`: topics without any matter.
    """

    shown: list[Matter] = field(default_factory=list)
    more: Counter[Concern] = field(default_factory=Counter)
    fine: list[Concern] = field(default_factory=list)


def matter_of(case: Case, weight: Weight, now: datetime) -> Matter | None:
    """Return the one matter of an open case that needs attention, or None. UNCLAIMED takes precedence over OVERDUE,
    which names the step that is due first.
    """
    if _unclaimed(case, weight, now):
        return Matter(Concern.UNCLAIMED, case.level.rank, weight.since, case)
    late = late_steps(case, now)
    if not late:
        return None
    step = min(late, key=lambda each: (each.due or now, each.id))
    return Matter(Concern.OVERDUE, case.level.rank, step.due, case, step)


def stops_ending(stops: Iterable[StopLine], until: datetime) -> list[Matter]:
    """Return a matter of the gravest weight for each stop in force that ends before `until`, the earliest first."""
    return [Matter(Concern.STOP, _GRAVEST, line.stop.until, about=line) for line in ending(stops, until)]


def silences(found: Iterable[Silence]) -> list[Matter]:
    """Return a matter of the gravest weight for each source in an outage, in the given order."""
    return [Matter(Concern.SILENT, _GRAVEST, each.since, about=each) for each in found]


def undecided(requests: Iterable[ReleaseRequest]) -> list[Matter]:
    """Return requests to lift a stop as matters; `at` is when each must be decided. Pass undecided ones only."""
    return [Matter(Concern.RELEASE, _GRAVE, each.due, about=each) for each in requests]


def objections_late(waiting: Iterable[ObjectionLine], now: datetime) -> list[Matter]:
    """Return the waiting objections to stop orders whose clock has ended, as matters."""
    late = (each for each in waiting if each.objection.due <= now)
    return [Matter(Concern.OBJECTION, _GRAVE, each.objection.due, about=each) for each in late]


def unchecked(reports: Iterable[PublicReport]) -> list[Matter]:
    """Return reports of the public page as matters; `at` is by when each must be checked. Pass undecided ones only."""
    return [Matter(Concern.PUBLIC_REPORT, _GRAVE, check_due(each), about=each) for each in reports]


def complaints_late(complaints: Iterable[Complaint], now: datetime) -> list[Matter]:
    """Return a matter of the least weight for each complaint whose answer or decision is due at or before `now`."""
    late = ((complaint_due(each), each) for each in complaints)
    return [Matter(Concern.COMPLAINT, _LEAST, owed, about=each) for owed, each in late if owed and owed <= now]


def attention(matters: Iterable[Matter]) -> Attention:
    """Return the matters sorted by gravity, then by time: the first 4 of each topic, and the numbers of the others."""
    found, counted = Attention(), Counter[Concern]()
    for each in sorted(matters, key=_urgency):
        counted[each.topic] += 1
        if counted[each.topic] <= SHOWN:
            found.shown.append(each)
        else:
            found.more[each.topic] += 1
    found.fine = [topic for topic in Concern if not counted[topic]]
    return found


def _unclaimed(case: Case, weight: Weight, now: datetime) -> bool:
    return weight.turn is QueueBand.OFFERED and (case.level is Level.RED or weight.beyond(now) is not None)


def _urgency(matter: Matter) -> tuple[int, float, str]:
    name = matter.case.id if matter.case else str(matter.about)
    return -matter.rank, matter.at.timestamp() if matter.at else 0.0, name
