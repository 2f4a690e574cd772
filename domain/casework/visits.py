"""Applies the reports of officers and grid workers on their visits."""

from collections.abc import Callable, Mapping

from domain.casework import fatigue, outcomes
from domain.casework.draft import DecisionBuilder
from domain.casework.follow import follow
from domain.casework.grounds import talk_goes_on
from domain.casework.steps import end
from domain.policy.plan import OVERDUE
from domain.policy.schedule import rule_of
from schemas.casework.cases import CaseState, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import TOLD_BY_SYSTEM, Checklist, OfficerReport, VisitStage
from schemas.codes.any_code import AnyCode
from schemas.codes.visits import (
    NobodyAtHome,
    NoOutcomeTold,
    OfficerArrived,
    OfficerGoes,
    OfficerNotified,
    OfficerOnTheWay,
    ReportNotTaken,
    VisitAccepted,
    VisitAssigned,
    VisitCode,
    VisitedBefore,
    VisitHandedOver,
    VisitMade,
    VisitNotAccepted,
    VisitOver,
    VisitRefused,
)
from schemas.levels import Action, Outcome, OutcomeGround

_REPORTS: Mapping[VisitStage, Callable[..., VisitCode]] = {
    VisitStage.ASSIGNED: VisitAssigned,
    VisitStage.ACCEPTED: VisitAccepted,
    VisitStage.REFUSED: VisitRefused,
    VisitStage.HANDED_OVER: VisitHandedOver,
    VisitStage.ON_THE_WAY: OfficerOnTheWay,
    VisitStage.ARRIVED: OfficerArrived,
    VisitStage.NOT_AT_HOME: NobodyAtHome,
    VisitStage.DONE: VisitMade,
    VisitStage.NOTIFIED: OfficerNotified,
    VisitStage.NOT_ACCEPTED: VisitNotAccepted,
}


def officer_report(draft: DecisionBuilder, given: OfficerReport) -> None:
    """Apply an officer's report on a visit to the case. Then the builder's `now` becomes the time at which the report
    arrived (`told_at`), if that is later.

    A report on an attempt that has ended does not change the step; the outcome of a visit is still applied. An outcome
    DISSUADED or FALSE_ALARM of a talk before the present danger (the case's `danger_at`) settles nothing: it counts as
    a warning that reached the resident, and an awaited visit ends.

    On a closed case, only a fact REFUSED is recorded. A report that the system makes (NOTIFIED, NOT_ACCEPTED) has no
    effect once an officer has accepted, or the attempt or the plan's contacts have ended. In both cases, `now` stays.
    """
    step = draft.steps.get(given.step)
    awaited = step if step and step.state is StepState.SENT and step.attempt == given.attempt else None
    if given.stage in TOLD_BY_SYSTEM and (awaited is None or draft.plan_over or awaited.accepted == awaited.attempt):
        return
    if not draft.case.open:
        draft.note(FactKind.REFUSED, ReportNotTaken(given.by), by=given.by)
        return
    draft.note(FactKind.VISIT, _reported(given), step, by=given.by)
    if awaited is not None:
        _stage(draft, given, awaited)
    elif given.stage is VisitStage.DONE and outcomes.before_danger(draft, given.outcome, given.at):
        outcomes.warned_before(draft, given.outcome, given.by)
    elif given.stage is VisitStage.DONE:
        _outcome(draft, given, None)
    draft.now = max(draft.now, given.told_at or draft.now)  # what follows goes out now, and has its time from now on


def _stage(draft: DecisionBuilder, given: OfficerReport, step: Step) -> None:
    match given.stage:
        case VisitStage.ASSIGNED | VisitStage.NOTIFIED | VisitStage.ON_THE_WAY:
            draft.set(officer=given.by)
        case VisitStage.ACCEPTED:
            draft.set(officer=given.by)
            arrives = draft.now + rule_of(draft.plan, step.id, step.action).arrive_within
            draft.change(step, due=arrives, accepted=given.attempt)
            if not draft.plan_over:
                draft.enter(CaseState.VISIT_UNDER_WAY, OfficerGoes(given.by))
        case VisitStage.ARRIVED:
            draft.set(officer=given.by)
            draft.change(step, due=draft.now + draft.plan.talk_within)
        case VisitStage.NOT_AT_HOME:
            no_longer_under_way(draft, _reported(given))
            follow(draft, step, given.stage.value, _reported(given))
        case VisitStage.REFUSED | VisitStage.HANDED_OVER | VisitStage.NOT_ACCEPTED:  # another officer must go now
            fatigue.uncount_contact(draft, step, given.attempt)
            no_longer_under_way(draft, _reported(given))
            result = OVERDUE if given.stage is VisitStage.NOT_ACCEPTED else VisitStage.REFUSED.value
            follow(draft, step, result, _reported(given))
        case VisitStage.DONE:
            _done(draft, given, step)


def no_longer_under_way(draft: DecisionBuilder, why: AnyCode) -> None:
    """Record that no officer is on the way: clear the case's `officer`, and change the state VISIT_UNDER_WAY, with the
    reason `why`: to IN_CONVERSATION while the operator who has the case talks with the resident, else to CONTACTING.
    Other states stay.
    """
    draft.set(officer=None)
    if draft.case.state is CaseState.VISIT_UNDER_WAY:
        talks = talk_goes_on(draft.case)  # the officer set out during the call, which goes on
        draft.enter(CaseState.IN_CONVERSATION if talks else CaseState.CONTACTING, why)


def _done(draft: DecisionBuilder, given: OfficerReport, step: Step) -> None:
    if outcomes.before_danger(draft, given.outcome, given.at):
        outcomes.warned_before(draft, given.outcome, given.by)
        no_longer_under_way(draft, VisitOver())
        end(draft, step, StepState.DONE, VisitedBefore())
        return
    if given.outcome is not None:
        _outcome(draft, given, step)
        return
    draft.reached(Action.VISIT)
    draft.set(met_at=draft.now)
    no_longer_under_way(draft, VisitOver())
    end(draft, step, StepState.DONE, NoOutcomeTold())


def _outcome(draft: DecisionBuilder, given: OfficerReport, step: Step | None) -> None:
    """Apply the outcome of the officer's talk at the door, if the report has one. The ground for DISSUADED is the
    visit.
    """
    if given.outcome is None:
        return
    ground = OutcomeGround.VISIT if given.outcome.outcome is Outcome.DISSUADED else None
    outcomes.apply(draft, given.outcome, given.by, step, Action.OPERATOR_CALL, ground)


def _reported(given: OfficerReport) -> VisitCode:
    checked = None if given.checklist is None else _checked(given.checklist)
    return _REPORTS[given.stage](given.by, given.because, given.place, given.to, checked, given.note)


def _checked(checklist: Checklist) -> tuple[str, ...]:
    return tuple(name for name, checked in checklist.model_dump().items() if checked)
