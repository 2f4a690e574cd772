"""How far the stops of a case's payments are, in one state: what the strip above a case says beside the amount.

An account that the money went on to (`Case.traced`) counts like a payment while an order about it stands.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from domain.payments.ledger import safe
from domain.payments.releases import numbered
from domain.payments.status import PaymentStatus, status_of
from schemas.casework.cases import LIVE_STEPS, Case, Payment, StepState
from schemas.casework.orders import OrderState, StopOrder
from schemas.levels import Action


class StopProgress(StrEnum):
    """The states of a case's stops, the most important first: the case has the first state that one of its payments is
    in.
    """

    LEAVING = "leaving"  # asked for, and held back for some seconds: it can be undone
    POSSIBLE = "possible"  # a person may ask for a stop now
    APPROVAL = "approval"  # asked for, and waits for others to approve: no bank knows of it
    ASKED = "asked"  # the bank has been asked
    STOPPED = "stopped"
    NOTHING = "nothing"  # no payment, or none that a stop would help


class CaseStops(NamedTuple):
    """One state for all stops of a case, and the money whose stop is in that state.

    `progress`: the first member of StopProgress, in the enum's order, that is the state of a payment or traced account;
    NOTHING if the case has none. `amount_fen`: the sum of `Payment.amount_fen` over those in that state: what was paid,
    or, for a traced account, what was still there when the latest order on it was proposed.
    """

    progress: StopProgress
    amount_fen: int


_ASKED = {StopProgress.LEAVING, StopProgress.APPROVAL, StopProgress.ASKED, StopProgress.STOPPED}
_STOPPED = {PaymentStatus.STOPPED, PaymentStatus.FROZEN}


def may_ask(case: Case, payment: Payment, by: str) -> bool:
    """Return whether a person may ask for the stop of a payment: the case is open and not settled, the money is not
    safe, they have not asked for it yet, and no bank has been asked.

    An order that the plan or another person has proposed may be asked for: the person's word is added to it. Of a
    traced account that is all that may be asked for: without such an order the money has gone on, or persons have
    decided.
    """
    if not case.open or case.settled or safe(case, payment.transfer) or _own(case, payment, by) is not None:
        return False
    return payment.movement is None or any(
        order.transfer == payment.transfer and order.state is OrderState.PROPOSED for order in case.orders
    )


def case_stops(case: Case, by: str, leaving: Collection[str] = ()) -> CaseStops:
    """Return the one state of all stops of a case, as the person `by` sees them, and the money in it.

    `leaving`: transfers whose request is delayed for some seconds, in which it can be undone.
    """
    found = [(progress_of(case, payment, by, leaving), payment.amount_fen) for _, payment in numbered(case)]
    states = {state for state, _ in found}
    first = next((state for state in StopProgress if state in states), StopProgress.NOTHING)
    return CaseStops(first, sum(amount for state, amount in found if state is first))


def asked_already(case: Case, by: str, leaving: Collection[str] = ()) -> set[str]:
    """Return the transfers whose stop the person `by` would ask for twice; `leaving` as in `case_stops`."""
    return {each.transfer for _, each in numbered(case) if progress_of(case, each, by, leaving) in _ASKED}


def progress_of(case: Case, payment: Payment, by: str, leaving: Collection[str] = ()) -> StopProgress:
    """Return the state of one payment's stop; `by` and `leaving` as in `case_stops`."""
    if payment.transfer in leaving:
        return StopProgress.LEAVING
    if may_ask(case, payment, by):
        return StopProgress.POSSIBLE
    return _own(case, payment, by) or StopProgress.NOTHING


def _own(case: Case, payment: Payment, by: str) -> StopProgress | None:
    """Return the state of the payment's own stop; None if no bank was asked and the person `by` has
    not asked for it.
    """
    if status_of(case, payment).status in _STOPPED:  # also while its extension is asked for
        return StopProgress.STOPPED
    orders = [order for order in case.orders if order.transfer == payment.transfer]
    if any(order.state is OrderState.PROPOSED and _has_asked(order, by) for order in orders):
        return StopProgress.APPROVAL
    if _under_way(case, payment, {order.step for order in orders if order.state is OrderState.APPROVED}):
        return StopProgress.ASKED
    return StopProgress.ASKED if payment.stop is not None and payment.stop.state.lasts else None


def _has_asked(order: StopOrder, by: str) -> bool:
    return order.asked_by == by or any(approval.by == by for approval in order.approvals)


def _under_way(case: Case, payment: Payment, approved: Collection[str]) -> bool:
    """Return whether the bank was asked and has not answered, or will be asked because enough persons have approved."""
    steps = [step for step in case.steps if step.transfer == payment.transfer and step.state in LIVE_STEPS]
    sent = any(step.state is StepState.SENT and step.action is Action.STOP_PAYMENT for step in steps)
    return sent or any(step.id in approved for step in steps)
