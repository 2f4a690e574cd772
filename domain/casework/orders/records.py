"""Stop orders within a decision: proposed when their step falls due, approved, declined, ended.

A step asks a bank only if its order is approved: by as many persons as the policy says, or by a rule of the policy that
cites its legal ground.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.calendar import local_date
from domain.casework import payments
from domain.casework.draft import CLOCK, DecisionBuilder
from domain.casework.orders.later_limits import covering
from domain.ids import case_digits, in_groups
from domain.payments.ledger import upheld_at
from domain.policy.approval import ApprovalRule
from domain.policy.schedule import LATEST
from schemas.casework.cases import LIVE_STEPS, Case, Payment, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.orders import Approval, CarriedOut, Freezing, OrderState, StandingApproval, StopOrder
from schemas.channels.bank_messages import bank_of
from schemas.codes.any_code import AnyCode
from schemas.codes.money import (
    CanStillBeStopped,
    MoneyTracedHere,
    StopApproved,
    StopApprovedUnder,
    StopAutomatic,
    StopConfirmed,
    StopProposed,
    TracedUnderApproval,
)
from schemas.codes.refusals import ApprovedBefore, RefusalCode, RoleMayNotApprove
from schemas.levels import Action
from schemas.people.staff import StaffRole

UNCONFIRMED = f"{CLOCK}ok."  # ids of the timers of automatic orders that nobody has confirmed
ASKING = frozenset({Action.STOP_PAYMENT, Action.STOP_AGAIN})  # the actions that need an order

_NOT_WANTED = frozenset({OrderState.DECLINED, OrderState.UNDECIDED, OrderState.LAPSED})


def order_of(case: Case, step: str) -> StopOrder | None:
    """Return the order of the step with the id `step`, or None."""
    return next((order for order in case.orders if order.step == step), None)


def latest_order(case: Case, transfer: str, *states: OrderState) -> StopOrder | None:
    """Return the latest order for a transfer in one of `states` (in any state if none are given), or None."""
    found = [order for order in case.orders if order.transfer == transfer and (not states or order.state in states)]
    return found[-1] if found else None


def stands(case: Case, order: StopOrder, steps: Iterable[Step]) -> bool:
    """Return whether an order waits for persons, is on its way to the bank, or has an effect there. `steps`: the
    case's, as they are now.

    A request that its bank has not answered within all attempts has ended, and has had no effect.
    """
    if order.state is not OrderState.APPROVED:
        return order.state is OrderState.PROPOSED
    payment = payments.find(case, order.transfer)
    stopped = payment is not None and payment.stop is not None and payment.stop.runs
    return stopped or any(step.id == order.step and step.state in LIVE_STEPS for step in steps)


def document_number(prefix: str, case_id: str, ordinal: int, at: datetime) -> str:
    """Return the document number (文书号) of an order made at `at`: 吉公反诈止付〔2026〕4817-3305-1192-1号.

    It consists of the centre's prefix, the year, all digits of the case's number, and the order's ordinal in the case
    (from 1), so no shared counter is needed. It begins with the digits of the short case number (26-4817).
    """
    return f"{prefix}〔{local_date(at).year}〕{in_groups(case_digits(case_id))}-{ordinal}号"


def overturned(case: Case, transfer: str) -> bool:
    """Return whether an objection to a stop of the transfer's account was upheld. Then only a person's own order stops
    the account again.
    """
    return upheld_at(case, transfer) is not None


def decided_against(case: Case, transfer: str) -> bool:
    """Return whether persons decided against the latest order for a transfer, nobody decided in time, or an objection
    to a stop of its account was upheld. Then no rule sends an order again without a person.
    """
    order = latest_order(case, transfer)
    return overturned(case, transfer) or (order is not None and order.state in _NOT_WANTED)


def may_propose(case: Case, payment: Payment) -> bool:
    """Return whether the plan may propose an order for a payment without a person.

    False if the only evidence against the account is an unconfirmed report by another person, because one person's
    report must not stop the payments of others. False also if persons decided against an order, or nobody decided in
    time.
    """
    return not decided_against(case, payment.transfer) and not payments.only_reported(case, payment)


def has_open_order(draft: DecisionBuilder, transfer: str) -> bool:
    """Return whether an order for a transfer is open, a step that needs an order waits for its time, or the account's
    bank has stopped the account by itself.
    """
    payment = payments.find(draft.case, transfer)
    if draft.live_for(transfer, *ASKING) or (payment is not None and payment.stop is not None and payment.stop.runs):
        return True
    known = (order for order in draft.case.orders if order.transfer == transfer)
    return any(stands(draft.case, order, draft.steps.values()) for order in known)


def traced_before(draft: DecisionBuilder, payment: Payment) -> bool:
    """Return whether money of other payments had reached the payee of `payment`, and an order on that account is open,
    so that the account gets no second order.
    """
    return any(each.payee == payment.payee and has_open_order(draft, each.transfer) for each in draft.case.traced)


def must_wait(draft: DecisionBuilder, step: Step) -> bool:
    """Return whether a step that falls due must wait for persons. If so, its order is proposed.

    An order that an automatic rule of the policy allows is approved at once, and a person must confirm it later.
    """
    if step.action not in ASKING:
        return False
    order = order_of(draft.case, step.id) or _new(draft, step)
    if order is None or order.state is OrderState.APPROVED:
        return False
    draft.change(step, state=StepState.PROPOSED, due=order.due)
    return True


def ask_for_order(draft: DecisionBuilder, step: Step, because: AnyCode, by: str, role: StaffRole | None) -> None:
    """Record that a person asks for a step's order. If their role may approve, the person also counts as an approver.
    No effect if the case lacks the payment.
    """
    payment = payments.find(draft.case, step.transfer)
    if payment is None:
        return
    order = order_of(draft.case, step.id)
    if order is None:
        rule = draft.plan.stop.approval.of(payment, extension=step.action is Action.STOP_AGAIN)
        order = _order(draft, step, payment, _by_persons(rule), because, by)
        put_order(draft, order)
        _noted(draft, order, step)
    if role is not None and not unrouted(payment) and may_not_approve(order, by, role) is None:
        add_approval(draft, order, by, role)


def unrouted(payment: Payment) -> bool:
    """Return whether nobody knows yet which institution to ask: only a person has reported the payment, and without the
    payee's bank or payment institution. The order then waits until a person chooses one.
    """
    return payment.reported is not None and payment.feed is None and payment.institution is None


def may_not_approve(order: StopOrder, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Return why this person may not approve an order, or None if they may."""
    if role not in order.roles:
        return RoleMayNotApprove()
    return ApprovedBefore() if any(approval.by == by for approval in order.approvals) else None


