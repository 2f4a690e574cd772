"""Applies persons' decisions on stop orders, and the consequences if nobody decides in time."""

from domain.casework import payments, stops
from domain.casework.draft import DecisionBuilder
from domain.casework.orders import later
from domain.casework.orders import records as orders
from domain.casework.steps import Ended, end
from domain.payments.accounts import find
from schemas.casework.cases import Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, OrderState, StopOrder
from schemas.codes.any_code import AnyCode
from schemas.codes.refusals import (
    CannotBeStopped,
    InstitutionKnown,
    InstitutionMissing,
    NoOrder,
    RefusalCode,
    RoleMayNotApprove,
)
from schemas.codes.stop_orders import (
    InstitutionChosen,
    StopDeclined,
    StopLapsed,
    StopNeverDecided,
    StopUnconfirmed,
    StopUndecided,
)
from schemas.people.staff import StaffRole


def approve_order(draft: DecisionBuilder, act: ApproveStopAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Approve an order, or confirm an automatic one, and sign the standing approval in the act, if any. With enough
    approvals, the order is approved, and the bank is asked.

    Return None if it is done, else the reason for the refusal: NoOrder, RoleMayNotApprove, ApprovedBefore,
    InstitutionMissing, InstitutionKnown (another one was chosen), a reason of `may_not_sign`, or, if a stop can no
    longer help, one of `payments.may_not_ask`. A refused act approves and signs nothing; but a proposed order that can
    no longer help is then withdrawn.
    """
    order = orders.order_of(draft.case, act.order)
    if order is None:
        return NoOrder()
    if role is None:
        return RoleMayNotApprove()
    if act.later is not None and (why := later.may_not_sign(draft, order, act.later, by, role)):
        return why
    if order.decidable and not (act.later is not None and _approved_by(order, by)):
        if why := _approve(draft, order, act, by, role):
            return why
    elif act.later is None:
        return NoOrder()
    if act.later is not None:
        later.sign_later(draft, act.order, act.later, by, role)
    else:
        later.approve_waiting(draft)
    return None


def _approved_by(order: StopOrder, by: str) -> bool:
    return any(each.by == by for each in order.approvals)


def _approve(
    draft: DecisionBuilder, order: StopOrder, act: ApproveStopAct, by: str, role: StaffRole
) -> RefusalCode | None:
    if why := orders.may_not_approve(order, by, role):
        return why
    if order.state is OrderState.PROPOSED and (why := _useless(draft, order)):
        _ends(draft, order, OrderState.WITHDRAWN, StepState.SKIPPED, why)
        return why
    if why := _route(draft, order, act, by):
        return why
    orders.add_approval(draft, order, by, role)
    return None


def _route(draft: DecisionBuilder, order: StopOrder, act: ApproveStopAct, by: str) -> RefusalCode | None:
    """Store the institution that the person chose if the order has none. Return why this is refused, or None.

    A later approver cannot change it, because the earlier approvals were for an order to this institution.
    """
    payment = find(draft.case, order.transfer)
    if payment is None:
        return NoOrder()
    if not orders.unrouted(payment):
        return InstitutionKnown() if act.institution not in (None, payment.institution) else None
    if act.institution is None:
        return InstitutionMissing()
    draft.pay(payment.model_copy(update={"institution": act.institution}))
    draft.note(FactKind.STOP, InstitutionChosen(act.institution), by=by)
    return None


def decline_order(draft: DecisionBuilder, act: DeclineStopAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Decline an order, which also ends the standing approvals for its account. If an automatic rule has sent it, the
    bank is asked to lift the stop.

    Return None if it is done, NoOrder if there is no such order to decide on, or RoleMayNotApprove.
    """
    order = orders.order_of(draft.case, act.order)
    if order is None or not order.decidable:
        return NoOrder()
    if role not in order.roles:
        return RoleMayNotApprove()
    why = StopDeclined(by, act.reason)
    if order.state is OrderState.APPROVED:
        _undo(draft, order, OrderState.DECLINED, why, by)
    else:
        _ends(draft, order, OrderState.DECLINED, StepState.WITHDRAWN, why)
    later.end_later(draft, order.transfer)
    return None


def approval_overdue(draft: DecisionBuilder, step: Step) -> None:
    """Process the deadline of a proposed order (of the step `step`).

    The first time, a reminder is recorded as a fact, and the step is due again at the last time at which a stop can
    still help. At that time, the order ends as UNDECIDED, and the step as SKIPPED. A step without an order only ends as
    SKIPPED.
    """
    order = orders.order_of(draft.case, step.id)
    if order is None:
        return end(draft, step, StepState.SKIPPED, StopNeverDecided())
    last = orders.approvable_until(draft, order)
    if last > draft.now:
        draft.change(step, due=last)
        return draft.note(FactKind.STOP_REMINDER, StopUndecided(), step)
    return _ends(draft, order, OrderState.UNDECIDED, StepState.SKIPPED, StopNeverDecided())


def _ends(draft: DecisionBuilder, order: StopOrder, state: OrderState, as_step: Ended, why: AnyCode) -> None:
    """End an order that no bank has got (state `state`), and its step (state `as_step`)."""
    orders.end_order(draft, order, state)
    if (step := draft.steps.get(order.step)) is not None:
        end(draft, step, as_step, why)


def unconfirmed(draft: DecisionBuilder, timer: Step) -> None:
    """Process the timer of an automatic order that no person has confirmed.

    The first time, a reminder is recorded as a fact, and the timer is set to `confirm_by`. At that time, the order ends
    as LAPSED, and the bank is asked to lift the stop. The timer of an order that is confirmed or gone is only removed.
    """
    order = orders.order_of(draft.case, timer.id.removeprefix(orders.UNCONFIRMED))
    if order is None or order.confirm_by is None:
        draft.steps.pop(timer.id, None)
    elif order.confirm_by > draft.now:
        draft.change(timer, due=order.confirm_by)
        draft.note(FactKind.STOP_REMINDER, StopUnconfirmed(order.confirm_by), draft.steps.get(order.step))
    else:
        draft.steps.pop(timer.id, None)
        _undo(draft, order, OrderState.LAPSED, StopLapsed())


def _undo(draft: DecisionBuilder, order: StopOrder, state: OrderState, why: AnyCode, by: str | None = None) -> None:
    """End an order that an automatic rule sent: its open steps are withdrawn, and the bank is asked to
    lift the stop.
    """
    orders.end_order(draft, order, state)
    draft.note(FactKind.STOP, why, by=by)
    for step in draft.live_for(order.transfer, *orders.ASKING):  # one that is out too: it may not be sent yet
        end(draft, step, StepState.WITHDRAWN, why)
    if stops.may_not_lift(draft, order.transfer) is None:
        stops.plan_release(draft, order.transfer, why)


def _useless(draft: DecisionBuilder, order: StopOrder) -> RefusalCode | None:
    """Return why the bank may no longer be asked to carry out a proposed order, or None if it may."""
    if orders.approvable_until(draft, order) <= draft.now:
        return CannotBeStopped()
    return payments.may_not_ask(draft, order.transfer)
