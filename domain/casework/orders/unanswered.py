"""Stop orders that their bank has not answered: the timer after which the bank is asked what became of an order.

Each request is asked about once. A further attempt of the order is another request, with its own timer. A question
that has to wait stays about its own request: its step's id names the attempt (`ask.stop.0.1`).
"""

from domain.casework.draft import CLOCK, DecisionBuilder
from domain.casework.orders.records import ASKING, order_of
from domain.dispatches.ids import named, parts_of
from schemas.casework.cases import Case, Step
from schemas.casework.orders import StopOrder
from schemas.codes.money import BankSilent
from schemas.levels import Action

UNANSWERED = f"{CLOCK}ask."  # ids of the timers of orders whose bank has not answered
_QUESTION = "ask."


def await_answer(draft: DecisionBuilder, step: Step) -> None:
    """Set the timer after which the bank is asked about the order that a step has just sent. No effect if the policy
    names no time, or for a step without an order.
    """
    after = draft.plan.stop.status_after
    if after is not None and step.action in ASKING:
        draft.timer(f"{UNANSWERED}{step.id}", Action.STOP_STATUS, draft.after(after), step.transfer)


def answer_came(draft: DecisionBuilder, step: Step) -> None:
    """Remove the timer of a step's order, because the bank has answered it or the request has ended. No effect without
    one.
    """
    draft.steps.pop(f"{UNANSWERED}{step.id}", None)


def order_asked_about(case: Case, step: Step | None) -> StopOrder | None:
    """Return the order that a status request (`step`) is about, or None for every other step."""
    if step is None or not isinstance(step.because, BankSilent):
        return None
    number = step.because.number
    return next((order for order in case.orders if order.number == number), None)


def question_stem(step: Step) -> str:
    """Return the beginning of the id of the step that asks the bank about the present attempt of an order's step, such
    as `ask.stop.0.1`.
    """
    return f"{_QUESTION}{step.id}.{step.attempt}"


def request_asked_about(draft: DecisionBuilder, step: Step) -> str | None:
    """Return the id of the dispatch that a status request is about: the attempt that its id names, which may be an
    earlier one than the order's latest. None for every other step, or if the order is unknown.
    """
    order = order_asked_about(draft.case, step)
    asked = draft.steps.get(order.step) if order is not None else None
    attempt = _attempt_asked_about(step, asked) if asked is not None else None
    return named(draft.case.id, asked.id, attempt, asked.action.channel) if asked and attempt else None


def _attempt_asked_about(question: Step, asked: Step) -> int | None:
    """Return the attempt of the order's step `asked` that a question is about, from its id, which may have further
    parts (`ask.stop.0.1.17`, see `plan_step`); None if the id names none.
    """
    stem = f"{_QUESTION}{asked.id}."
    attempt = question.id.removeprefix(stem).partition(".")[0]
    return int(attempt) if question.id.startswith(stem) and attempt.isdecimal() else None


def questions_about(draft: DecisionBuilder, step: Step, attempt: int) -> list[Step]:
    """Return the unfinished steps that ask the bank about an attempt of an order's step, in the order in which they
    were planned.
    """
    asking = [each for each in draft.live(Action.STOP_STATUS) if each.id.startswith(f"{_QUESTION}{step.id}.")]
    return [each for each in asking if _attempt_asked_about(each, step) == attempt]


def questions_answered(draft: DecisionBuilder, dispatch: str) -> list[Step]:
    """Return the unfinished questions that a bank's answer to a dispatch settles, in the order of the steps.

    If the dispatch is a question, that question; if it is an order's request, the questions about this attempt and the
    earlier ones of its step. Empty if the dispatch is of no step of the case.
    """
    given = parts_of(dispatch)
    step = draft.steps.get(given.step) if given is not None else None
    if given is None or step is None:
        return []
    asking = draft.live(Action.STOP_STATUS)
    if step.action is Action.STOP_STATUS:
        return [each for each in asking if each.id == step.id]
    about = [(each, _attempt_asked_about(each, step)) for each in asking]
    return [each for each, attempt in about if attempt is not None and attempt <= given.attempt]


def silent_order(draft: DecisionBuilder, timer: Step) -> tuple[Step, StopOrder] | None:
    """Return (step, order): the step and the order that the timer is about, to which the bank has not answered; None if
    the case no longer has them.
    """
    step = draft.steps.get(timer.id.removeprefix(UNANSWERED))
    order = order_of(draft.case, step.id) if step is not None else None
    return (step, order) if step is not None and order is not None else None
