"""The breaker: whether a new policy raises so many cases that it must be a bad one, and what stands after it.

It is judged against the last policy that has proved itself, by that one's rules: a bad policy does not loosen its own
breaker. Only during its trial: afterwards many cases at once are a campaign, and nobody wants the line stopped then. A
campaign within a trial stops a good policy: red goes on all the same, and a person lets it in force again.
"""

from collections.abc import Sequence
from datetime import datetime
from statistics import median

from domain.policy.breaker_rules import MINUTE, BreakerRules
from schemas.casework.events import CaseEvent, FactKind
from schemas.casework.inputs import Hold
from schemas.casework.journal import PartialCaseEvent
from schemas.casework.policies import Earlier, InForce, Stopped

BY = "breaker"
MOST_EARLIER = 50  # policies of before that are remembered
_RAISED = frozenset({FactKind.OPENED, FactKind.REOPENED, FactKind.LEVEL_RAISED})


def raised(event: CaseEvent | PartialCaseEvent) -> int:
    """Return 1 when an alert opened the event's case, reopened it or raised its level, else 0."""
    return sum(fact.kind in _RAISED for fact in event.facts) if event.input_kind == "alert" else 0


def judge(usual: Sequence[int], recent: Sequence[int], rules: BreakerRules) -> str | None:
    """Why a policy has to be stopped; none while it need not.

    `usual`: cases raised in each minute under the policy before; `recent`: in each under this one, oldest first.
    A median is not moved by a campaign of some minutes, nor by an hour in which a feed was away.
    """
    normal = max(float(median(usual)) if usual else 0.0, rules.least)
    most, window = max(recent, default=0), recent[-max(1, rules.steady // MINUTE) :]
    if most > rules.sudden * normal:
        return f"{most} cases raised in a minute, where {normal:g} are usual"
    if sum(window) > rules.slow * normal * (rules.steady // MINUTE):
        return f"{sum(window)} cases raised in {len(window)} minutes, where {normal:g} a minute are usual"
    return None


def on_trial(standing: InForce | None, rules: BreakerRules | None, now: datetime) -> bool:
    """Whether the policy in force still has to prove itself. `rules`: of the one it would be gone back to."""
    if standing is None or rules is None or standing.override or standing.policy == standing.good:
        return False
    return now - standing.since < rules.trial


def published(before: InForce, policy: str, by: str, now: datetime, *, proved: bool, override: str = "") -> InForce:
    """What stands once a policy is published. `proved`: the one before is no longer on trial."""
    good = before.policy if proved else before.good
    stopped = {name: why for name, why in before.stopped.items() if name != policy}
    return InForce(
        policy=policy, good=good, since=now, by=by, override=override, stopped=stopped, earlier=_earlier(before)
    )


def hold_of(standing: InForce, why: str, rules: BreakerRules, now: datetime) -> Hold:
    """What keeps the cases of the policy back that is stopped: all but red, until a person has looked, or it ends."""
    return Hold(
        id=f"b{standing.policy[:8]}",
        until=now + rules.hold,
        reason=f"policy {standing.policy} was stopped: {why}"[:500],
        by=BY,
        spare_red=True,
        policy=standing.policy,
    )


def tripped(standing: InForce, hold: Hold, why: str, now: datetime) -> InForce:
    """What stands once the policy in force was stopped: the last good one again."""
    stop = Stopped(at=now, reason=why, hold=hold.id, until=hold.until)
    stopped = standing.stopped | {standing.policy: stop}
    return InForce(
        policy=standing.good, good=standing.good, since=now, by=BY, stopped=stopped, earlier=_earlier(standing)
    )


def _earlier(before: InForce) -> list[Earlier]:
    one = Earlier(policy=before.policy, since=before.since, by=before.by)
    return [one, *before.earlier][:MOST_EARLIER]
