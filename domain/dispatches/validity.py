"""Decides whether a dispatch is still valid, just before it is carried out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.policy.schedule import LIFTS
from schemas.casework.cases import WAITING_STEPS, Case, CaseState, Step, StepState
from schemas.casework.events import Dispatch
from schemas.codes.channels import AnotherCase, ChannelCode, StepEnded, StepGone, TimeOver, TriedAgainMeanwhile
from schemas.codes.refusals import CaseClosed, CaseSettled, PlanOverByLoss
from schemas.levels import Action, Outcome

# Actions that are still carried out after the resident was dissuaded or cleared; after they were defrauded, when the
# money may still be stopped; and after the case was closed.
AFTER_SETTLED = LIFTS | {Action.FOLLOW_UP}
AFTER_LOSS = AFTER_SETTLED | {Action.STOP_PAYMENT, Action.STOP_AGAIN, Action.HOLD_OUTGOING}
AFTER_CLOSED = LIFTS
# A dispatch is usually taken within milliseconds of its decision. An older one has waited or is a repetition.
FRESH = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ObsoleteDispatch:
    """The dispatch is no longer valid. `because`: the code of the reason."""

    because: ChannelCode


class NotYetApplied:
    """The answer of `validity` if Redis does not have the decision yet that the dispatch results from."""


def validity(dispatch: Dispatch, case: Case | None, now: datetime) -> ObsoleteDispatch | NotYetApplied | None:
    """Return None if the dispatch is valid: it is in time, its case still needs it, its step waits for this attempt.

    Else return why it is obsolete, or that Redis does not have its decision yet. A settled case needs only follow-ups
    and releases of stops, a closed one only releases; one of a defrauded resident needs stop-payments too.
    """
    if dispatch.not_after is not None and now > dispatch.not_after:
        return ObsoleteDispatch(TimeOver())
    if case is None or case.number < _number(dispatch.case):
        return NotYetApplied()
    if case.id != dispatch.case:
        return ObsoleteDispatch(AnotherCase())
    return _of_case(dispatch, case)


def perhaps_carried_out(dispatch: Dispatch, now: datetime) -> bool:
    """Return whether a dispatch is over 1 s old, so that another worker may have carried it out unmarked in Redis.

    A Redis restored from an image has lost the marks of later requests, and nothing else shows it.
    """
    return now - dispatch.at > FRESH


def ending_of(case: Case) -> CaseClosed | CaseSettled:
    """Return the code for the end of a case whose resident is dissuaded, cleared or defrauded, or which is closed.

    Raises ValueError for a case in any other state.
    """
    return CaseSettled(Outcome(case.state.value)) if case.open else CaseClosed()


def _of_case(dispatch: Dispatch, case: Case) -> ObsoleteDispatch | NotYetApplied | None:
    if not case.open:
        return None if dispatch.action in AFTER_CLOSED else ObsoleteDispatch(ending_of(case))
    if case.settled and dispatch.action not in AFTER_SETTLED:
        return ObsoleteDispatch(ending_of(case))
    if case.state is CaseState.ALREADY_DEFRAUDED and dispatch.action not in AFTER_LOSS:
        return ObsoleteDispatch(PlanOverByLoss())
    step = next((step for step in case.steps if step.id == dispatch.step), None)
    if step is None:
        return NotYetApplied() if case.updated_at < dispatch.at else ObsoleteDispatch(StepGone())
    return _of_step(dispatch, step)


def _of_step(dispatch: Dispatch, step: Step) -> ObsoleteDispatch | NotYetApplied | None:
    if step.attempt < dispatch.attempt:
        return NotYetApplied()
    if step.attempt > dispatch.attempt:
        return ObsoleteDispatch(TriedAgainMeanwhile())
    if step.state in WAITING_STEPS:
        return NotYetApplied()
    return None if step.state is StepState.SENT else ObsoleteDispatch(StepEnded())


def _number(case: str) -> int:
    return int(case.rpartition("-")[2])
