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
    """The arm that has its effect on a case, with the names of the experiment and of the arm."""

    experiment: str
    name: str
    arm: Arm

    @property
    def reference(self) -> str:
        """The arm as a dispatch names it: EXPERIMENT/ARM."""
        return f"{self.experiment}/{self.name}"


def new_assignments(case: Case, experiments: Mapping[str, ExperimentPlan], now: datetime) -> dict[str, Assignment]:
    """Return the assignments that a case gets at `now`: to each running experiment that it may join and has no arm of
    yet. A case that has been open for years holds MOST_EXPERIMENTS at most; then it gets no further one.
    """
    room = MOST_EXPERIMENTS - len(case.experiments)
    joined = (name for name, plan in experiments.items() if name not in case.experiments and may_join(case, plan, now))
    return {name: assignment(name, experiments[name], case, now) for name in islice(joined, max(0, room))}


def arm_of_case(case: Case, experiments: Mapping[str, ExperimentPlan], now: datetime) -> CaseArm | None:
    """Return the arm that has its effect on the case at `now`, or None. One experiment runs for a level at a time."""
    for name, given in case.experiments.items():
        plan = experiments.get(name)
        if plan and given.arm in plan.arms and plan.runs_at(now) and may_vary(case, plan):
            return CaseArm(name, given.arm, plan.arms[given.arm])
    return None


def after_start(arm: CaseArm | None, step: str, rule: StepRule) -> timedelta:
    """Return how long after the plan's start a step is due: as the arm says, else as the plan does."""
    return arm.arm.after.get(step, rule.after) if arm else rule.after


def worded_by(arm: CaseArm | None, action: Action) -> str | None:
    """Return the arm (EXPERIMENT/ARM) whose text a dispatch with this action has; None: the policy's text."""
    return arm.reference if arm and arm.arm.wording(action) else None


def wording_of(
    experiments: Mapping[str, ExperimentPlan], dispatch: Dispatch, flags: Collection[Flag]
) -> Wording | None:
    """Return the templates of the arm that a dispatch names. None if it names none, if the policy in force no longer
    has the arm or has stopped its experiment, or if the resident does not take part any more: the policy's own text is
    sent then. `flags`: those in the resident's entry of the register now.
    """
    experiment, _, name = (dispatch.arm or "").partition("/")
    plan = experiments.get(experiment)
    if plan is None or name not in plan.arms or plan.stopped or not consents(flags, plan):
        return None
    return plan.arms[name].wording(dispatch.action)
