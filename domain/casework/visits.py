"""What an officer or grid worker reports from the way and from the door."""

from domain.casework import fatigue, money, outcomes
from domain.casework.draft import DecisionBuilder
from domain.casework.follow import follow
from domain.casework.steps import end
from domain.policy.schedule import rule_of
from schemas.casework.cases import CaseState, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import Checklist, OfficerReport, VisitStage
from schemas.levels import Action, Outcome

_WORDS = {
    VisitStage.ASSIGNED: "assigned",
    VisitStage.ACCEPTED: "accepted",
    VisitStage.REFUSED: "refused: the next one is asked",
    VisitStage.HANDED_OVER: "handed over: the next one is asked",
    VisitStage.ON_THE_WAY: "on the way",
    VisitStage.ARRIVED: "arrived",
    VisitStage.NOT_AT_HOME: "nobody at home",
    VisitStage.DONE: "visit done",
}


def officer_report(draft: DecisionBuilder, given: OfficerReport) -> None:
    """Apply an officer's report on a visit.

    A report on an attempt that has ended does not move the step, but the outcome it tells is applied, unless the talk
    was before the present danger. On a closed case only a fact REFUSED is written.
    """
    step = draft.steps.get(given.step)
    awaited = step if step and step.state is StepState.SENT and step.attempt == given.attempt else None
    if not draft.case.open:
        draft.say(FactKind.REFUSED, f"{given.stage.value}, says {given.by}: the case is closed", by=given.by)
        return
    draft.say(FactKind.VISIT, _words(given), step, by=given.by)
    if awaited is not None:
        _stage(draft, given, awaited)
    elif given.stage is VisitStage.DONE and _outdated(draft, given):
        _warned_before(draft, given)
    elif given.outcome is not None and given.stage is VisitStage.DONE:
        outcomes.apply(draft, given.outcome, given.by, None, Action.OPERATOR_CALL)
    draft.now = max(draft.now, given.told_at or draft.now)  # what follows goes out now, and has its time from now on


def _stage(draft: DecisionBuilder, given: OfficerReport, step: Step) -> None:
    match given.stage:
        case VisitStage.ASSIGNED | VisitStage.ON_THE_WAY:
            draft.set(officer=given.by)
        case VisitStage.ACCEPTED:
            draft.set(officer=given.by)
            draft.change(step, due=draft.now + rule_of(draft.plan, step.id, step.action).arrive_within)
            if not draft.plan_over:
                draft.enter(CaseState.VISIT_UNDER_WAY, f"{given.by} goes there")
        case VisitStage.ARRIVED:
            draft.set(officer=given.by)
            draft.change(step, due=draft.now + draft.plan.talk_within)
        case VisitStage.NOT_AT_HOME:
            no_longer_under_way(draft, _words(given))
            follow(draft, step, given.stage.value, _words(given))
        case VisitStage.REFUSED | VisitStage.HANDED_OVER:  # to the plan they are one: another must go now
            fatigue.give_back(draft, step, given.attempt)
            no_longer_under_way(draft, _words(given))
            follow(draft, step, VisitStage.REFUSED.value, _words(given))
        case VisitStage.DONE:
            _done(draft, given, step)


def no_longer_under_way(draft: DecisionBuilder, why: str) -> None:
    """The officer does not get there, or found nobody."""
    draft.set(officer=None)
    if draft.case.state is CaseState.VISIT_UNDER_WAY:
        draft.enter(CaseState.CONTACTING, why)


def _done(draft: DecisionBuilder, given: OfficerReport, step: Step) -> None:
    if _outdated(draft, given):
        _warned_before(draft, given)
        no_longer_under_way(draft, "the visit is done")
        end(draft, step, StepState.DONE, "visited before the danger that there is now")
        return
    if given.outcome is not None:
        outcomes.apply(draft, given.outcome, given.by, step, Action.OPERATOR_CALL)
        return
    draft.reached()
    no_longer_under_way(draft, "the visit is done")
    end(draft, step, StepState.DONE, "visited, and no outcome told")


def _outdated(draft: DecisionBuilder, given: OfficerReport) -> bool:
    """Whether it is told late, and the talk was before the danger that there is now: then it settles nothing."""
    settles = given.outcome is not None and given.outcome.outcome in (Outcome.DISSUADED, Outcome.FALSE_ALARM)
    return settles and draft.case.danger_at is not None and given.at < draft.case.danger_at


def _warned_before(draft: DecisionBuilder, given: OfficerReport) -> None:
    draft.reached()
    if given.outcome is not None:
        money.claim(draft, given.outcome.kept, given.by)
    draft.say(FactKind.NOTE, "told of a talk before the danger that there is now: it settles nothing", by=given.by)


def _words(given: OfficerReport) -> str:
    parts = [f"{given.by}: {_WORDS[given.stage]}"]
    parts += [f"at {given.place}"] if given.place else []
    parts += [f"to {given.to}"] if given.to else []
    parts += [f"checked: {_checked(given.checklist)}"] if given.checklist else []
    return "; ".join([*parts, given.note] if given.note else parts)


def _checked(checklist: Checklist) -> str:
    found = [name.replace("_", " ") for name, checked in checklist.model_dump().items() if checked]
    return ", ".join(found) or "nothing"
