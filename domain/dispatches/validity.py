"""Whether a dispatch still stands, asked just before it is carried out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.casework.events import Dispatch
from schemas.levels import Action

# What is still owed to a resident who is dissuaded or cleared; to one who is defrauded already, whose money may yet be
# stopped; and when the case is closed.
AFTER_SETTLED = frozenset({Action.FOLLOW_UP, Action.STOP_RELEASE})
AFTER_LOSS = AFTER_SETTLED | {Action.STOP_PAYMENT, Action.STOP_AGAIN}
AFTER_CLOSED = frozenset({Action.STOP_RELEASE})
# A dispatch is taken within milliseconds of its decision. An older one waited, or was published or delivered again.
FRESH = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ObsoleteDispatch:
    """It does not stand any more, and why."""

    because: str


class NotYetApplied:
    """The store does not know yet of the decision that the dispatch follows from."""


def standing(dispatch: Dispatch, case: Case | None, now: datetime) -> ObsoleteDispatch | NotYetApplied | None:
    """None when the dispatch stands: its case is open and not settled, its step waits for this very attempt."""
    if dispatch.not_after is not None and now > dispatch.not_after:
        return ObsoleteDispatch("its time is over")
    if case is None or case.number < _number(dispatch.case):
        return NotYetApplied()
    if case.id != dispatch.case:
        return ObsoleteDispatch("the case is closed, and another was opened")
    return _of_case(dispatch, case)


def perhaps_carried_out(dispatch: Dispatch, now: datetime) -> bool:
    """Whether another worker had time to carry the dispatch out, though the store knows of no request.

    A Redis machine's restored image has lost the mark of a request that was sent since; nothing else shows that.
    """
    return now - dispatch.at > FRESH


def _of_case(dispatch: Dispatch, case: Case) -> ObsoleteDispatch | NotYetApplied | None:
    if not case.open:
        return None if dispatch.action in AFTER_CLOSED else ObsoleteDispatch("the case is closed")
    if case.settled and dispatch.action not in AFTER_SETTLED:
        return ObsoleteDispatch(f"the resident is {case.state.value.replace('_', ' ')}")
    if case.state is CaseState.ALREADY_DEFRAUDED and dispatch.action not in AFTER_LOSS:
        return ObsoleteDispatch("the resident is defrauded already")
    step = next((step for step in case.steps if step.id == dispatch.step), None)
    if step is None:
        return NotYetApplied() if case.updated_at < dispatch.at else ObsoleteDispatch("the step is gone")
    return _of_step(dispatch, step)


def _of_step(dispatch: Dispatch, step: Step) -> ObsoleteDispatch | NotYetApplied | None:
    if step.attempt < dispatch.attempt:
        return NotYetApplied()
    if step.attempt > dispatch.attempt:
        return ObsoleteDispatch("it was tried again meanwhile")
    if step.state in (StepState.PENDING, StepState.HELD):
        return NotYetApplied()
    return None if step.state is StepState.SENT else ObsoleteDispatch(f"the step is {step.state.value}")


def _number(case: str) -> int:
    return int(case.rpartition("-")[2])
