"""The case machine: decides the effect of an input on a case."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from domain.casework import alerts, fatigue, money, payments
from domain.casework.acts import operator_report, refuse
from domain.casework.draft import CLOSE, Decision, DecisionBuilder, Rules, is_clock
from domain.casework.endings import defrauded, erase, finish, time_to_close
from domain.casework.evidence.adding import evidence_report
from domain.casework.evidence.recorded_frauds import fraud_report
from domain.casework.evidence.replies import resident_reply
from domain.casework.follow import machine_calls_instead
from domain.casework.holds import holding, matches, release
from domain.casework.orders import decisions as approvals
from domain.casework.orders import objections, reports
from domain.casework.orders import records as orders
from domain.casework.orders.freeze_ends import FREEZE_CLOCK, freeze_clock
from domain.casework.orders.unanswered import UNANSWERED
from domain.casework.own_account.answers import hold_clock, own_hold_answer
from domain.casework.own_account.lifting import lapse_delays, lift_needless
from domain.casework.own_account.records import HOLD_CLOCK
from domain.casework.provinces.offers import go_on_if_graver, offer_overdue
from domain.casework.provinces.records import OFFER_CLOCK, offer_waiting
from domain.casework.provinces.taking import open_taken, take_over
from domain.casework.results import contact_result, overdue
from domain.casework.searches.decisions import end_needless_search, place_report, search_overdue
from domain.casework.searches.records import SEARCH_CLOCK
from domain.casework.shield.shielding import shield_after_loss
from domain.casework.steps import end, run_due, unclaim
from domain.casework.stops import ask_about_order, bank_feedback, stop_clock
from domain.casework.visits import no_longer_under_way, officer_report
from domain.policy.schedule import AFTER_PLAN
from schemas.casework.cases import Case, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import (
    Alert,
    BankFeedback,
    CaseInput,
    ContactResult,
    Deadline,
    Erase,
    EvidenceReport,
    FraudReport,
    HoldChange,
    ObjectStop,
    OfficerReport,
    OperatorReport,
    OwnHoldAnswer,
    PaymentReport,
    PlaceReport,
    PolicyChange,
    ResidentReply,
    TakeOver,
    VictimReport,
)
from schemas.codes.plan import DroppedWithHold, HeldBack, HoldLifted, HoldOver, VictimReported
from schemas.codes.provinces import QuietHoursNear
from schemas.codes.refusals import EarlierCase, ObjectionWaitsForReview, StillGoesOn
from schemas.codes.visits import OfficerLate
from schemas.levels import Action

_SAME = timedelta(milliseconds=1)  # deadlines are stored in whole milliseconds


def decide(case: Case | None, given: CaseInput, rules: Rules, now: datetime) -> Decision:
    """Return the case after an input, with its facts and dispatches. `now`: the input's `at`. The result depends on the
    arguments only.

    An input without effect (an outdated deadline, a known result, a report about a resident without a case) returns the
    same case and no facts. An input that the case does not allow gives a fact REFUSED. So does one about another case
    of the resident, except deadlines and results, which have no effect then.
    """
    if isinstance(given, HoldChange):
        return lift(case, given, rules, now)
    asks = isinstance(given, TakeOver) and (given.both or given.crosses)  # the sender goes on: nobody need begin anew
    if isinstance(given, Alert | PaymentReport | TakeOver) and not asks and alerts.opens_anew(case, rules, now):
        return _decided(None, _opened(case, given, rules, now))
    if case is None or isinstance(given, PolicyChange):
        return Decision(case, [], [])
    draft = DecisionBuilder.of(case, rules, now)
    if (
        isinstance(given, Alert | VictimReport | FraudReport | PaymentReport | ResidentReply | TakeOver | Erase)
        or given.case == case.id
    ):
        _HANDLERS[type(given)](draft, payments.by_own_names(case, given))
    elif not isinstance(given, Deadline | ContactResult):
        refuse(draft, EarlierCase(given.case), None)
    return _decided(case, draft)


def _opened(
    earlier: Case | None, given: Alert | PaymentReport | TakeOver, rules: Rules, now: datetime
) -> DecisionBuilder:
    if isinstance(given, TakeOver):
        return open_taken(earlier, given, rules, now)
    if isinstance(given, PaymentReport):
        return reports.open_by_report(earlier, given, rules, now)
    return alerts.begin_case(earlier, given, rules, now)


def lift(case: Case | None, change: HoldChange, rules: Rules, now: datetime) -> Decision:
    """Return the case after a hold is lifted, with its facts and dispatches.

    The steps that it held are sent, each after its least gap, or dropped, as `change.lift` requires. Steps to which
    another hold applies stay held. Without a case or without `change.lift`, the decision has the same case and no
    facts.
    """
    if case is None or change.lift is None:
        return Decision(case, [], [])
    draft = DecisionBuilder.of(case, rules, now)
    held = [step for step in draft.live() if step.state is StepState.HELD and matches(change.hold, draft.case, step)]
    for step in held:
        others = [hold for hold in rules.holds if hold.id != change.hold.id and hold.until > now]
        if not any(matches(hold, draft.case, step) for hold in others):
            _let_go(draft, step, change)
    return _decided(case, draft, backlog=bool(draft.facts))


def _let_go(draft: DecisionBuilder, step: Step, change: HoldChange) -> None:
    if change.lift == "drop":
        end(draft, step, StepState.WITHDRAWN, DroppedWithHold(change.hold.id), FactKind.DROPPED)
    else:
        release(draft, step, HoldLifted(change.hold.id))


def _decided(before: Case | None, draft: DecisionBuilder, *, backlog: bool = False) -> Decision:
    if not draft.facts:
        return Decision(before, [], [])
    lift_needless(draft)
    lapse_delays(draft)
    end_needless_search(draft)
    shield_after_loss(draft, before)
    go_on_if_graver(draft)
    run_due(draft, backlog=backlog or any(fact.kind is FactKind.RELEASED for fact in draft.facts))
    finish(draft)
    return draft.done()


def _deadline(draft: DecisionBuilder, given: Deadline) -> None:
    """Process a step's deadline: a waiting step goes out, one that is out has no result in time."""
    step = draft.steps.get(given.step)
    if step is None or step.due is None or abs(step.due - given.due) >= _SAME:
        return
    draft.now = max(draft.now, step.due)
    if is_clock(step):
        _timer(draft, step)
    elif step.state is StepState.PROPOSED:
        approvals.approval_overdue(draft, step)
    elif step.state is StepState.HELD:
        _hold_over(draft)
    elif step.state is StepState.SENT:
        _no_result(draft, step)
    else:
        run_due(draft)


