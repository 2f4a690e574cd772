"""Persons' decisions on stop orders, and what follows when nobody decides in time."""

from domain.casework import payments
from domain.casework.draft import DecisionBuilder
from domain.casework.orders import records as orders
from domain.casework.steps import Ended, end, plan_step
from schemas.casework.cases import Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, OrderState, StopOrder
from schemas.codes.any_code import AnyCode
from schemas.codes.money import StopDeclined, StopLapsed, StopNeverDecided, StopUndecided
from schemas.codes.refusals import CannotBeStopped, NoOrder, RefusalCode, RoleMayNotApprove
from schemas.levels import Action
from schemas.people.staff import StaffRole


def approve_order(draft: DecisionBuilder, act: ApproveStopAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Approve an order, or confirm an automatic one. Returns why it is refused, or None."""
    order = orders.order_of(draft.case, act.order)
    if order is None or not order.decidable or role is None:
        return NoOrder() if role is not None else RoleMayNotApprove()
    if why := orders.may_not_approve(order, by, role):
        return why
    if order.state is OrderState.PROPOSED and (why := _useless(draft, order)):
        _ends(draft, order, OrderState.WITHDRAWN, StepState.SKIPPED, why)
        return why
    orders.add_approval(draft, order, by, role)
    return None


def decline_order(draft: DecisionBuilder, act: DeclineStopAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Decide against an order. An automatic one that went out lapses. Returns why it is refused, or None."""
    order = orders.order_of(draft.case, act.order)
    if order is None or not order.decidable:
        return NoOrder()
    if role not in order.roles:
        return RoleMayNotApprove()
    why = StopDeclined(by, act.reason)
    if order.state is OrderState.APPROVED:
        draft.note(FactKind.STOP, why, by=by)
        _lapse(draft, order)
        return None
    _ends(draft, order, OrderState.DECLINED, StepState.WITHDRAWN, why)
    return None


def approval_overdue(draft: DecisionBuilder, step: Step) -> None:
    """Process the deadline of a proposed order: first it is overdue, later it is of no use any more."""
    order = orders.order_of(draft.case, step.id)
    last = orders.final(draft, order) if order else draft.now
    if order is not None and last > draft.now:
        draft.change(step, due=last)
        draft.note(FactKind.STOP_REMINDER, StopUndecided(), step)
        return
    if order is not None:
        orders.end_order(draft, order, OrderState.UNDECIDED)
    end(draft, step, StepState.SKIPPED, StopNeverDecided())


def _ends(draft: DecisionBuilder, order: StopOrder, state: OrderState, as_step: Ended, why: AnyCode) -> None:
    """End an order that no bank has, and its step."""
    orders.end_order(draft, order, state)
    if (step := draft.steps.get(order.step)) is not None:
        end(draft, step, as_step, why)


def unconfirmed(draft: DecisionBuilder, timer: Step) -> None:
    """Process the deadline of an automatic order that nobody has confirmed."""
    order = orders.order_of(draft.case, timer.id.removeprefix(orders.UNCONFIRMED))
    draft.steps.pop(timer.id, None)
    if order is not None and order.confirm_by is not None:
        _lapse(draft, order)


def _lapse(draft: DecisionBuilder, order: StopOrder) -> None:
    """End an automatic order: the bank is asked to lift the stop, and is not asked for it again."""
    why = StopLapsed()
    orders.end_order(draft, order, OrderState.LAPSED)
    draft.note(FactKind.STOP, why)
    for step in draft.live(*orders.ASKING):  # one that is out too: its channel may not have sent it yet
        if step.transfer == order.transfer:
            end(draft, step, StepState.WITHDRAWN, why)
    if _stopped(draft, order.transfer):
        stem = payments.stop_id(draft.case, order.transfer, "release")
        plan_step(draft, stem, Action.STOP_RELEASE, draft.now, why, transfer=order.transfer)


def _stopped(draft: DecisionBuilder, transfer: str) -> bool:
    """Return whether a bank was asked for a stop that lasts, and is not asked to lift it already."""
    payment = payments.find(draft.case, transfer)
    stop = payment.stop if payment else None
    lasts = stop is not None and stop.state.lasts
    return lasts and all(step.transfer != transfer for step in draft.live(Action.STOP_RELEASE))


def _useless(draft: DecisionBuilder, order: StopOrder) -> RefusalCode | None:
    """Return why the bank may not be asked any more, or None."""
    if orders.final(draft, order) <= draft.now:
        return CannotBeStopped()
    return payments.may_not_ask(draft, order.transfer)