def add_approval(draft: DecisionBuilder, order: StopOrder, by: str, role: StaffRole) -> None:
    """Add a person's approval. With enough approvals the order is approved, and its step falls due now."""
    approvals = (*order.approvals, Approval(by=by, role=role, at=draft.now))
    enough = len(approvals) >= order.persons  # an automatic order needs none: it is approved already
    step = draft.steps.get(order.step)
    _settle(draft, order, OrderState.APPROVED if enough else order.state, approvals=approvals)
    what = StopConfirmed(by) if order.state is OrderState.APPROVED else StopApproved(by)
    draft.note(FactKind.STOP, what, step, by=by)
    if enough and step is not None and step.state is StepState.PROPOSED:
        draft.change(step, state=StepState.PENDING, due=draft.now)


def approve_under(draft: DecisionBuilder, order: StopOrder, approving: StopOrder, later: StandingApproval) -> None:
    """Approve an order by the standing approval of another (`approving`): those who signed it are its approvers."""
    covered = _covered(order, approving, later)
    _settle(draft, covered, OrderState.APPROVED)
    step = draft.steps.get(order.step)
    _noted_under(draft, covered, step)
    if step is not None and step.state is StepState.PROPOSED:
        draft.change(step, state=StepState.PENDING, due=draft.now)


def _covered(order: StopOrder, approving: StopOrder, later: StandingApproval) -> StopOrder:
    """Return an order with the number of the approving order in it and in its ground, and those who signed."""
    ground = order.ground
    if isinstance(ground, MoneyTracedHere):
        ground = TracedUnderApproval(ground.bank, ground.hops, approving.number)
    signed = {each.by for each in later.approvals}
    approvals = (*(each for each in order.approvals if each.by not in signed), *later.approvals)
    return order.model_copy(update={"ground": ground, "approvals": approvals, "under": approving.number})


def _noted_under(draft: DecisionBuilder, order: StopOrder, step: Step | None) -> None:
    by = "、".join(each.by for each in order.approvals)
    draft.note(FactKind.STOP, StopApprovedUnder(order.under or "", by), step)


def record_execution(draft: DecisionBuilder, transfer: str, until: datetime) -> None:
    """Record in the approved order for a transfer that the bank has carried it out, until `until`. No effect without an
    approved order.
    """
    order = latest_order(draft.case, transfer, OrderState.APPROVED)
    if order is not None:
        done = CarriedOut(bank=bank_of(transfer), at=draft.now, until=until)
        put_order(draft, order.model_copy(update={"carried_out": done}))


def record_freezing(draft: DecisionBuilder, order: StopOrder, freezing: Freezing) -> None:
    """Put an order into the end state HANDED_OVER, from any state, with the freezing."""
    _settle(draft, order, OrderState.HANDED_OVER, freezing=freezing)


def end_order(draft: DecisionBuilder, order: StopOrder, state: OrderState) -> None:
    """Put an order into the end state `state`."""
    _settle(draft, order, state)


