"""When the question is put to a dissuaded resident, and by which channel."""

from datetime import timedelta

from domain.casework.draft import DecisionBuilder
from domain.casework.steps import end, plan_step, withdraw, wrong_number
from domain.policy.schedule import WEEK_QUESTIONS, conditions, may_ask_after_week
from schemas.casework.cases import StepState
from schemas.codes.week import AskedInstead, AskedNoMore, AskedWhetherPaid, RemindedNoMore
from schemas.levels import Action, Channel, OutcomeGround

SAME_TIME = timedelta(hours=24)  # the question by a call replaces a follow-up call that is planned so near to it
BY_TELEPHONE = frozenset({OutcomeGround.CALL, OutcomeGround.KEY, OutcomeGround.CALLED_BACK})


def channel_of_ground(ground: OutcomeGround | None) -> Channel | None:
    """Return the channel by which the resident was dissuaded; None if it was none of ours."""
    if ground in BY_TELEPHONE:
        return Channel.PHONE
    return Channel.VISIT if ground is OutcomeGround.VISIT else None


def plan_question(draft: DecisionBuilder) -> None:
    """Plan the question for the policy's `ask_after` from now, if the resident is dissuaded and was not asked before;
    one that waits from an earlier dissuasion is withdrawn, as is a reminder. A follow-up call within 24 h of a question
    by call is skipped.

    The channel is another one than that by which they were dissuaded: a text message after a call, a call after a visit
    or if it was neither; a text message too if they object to calls or hear badly. No effect if the number is wrong.
    """
    withdraw_question(draft)
    after = draft.plan.ask_after
    if after is None or draft.case.week is not None or not may_ask_after_week(draft.case) or wrong_number(draft):
        return
    action = _action(draft)
    step = plan_step(draft, f"week.{action.value}", action, draft.after(after), AskedWhetherPaid())
    if action is not Action.WEEK_CALL:
        return
    for other in draft.live(Action.FOLLOW_UP):
        near = other.due is not None and step.due is not None and abs(other.due - step.due) < SAME_TIME
        if other.state is StepState.PENDING and near:
            end(draft, other, StepState.SKIPPED, AskedInstead())


def withdraw_question(draft: DecisionBuilder) -> None:
    """Withdraw a question and a reminder that wait, with a fact for each; no effect if none does."""
    withdraw(draft, draft.live(*WEEK_QUESTIONS), AskedNoMore())
    withdraw(draft, draft.live(Action.REMINDER), RemindedNoMore())


def _action(draft: DecisionBuilder) -> Action:
    """Return by which action the resident is asked: never by the channel that dissuaded them."""
    if channel_of_ground(draft.case.ground) is Channel.PHONE:
        return Action.WEEK_SMS
    true = conditions(draft.case.profile, money_at_risk=False)
    return Action.WEEK_CALL if true.issuperset(draft.plan.asked["week_call"].when) else Action.WEEK_SMS
