"""The progress of all stops of a case, as one state: the strip above a case shows it beside the amount.

An account to which the money went on (`Case.traced`) counts like a payment while it has an order that is in effect.
"""

from collections import Counter
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from domain.payments.accounts import asked_most, with_traced
from domain.payments.headline import money_in_danger
from domain.payments.ledger import safe
from domain.payments.status import PaymentStatus, status_of
from schemas.casework.cases import LIVE_STEPS, Case, Payment, StepState
from schemas.casework.orders import OrderState, StopOrder
from schemas.levels import Action


class StopProgress(StrEnum):
    """The states of a case's stops, the most important first: the case has the first state that one of its payments
    has.

    LEAVING: asked for, and delayed for some seconds, in which it can be undone. POSSIBLE: a person may ask for a stop
    now. APPROVAL: asked for, and waits for other persons' approval; no bank knows of it. ASKED: the bank was asked.
    STOPPED: the money is stopped or frozen. NOTHING: no payment, or none that a stop would help.
    """

    LEAVING = "leaving"  # asked for, and held back for some seconds: it can be undone
    POSSIBLE = "possible"  # a person may ask for a stop now
    APPROVAL = "approval"  # asked for, and waits for others to approve: no bank knows of it
    ASKED = "asked"  # the bank has been asked
    STOPPED = "stopped"
    NOTHING = "nothing"  # no payment, or none that a stop would help


class DangerPart(StrEnum):
    """The parts of the money in danger, by what can be done about it.

    CAN_ASK: a person may ask for its stop now; REFUSED: the bank has refused it; LEAVING, APPROVAL, ASKED: as in
    StopProgress; OUT_OF_REACH: no stop can be asked for.
    """

    CAN_ASK = "can_ask"
    REFUSED = "refused"
    LEAVING = "leaving"
    APPROVAL = "approval"
    ASKED = "asked"
    OUT_OF_REACH = "out_of_reach"


class CaseStops(NamedTuple):
    """The state of all stops of a case (see StopProgress), and the money whose stop is in that state.

    `amount_fen`: the sum of the amounts of the payments in that state; of a traced account, the money that was there
    when the latest order on it was proposed.
    """

    progress: StopProgress
    amount_fen: int


_PARTS = {
    StopProgress.POSSIBLE: DangerPart.CAN_ASK,
    StopProgress.LEAVING: DangerPart.LEAVING,
    StopProgress.APPROVAL: DangerPart.APPROVAL,
    StopProgress.ASKED: DangerPart.ASKED,
    StopProgress.STOPPED: DangerPart.OUT_OF_REACH,
    StopProgress.NOTHING: DangerPart.OUT_OF_REACH,
}
_ASKED = {StopProgress.LEAVING, StopProgress.APPROVAL, StopProgress.ASKED, StopProgress.STOPPED}
_STOPPED = {PaymentStatus.STOPPED, PaymentStatus.FROZEN}


def may_ask(case: Case, payment: Payment, by: str) -> bool:
    """Return True if the person `by` may ask for the stop of a payment: the case is open and not settled, the money is
    not safe, this person has not asked for this stop yet, no bank has been asked, and the account has not been asked
    for MOST_STOPS (2) times.

    The person may also ask for an order that the plan or another person has proposed. For a traced account, a proposed
    order is required: without one, the money has gone on, or persons have decided.
    """
    if not case.open or case.settled or safe(case, payment.transfer) or _own(case, payment, by) is not None:
        return False
    if asked_most(case, payment):
        return False
    return payment.movement is None or any(
        order.transfer == payment.transfer and order.state is OrderState.PROPOSED for order in case.orders
    )


def case_stops(case: Case, by: str, leaving: Collection[str] = ()) -> CaseStops:
    """Return the most important state of a case's stops (see StopProgress), as the person `by` sees it, with the sum
    (fen) of the payments and traced accounts in that state. NOTHING with 0 fen if the case has no payment.

    `leaving`: transfers whose request is delayed for some seconds, in which it can be undone.
    """
    found = [(progress_of(case, payment, by, leaving), payment.amount_fen) for payment in with_traced(case)]
    states = {state for state, _ in found}
    first = next((state for state in StopProgress if state in states), StopProgress.NOTHING)
    return CaseStops(first, sum(amount for state, amount in found if state is first))


def danger_parts(case: Case, by: str, leaving: Collection[str] = ()) -> dict[DangerPart, int]:
    """Return the money in danger (fen) by what the person `by` can do about it, in the order of DangerPart and without
    empty parts. The parts add up to the amount of the headline (domain/payments/headline.py) while it is in danger.

    `leaving`: transfers whose request is delayed for some seconds, in which it can be undone.
    """
    found = Counter[DangerPart]()
    for payment, fen in money_in_danger(case):
        progress = progress_of(case, payment, by, leaving)
        part = _PARTS[progress]
        if part in (DangerPart.CAN_ASK, DangerPart.OUT_OF_REACH) and _refused(case, payment):
            part = DangerPart.REFUSED
        found[part] += fen
    return {part: found[part] for part in DangerPart if found[part]}


def _refused(case: Case, payment: Payment) -> bool:
    return status_of(case, payment).status is PaymentStatus.STOP_REFUSED


def asked_already(case: Case, by: str, leaving: Collection[str] = ()) -> set[str]:
    """Return the transfers whose stop is already requested or in force, or for which the person `by` has already asked.
    `leaving`: transfers whose request is delayed for some seconds, in which it can be undone.
    """
    return {each.transfer for each in with_traced(case) if progress_of(case, each, by, leaving) in _ASKED}


def partly_asked(case: Case, by: str, leaving: Collection[str] = ()) -> bool:
    """Return True if for at least one payment whose money is not safe, a stop is already requested or in force, or the
    person `by`, who looks at the case, has asked for it: then only the rest, if there is one, can still be asked for.
    `leaving`: transfers whose request is delayed for some seconds, in which it can be undone.
    """
    return any(not safe(case, transfer) for transfer in asked_already(case, by, leaving))


def progress_of(case: Case, payment: Payment, by: str, leaving: Collection[str] = ()) -> StopProgress:
    """Return the state of one payment's stop, as the person `by` sees it. `leaving`: transfers whose request is delayed
    for some seconds, in which it can be undone.
    """
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
    return StopProgress.ASKED if payment.stop is not None and payment.stop.state.open else None


def _has_asked(order: StopOrder, by: str) -> bool:
    return order.asked_by == by or any(approval.by == by for approval in order.approvals)


def _under_way(case: Case, payment: Payment, approved: Collection[str]) -> bool:
    """Return True if the bank was asked and has not answered, or will be asked because enough persons have approved."""
    steps = [step for step in case.steps if step.transfer == payment.transfer and step.state in LIVE_STEPS]
    sent = any(step.state is StepState.SENT and step.action is Action.STOP_PAYMENT for step in steps)
    return sent or any(step.id in approved for step in steps)
