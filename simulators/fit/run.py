"""Makes a candidate with learnt weights from a hand-set policy, and reports how much better it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.policy import Policy, load
from domain.policy.risk import RiskRules
from schemas.levels import Level
from simulators.assumptions.pace import REAL
from simulators.fit.examples import EXAMPLES
from simulators.fit.judge import (
    BY_HAND,
    FREE,
    LEARNT,
    at_levels,
    by_time,
    comparison_sentence,
    hand_scale,
    scores_as_dicts,
    unseen,
)
from simulators.fit.learn import Learnt, learn, sampled
from simulators.fit.levels import as_many, odds_with_learnt_bits
from simulators.fit.rows import Lived, Row, World, simulate_rows
from simulators.fit.true_rate import at_the_true_rate
from simulators.fit.within import learn_within
from simulators.fit.worth import set_by_hand
from simulators.fit.write import candidate

__all__ = ["Fitted", "World", "fitted"]

Progress = Callable[[int, int], None]
"""Called with the number of provinces simulated so far and their total."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The candidate policy's text (TOML), and the report."""

    text: str
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """The results of learning: `free`: without constraints; `learnt`: within the examples; `text`: the policy with
    `learnt`.
    """

    free: Learnt
    learnt: Learnt
    rules: Mapping[str, RiskRules]
    text: str


def fitted(
    text: str, seeds: range, kept_back: int, world: World, progress: Progress = lambda done, total: None
) -> Fitted:
    """Learn weights for the policy `text` (TOML) in the simulated provinces of `seeds`, and score them on the
    `kept_back` seeds that follow `seeds`. Return the candidate policy, under which all examples of the levels hold, and
    the report, ready for JSON.

    `progress`: called with the number of finished provinces and their total. Raises PolicyError if the policy is
    invalid, UnlearnableError if nothing can be learnt, and ValueError if the provinces have fewer than three days.
    """
    policy, total = load(text), len(seeds) + kept_back
    known: list[Lived] = []
    for done, seed in enumerate(seeds, 1):
        known.append(simulate_rows(seed, policy.risk, (), world))
        progress(done, total)
    rows = [row for lived in known for row in lived.rows]
    made = _made(text, policy, rows, seeds)
    others = (made.rules[FREE], made.rules[LEARNT])
    provinces: dict[int, Lived] = {}
    for done, seed in enumerate(range(seeds.stop, seeds.stop + kept_back), len(seeds) + 1):
        provinces[seed] = simulate_rows(seed, policy.risk, others, world)
        progress(done, total)
    scales = {BY_HAND: hand_scale(rows, policy.risk), FREE: made.free.scale, LEARNT: made.learnt.scale}
    judged = unseen({seed: lived.rows for seed, lived in provinces.items()}, made.rules, scales)
    return Fitted(
        made.text,
        {
            "seeds": [seeds.start, seeds.stop - 1],
            "residents": world.residents,
            "days": world.length.total_seconds() / 86_400,
            "rows": len(rows),
            "examples": len(EXAMPLES),
            "factor": {whose: each.factor for whose, each in scales.items()},
            "levels": _levels(made.rules),
            "weights": _weights(set_by_hand(policy.risk), made),
            "by_time": [
                {"from": str(each.since), "until": str(each.until), **scores_as_dicts(each.scores)}
                for each in by_time(rows, policy.risk)
            ],
            "unseen": judged,
            "at_levels": at_levels([row for each in provinces.values() for row in each.rows], made.rules),
            "true_rate": at_the_true_rate(known, list(provinces.values()), made.rules, scales, REAL),
            "verdict": comparison_sentence(judged),
        },
    )


def _made(text: str, policy: Policy, rows: Sequence[Row], seeds: range) -> _Made:
    sample = sampled(rows, set_by_hand(policy.risk))
    free, learnt = learn(sample), learn_within(sample, policy.risk)
    why = (
        f"Weights learnt from simulated provinces, seeds {seeds.start} to {seeds.stop - 1}, "
        f"within the examples of the levels: {policy.name} otherwise."
    )
    levels = policy.risk.levels
    made = candidate(text, learnt.bits, policy.risk.prior, levels, why)
    freely = candidate(text, free.bits, policy.risk.prior, _free_levels(rows, policy.risk, free), why)
    rules = {BY_HAND: policy.risk, FREE: load(freely).risk, LEARNT: load(made).risk}
    return _Made(free, learnt, rules, made)


def _free_levels(rows: Sequence[Row], rules: RiskRules, free: Learnt) -> dict[Level, float]:
    """Return thresholds for freely learnt weights: as many moments reach each level as under the hand-set policy."""
    news = [row for row in rows if row.news]
    odds = odds_with_learnt_bits(news, set_by_hand(rules), free.bits)
    return as_many(rules.levels, np.asarray([row.odds[0] for row in news]), odds)


def _levels(rules: Mapping[str, RiskRules]) -> dict[str, dict[str, float]]:
    return {level.value: {whose: each.levels[level] for whose, each in rules.items()} for level in Level}


def _weights(by_hand: Mapping[str, float], made: _Made) -> dict[str, dict[str, float | int | None]]:
    """Return the weights in bits, by name. FREE is None for a feature that was too rare."""
    return {
        name: {
            BY_HAND: bits,
            FREE: made.free.bits.get(name),
            LEARNT: made.learnt.bits[name],
            "seen": made.learnt.seen[name],
        }
        for name, bits in by_hand.items()
    }
