"""Whether experiments fit the rest of the policy: no arm delays a step or a reminder of the plan, words a longer
message than it may, or changes the caller of a step that is no automated call; and no two run for one level at once.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import combinations

from domain.policy.experiments.arms import Arm
from domain.policy.experiments.plan import ExperimentPlan
from domain.policy.faults import FaultCode, refused
from domain.policy.messages import OF_SEVERAL, ONE_SEGMENT, SAMPLE, Messages, segments
from domain.policy.plan import LATEST_REMINDER, SOONEST_REMINDER, Plan
from domain.policy.units import spelt
from schemas.levels import Action, Level
from schemas.people.residents import Language


def within_plan(name: str, experiment: ExperimentPlan, plan: Plan, messages: Messages) -> None:
    """Check that the experiment `name` fits the plan and the messages. Return None if it does.

    Raises PydanticCustomError, a ValueError, if an arm makes a step later than the plan of one of the experiment's
    levels does, has a step that one of these plans does not have, has somebody make a call that is no automated call of
    the plan, reminds residents sooner than SOONEST_REMINDER or later than the plan (than LATEST_REMINDER, if the plan
    has no reminder), or has a text of more SMS segments than the policy allows.
    """
    for arm_name, arm in experiment.arms.items():
        where = f"experiments.{name}.arms.{arm_name}"
        for level in experiment.levels:
            _no_later(where, arm, level, plan)
            _calls_instead(where, arm, level, plan)
        _reminds_in_time(where, arm, plan)
        _short_enough(where, arm, messages.segments.sms)


def _no_later(where: str, arm: Arm, level: Level, plan: Plan) -> None:
    steps = plan.levels[level].steps
    for step, after in arm.after.items():
        if step not in steps or after > steps[step].after:
            most = spelt(steps[step].after) if step in steps else "–"
            raise refused(
                FaultCode.LATER_THAN_PLAN, key=f"{where}.after.{step}", name=f"{level.value}.{step}", most=most
            )


def _calls_instead(where: str, arm: Arm, level: Level, plan: Plan) -> None:
    """Only an automated call may be made by a person: the other way round, a resident would get less than the plan."""
    steps = plan.levels[level].steps
    automated = sorted(name for name, rule in steps.items() if rule.action is Action.ROBOT_CALL)
    for step in arm.caller:
        if step not in automated:
            key, name = f"{where}.caller.{step}", f"{level.value}.{step}"
            raise refused(FaultCode.NO_AUTOMATED_CALL, key=key, name=name, choices=automated)


def _reminds_in_time(where: str, arm: Arm, plan: Plan) -> None:
    after, most = arm.remind_after, plan.remind_after or LATEST_REMINDER
    if after is not None and not SOONEST_REMINDER <= after <= most:
        least = spelt(SOONEST_REMINDER)
        raise refused(FaultCode.NOT_BETWEEN, key=f"{where}.remind_after", least=least, most=spelt(most))


def _short_enough(where: str, arm: Arm, most: int) -> None:
    for language in Language:
        for scam, text in (arm.sms.texts(language) if arm.sms else {}).items():
            if (taken := segments(text.format(**SAMPLE))) > most:
                key = f"{where}.sms.{language.value}.{scam}"
                room = ONE_SEGMENT if most == 1 else most * OF_SEVERAL
                raise refused(FaultCode.TOO_MANY_SEGMENTS, key=key, taken=taken, most=most, room=room)


def apart(experiments: Mapping[str, ExperimentPlan]) -> None:
    """Check that no two experiments assign cases of one level at the same time: each would blur what the other shows.
    Return None if so.

    Raises PydanticCustomError, a ValueError, for the first two that do.
    """
    for (name, one), (other_name, other) in combinations(experiments.items(), 2):
        together = max(one.starts, other.starts) < min(_end(one), _end(other))
        if together and set(one.levels) & set(other.levels):
            raise refused(FaultCode.EXPERIMENTS_OVERLAP, key=f"experiments.{other_name}", name=name)


def _end(plan: ExperimentPlan) -> datetime:
    return min(plan.ends, plan.stopped_at) if plan.stopped_at else plan.ends
