"""Finds the matters that need a supervisor now, for the first screen of the overview, the most urgent first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from domain.casework.orders.records import may_not_approve
from domain.casework.provinces.records import failed_offer, late_offer, stuck_offer
from domain.casework.triage import QueueBand, Weight
from domain.desk.complaints import next_due as complaint_due
from domain.desk.handover import ending
from domain.desk.load import late_steps
from domain.desk.open_deadline import EXPIRES_WITHIN, OpenDeadline, deadline, expires_soon, expiring_step
from domain.desk.public_reports import check_due
from domain.desk.subject_requests import request_late
from domain.payments.bank_book import ObjectionLine, StopLine
from domain.payments.headline import Headline, HeadlineKind, headline_of
from schemas.casework.cases import Case, Step
from schemas.casework.orders import StopOrder
from schemas.channels.releases import ReleaseRequest
from schemas.levels import Action, Level
from schemas.people.complaints import Complaint
from schemas.people.public_reports import PublicReport
from schemas.people.staff import StaffRole
from schemas.people.subject_requests import SubjectRequest
from schemas.risk.feeds import Silence

SHOWN = 4  # matters shown of each topic
_GRAVEST, _GRAVE, _LEAST = Level.RED.rank, Level.ORANGE.rank, Level.BLUE.rank


class Concern(StrEnum):
    """The kinds of matters, which are things that need a supervisor now.

    UNCLAIMED: a red case, or one beyond its waiting limit, that no operator has claimed; OVERDUE: a case with a step
    past its due time; EXPIRING: one with a step, or a claim, that expires within a minute; LATE_VISIT: a visit whose
    officer cannot be at the door in time; APPROVAL: a stop order that
    waits for the approval of the person who looks at the page; SILENT: a source in an outage; STOP: a stop-payment that
    expires soon; RELEASE: an undecided request to lift a stop; OBJECTION: to a stop order, on which nobody has decided
    in time; PUBLIC_REPORT: one that nobody has checked; PROVINCE: a case that another province has refused or not taken
    in time, or that both handle; NUMBER: a case whose resident's telephone number is wrong, which no operator has seen;
    COMPLAINT: an overdue answer or decision; SUBJECT_REQUEST: a person's request about their data whose time has ended.
    """

    UNCLAIMED = "unclaimed"
    OVERDUE = "overdue"
    EXPIRING = "expiring"
    LATE_VISIT = "late_visit"
    APPROVAL = "approval"
    SILENT = "silent"
    STOP = "stop"
    RELEASE = "release"
    OBJECTION = "objection"
    PUBLIC_REPORT = "public_report"
    PROVINCE = "province"
    NUMBER = "number"
    COMPLAINT = "complaint"
    SUBJECT_REQUEST = "subject_request"


class Urgency(IntEnum):
    """The classes of matters by what is lost while they wait. Lower values come first.

    DUE: something is overdue, expires within a minute or cannot be in time, in a case of any level, or a stop order
    waits for its approval. MONEY: a red case in which money is under way and not stopped. OTHER: it can wait for some
    minutes.
    """

    DUE = 0
    MONEY = 1
    OTHER = 2


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that needs a supervisor now, such as an overdue case or an undecided request. `topic`: its kind.
    `rank`: the rank of a level; higher is graver.

    `at`: the time since which it lasts, or at which it is due or expires (aware); None if unknown. `case`: for
    UNCLAIMED, OVERDUE, EXPIRING, LATE_VISIT and APPROVAL. `step`: the overdue or expiring step; None if the claim
    expires. `about`: the order of APPROVAL, and the record of the other topics. `soon`: for UNCLAIMED, True if the
    case's nearest deadline (`left`) expires within a minute or has expired.
    """

    topic: Concern
    rank: int
    at: datetime | None
    case: Case | None = None
    step: Step | None = None
    about: (
        StopOrder
        | StopLine
        | ReleaseRequest
        | ObjectionLine
        | PublicReport
        | Complaint
        | SubjectRequest
        | Silence
        | None
    ) = None
    soon: bool = False

    @property
    def assignable(self) -> bool:
        """True if it helps to give the case to an operator: nobody has claimed it, or an operator's call in it is
        overdue or about to expire. False for a matter without a case, a settled case, and the topics APPROVAL and
        PROVINCE.
        """
        if self.case is None or self.case.settled or self.topic in (Concern.APPROVAL, Concern.PROVINCE):
            return False
        late = self.step is not None and self.step.action is Action.OPERATOR_CALL
        return self.case.claimed_by is None or late

    @property
    def amount_fen(self) -> int | None:
        """The money (fen) that the matter is about; None if it is about none.

        Of an order, stop, request, objection or report, its own amount; of a case, the amount that its headline shows,
        unless all of it is stopped.
        """
        if isinstance(self.about, StopOrder | StopLine | ReleaseRequest | ObjectionLine | PublicReport):
            return self.about.amount_fen or None
        money = self.headline
        return None if money is None or money.secured else money.amount_fen or None

    @property
    def estimated(self) -> bool:
        """True if the amount is an estimate, because no payment of the case is known to be under way; False for a
        matter about a record.
        """
        money = self.headline
        return money is not None and money.kind is HeadlineKind.ESTIMATE

    @property
    def headline(self) -> Headline | None:
        """The amount of the case and what kind of amount it is, as at the head of its page; None for a matter that is
        about a record (`about`) or has no case.
        """
        return headline_of(self.case) if self.case and self.about is None else None

    @property
    def left(self) -> OpenDeadline | None:
        """The deadline that an unclaimed case counts down to, here and in the queue: its nearest one. None for a matter
        of another topic, or a case without a deadline.
        """
        return deadline(self.case) if self.case is not None and self.topic is Concern.UNCLAIMED else None

    @property
    def urgency(self) -> Urgency:
        """The class of the matter by what is lost while it waits.

        DUE: a stop order that waits for approval, or a case that is OVERDUE, EXPIRING or LATE_VISIT or has `soon`.
        MONEY: any other matter of a red case with money under way. OTHER: everything else.
        """
        if self.soon or self.topic in (Concern.OVERDUE, Concern.EXPIRING, Concern.LATE_VISIT, Concern.APPROVAL):
            return Urgency.DUE
        red = self.case is not None and self.case.level is Level.RED and headline_of(self.case).in_danger
        return Urgency.MONEY if red else Urgency.OTHER

    @property
    def place(self) -> tuple[int, int, int, float, str]:
        """The sort key of the matter: the lowest comes first.

        1. Its urgency: what is lost while it waits weighs more than how long it has waited.
        2. Of what is due, the time that the page counts down to (`_ends`): the one that was due first, of any level
           and with any amount, so that no clock stands above one that has run out.
        3. Of red cases with money under way, the larger amount: that much goes while the matter waits.
        4. Of the rest, the graver level, then the time: what is due or began to wait earliest; a source that never
           sent before all.
        5. The case's id or the record, so that the order does not change by itself.
        """
        urgency, name = self.urgency, self.case.id if self.case else str(self.about)
        money = self.amount_fen or 0 if urgency is Urgency.MONEY else 0
        rank = self.rank if urgency is Urgency.OTHER else 0
        return urgency, -money, -rank, self._ends, name

    @property
    def _ends(self) -> float:
        """The time (Unix seconds) by which matters of one class and amount are sorted: that of the deadline that an
        unclaimed case counts down to, of other matters `at`; 0 if unknown.
        """
        at = self.left.at if self.left else self.at
        return at.timestamp() if at else 0.0


