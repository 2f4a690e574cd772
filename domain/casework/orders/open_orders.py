"""Which stop orders are open: they wait for persons, are on their way to the bank, or have an effect there."""

from collections.abc import Iterable

from domain.casework.draft import DecisionBuilder
from domain.payments.accounts import find
from schemas.casework.cases import LIVE_STEPS, Case, Payment, Step
from schemas.casework.orders import OrderState, StopOrder
from schemas.levels import Action


def stands(case: Case, order: StopOrder, steps: Iterable[Step]) -> bool:
    """Return True if an order is open: it waits for persons (PROPOSED), or it is approved and is on its way to the bank
    or in effect there. `steps`: the case's, as they are now.

    False for an approved request that its bank has not answered within all attempts: it has ended without an effect.
    """
    if order.state is not OrderState.APPROVED:
        return order.state is OrderState.PROPOSED
    payment = find(case, order.transfer)
    stopped = payment is not None and payment.stop is not None and payment.stop.in_force
    return stopped or any(step.id == order.step and step.state in LIVE_STEPS for step in steps)


def has_open_order(draft: DecisionBuilder, transfer: str) -> bool:
    """Return True if an order for a transfer is open, a step that asks for a stop of it is unfinished, or a stop of it
    is in force, such as one by the bank itself.
    """
    payment = find(draft.case, transfer)
    if draft.live_for(transfer, Action.STOP_PAYMENT, Action.STOP_AGAIN) or (
        payment is not None and payment.stop is not None and payment.stop.in_force
    ):
        return True
    known = (order for order in draft.case.orders if order.transfer == transfer)
    return any(stands(draft.case, order, draft.steps.values()) for order in known)


def traced_before(draft: DecisionBuilder, payment: Payment) -> bool:
    """Return True if the payee of `payment` is a traced account, which money of other payments had reached, and an
    order on it is open, so that it gets no second order.
    """
    return any(each.payee == payment.payee and has_open_order(draft, each.transfer) for each in draft.case.traced)
