"""The reminder that a dissuaded resident gets some time later, because the effect of a warning fades in weeks.

The policy's plan may have one for everybody, and an arm of an experiment for those who are assigned to it.
"""

from domain.casework.draft import DecisionBuilder
from domain.casework.planning import assign_arm
from domain.casework.steps import plan_step, reminds_after, wrong_number
from domain.policy.schedule import may_remind
from schemas.casework.cases import StepState
from schemas.codes.week import WarningFades
from schemas.levels import Action

_NEVER_MADE = (StepState.WITHDRAWN, StepState.SKIPPED)


def plan_reminder(draft: DecisionBuilder) -> None:
    """Plan the reminder for a resident who has just been dissuaded, if the policy's plan or the case's arm of an
    experiment has one; the case is assigned to such an experiment now. No effect if the number is wrong, or if the case
    has had a reminder.
    """
    if not may_remind(draft.case) or wrong_number(draft):
        return
    assign_arm(draft)
    after = reminds_after(draft)
    made = any(step.action is Action.REMINDER and step.state not in _NEVER_MADE for step in draft.steps.values())
    if after is not None and not made:
        plan_step(draft, f"remind.{Action.REMINDER.value}", Action.REMINDER, draft.after(after), WarningFades())