def _settle(draft: DecisionBuilder, order: StopOrder, state: OrderState, **more: object) -> None:
    """Put an order into a state in which nobody has to confirm it any more."""
    put_order(draft, order.model_copy(update={"state": state, "confirm_by": None, **more}))
    draft.steps.pop(f"{UNCONFIRMED}{order.step}", None)


def withdrawn(draft: DecisionBuilder, step: Step) -> None:
    """End the order of a step that ends before enough persons have approved. No effect on an order in another state."""
    order = order_of(draft.case, step.id)
    if order is not None and order.state is OrderState.PROPOSED:
        end_order(draft, order, OrderState.WITHDRAWN)


def final(draft: DecisionBuilder, order: StopOrder) -> datetime:
    """Return until when a proposed order may be approved, which is as long as a stop, or its extension, can help."""
    payment = payments.find(draft.case, order.transfer)
    if order.action is Action.STOP_AGAIN:
        ends = payment.stop.until if payment and payment.stop else None
        return ends or draft.now
    return min(order.asked_at + draft.plan.stop.settled_within, LATEST)


def _new(draft: DecisionBuilder, step: Step) -> StopOrder | None:
    payment = payments.find(draft.case, step.transfer)
    if payment is None:
        return None
    rule = draft.plan.stop.approval.of(payment, extension=step.action is Action.STOP_AGAIN)
    rule = _by_persons(rule) if unrouted(payment) or decided_against(draft.case, payment.transfer) else rule
    because = step.because or CanStillBeStopped()
    order = _order(draft, step, payment, rule, because, None)
    if rule.persons == 0 and rule.confirm_within is not None:
        confirm_by = draft.after(rule.confirm_within)
        order = order.model_copy(update={"state": OrderState.APPROVED, "law": rule.law, "confirm_by": confirm_by})
        warned = draft.now + rule.confirm_within / 2
        draft.timer(f"{UNCONFIRMED}{order.step}", order.action, warned, order.transfer)
    elif isinstance(because, MoneyTracedHere) and (
        found := covering(draft.case, payment, rule, draft.rules.policy.trace, draft.now)
    ):
        order = _covered(order, *found).model_copy(update={"state": OrderState.APPROVED})
    put_order(draft, order)
    _noted(draft, order, step)
    return order


def amounts_changed(draft: DecisionBuilder) -> None:
    """Make the proposed orders of payments whose amount has changed anew, by the policy's rule for the new amount: the
    approvals so far were for another amount, and persons must decide again. A fact records it.
    """
    for order in draft.case.orders:
        payment = payments.find(draft.case, order.transfer)
        same = payment is None or payment.movement is not None or payment.amount_fen == order.amount_fen
        if payment is None or same or order.state is not OrderState.PROPOSED:
            continue
        rule = _by_persons(draft.plan.stop.approval.of(payment, extension=order.action is Action.STOP_AGAIN))
        new = {"amount_fen": payment.amount_fen, "persons": rule.persons, "roles": rule.roles, "approvals": ()}
        put_order(draft, order.model_copy(update=new))
        draft.note(FactKind.STOP, StopProposed(rule.persons), draft.steps.get(order.step))


def _order(
    draft: DecisionBuilder, step: Step, payment: Payment, rule: ApprovalRule, because: AnyCode, by: str | None
) -> StopOrder:
    stop = draft.plan.stop
    return StopOrder(
        step=step.id,
        number=document_number(stop.prefix, draft.case.id, len(draft.case.orders) + 1, draft.now),
        transfer=payment.transfer,
        payee=payment.payee,
        amount_fen=payment.amount_fen,
        hours=stop.lasts // timedelta(hours=1),
        action=step.action,
        state=OrderState.PROPOSED,
        ground=because,
        asked_by=by,
        asked_at=draft.now,
        due=draft.after(stop.approval.within),
        persons=rule.persons,
        roles=rule.roles,
    )


def _by_persons(rule: ApprovalRule) -> ApprovalRule:
    """Return the rule for an order that a person asks for: at least one person must approve, even if the policy needs
    none.
    """
    return rule if rule.persons else rule.model_copy(update={"persons": 1})


def _noted(draft: DecisionBuilder, order: StopOrder, step: Step) -> None:
    if order.confirm_by is not None:
        draft.note(FactKind.STOP, StopAutomatic(order.law, order.confirm_by), step)
    elif order.under is not None:
        _noted_under(draft, order, step)
    else:
        draft.note(FactKind.STOP, StopProposed(order.persons), step)


def put_order(draft: DecisionBuilder, order: StopOrder) -> None:
    """Record an order in the place of the same step's order, or as a new one at the end."""
    known = draft.case.orders
    if all(other.step != order.step for other in known):
        draft.set(orders=[*known, order])
    else:
        draft.set(orders=[order if other.step == order.step else other for other in known])
