"""Hand-over of a stopped account to an authority that has frozen it. The stops of the account end."""

from domain.casework import stops
from domain.casework.draft import DecisionBuilder
from domain.casework.orders import freeze_ends, later
from domain.casework.orders import records as orders
from domain.casework.steps import end
from domain.payments.accounts import find, of_same_account
from domain.payments.freezes import freeze_in_force, with_freeze_anew
from domain.policy.schedule import STOPS
from schemas.casework.cases import Case, Payment, StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.orders import Freezing, HandOverStopAct, OrderState, StopOrder
from schemas.codes.freezes import FreezePeriod
from schemas.codes.refusals import AccountFrozen, NoStop, RefusalCode, RoleMayNotApprove
from schemas.codes.stop_orders import StopHandedOver
from schemas.people.staff import StaffRole


def record_authority_freeze(
    draft: DecisionBuilder, act: HandOverStopAct, by: str, role: StaffRole | None
) -> RefusalCode | None:
    """Record that an authority has frozen the account of an order, as the person `by` reports. Return None if it is
    done, else the reason for the refusal: NoStop if the case has no such order, one of `may_not_hand_over` (for the
    person's `role`), or FreezePeriod if the freeze would end before now or over a year from now. If a freeze is in
    force and the act names an end, this is a renewal, with the results of `freeze_ends.renew_freeze`, and nothing else
    is changed.

    The authority and its decision are stored in the order, whatever its state, and in the case's other APPROVED orders
    for the account; these orders become HANDED_OVER. All open and expired stops of the account in this case become
    FROZEN, for all payments, the standing approvals of its orders end, and the bank is no longer asked to stop the
    account or to lift a stop.
    """
    order = orders.order_of(draft.case, act.order)
    if order is None:
        return NoStop()
    if act.until is not None and freeze_in_force(order) is not None:
        return freeze_ends.renew_freeze(draft, order, act, by, role)
    if why := may_not_hand_over(draft.case, order, role):
        return why
    until = freeze_ends.period_of(act, draft.now)
    if until is None:
        return FreezePeriod()
    _hand_over(draft, order, Freezing(decision=act.decision, authority=act.authority, by=by, at=draft.now, until=until))
    return None


def _hand_over(draft: DecisionBuilder, order: StopOrder, freezing: Freezing) -> None:
    what, told = StopHandedOver(freezing.by, freezing.authority, freezing.decision), len(draft.facts)
    same = of_same_account(draft.case, order.transfer)
    lapsed = freeze_ends.lapsed_amounts(draft.case, order.transfer)
    freezing = freezing.model_copy(update={"after_told_end": freeze_ends.told_end(draft.case, order.transfer)})
    for other in draft.case.orders:
        if other.step == order.step or (other.transfer in same and other.state is OrderState.APPROVED):
            orders.record_freezing(draft, other, freezing)
    freeze_ends.set_freeze_clock(draft, order, freezing.until)
    for transfer in same:
        draft.case = with_freeze_anew(draft.case, transfer)
        later.end_own_later(draft, transfer)
        _frozen(draft, transfer, what, again=order.freezing is not None)
    if len(draft.facts) == told:  # a part was returned, which the stop still says; without a fact, all would be lost
        draft.note(FactKind.STOP, what, by=freezing.by)
    freeze_ends.freeze_lapsed_again(draft, lapsed)


def may_not_hand_over(case: Case, order: StopOrder, role: StaffRole | None) -> RefusalCode | None:
    """Return the first reason why a person with this role may not record that an authority has frozen an order's
    account, or None if they may.

    AccountFrozen: that was recorded before, and is in force. NoStop: the bank has not stopped the account, and no
    freeze was recorded. RoleMayNotApprove: the role
    may not decide on the order.
    """
    if freezing := freeze_in_force(order):
        return AccountFrozen(freezing.authority, freezing.decision)
    payment = find(case, order.transfer)
    if payment is None or not (_stopped(payment) or order.freezing):
        return NoStop()
    return None if role in order.roles else RoleMayNotApprove()


def _stopped(payment: Payment) -> bool:
    return payment.stop is not None and (payment.stop.state.open or payment.stop.state is StopState.EXPIRED)


def _frozen(draft: DecisionBuilder, transfer: str, what: StopHandedOver, *, again: bool) -> None:
    payment = find(draft.case, transfer)
    if payment is not None and (_stopped(payment) or again):
        stops.set_state(draft, payment, StopState.FROZEN, what)
    for step in draft.live_for(transfer, *STOPS):  # one that is out too: its channel may not have sent it yet
        end(draft, step, StepState.WITHDRAWN, what)
