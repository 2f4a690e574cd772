"""The breaker's decisions: whether a new policy raises so many cases that it must be wrong, and which policy replaces
it.

A new policy is judged by the rules of the last good one, so a bad policy cannot loosen its own breaker. It is judged
only during its trial: later, many cases at once mean a campaign, and nothing must be stopped. A campaign during a trial
stops a good policy: red cases go on nevertheless, and a person can put the policy in force again.
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
    """Return how many facts of an event record that its case was opened, reopened or raised in level: normally 1 or 0.
    Return 0 if the event's input is not an alert.
    """
    return sum(fact.kind in _RAISED for fact in event.facts) if event.input_kind == "alert" else 0


def reason_to_stop(usual: Sequence[int], recent: Sequence[int], rules: BreakerRules) -> BreakerCode | None:
    """Return the code of the reason to stop a policy, or None if the policy may go on.

    A policy is stopped if it raised too many cases in one minute, or on average over the last `rules.steady`. `usual`:
    cases raised in each minute under the previous policy, of which the median counts: a campaign of some minutes or a
    feed outage of an hour does not affect it. `recent`: cases raised in each minute under the new policy, the oldest
    first.
    """
    normal = max(float(median(usual)) if usual else 0.0, rules.least)
    most, window = max(recent, default=0), recent[-max(1, rules.steady // MINUTE) :]
    if most > rules.sudden * normal:
        return TooManyInMinute(most, normal)
    if sum(window) > rules.slow * normal * (rules.steady // MINUTE):
        return TooManyOnAverage(sum(window), len(window), normal)
    return None


def on_trial(standing: InForce | None, rules: BreakerRules | None, now: datetime) -> bool:
    """Return True if the breaker still judges the policy in force, because it was put in force less than `rules.trial`
    ago. `rules`: the breaker rules of the policy to revert to; None: there are none. `standing`: the record of which
    policy is in force; None: there is none.

    False if either is None, if the policy in force is the last good one, and if a person put it in force again after it
    was stopped.
    """
    if standing is None or rules is None or standing.override or standing.policy == standing.good:
        return False
    return now - standing.since < rules.trial


def published(
    before: InForce, policy: str, by: str, now: datetime, *, proved: bool, override: str = "", only_stops: bool = False
) -> InForce:
    """Return the record of which policy is in force after a policy (hash `policy`) was published by the user `by` at
    `now`. `before`: the record until then. Nothing is stored here.

    `proved`: True if the previous policy has passed its trial: it becomes the last good one. `override`: a person's
    reason to put a stopped policy in force again, or "". `only_stops`: True if the policy differs from the previous one
    only by the stop of an experiment: it raises the same cases, so it is as good, and the breaker never goes back to
    one in which the experiment runs. The policy no longer counts as stopped.
    """
    good = before.good
    if proved:
        good = policy if only_stops else before.policy
    stopped = {name: why for name, why in before.stopped.items() if name != policy}
    return InForce(
        policy=policy, good=good, since=now, by=by, override=override, stopped=stopped, earlier=_earlier(before)
    )


def hold_of(standing: InForce, words: str, rules: BreakerRules, now: datetime) -> Hold:
    """Return the hold on the cases, except red ones, that the policy in force raised, which is being stopped. The hold
    ends `rules.hold` after `now`.

    `words`: the reason for which the policy is stopped. Nothing is stored here.
    """
    return Hold(
        id=f"b{standing.policy[:8]}",
        until=now + rules.hold,
        reason=f"policy {standing.policy} was stopped: {words}"[:500],
        by=BY,
        spare_red=True,
        policy=standing.policy,
    )


def tripped(standing: InForce, hold: Hold, why: BreakerCode, now: datetime, back: str = "") -> InForce:
    """Return the record of which policy is in force after the present one was stopped: the last good one is in force
    again, or the policy `back`, which differs from it only by the stop of experiments.

    The record names the stopped policy with the reason `why`, and the id and end of `hold`. Nothing is stored here: the
    caller stores the record and sets the hold.
    """
    stop = Stopped(at=now, reason=why, hold=hold.id, until=hold.until)
    stopped = standing.stopped | {standing.policy: stop}
    good = back or standing.good
    return InForce(policy=good, good=good, since=now, by=BY, stopped=stopped, earlier=_earlier(standing))


def _earlier(before: InForce) -> list[Earlier]:
    one = Earlier(policy=before.policy, since=before.since, by=before.by)
    return [one, *before.earlier][:MOST_EARLIER]
