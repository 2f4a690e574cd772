"""Decides whether a policy with experiments may be put in force: two persons start an experiment, and an experiment
that has started is not changed, only stopped.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from domain.policy import Policy
from domain.policy.approval import are_two
from domain.policy.experiments.plan import ExperimentPlan
from domain.policy.experiments.stop_text import unstoppable, with_stop
from schemas.errors import UserError


class ExperimentRefusal(StrEnum):
    """Why a policy may not be put in force because of its experiments.

    ALTERED: the registered plan of one that has started would change, or its stop be undone. ONE_PERSON: only one
    person stands for an experiment that is new, or that is changed before its start. UNSTOPPABLE: its text cannot be
    stopped by adding a line. STOP_AHEAD: `stopped_at` is in the future: a stop takes effect at once. UNDERPOWERED: a
    new one is too short for its power with its weights.
    """

    ALTERED = "altered"
    ONE_PERSON = "one_person"
    UNSTOPPABLE = "unstoppable"
    STOP_AHEAD = "stop_ahead"
    UNDERPOWERED = "underpowered"


_SENTENCES = {
    ExperimentRefusal.ALTERED: (
        "an experiment that has started may only be stopped, or get other weights: give the new plan a new name"
    ),
    ExperimentRefusal.ONE_PERSON: (
        "a second person must approve a new one, or a change before its start: name them, or publish a draft"
    ),
    ExperimentRefusal.UNSTOPPABLE: "write each as a table of its own, [experiments.NAME], so that it can be stopped",
    ExperimentRefusal.STOP_AHEAD: "stopped_at is in the future: leave it out, or stop the experiment when it is time",
    ExperimentRefusal.UNDERPOWERED: (
        "too short for its power with these weights: let it end later, or weigh the arms alike"
    ),
}


class ExperimentRefusedError(UserError):
    """A policy may not be put in force because of its experiments `names`, for the reason `code`."""

    def __init__(self, code: ExperimentRefusal, names: Collection[str]) -> None:
        super().__init__(f"experiments {', '.join(names)}: {_SENTENCES[code]}")
        self.code, self.names = code, tuple(names)


def check_experiments(
    text: str, after: Policy, earlier: Iterable[Policy], persons: Collection[str], now: datetime
) -> None:
    """Check whether the policy `after`, with the TOML `text`, may be put in force at `now`. Return None if it may.

    Raises ExperimentRefusedError with the first reason, in the order STOP_AHEAD, ALTERED, UNSTOPPABLE, UNDERPOWERED,
    ONE_PERSON (see ExperimentRefusal), and the experiments that it concerns, and PolicyError if `text` is not a valid
    policy. `earlier`: the policy in force, then those before it, the latest first. `persons`: who wrote and who
    approves it; a new experiment needs two.
    """
    before = list(earlier)
    new = newly_begun(before[0].experiments if before else {}, after.experiments, now)
    ahead = [name for name, plan in after.experiments.items() if plan.stopped_at is not None and plan.stopped_at > now]
    found = {
        ExperimentRefusal.STOP_AHEAD: ahead,
        ExperimentRefusal.ALTERED: altered(_latest(before), after.experiments, now),
        ExperimentRefusal.UNSTOPPABLE: unstoppable(text, now),
        ExperimentRefusal.UNDERPOWERED: [name for name in new if after.experiments[name].underpowered],
        ExperimentRefusal.ONE_PERSON: [] if are_two(persons) else new,
    }
    for code, names in found.items():
        if names:
            raise ExperimentRefusedError(code, names)


def _latest(policies: Iterable[Policy]) -> dict[str, ExperimentPlan]:
    """Return the latest version of each experiment in the policies, the latest policy first."""
    found: dict[str, ExperimentPlan] = {}
    for policy in policies:
        found = {**policy.experiments, **found}
    return found


def with_stops_of(text: str, policies: Iterable[Policy]) -> str:
    """Return the policy's TOML text, with a stop added to each of its experiments that was stopped before: in the
    latest version of the experiment in `policies`, which are given the latest first.

    Raises UnstoppableError if an experiment cannot be stopped by adding a line, and PolicyError if the text is invalid.
    """
    for name, plan in _latest(policies).items():
        if plan.stopped_at is not None:
            text = with_stop(text, name, plan.stopped_at)
    return text


def same_but_for_stops(one: Policy, other: Policy) -> bool:
    """Return True if the policies are equal, or differ only in which experiments are stopped and when."""
    return _unstopped(one) == _unstopped(other)


def _unstopped(policy: Policy) -> Policy:
    experiments = {name: plan.model_copy(update={"stopped_at": None}) for name, plan in policy.experiments.items()}
    risk = policy.risk.model_copy(update={"policy": ""})
    return policy.model_copy(update={"hash": "", "risk": risk, "experiments": experiments})


def altered(before: Mapping[str, ExperimentPlan], after: Mapping[str, ExperimentPlan], now: datetime) -> list[str]:
    """Return the names of the experiments that have started by `now` and that `after` changes in a way that is not
    allowed.

    Only the arms' weights may change, and a stop may be set, but not be undone or moved: the rest was fixed before the
    first outcome. An experiment may be left out.
    """
    return [
        name
        for name, plan in before.items()
        if name in after
        and plan.starts <= now
        and (_registered(plan) != _registered(after[name]) or plan.stopped_at not in (None, after[name].stopped_at))
    ]


def _registered(plan: ExperimentPlan) -> ExperimentPlan:
    arms = {name: arm.model_copy(update={"weight": 0.0}) for name, arm in plan.arms.items()}
    return plan.model_copy(update={"arms": arms, "stopped_at": None})


def newly_begun(before: Mapping[str, ExperimentPlan], after: Mapping[str, ExperimentPlan], now: datetime) -> list[str]:
    """Return the names of the experiments of `after` that need an approval: they are not stopped, and `before` does not
    have them, or has another plan that has not started by `now`. `before`: the experiments of the policy in force.
    """
    return [
        name
        for name, plan in after.items()
        if not plan.stopped and (name not in before or (now < before[name].starts and before[name] != plan))
    ]
