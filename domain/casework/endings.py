"""How a plan ends: dissuaded or cleared, defrauded, unreachable; and closing and reopening."""

from datetime import timedelta

from domain.casework import money
from domain.casework.draft import CLOSE, DecisionBuilder
from domain.casework.orders.later import end_all_later
from domain.casework.planning import begin, closing, plan_close, plan_follow_ups, plan_stops
from domain.casework.steps import end, plan_step, withdraw, wrong_number
from domain.identity.personal import without
from domain.policy.schedule import LIFTS
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import FactKind
from schemas.codes.any_code import AnyCode, DefraudedAlready, LevelAndWhy, Recalled, SettledAs
from schemas.codes.plan import (
    AllTried,
    CaseReopened,
    NotClosedYet,
    NothingMoreToDo,
    NotReachedSoFar,
    PersonalDataDestroyed,
    PlanRanOut,
)
from schemas.codes.refusals import CaseClosed
from schemas.levels import Action, Level, Outcome, OutcomeGround

LOOKED_AGAIN = timedelta(days=7)  # when it is looked at again whether a case with a hold can be closed


def settle(draft: DecisionBuilder, outcome: Outcome, why: AnyCode, ground: OutcomeGround | None) -> None:
    """Mark the resident as dissuaded (outcome DISSUADED) or cleared (any other), and withdraw the plan's unsent steps.

    If dissuaded, follow-ups still go out. An officer who is on the way still makes the visit. `ground`: the reason for
    the outcome DISSUADED; one that is evidenced replaces one that a person only stated.
    """
    state = CaseState.DISSUADED if outcome is Outcome.DISSUADED else CaseState.FALSE_ALARM
    if draft.case.state is state:
        if ground and ground.evidenced and draft.case.ground and not draft.case.ground.evidenced:
            draft.set(ground=ground)
        _nobody_goes(draft)
        return
    keep = LIFTS | {Action.FOLLOW_UP} if outcome is Outcome.DISSUADED else LIFTS
    withdraw(draft, [step for step in draft.live() if step.action not in keep], SettledAs(outcome, why))
    draft.set(outcome=outcome, ground=ground, settled_at=draft.now, claimed_by=None, returned_from=None)
    end_all_later(draft)
    _nobody_goes(draft)
    draft.enter(state, why)
    if outcome is Outcome.DISSUADED:
        plan_follow_ups(draft)
    else:
        plan_close(draft, draft.now + draft.plan.close_after)
    money.balance(draft)


def defrauded(draft: DecisionBuilder, why: AnyCode) -> None:
    """Mark the resident as already defrauded: withdraw warnings, stop payments at once where possible, plan
    follow-ups.
    """
    if draft.case.state is CaseState.ALREADY_DEFRAUDED:
        _nobody_goes(draft)
        return
    withdraw(draft, draft.contacts(), DefraudedAlready(why))
    draft.set(outcome=Outcome.ALREADY_DEFRAUDED, ground=None, settled_at=None, claimed_by=None)
    _nobody_goes(draft)
    draft.enter(CaseState.ALREADY_DEFRAUDED, why)
    plan_stops(draft, at_once=True)
    plan_follow_ups(draft)
    money.balance(draft)


def recall(draft: DecisionBuilder, why: AnyCode) -> None:
    """End all unfinished visits as withdrawn; officers who are on the way are called back."""
    for step in draft.live(Action.VISIT):
        end(draft, step, StepState.WITHDRAWN, Recalled(why))
    draft.set(officer=None)


def _nobody_goes(draft: DecisionBuilder) -> None:
    """Clear the case's officer, unless an officer is still on the way."""
    if all(step.state is not StepState.SENT for step in draft.live(Action.VISIT)):
        draft.set(officer=None)


def finish(draft: DecisionBuilder) -> None:
    """Make sure that an open case has something planned. No effect if the case is settled, or while a contact or its
    closing is planned or under way.

    If the plan has run out after a warning, or the resident was defrauded, plan follow-ups and the timer that closes
    the case; otherwise the case becomes UNREACHABLE, with one follow-up and a closing.
    """
    if draft.case.settled or draft.contacts() or closing(draft):
        return
    warned = draft.case.warned_at
    if draft.case.state is CaseState.ALREADY_DEFRAUDED or (warned and warned >= draft.case.opened_at):
        if draft.case.state in (CaseState.VISIT_UNDER_WAY, CaseState.IN_CONVERSATION):
            draft.enter(CaseState.CONTACTING, PlanRanOut())
        plan_follow_ups(draft)
        return
    draft.set(outcome=Outcome.UNREACHABLE)
    draft.enter(CaseState.UNREACHABLE, AllTried())
    rules = draft.plan.unreachable
    if not wrong_number(draft):
        plan_step(draft, "follow.1", Action.FOLLOW_UP, draft.now + rules.follow_up, NotReachedSoFar())
    plan_close(draft, draft.now + rules.close)


def reopen(draft: DecisionBuilder, why: AnyCode, level: Level) -> None:
    """Reopen the case because the resident is in danger again: start the plan anew, at the new danger's level."""
    was = draft.case.level
    draft.set(outcome=None, settled_at=None, closed_at=None, level=level, claimed_by=None, officer=None)
    draft.set(ground=None, desk_call=None, met_at=None)
    draft.set(state=CaseState.RAISED)
    draft.note(FactKind.REOPENED, why if was is level else LevelAndWhy(level, was, why))
    begin(draft, CaseReopened())
    money.balance(draft)


def close(draft: DecisionBuilder, why: AnyCode, by: str | None = None) -> None:
    """Close the case and withdraw its unsent steps, except releases of stops. Stops continue until they end.

    `by`: the person who closes it; None: the plan does.
    """
    withdraw(draft, [step for step in draft.live() if step.action not in LIFTS], CaseClosed())
    draft.steps.pop(CLOSE, None)
    settled_at = draft.case.settled_at or draft.now
    end_all_later(draft)
    draft.set(state=CaseState.CLOSED, closed_at=draft.now, settled_at=settled_at, claimed_by=None, officer=None)
    draft.note(FactKind.CLOSED, why, by=by)


def time_to_close(draft: DecisionBuilder) -> None:
    """Close the case when its timer fires; if a step is unfinished, or a hold of the resident's own account runs, set
    the timer anew instead: after that step, and within a week for a hold, which closing would lift.
    """
    held = [hold.until or hold.due for hold in draft.case.own_holds if hold.state.open]
    if draft.live() or held:
        last = max((step.due for step in draft.live() if step.due), default=draft.now)
        ends = min(max(held, default=draft.now), draft.now + LOOKED_AGAIN)
        plan_close(draft, max(last, ends, draft.now) + draft.plan.close_after)
        draft.note(FactKind.NOTE, NotClosedYet())
        return
    draft.steps[CLOSE] = draft.steps[CLOSE].model_copy(update={"state": StepState.DONE, "due": None})
    close(draft, NothingMoreToDo())


def erase(draft: DecisionBuilder, by: str) -> None:
    """Remove the personal data from an ended case; the figures for statistics stay. No effect if it has none left."""
    if (left := without(draft.case)) == draft.case:
        return
    draft.case = left
    draft.steps = {step.id: step for step in left.steps}
    draft.note(FactKind.FORGOTTEN, PersonalDataDestroyed(), by=by)