@dataclass(slots=True)
class Attention:
    """The matters for the first screen, the most urgent first (`shown`; see Matter.place). A case is shown once.

    `also`: by the id of a case that is shown, its other matters, in the same order. `more`: numbers of matters that are
    not shown, by topic. `fine`: topics without any matter. `longest`, `largest`: of the red cases that nobody has
    claimed, the one that has waited longest, and the one with the most money that nothing has stopped; both cases are
    always shown. None without such a case.
    """

    shown: list[Matter] = field(default_factory=list)
    longest: Matter | None = None
    largest: Matter | None = None
    also: dict[str, list[Matter]] = field(default_factory=dict)
    more: Counter[Concern] = field(default_factory=Counter)
    fine: list[Concern] = field(default_factory=list)


def matter_of(case: Case, weight: Weight, now: datetime, claim_ends: datetime | None = None) -> Matter | None:
    """Return what needs attention in an open case: UNCLAIMED, else OVERDUE (with the step that was due first), else
    EXPIRING; None if nothing does.

    `weight`: the case's weight in the queue; `claim_ends`: when its claim expires if no page renews it, None without a
    claim.
    """
    if _unclaimed(case, weight, now):
        soon = expires_soon(deadline(case), now)
        return Matter(Concern.UNCLAIMED, case.level.rank, weight.since, case, soon=soon)
    late = late_steps(case, now)
    if not late:
        return _expiring(case, now, claim_ends)
    step = min(late, key=lambda each: (each.due or now, each.id))
    return Matter(Concern.OVERDUE, case.level.rank, step.due, case, step)


