"""The case machine: decides what an input does to a case."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from domain.casework import alerts, fatigue, money, payments
from domain.casework.acts import operator_report, refuse
from domain.casework.draft import CLOSE, Decision, DecisionBuilder, Rules, is_clock
from domain.casework.endings import defrauded, erase, finish, time_to_close
from domain.casework.evidence.adding import evidence_report
from domain.casework.holds import holding, matches, release
from domain.casework.orders import decisions as approvals
from domain.casework.orders import objections, reports
from domain.casework.orders import records as orders
from domain.casework.own_account.answers import hold_clock, own_hold_answer
from domain.casework.own_account.lifting import lift_needless
from domain.casework.own_account.records import HOLD_CLOCK
from domain.casework.results import contact_result, overdue
from domain.casework.steps import end, run_due, unclaim
from domain.casework.stops import bank_feedback, stop_clock
from domain.casework.visits import no_longer_under_way, officer_report
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
    HoldChange,
    ObjectStop,
    OfficerReport,
    OperatorReport,
    OwnHoldAnswer,
    PaymentReport,
    PolicyChange,
    VictimReport,
)
from schemas.codes.people import OfficerLate
from schemas.codes.plan import DroppedWithHold, HeldBack, HoldLifted, HoldOver, VictimReported
from schemas.codes.refusals import EarlierCase, ObjectionWaitsForReview, StillGoesOn
from schemas.levels import Action

_SAME = timedelta(milliseconds=1)  # deadlines are stored in whole milliseconds


def decide(case: Case | None, given: CaseInput, rules: Rules, now: datetime) -> Decision:
    """Return the case after an input, with its facts and dispatches. `now`: the input's `at`.

    An input without effect (an outdated deadline, a known result, a report about a resident without a case) returns the
    same case and no facts. One that the case does not allow is recorded as a fact REFUSED. It never raises on a valid
    input, and depends on its arguments only.
    """
    if isinstance(given, HoldChange):
        return lift(case, given, rules, now)
    if isinstance(given, Alert | PaymentReport) and alerts.opens_anew(case, rules, now):
        return _decided(None, _opened(case, given, rules, now))
    if case is None or isinstance(given, PolicyChange):
        return Decision(case, [], [])
    draft = DecisionBuilder.of(case, rules, now)
    if isinstance(given, Alert | VictimReport | PaymentReport | Erase) or given.case == case.id:
        _HANDLERS[type(given)](draft, payments.by_own_names(case, given))
    elif not isinstance(given, Deadline | ContactResult):
        refuse(draft, EarlierCase(given.case), None)
    return _decided(case, draft)


def _opened(earlier: Case | None, given: Alert | PaymentReport, rules: Rules, now: datetime) -> DecisionBuilder:
    if isinstance(given, PaymentReport):
        return reports.open_by_report(earlier, given, rules, now)
    return alerts.begin_case(earlier, given, rules, now)


def lift(case: Case | None, change: HoldChange, rules: Rules, now: datetime) -> Decision:
    """Return the case after a hold is lifted, with its facts and dispatches: its held steps go out, each after its
    least gap, or are dropped.

    Steps that another hold keeps back stay held. Nothing changes without a case or without `change.lift`.
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
    if step.id == CLOSE:
        time_to_close(draft)
    elif step.id.startswith(orders.UNCONFIRMED):
        approvals.unconfirmed(draft, step)
    elif step.id.startswith(objections.UNDECIDED):
        objections.objection_overdue(draft, step.id)
    elif step.id.startswith(HOLD_CLOCK):
        hold_clock(draft, step)
    else:
        stop_clock(draft, step)


def _no_result(draft: DecisionBuilder, step: Step) -> None:
    fatigue.overdue(draft, step)
    if step.action is Action.VISIT:
        no_longer_under_way(draft, OfficerLate())
    if step.action is Action.OPERATOR_CALL:
        unclaim(draft)
    overdue(draft, step)


def _hold_over(draft: DecisionBuilder) -> None:
    """Release together all steps whose hold has ended, except those to which another hold applies."""
    for step in draft.live():
        if step.state is StepState.HELD and step.due and step.due <= draft.now:
            if hold := holding(draft, step):
                draft.change(step, due=hold.until)
                draft.note(FactKind.HELD, HeldBack(hold.id, hold.reason), step)
            else:
                release(draft, step, HoldOver())


def _victim_report(draft: DecisionBuilder, given: VictimReport) -> None:
    """Record that the resident was defrauded. In a closed case, only the loss is recorded."""
    money.lose(draft, given.transfer, given.amount_fen)
    if draft.case.open:
        defrauded(draft, VictimReported())


def _erase(draft: DecisionBuilder, given: Erase) -> None:
    """Delete the resident's personal data, or refuse while the case is open, has unfinished steps or an objection that
    waits.
    """
    if draft.case.open or draft.live():
        refuse(draft, StillGoesOn(), given.by)
    elif any(each.waits for each in draft.case.objections):
        refuse(draft, ObjectionWaitsForReview(), given.by)
    else:
        erase(draft, given.by)


_HANDLERS: dict[type, Callable[[DecisionBuilder, Any], None]] = {
    Alert: alerts.alert,
    ContactResult: contact_result,
    OperatorReport: operator_report,
    OfficerReport: officer_report,
    Deadline: _deadline,
    BankFeedback: bank_feedback,
    OwnHoldAnswer: own_hold_answer,
    VictimReport: _victim_report,
    PaymentReport: reports.payment_report,
    ObjectStop: objections.take_objection,
    EvidenceReport: evidence_report,
    Erase: _erase,
}
