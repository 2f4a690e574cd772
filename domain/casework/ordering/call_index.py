"""Whittle's index of a case that waits for an operator's call.

A case is a restless bandit: its money goes whether or not somebody calls. Whittle (1988), "Restless bandits: activity
allocation in a changing world", relaxes "at most so many calls at once" to "so many on average". A minute of an
operator's time then has a price, and each case is decided alone: call now, or leave it to the rest of its plan. The
index is the price at which both are worth the same. To take the highest index first is optimal in the limit of many
operators and many more cases than they can take: there it is the c-mu-over-theta rule of a queue whose customers leave
(Atar, Giat and Shimkin 2010; Larranaga, Ayesta and Verloop 2015).

Call now: the call saves `reached * persuaded` of what is left. Leave it: the plan's next visit, in `visit_in`, saves
the share `visited` of what is left by then. So the call adds

    stake * reached * persuaded * (1 - visited * 0.5 ** (visit_in / half_life))

in the minutes that a call takes on average. While the case waits, this falls: a case that is not worth its price is
never worth it later without news, so the case is indexable.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.casework.ordering.beliefs import CallBeliefs
from domain.casework.triage import call_minutes, money_half_life, settled_payment_count, talk_count, to_come, to_go
from domain.policy import Policy
from schemas.casework.cases import Case, StepState
from schemas.levels import Action, Result

_TO_COME = frozenset({StepState.PENDING, StepState.HELD, StepState.SENT})
_NOT_TAKEN = frozenset({Result.BUSY, Result.NO_ANSWER, Result.REFUSED, Result.VOICEMAIL})


@dataclass(frozen=True, slots=True)
class CallIndex:
    """The index of a case and what it was computed from, so that a page can explain it.

    `stake_fen`: the money (fen) that is expected to be lost if nobody acts; `reached`, `persuaded`: probabilities of
    the next call; `minutes`: its mean length; `half_life`: in which half of the money goes; `visit_at`: when the plan's
    next visit is due, None without one; `visited`: the probability that it dissuades.
    """

    stake_fen: float
    reached: float
    persuaded: float
    minutes: float
    half_life: timedelta
    visit_at: datetime | None
    visited: float

    def at(self, now: datetime) -> float:
        """Return the index at `now`, in fen per minute of an operator."""
        left_to_visit = 0.0
        if self.visit_at is not None:
            left_to_visit = self.visited * 0.5 ** (max(timedelta(0), self.visit_at - now) / self.half_life)
        return self.stake_fen * self.reached * self.persuaded * (1 - left_to_visit) / self.minutes


def call_index(case: Case, policy: Policy, beliefs: CallBeliefs) -> CallIndex:
    """Return the index of a call to the case's resident. The figures are the policy's and the installation's own
    (`beliefs`); the case's danger is weighed by the share of such cases in which somebody pays, not by the
    probability of screening, whose scale the thresholds fix.
    """
    rules, calling = policy.triage, case.danger.call_since is not None
    results = [result for step in case.steps if step.action is Action.OPERATOR_CALL for result in step.results]
    untaken = sum(result in _NOT_TAKEN for result in results)
    reached = rules.busy if calling else beliefs.reached * rules.again**untaken
    persuaded = beliefs.persuaded.get(case.danger.scam_type, beliefs.persuaded_usual)
    persuaded *= rules.again ** talk_count(case) * rules.paid ** settled_payment_count(case)
    stake = to_go(case) + beliefs.pays.get(case.level, 1.0) * to_come(case, policy)
    visits = [step.due for step in case.steps if step.action is Action.VISIT and step.state in _TO_COME and step.due]
    minutes, half = call_minutes(reached, rules), money_half_life(case, policy)
    return CallIndex(stake, reached, persuaded, minutes, half, min(visits, default=None), beliefs.visited)


def by_index(policy: Policy, beliefs: CallBeliefs) -> Callable[[Sequence[Case], datetime], list[Case]]:
    """Return a function that orders waiting cases by their index at a given time, the highest first; of equal ones, the
    case that was opened first. `beliefs`: see `call_index`.

    What the index is computed from is kept for each resident, and made anew once another object of the case is given.
    """
    known: dict[str, tuple[Case, CallIndex]] = {}  # by resident

    def index(case: Case) -> CallIndex:
        found = known.get(case.resident)
        if found is None or found[0] is not case:
            found = known[case.resident] = case, call_index(case, policy, beliefs)
        return found[1]

    def order(cases: Sequence[Case], now: datetime) -> list[Case]:
        return sorted(cases, key=lambda case: (-index(case).at(now), case.opened_at, case.id))

    return order
