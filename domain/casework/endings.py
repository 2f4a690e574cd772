"""The endings of a plan: dissuaded or cleared, defrauded, unreachable; and closing and reopening of a case."""

from datetime import timedelta

from domain.casework import money
from domain.casework.draft import CLOSE, DecisionBuilder
from domain.casework.grounds import talk_goes_on
from domain.casework.orders.later import end_all_later
from domain.casework.planning import (
    begin,
    closing,
    plan_close,
    plan_close_after_follow_ups,
    plan_follow_ups,
    plan_stops,
)
from domain.casework.steps import end, ensure_action, plan_step, withdraw, wrong_number
from domain.casework.week.question import plan_question, withdraw_question
from domain.casework.week.reminder import plan_reminder
from domain.identity.personal import without
from domain.policy.schedule import AFTER_PLAN, OUTLIVES
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
    """Mark the resident as dissuaded (outcome DISSUADED) or cleared (any other outcome), with a fact, and withdraw the
    steps that are not sent yet.

    After DISSUADED, follow-ups are planned, the question a week later, and a reminder; else the timer that closes the
    case. Lifting a stop goes on, and an officer who is on the way still makes the visit. `ground`: the ground of
    DISSUADED, else None. If the case has this state already, no fact is recorded; an evidenced ground replaces one that
    a person only stated, and the case's officer is cleared unless one is on the way.
    """
    state = CaseState.DISSUADED if outcome is Outcome.DISSUADED else CaseState.FALSE_ALARM
    if draft.case.state is state:
        if ground and ground.evidenced and draft.case.ground and not draft.case.ground.evidenced:
            draft.set(ground=ground)
        _nobody_goes(draft)
        return
    keep = OUTLIVES | {Action.FOLLOW_UP} if outcome is Outcome.DISSUADED else OUTLIVES
    withdraw(draft, [step for step in draft.live() if step.action not in keep], SettledAs(outcome, why))
    draft.set(outcome=outcome, ground=ground, settled_at=draft.now, claimed_by=None, returned_from=None)
    draft.set(talk_from=None)
    end_all_later(draft)
    _nobody_goes(draft)
    draft.enter(state, why)
    if outcome is Outcome.DISSUADED:
        plan_follow_ups(draft)
    else:
        plan_close(draft, draft.now + draft.plan.close_after)
    plan_question(draft)
    plan_reminder(draft)
    money.balance(draft)


def settle_elsewhere(draft: DecisionBuilder, why: AnyCode) -> None:
    """Mark the case as handed over, with a fact: another province handles the resident. Steps that are not sent yet are
    withdrawn, and the timer that closes the case is set.

    The outcome stays as it is, so that the case counts neither as dissuaded nor as a loss. Stops go on until they end,
    lifting a stop goes on, and an officer who is on the way still makes the visit.
    """
    withdraw_question(draft)
    withdraw(draft, [step for step in draft.live() if step.action not in OUTLIVES], why)
    draft.set(settled_at=draft.now, claimed_by=None, returned_from=None, talk_from=None)
    end_all_later(draft)
    _nobody_goes(draft)
    draft.enter(CaseState.HANDED_OVER, why)
    plan_close(draft, draft.now + draft.plan.close_after)
    money.balance(draft)


def defrauded(draft: DecisionBuilder, why: AnyCode) -> None:
    """Mark the resident as already defrauded, with a fact: withdraw the contacts that are not sent yet, remove the
    operator's claim on the case, plan stops of payments at once where possible, and plan follow-ups and the timer that
    closes the case.

    If the resident is marked already, only the case's officer is updated.
    """
    if draft.case.state is CaseState.ALREADY_DEFRAUDED:
        _nobody_goes(draft)
        return
    withdraw_question(draft)
    withdraw(draft, draft.contacts(), DefraudedAlready(why))
    draft.set(outcome=Outcome.ALREADY_DEFRAUDED, ground=None, settled_at=None, claimed_by=None, talk_from=None)
    _nobody_goes(draft)
    draft.enter(CaseState.ALREADY_DEFRAUDED, why)
    plan_stops(draft, at_once=True)
    plan_follow_ups(draft)
    money.balance(draft)


def recall(draft: DecisionBuilder, why: AnyCode) -> None:
    """Withdraw all unfinished visits, also those that were sent, with a fact and the reason `why` for each: officers
    who are on the way are called back.
    """
    for step in draft.live(Action.VISIT):
        end(draft, step, StepState.WITHDRAWN, Recalled(why))
    draft.set(officer=None)


def _nobody_goes(draft: DecisionBuilder) -> None:
    """Clear the case's officer, unless an officer is still on the way."""
    if all(step.state is not StepState.SENT for step in draft.live(Action.VISIT)):
        draft.set(officer=None)


