"""Banks' answers about stops that come late: after a refusal, after a stop's end, or after persons have lifted it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.casework.draft import CLOCK, DecisionBuilder, is_clock
from domain.casework.orders import records as orders
from domain.dispatches.ids import parts_of
from domain.payments.accounts import find
from domain.policy.schedule import LATEST
from schemas.casework.cases import Step, Stop, StopState
from schemas.casework.inputs import BankFeedback
from schemas.casework.orders import MOST_HOURS, OrderState, StopOrder
from schemas.codes.any_code import AnyCode
from schemas.codes.refusals import UpheldAlready
from schemas.codes.stop_orders import StopLapsed, StopNotWanted
from schemas.levels import Action

_UNWANTED: Mapping[OrderState, AnyCode | None] = {  # why a stop by such an order is lifted; None: it is not
    OrderState.PROPOSED: None,
    OrderState.APPROVED: None,
    OrderState.UNDECIDED: None,
    OrderState.WITHDRAWN: None,
    OrderState.HANDED_OVER: None,
    OrderState.LAPSED: StopLapsed(),
    OrderState.DECLINED: StopNotWanted(),
    OrderState.OVERTURNED: UpheldAlready(),
}
_ENDED = frozenset({StopState.EXPIRED, StopState.RELEASED})  # unless the bank confirms an unanswered request later


def step_of(given: BankFeedback) -> str:
    """Return the id of the step that a bank answers, from the dispatch's id; "" if that names none."""
    return given.dispatch.partition(":")[2].partition(":")[0]


def may_be_answered(step: Step, attempt: int) -> bool:
    """Return whether an attempt of a step was sent, so that it may be answered. An internal timer is never sent."""
    return attempt <= step.attempts_sent and not is_clock(step)


def answers_unsent(draft: DecisionBuilder, dispatch: str) -> bool:
    """Return True if the bank never got what it answers: `dispatch` is an attempt that was not sent of one of the
    case's steps, or names an internal timer, which may be over.

    A step that the case does not have may have been sent: old ones are dropped.
    """
    parts = parts_of(dispatch)
    if parts is None:
        return False
    step = draft.steps.get(parts.step)
    return parts.step.startswith(CLOCK) or (step is not None and not may_be_answered(step, parts.attempt))


def before_latest(draft: DecisionBuilder, given: BankFeedback, *, extensions: bool = False) -> bool:
    """Return whether a bank answers a request for a stop that was sent before the transfer's latest one. `extensions`:
    True if requests for an extension count too.
    """
    names, asking = list(draft.steps), orders.ASKING if extensions else {Action.STOP_PAYMENT}
    stops = [step for step in draft.steps.values() if step.action in asking and may_be_answered(step, 1)]
    sent = [names.index(step.id) for step in stops if step.transfer == given.transfer]
    return bool(sent) and step_of(given) in names and names.index(step_of(given)) < sent[-1]


def comes_late(draft: DecisionBuilder, given: BankFeedback, stop: Stop) -> bool:
    """Return whether a bank has stopped the account after its refusal, after the stop's end, or after the stop was
    lifted although nobody wants it any more.

    An answer without an end counts only to the latest request, and after the end of a stop only if that request has no
    answer yet, as an extension's may come late: else the bank may just repeat what it said before.
    """
    if given.until is not None and given.until <= draft.now:
        return False
    match stop.state:
        case StopState.REFUSED:
            return given.until is not None or not before_latest(draft, given)
        case StopState.EXPIRED:
            return given.until is not None or _first_answer(draft, given)
        case StopState.RELEASED:  # the bank has lifted before it carried the order out: it must lift again
            return _first_answer(draft, given) and unwanted(draft, given.transfer) is not None
        case _:
            return False


def _first_answer(draft: DecisionBuilder, given: BankFeedback) -> bool:
    """Return whether a bank confirms the latest request for a stop, of which no confirmation is known, while such a
    stop may still last.
    """
    order = orders.order_of(draft.case, step_of(given))
    unconfirmed = order is not None and order.carried_out is None and not before_latest(draft, given)
    return unconfirmed and end_of(draft, given) > draft.now


def end_of(draft: DecisionBuilder, given: BankFeedback) -> datetime:
    """Return when a stop that a bank confirms ends. If the bank names no end, or one that is over, it is the policy's
    time from now, or, if the stop had ended or was lifted before, from when its order was asked for.

    An end that the bank names counts up to 48 hours from now, or from the end of the stop that it extends. A later one
    is a mistake, such as Beijing time sent as UTC, and would let the extension be asked for too late.
    """
    payment, order = find(draft.case, given.transfer), orders.order_of(draft.case, step_of(given))
    stop = payment.stop if payment is not None else None
    if given.until is not None and given.until > draft.now:
        runs_to = stop.until if stop is not None and stop.until is not None else draft.now
        return min(given.until, max(runs_to, draft.now) + timedelta(hours=MOST_HOURS), LATEST)
    ended = stop is not None and stop.state in _ENDED
    since = order.asked_at if ended and order is not None else draft.now
    return min(since + draft.plan.stop.lasts, LATEST)


def unwanted(draft: DecisionBuilder, transfer: str) -> AnyCode | None:
    """Return the reason to lift the stop of a transfer again if the bank carries out the latest order that went out:
    that order was ended, or persons have since decided to lift. None if the stop is wanted, or no order went out.
    """
    out = [order for order in draft.case.orders if order.transfer == transfer and order.went_out]
    return (_UNWANTED[out[-1].state] or _lifted_since(draft, out[-1])) if out else None


def _lifted_since(draft: DecisionBuilder, order: StopOrder) -> AnyCode | None:
    """Return why persons have decided to lift a stop after its order, or None if they have not."""
    names = list(draft.steps)
    since = names[names.index(order.step) + 1 :] if order.step in draft.steps else []
    lifts = [step for name in since if (step := draft.steps[name]).action is Action.STOP_RELEASE]
    return next((step.because for step in lifts if step.transfer == order.transfer), None)
