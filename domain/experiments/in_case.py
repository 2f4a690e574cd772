"""The arm of a case: assigned when its plan begins, and what it changes of the plan's steps and texts.

An arm has its effect while its experiment runs and the case may vary (`may_vary`). At any other time, also as soon as
an experiment is stopped, the plan of the level applies as it is; the assignment stays, for the analysis.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from domain.experiments.assignment import assignment, consents, may_join, may_vary
from domain.policy.experiments.arms import Arm
from domain.policy.experiments.plan import ExperimentPlan
from domain.policy.messages import Wording
from domain.policy.plan import StepRule
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.experiments import MOST_EXPERIMENTS, Assignment
from schemas.levels import Action
from schemas.people.residents import Flag


class CaseArm(NamedTuple):
    """The arm that changes how a case is handled now, with the names of the experiment and of the arm."""

    experiment: str
    name: str
    arm: Arm

    @property
    def reference(self) -> str:
        """The arm as a dispatch names it: EXPERIMENT/ARM."""
        return f"{self.experiment}/{self.name}"


def new_assignments(case: Case, experiments: Mapping[str, ExperimentPlan], now: datetime) -> dict[str, Assignment]:
    """Return the new assignments of a case at `now`, by experiment's name: one for each experiment that the case may
    join (`may_join`) and has no assignment to yet. Empty if there is none. A case gets at most 8 assignments
    (MOST_EXPERIMENTS) in all. The case is not changed.
    """
    room = MOST_EXPERIMENTS - len(case.experiments)
    joined = (name for name, plan in experiments.items() if name not in case.experiments and may_join(case, plan, now))
    return {name: assignment(name, experiments[name], case, now) for name in islice(joined, max(0, room))}


def arm_of_case(case: Case, experiments: Mapping[str, ExperimentPlan], now: datetime) -> CaseArm | None:
    """Return the arm that changes how the case is handled at `now`. None if the case has no assignment, its experiment
    does not run now, the policy no longer has the arm, or the case may not vary (`may_vary`). At most one experiment
    runs for a level at a time.
    """
    for name, given in case.experiments.items():
        plan = experiments.get(name)
        if plan and given.arm in plan.arms and plan.runs_at(now) and may_vary(case, plan):
            return CaseArm(name, given.arm, plan.arms[given.arm])
    return None


def remind_after(case: Case, experiments: Mapping[str, ExperimentPlan]) -> timedelta | None:
    """Return how long after the resident was dissuaded the case's arm reminds them. None if it has no arm that does,
    its experiment is stopped or no longer in the policy, or the case may not vary (`may_vary`).

    An arm keeps this effect after its experiment has ended: who was assigned on the last days is reminded too.
    """
    for name, given in case.experiments.items():
        plan = experiments.get(name)
        arm = plan.arms.get(given.arm) if plan else None
        if plan and arm and arm.remind_after is not None and not plan.stopped and may_vary(case, plan):
            return arm.remind_after
    return None


def action_of(arm: CaseArm | None, step: str, rule: StepRule) -> Action:
    """Return the action of a step of the level's plan: the arm's if somebody else makes this call, else the rule's.
    `arm` None: the rule's.
    """
    caller = arm.arm.caller.get(step) if arm else None
    return caller.action if caller else rule.action


def after_start(arm: CaseArm | None, step: str, rule: StepRule) -> timedelta:
    """Return how long after the plan's start a step is due: the arm's time for this step if it has one, else the time
    of the plan's rule. `arm` None: the rule's.
    """
    return arm.arm.after.get(step, rule.after) if arm else rule.after


def worded_by(arm: CaseArm | None, action: Action) -> str | None:
    """Return the arm (as EXPERIMENT/ARM) whose text a dispatch with this action gets, or None if the policy's own text
    is sent.
    """
    return arm.reference if arm and arm.arm.wording(action) else None


def wording_of(
    experiments: Mapping[str, ExperimentPlan], dispatch: Dispatch, flags: Collection[Flag]
) -> Wording | None:
    """Return the templates of the text that the dispatch's arm has for its action. None means that the policy's own
    text is sent: the dispatch names no arm, the arm has no text for the action, the policy in force no longer has the
    arm or has stopped its experiment, or the resident no longer consents. `flags`: the flags that the resident has in
    the register now.
    """
    experiment, _, name = (dispatch.arm or "").partition("/")
    plan = experiments.get(experiment)
    if plan is None or name not in plan.arms or plan.stopped or not consents(flags, plan):
        return None
    return plan.arms[name].wording(dispatch.action)