def visits_late(found: Iterable[tuple[Case, datetime]]) -> list[Matter]:
    """Return a matter for each of these cases, whose visits cannot be made in time; in the given order. Each case comes
    with the time by which the officer should be at the door, which is `at`.
    """
    return [Matter(Concern.LATE_VISIT, case.level.rank, due, case) for case, due in found]


def orders_waiting(cases: Iterable[Case], by: str, role: StaffRole) -> list[Matter]:
    """Return a matter for each stop order that waits for the person with the login `by` and this role: they may approve
    it, or confirm it if an automatic rule sent it. `at` is the time by which persons must have decided.
    """
    return [
        Matter(Concern.APPROVAL, case.level.rank, order.confirm_by or order.due, case, about=order)
        for case in cases
        for order in waits_for(case, by, role)
    ]


def hand_overs_failed(cases: Iterable[Case]) -> list[Matter]:
    """Return a matter for each case whose hand-over to another province was refused, not acknowledged in time, or
    acknowledged late so that both provinces handle it, also if this one may not end its part by itself; in the given
    order. `at`: when the offer's time ended.
    """
    found = ((case, late_offer(case) or failed_offer(case) or stuck_offer(case)) for case in cases)
    return [Matter(Concern.PROVINCE, case.level.rank, offer.until, case) for case, offer in found if offer]


def wrong_numbers(cases: Iterable[Case]) -> list[Matter]:
    """Return a matter for each case whose resident's number turned out to be wrong, or whose telephone another person
    answered, as long as no operator has seen it; in the given order. `at`: when that came.
    """
    return [
        Matter(Concern.NUMBER, case.level.rank, case.wrong_number_at, case) for case in cases if case.wrong_number_at
    ]


def waits_for(case: Case, by: str, role: StaffRole) -> list[StopOrder]:
    """Return the stop orders of a case that wait for the person with the login `by` and this role, who may approve or
    decline them and has not approved them yet; in the case's order.
    """
    return [order for order in case.orders if order.decidable and may_not_approve(order, by, role) is None]


def stops_ending(stops: Iterable[StopLine], until: datetime) -> list[Matter]:
    """Return a matter of the highest rank for each stop in force that ends before `until`, the earliest first."""
    return [Matter(Concern.STOP, _GRAVEST, line.stop.until, about=line) for line in ending(stops, until)]


def silences(found: Iterable[Silence]) -> list[Matter]:
    """Return a matter of the highest rank for each source in an outage, in the given order; `at` is when its last
    signal came, None if it never sent any.
    """
    return [Matter(Concern.SILENT, _GRAVEST, each.since, about=each) for each in found]


