"""Recovery scams against earlier victims: second losses under a policy with its shield, and under the same without it.

Everybody in this province is defrauded unless dissuaded, and hit again 3 to 60 days later by somebody who offers to get
the money back: a short call, and a fee within a day (simulators/scams/scripts). Real shares are far smaller
(figures.HIT_AGAIN), so only the comparison counts, not the level. What is not simulated: what a support call does to a
resident before the recovery scam, and everyday signals, so the cost in needless contacts is not measured here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from domain.policy import Policy, load
from domain.statistics.second_losses import SecondLosses
from schemas.levels import Action
from simulators.assumptions.pace import REAL, Pace
from simulators.lab import intervals
from simulators.lab.dispatchers import DEFAULT, DISPATCHERS
from simulators.lab.laboratory import Laboratory
from simulators.lab.seeds import map_seeds
from simulators.lab.setup import Setup
from simulators.population.people import people
from simulators.scams.story import Pay, Phase
from simulators.world.province import SECRET, START, Province
from simulators.world.truth import Fate

DAYS = 120  # simulated: a scam of some weeks, and what follows within 60 days of it
STORIES = 160  # that begin in this time; residents are in one at most
ROOM = 2.5  # residents per story, as in the laboratory
OPERATORS, OFFICERS = 4, 6  # enough that nobody waits for long: the shield is compared, not the staff
SHIELDED, UNSHIELDED = "shielded", "unshielded"


@dataclass(frozen=True, slots=True)
class Again:
    """The result of one simulated province. `lost`: residents who lost money to a first scam; `again`: those of them
    who also lost money to the recovery scam; `again_fen`: how much they lost to it, in fen; `calls`: support calls that
    were made; `contacts`: all contacts.
    """

    lost: int
    again: int
    again_fen: int
    calls: int
    contacts: int

    @property
    def share(self) -> float:
        """Return the share (0 to 1) of the residents with a first loss who lost money again; 0 without losses."""
        return self.again / self.lost if self.lost else 0.0


def without_shield(policy: Policy) -> Policy:
    """Return a copy of the policy without its shield. The shield is the set of rules that protect a victim after a
    loss: lower thresholds for evidence like that of the loss, and support calls.
    """
    return policy.model_copy(update={"shield": None, "risk": policy.risk.model_copy(update={"shield": None})})


def of_seed(seed: int, text: str) -> dict[str, Again]:
    """Simulate a seed's province twice. Return two results: "shielded", under the policy `text` (TOML), and
    "unshielded", under the same policy without its shield. Raises PolicyError if the policy is invalid.
    """
    policy = load(text)
    setup = Setup(timedelta(days=DAYS), round(STORIES * ROOM), 0, 0, OPERATORS, OFFICERS)
    made = people(seed, setup.residents, START.date(), SECRET)
    found = {}
    for name, rules in ((SHIELDED, policy), (UNSHIELDED, without_shield(policy))):
        province = Province(seed, setup.residents, START, _pace(), known=made)
        Laboratory(province, rules, DISPATCHERS[DEFAULT](province, rules), setup).run()
        found[name] = _again(province, setup)
    return found


def _pace() -> Pace:
    return replace(
        REAL,
        ordinary=lambda residents: 0.0,
        stories=lambda residents: STORIES / (DAYS * 24),
        depths={"pays": 1.0},
        hit_again=1.0,
    )


def _again(province: Province, setup: Setup) -> Again:
    truth, end = province.truth, province.start + setup.length
    settled = [
        [payment for payment, fate in truth.fates(life, end) if fate is Fate.SETTLED] for life in truth.lives.values()
    ]
    first = [paid for paid in settled if any(payment.phase is not Phase.AFTER for payment in paid)]
    fees = [_fee(paid) for paid in first]
    support = sum(contact.action is Action.SUPPORT_CALL for contact in truth.contacts)
    return Again(len(first), sum(fee > 0 for fee in fees), sum(fees), support, len(truth.contacts))


def _fee(paid: Sequence[Pay]) -> int:
    return sum(payment.amount_fen for payment in paid if payment.phase is Phase.AFTER)


def recovery_study(
    text: str, seeds: Sequence[int], processes: int = 1, done: Callable[[int, int], None] = lambda done, of: None
) -> dict[int, dict[str, Again]]:
    """Simulate each seed's province with and without the shield of the policy `text` (TOML). Return the results, keyed
    by seed, then by "shielded" and "unshielded".

    `processes`: over how many processes the seeds are spread; `done`: called after each seed with the number of
    finished seeds and their total. Raises PolicyError before the first simulation if the policy is invalid.
    """
    load(text)
    found = {}
    for seed, runs in map_seeds(partial(of_seed, text=text), seeds, processes):
        found[seed] = runs
        done(len(found), len(seeds))
    return found


def report(found: Mapping[int, Mapping[str, Again]]) -> dict[str, Any]:
    """Return the study's figures, ready for JSON: for "shielded" and "unshielded", the second losses of all seeds
    together, with their share (0 to 1) and its 95 % interval; `difference`, the mean difference of the shares over the
    seeds (shielded less unshielded) with its interval; and `by_seed`. Raises ValueError if `found` is empty.
    """
    arms = {name: [runs[name] for runs in found.values()] for name in (SHIELDED, UNSHIELDED)}
    shares = {name: [run.share for run in runs] for name, runs in arms.items()}
    return {
        **{name: _summed(runs) for name, runs in arms.items()},
        "difference": asdict(intervals.paired(shares[SHIELDED], shares[UNSHIELDED])),
        "by_seed": {str(seed): {name: asdict(run) for name, run in runs.items()} for seed, runs in found.items()},
    }


def _summed(runs: Sequence[Again]) -> dict[str, Any]:
    losses = SecondLosses.of(sum(run.lost for run in runs), sum(run.again for run in runs))
    sums = {name: sum(getattr(run, name) for run in runs) for name in ("again_fen", "calls", "contacts")}
    return {**losses._asdict(), **sums}
