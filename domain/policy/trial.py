"""The breaker's decisions: whether a new policy raises so many cases that it must be wrong, and what then replaces it.

A new policy is judged by the rules of the last good one: a bad policy cannot loosen its own breaker. It is judged only
during its trial: later, many cases at once mean a campaign, when nothing must stop. A campaign during a trial stops a
good policy: red cases continue all the same, and a person can put it in force again.
"""

from collections.abc import Sequence
from datetime import datetime
from statistics import median

from domain.policy.breaker_rules import MINUTE, BreakerRules
from schemas.casework.events import CaseEvent, FactKind
from schemas.casework.inputs import Hold
from schemas.casework.journal import PartialCaseEvent
from schemas.casework.policies import Earlier, InForce, Stopped
from schemas.codes.plan import BreakerCode, TooManyInMinute, TooManyOnAverage

BY = "breaker"
MOST_EARLIER = 50  # earlier policies that are remembered
_RAISED = frozenset({FactKind.OPENED, FactKind.REOPENED, FactKind.LEVEL_RAISED})


def raised(event: CaseEvent | PartialCaseEvent) -> int:
    """Return 1 if an alert opened the event's case, reopened it or raised its level, else 0."""
    return sum(fact.kind in _RAISED for fact in event.facts) if event.input_kind == "alert" else 0


def reason_to_stop(usual: Sequence[int], recent: Sequence[int], rules: BreakerRules) -> BreakerCode | None:
    """Return why a policy must be stopped, or None.

    It raised too many cases in one minute, or on average over the latest `rules.steady`. `usual`: cases raised in each
    minute under the previous policy; `recent`: under this one, oldest first. A median is not affected by a campaign of
    some minutes, nor by a feed's outage of an hour.
    """
    normal = max(float(median(usual)) if usual else 0.0, rules.least)
    most, window = max(recent, default=0), recent[-max(1, rules.steady // MINUTE) :]
    if most > rules.sudden * normal:
        return TooManyInMinute(most, normal)
    if sum(window) > rules.slow * normal * (rules.steady // MINUTE):
        return TooManyOnAverage(sum(window), len(window), normal)
    return None


def on_trial(standing: InForce | None, rules: BreakerRules | None, now: datetime) -> bool:
    """Return whether the policy in force is still on trial. `rules`: of the policy to revert to.

    False without `rules`, for the last good policy, and for one that a person put in force again after it was stopped.
    """
    if standing is None or rules is None or standing.override or standing.policy == standing.good:
        return False
    return now - standing.since < rules.trial


def published(before: InForce, policy: str, by: str, now: datetime, *, proved: bool, override: str = "") -> InForce:
    """Return the state after a policy is published. `policy`: its hash; `proved`: the previous one has passed its
    trial.

    If it has, it becomes the last good one. `override`: why a person puts a stopped policy in force again.
    """
    good = before.policy if proved else before.good
    stopped = {name: why for name, why in before.stopped.items() if name != policy}
    return InForce(
        policy=policy, good=good, since=now, by=by, override=override, stopped=stopped, earlier=_earlier(before)
    )


def hold_of(standing: InForce, words: str, rules: BreakerRules, now: datetime) -> Hold:
    """Return the hold on the cases that the stopped policy raised, except red ones; it ends after `rules.hold`.

    `words`: the reason for which the policy was stopped.
    """
    return Hold(
        id=f"b{standing.policy[:8]}",
        until=now + rules.hold,
        reason=f"policy {standing.policy} was stopped: {words}"[:500],
        by=BY,
        spare_red=True,
        policy=standing.policy,
    )


def tripped(standing: InForce, hold: Hold, why: BreakerCode, now: datetime) -> InForce:
    """Return the state after the policy in force is stopped: the last good one is in force again. Nothing is stored.

    The state names the stopped policy with the reason, and the id and end of `hold`; the caller sets the hold itself.
    """
    stop = Stopped(at=now, reason=why, hold=hold.id, until=hold.until)
    stopped = standing.stopped | {standing.policy: stop}
    return InForce(
        policy=standing.good, good=standing.good, since=now, by=BY, stopped=stopped, earlier=_earlier(standing)
    )


def _earlier(before: InForce) -> list[Earlier]:
    one = Earlier(policy=before.policy, since=before.since, by=before.by)
    return [one, *before.earlier][:MOST_EARLIER]