def undecided(requests: Iterable[ReleaseRequest]) -> list[Matter]:
    """Return a matter of the rank of an orange case for each of these requests to lift a stop, in the given order. `at`
    is the time by which the request must be decided.

    `requests`: only undecided requests; decided ones are not filtered out here.
    """
    return [Matter(Concern.RELEASE, _GRAVE, each.due, about=each) for each in requests]


def objections_late(waiting: Iterable[ObjectionLine], now: datetime) -> list[Matter]:
    """Return a matter of the rank of an orange case for each of these objections whose time for the review has ended,
    in the given order; `at` is that end.

    `waiting`: only undecided ones; decided ones are not filtered out here.
    """
    late = (each for each in waiting if each.objection.due <= now)
    return [Matter(Concern.OBJECTION, _GRAVE, each.objection.due, about=each) for each in late]


def unchecked(reports: Iterable[PublicReport]) -> list[Matter]:
    """Return a matter of the rank of an orange case for each report from the public page, in the given order; `at` is
    the time by which it must be checked.

    `reports`: undecided ones only; decided ones are not filtered out here.
    """
    return [Matter(Concern.PUBLIC_REPORT, _GRAVE, check_due(each), about=each) for each in reports]


def complaints_late(complaints: Iterable[Complaint], now: datetime) -> list[Matter]:
    """Return a matter of the lowest rank for each complaint whose answer or decision is due at or before `now`, in the
    given order; `at` is that due time.
    """
    late = ((complaint_due(each), each) for each in complaints)
    return [Matter(Concern.COMPLAINT, _LEAST, owed, about=each) for owed, each in late if owed and owed <= now]


def subject_requests_late(requests: Iterable[SubjectRequest], now: datetime) -> list[Matter]:
    """Return a matter of the lowest rank for each unfinished request of a person about their data that is due at or
    before `now`, in the given order; `at` is that due time.
    """
    late = (each for each in requests if request_late(each, now))
    return [Matter(Concern.SUBJECT_REQUEST, _LEAST, each.due, about=each) for each in late]


def attention(matters: Iterable[Matter]) -> Attention:
    """Return the matters for the first screen: the first 4 of each topic by urgency (Matter.place), and the unclaimed
    red cases that have waited longest and have the most money; the numbers of the matters that are not shown; and the
    topics without any. Of several matters of one case the most urgent is shown, with the others beside it.
    """
    ordered = sorted(matters, key=lambda matter: matter.place)
    reds = [each for each in ordered if each.topic is Concern.UNCLAIMED and each.rank == _GRAVEST]
    found, counted = Attention(), Counter[Concern]()
    found.longest = min(reds, key=lambda each: each.at.timestamp() if each.at else 0.0, default=None)
    found.largest = max((each for each in reds if each.amount_fen), key=lambda each: each.amount_fen or 0, default=None)
    for each in ordered:
        if each.case is not None and each.case.id in found.also:
            found.also[each.case.id].append(each)
            continue
        counted[each.topic] += 1
        if counted[each.topic] <= SHOWN or each is found.longest or each is found.largest:
            found.shown.append(each)
            if each.case is not None:
                found.also[each.case.id] = []
        else:
            found.more[each.topic] += 1
    topics = {each.topic for each in ordered}
    found.fine = [topic for topic in Concern if topic not in topics]
    return found


def _expiring(case: Case, now: datetime, claim_ends: datetime | None) -> Matter | None:
    """Return the matter of a case whose claim, or a step of which, expires within a minute; of both, the earlier."""
    step = expiring_step(case, now)
    claim = claim_ends is not None and claim_ends < now + EXPIRES_WITHIN
    if claim_ends is not None and claim and (step is None or claim_ends < step.at):
        return Matter(Concern.EXPIRING, case.level.rank, claim_ends, case)
    return Matter(Concern.EXPIRING, case.level.rank, step.at, case, step.step) if step else None


def _unclaimed(case: Case, weight: Weight, now: datetime) -> bool:
    return weight.turn is QueueBand.OFFERED and (case.level is Level.RED or weight.beyond(now) is not None)