def finish(draft: DecisionBuilder) -> None:
    """Make sure that an unsettled case has something planned; no effect on a settled case, or while a contact or the
    closing is planned.

    If the resident was warned or defrauded, plan follow-ups and the timer that closes the case; the state stays while
    the operator who has the case talks with the resident. Otherwise the case becomes UNREACHABLE, with one follow-up
    call (none to a wrong number) and the timer.
    """
    if draft.case.settled or draft.contacts() or closing(draft):
        return
    warned = draft.case.warned_at
    if draft.case.state is CaseState.ALREADY_DEFRAUDED or (warned and warned >= draft.case.opened_at):
        under_way = draft.case.state in (CaseState.VISIT_UNDER_WAY, CaseState.IN_CONVERSATION)
        if under_way and not talk_goes_on(draft.case):
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
    """Reopen the case at `level`, with a fact, because the resident is in danger again: the outcome and the claim are
    removed, and the plan starts anew. `why`: the recorded reason.
    """
    was = draft.case.level
    withdraw_question(draft)
    draft.set(outcome=None, settled_at=None, closed_at=None, level=level, claimed_by=None, officer=None)
    draft.set(ground=None, desk_call=None, met_at=None)
    draft.set(state=CaseState.RAISED)
    draft.note(FactKind.REOPENED, why if was is level else LevelAndWhy(level, was, why))
    begin(draft, CaseReopened())
    money.balance(draft)


def close(draft: DecisionBuilder, why: AnyCode, by: str | None = None) -> None:
    """Close the case, with a fact, and withdraw its steps that are not sent yet, except those that lift a stop or a
    hold, support calls, the question a week later and a reminder; a person's closing withdraws these two. Stops go on
    until they end.

    `by`: the login of the person who closes it; None: the plan does.
    """
    if by is not None:
        withdraw_question(draft)
    withdraw(draft, [step for step in draft.live() if step.action not in OUTLIVES], CaseClosed())
    draft.steps.pop(CLOSE, None)
    settled_at = draft.case.settled_at or draft.now
    end_all_later(draft)
    draft.set(state=CaseState.CLOSED, closed_at=draft.now, settled_at=settled_at, claimed_by=None, officer=None)
    draft.set(talk_from=None)
    draft.note(FactKind.CLOSED, why, by=by)


def time_to_close(draft: DecisionBuilder) -> None:
    """Process the timer that closes the case: close it, unless a step is unfinished, or a hold on the resident's own
    account is open, which closing would lift; then note that, and set the timer again.

    It is then due the policy's `close_after` after the latest due time of a step or end of a hold, but it waits for the
    end of a hold no longer than a week.
    """
    held = [hold.until or hold.due for hold in draft.case.own_holds if hold.state.open]
    if (live := draft.hinders_closing()) or held:
        last = max((step.due for step in live if step.due), default=draft.now)
        ends = min(max(held, default=draft.now), draft.now + LOOKED_AGAIN)
        plan_close(draft, max(last, ends, draft.now) + draft.plan.close_after)
        draft.note(FactKind.NOTE, NotClosedYet())
        return
    draft.steps[CLOSE] = draft.steps[CLOSE].model_copy(update={"state": StepState.DONE, "due": None})
    close(draft, NothingMoreToDo())


def reopen_for_talk(draft: DecisionBuilder, why: AnyCode) -> None:
    """Reopen the case so that an operator calls a resident who asked for it in a support call, or who answered a week
    after they were dissuaded that they have paid or were contacted again; no other step of a plan is planned. `why`:
    the recorded reason.

    A closed case is reopened at yellow; only "dissuaded" stays its outcome, until the operator records another one. An
    open one keeps its level, outcome, stops and follow-ups: the talk changes nothing about the loss.
    """
    was = draft.case
    draft.steps.pop(CLOSE, None)
    if not was.open:
        draft.set(settled_at=None, closed_at=None, level=Level.YELLOW)
        if was.outcome is not Outcome.DISSUADED:
            draft.set(outcome=None, ground=None)
    draft.set(claimed_by=None, officer=None, desk_call=None, met_at=None)
    draft.set(state=CaseState.CONTACTING, talk_from=was.state)
    draft.note(FactKind.REOPENED, why)
    ensure_action(draft, "operator", Action.OPERATOR_CALL, why)
    money.balance(draft)


def end_talk(draft: DecisionBuilder, why: AnyCode, by: str) -> None:
    """End the talk that `reopen_for_talk` began: close the case if it was closed before, or has no such talk; else
    restore its state and set the timer that closes it. `by`: the person who talked.
    """
    was = draft.case.talk_from
    if was is None or was is CaseState.CLOSED:
        close(draft, why, by)
        return
    draft.set(claimed_by=None, returned_from=None, desk_call=None, met_at=None, talk_from=None)
    draft.enter(was, why)
    plan_close_after_follow_ups(draft)


def erase(draft: DecisionBuilder, by: str) -> None:
    """Remove the personal data and the known loss from a case, so that the shield ends, and withdraw its contacts after
    the plan, with a fact; figures for statistics stay. No effect if nothing of this is left. `by`: the login of the
    person who does it.
    """
    left = without(draft.case).model_copy(update={"prior_loss": None})
    if left == draft.case:
        return
    draft.case = left
    draft.steps = {step.id: step for step in left.steps}
    withdraw(draft, draft.live(*AFTER_PLAN), PersonalDataDestroyed())
    draft.note(FactKind.FORGOTTEN, PersonalDataDestroyed(), by=by)