def _timer(draft: DecisionBuilder, step: Step) -> None:
    """Process an internal timer; one whose id has no prefix of `_TIMERS` is a stop's."""
    if step.id == CLOSE:
        time_to_close(draft)
    elif step.id.startswith(objections.UNDECIDED):
        objections.objection_overdue(draft, step.id)
    else:
        next((process for prefix, process in _TIMERS.items() if step.id.startswith(prefix)), stop_clock)(draft, step)


def _no_result(draft: DecisionBuilder, step: Step) -> None:
    if step.action is Action.HAND_OVER:
        offer_overdue(draft, step)
        return
    fatigue.overdue(draft, step)
    if step.action is Action.VISIT:
        no_longer_under_way(draft, OfficerLate())
    taken = draft.case.claimed_by is not None
    if step.action is Action.OPERATOR_CALL:
        unclaim(draft)
    if taken or not machine_calls_instead(draft, step):
        overdue(draft, step)


def _hold_over(draft: DecisionBuilder) -> None:
    """Release together all steps whose hold has ended, except those to which another hold applies."""
    for step in draft.live():
        if step.state is StepState.HELD and step.due and step.due <= draft.now:
            if hold := holding(draft, step):
                draft.change(step, due=hold.until)
                draft.note(FactKind.HELD, HeldBack(hold.id, hold.reason), step)
            else:
                offer = offer_waiting(draft.case)
                near = offer is not None and draft.now < offer.until
                release(draft, step, QuietHoursNear(offer.province) if offer and near else HoldOver())


def _victim_report(draft: DecisionBuilder, given: VictimReport) -> None:
    """Record that the resident was defrauded. In a closed case, only the loss is recorded."""
    money.book_loss(draft, given.transfer, given.amount_fen)
    if draft.case.open:
        defrauded(draft, VictimReported())


def _erase(draft: DecisionBuilder, given: Erase) -> None:
    """Delete the resident's personal data, or refuse while the case is open, has unfinished steps or an objection that
    waits. Only contacts after the plan that are not on their way yet do not count: they are withdrawn.
    """
    calling = any(step.state is StepState.SENT for step in draft.live(*AFTER_PLAN))
    if draft.case.open or draft.hinders_closing() or calling:
        refuse(draft, StillGoesOn(), given.by)
    elif any(each.waits for each in draft.case.objections):
        refuse(draft, ObjectionWaitsForReview(), given.by)
    else:
        erase(draft, given.by)


_TIMERS: dict[str, Callable[[DecisionBuilder, Step], None]] = {
    orders.UNCONFIRMED: approvals.unconfirmed,
    FREEZE_CLOCK: freeze_clock,
    UNANSWERED: ask_about_order,
    HOLD_CLOCK: hold_clock,
    OFFER_CLOCK: offer_overdue,
    SEARCH_CLOCK: search_overdue,
}
_HANDLERS: dict[type, Callable[[DecisionBuilder, Any], None]] = {
    Alert: alerts.alert,
    ContactResult: contact_result,
    OperatorReport: operator_report,
    OfficerReport: officer_report,
    PlaceReport: place_report,
    Deadline: _deadline,
    BankFeedback: bank_feedback,
    OwnHoldAnswer: own_hold_answer,
    VictimReport: _victim_report,
    FraudReport: fraud_report,
    PaymentReport: reports.payment_report,
    ObjectStop: objections.take_objection,
    TakeOver: take_over,
    EvidenceReport: evidence_report,
    ResidentReply: resident_reply,
    Erase: _erase,
}
