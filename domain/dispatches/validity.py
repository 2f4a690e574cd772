"""Decides whether a dispatch is still valid, just before it is carried out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.policy.schedule import LIFTS, OUTLIVES, WEEK_QUESTIONS, may_ask_after_week, may_remind, may_support
from schemas.casework.cases import WAITING_STEPS, Case, CaseState, Step, StepState
from schemas.casework.events import Dispatch
from schemas.codes.channels import AnotherCase, ChannelCode, StepEnded, StepGone, TimeOver, TriedAgainMeanwhile
from schemas.codes.provinces import CaseHandedOver
from schemas.codes.refusals import CaseClosed, CaseSettled, PlanContacts, PlanOverByLoss
from schemas.codes.week import AskedNoMore, RemindedNoMore
from schemas.levels import Action, Outcome

# Actions that are still carried out after the resident was dissuaded or cleared; after they were defrauded, when the
# money may still be stopped; and after the case was closed.
AFTER_SETTLED = OUTLIVES | {Action.FOLLOW_UP, Action.HAND_OVER}
AFTER_LOSS = AFTER_SETTLED | {Action.STOP_PAYMENT, Action.STOP_AGAIN, Action.STOP_STATUS, Action.HOLD_OUTGOING}
# A dispatch is usually taken within milliseconds of its decision. An older one has waited or is a repetition.
FRESH = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ObsoleteDispatch:
    """The answer of `validity` if the dispatch is no longer valid. `because`: the code of the reason."""

    because: ChannelCode


class NotYetApplied:
    """The answer of `validity` if the decision that caused the dispatch is not in Redis yet."""


def validity(dispatch: Dispatch, case: Case | None, now: datetime) -> ObsoleteDispatch | NotYetApplied | None:
    """Return None if the dispatch may be carried out: it is in time, its case still needs it, and its step waits for
    this attempt.

    Otherwise return an ObsoleteDispatch with the reason, or NotYetApplied if Redis does not have the decision that
    caused the dispatch yet. `case`: the case's state in Redis, None if Redis has none.

    After a case is closed, only the lifting of stops and holds (whatever the state of its step), and contacts after its
    plan, are valid; after it is settled, also follow-ups and questions about its hand-over; after the resident was
    defrauded, also stop-payments and holds on their own account. Support calls are not made while a plan contacts the
    resident; the question a week later and a reminder only while they stand as dissuaded.
    """
    if dispatch.not_after is not None and now > dispatch.not_after:
        return ObsoleteDispatch(TimeOver())
    if case is None or case.number < _number(dispatch.case):
        return NotYetApplied()
    if case.id != dispatch.case:
        return ObsoleteDispatch(AnotherCase())
    return NotYetApplied() if case.updated_at < dispatch.at else _of_case(dispatch, case)


def perhaps_carried_out(dispatch: Dispatch, now: datetime) -> bool:
    """Return True if a dispatch was decided over 1 s before `now`. Another worker may then have carried it out,
    although Redis does not show it: a Redis that was restored from an image has lost the marks of later requests.
    """
    return now - dispatch.at > FRESH


def ending_of(case: Case) -> CaseClosed | CaseSettled | CaseHandedOver:
    """Return the code for how a case ended: CaseHandedOver; CaseClosed; or for an open case, CaseSettled with the
    outcome that its state is called by, such as dissuaded, false alarm or defrauded.

    Raises ValueError for an open case whose state is no outcome, such as RAISED.
    """
    if case.state is CaseState.HANDED_OVER:
        return CaseHandedOver()
    return CaseSettled(Outcome(case.state.value)) if case.open else CaseClosed()


def _of_case(dispatch: Dispatch, case: Case) -> ObsoleteDispatch | NotYetApplied | None:
    if not case.open and dispatch.action not in OUTLIVES:
        return ObsoleteDispatch(ending_of(case))
    if not case.open and dispatch.action in LIFTS:
        return None
    if dispatch.action is Action.SUPPORT_CALL and not may_support(case):
        return ObsoleteDispatch(PlanContacts())
    if why := _after_dissuasion(dispatch.action, case):
        return ObsoleteDispatch(why)
    offers = dispatch.offer is not None and dispatch.step == dispatch.offer.id  # else it asks about an offer
    if case.settled and (offers or dispatch.action not in AFTER_SETTLED):
        return ObsoleteDispatch(ending_of(case))
    if case.state is CaseState.ALREADY_DEFRAUDED and dispatch.action not in AFTER_LOSS:
        return ObsoleteDispatch(PlanOverByLoss())
    step = next((step for step in case.steps if step.id == dispatch.step), None)
    if step is None:
        return ObsoleteDispatch(StepGone())
    return _of_step(dispatch, step)


def _after_dissuasion(action: Action, case: Case) -> ChannelCode | None:
    """Return why a question a week later or a reminder is not made any more; None if it is, and for other actions."""
    if action in WEEK_QUESTIONS and not may_ask_after_week(case):
        return AskedNoMore()
    return RemindedNoMore() if action is Action.REMINDER and not may_remind(case) else None


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
