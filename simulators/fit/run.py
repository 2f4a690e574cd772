"""From a policy set by hand to a candidate whose weights are learnt, and a report of how much better it is."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from domain.policy import Policy, load
from simulators.fit.learn import (
    Learnt,
    Score,
    UnlearnableError,
    best_intercept,
    by_time,
    learn,
    probability,
    score,
    without,
)
from simulators.fit.levels import as_many, caught, moved
from simulators.fit.rows import Row, World, lived
from simulators.fit.worth import set_by_hand
from simulators.fit.write import candidate

__all__ = ["Fitted", "World", "fitted"]

_BY_HAND, _LEARNT = 0, 1
_LOWEST, _HIGHEST = -40.0, 0.0  # of a policy's prior

Progress = Callable[[int, int], None]
"""Told how many provinces are lived through, of how many."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The candidate's text, and what is to be told of it."""

    text: str
    report: Mapping[str, Any]


def fitted(text: str, seeds: range, unseen: int, world: World, progress: Progress = lambda done, total: None) -> Fitted:
    """Learn from the provinces of `seeds`, and judge on as many `unseen` ones that follow.

    Raises UnlearnableError when nothing can be learnt of them.
    """
    policy, total = load(text), len(seeds) + unseen
    rows: list[Row] = []
    for done, seed in enumerate(seeds, 1):
        rows += lived(seed, policy.risk, (), world)
        progress(done, total)
    by_hand = set_by_hand(policy.risk)
    learnt = learn(rows, by_hand)
    prior = real_prior(learnt.intercept, rows, policy.risk.prior)
    why = f"Weights learnt from simulated provinces, seeds {seeds.start} to {seeds.stop - 1}: {policy.name} otherwise."
    news = [row for row in rows if row.news]
    odds = moved(news, by_hand, learnt.bits, prior - policy.risk.prior)
    levels = as_many(policy.risk.levels, np.asarray([row.odds[_BY_HAND] for row in news]), odds)
    made = candidate(text, learnt.bits, prior, levels, why)
    other = load(made)
    kept_back: dict[int, list[Row]] = {}
    for done, seed in enumerate(range(seeds.stop, seeds.stop + unseen), len(seeds) + 1):
        kept_back[seed] = lived(seed, policy.risk, (other.risk,), world)
        progress(done, total)
    judged = _judged(rows, kept_back, policy, other, learnt)
    return Fitted(
        made,
        {
            "seeds": [seeds.start, seeds.stop - 1],
            "residents": world.residents,
            "days": world.length.total_seconds() / 86_400,
            "rows": len(rows),
            "prior": {"by_hand": policy.risk.prior, "learnt": round(prior, 2), "of_the_rows": learnt.intercept},
            "levels": {
                level.value: {"by_hand": bits, "learnt": levels[level]} for level, bits in policy.risk.levels.items()
            },
            "weights": _weights(by_hand, learnt),
            "by_time": [
                {"from": str(each.since), "until": str(each.until), **_both(each.by_hand, each.learnt)}
                for each in by_time(rows, by_hand, policy.risk.prior)
            ],
            "unseen": judged,
            "at_levels": _at_levels([row for each in kept_back.values() for row in each if row.news], policy, other),
            "verdict": verdict(judged),
        },
    )


def real_prior(intercept: float, rows: Sequence[Row], target: float) -> float:
    """The intercept moved from how common a scam is in these provinces to the log-odds `target`, in bits.

    How common it is there is told by the rows of residents picked at random. `target` is what the policy takes it for,
    with its source: see the comment there.

    Raises UnlearnableError when nobody picked at random is in a scam.
    """
    picked = [row.scam for row in rows if not row.news]
    share = sum(picked) / len(picked) if picked else 0.0
    if not 0 < share < 1:
        raise UnlearnableError("nobody picked at random is in a scam: live through more provinces, or for longer")
    return max(_LOWEST, min(_HIGHEST, intercept - math.log2(share / (1 - share)) + target))


def verdict(judged: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """In words, by the Brier score of each unseen province."""
    better = sum(each["learnt"]["brier"] < each["by_hand"]["brier"] for each in judged.values())
    beats = "beat" if better == len(judged) else "do not beat"
    return (
        f"the learnt weights {beats} those set by hand: a lower Brier score on {better} of {len(judged)} unseen seeds"
    )


def _judged(
    rows: Sequence[Row], kept_back: Mapping[int, Sequence[Row]], policy: Policy, other: Policy, learnt: Learnt
) -> dict[str, dict[str, Any]]:
    """Both policies as they would decide, on provinces never learnt from; each with the prior that fits the others."""
    hand_prior = best_intercept(without(rows, _BY_HAND, policy.risk.prior), [row.scam for row in rows])
    found = {}
    for seed, all_rows in kept_back.items():
        news = [row for row in all_rows if row.news]
        outcomes = [row.scam for row in news]
        by_hand = without(news, _BY_HAND, policy.risk.prior) + hand_prior
        by_learnt = without(news, _LEARNT, other.risk.prior) + learnt.intercept
        found[str(seed)] = _both(score(probability(by_hand), outcomes), score(probability(by_learnt), outcomes))
    return found


def _at_levels(rows: Sequence[Row], policy: Policy, other: Policy) -> dict[str, dict[str, dict[str, float]]]:
    """Whom each level finds on the unseen provinces, by both policies as they would decide."""
    outcomes = [row.scam for row in rows]
    by_hand, learnt = (np.asarray([row.odds[which] for row in rows]) for which in (_BY_HAND, _LEARNT))
    found = caught(policy.risk.levels, by_hand, outcomes), caught(other.risk.levels, learnt, outcomes)
    return {level: {"by_hand": found[0][level], "learnt": found[1][level]} for level in found[0]}


def _both(by_hand: Score, learnt: Score) -> dict[str, Any]:
    return {"by_hand": asdict(by_hand), "learnt": asdict(learnt)}


def _weights(by_hand: Mapping[str, float], learnt: Learnt) -> dict[str, dict[str, float | int | None]]:
    """In bits; learnt none: it was seen too rarely, and stays."""
    return {
        name: {"by_hand": bits, "learnt": learnt.bits.get(name), "seen": learnt.seen[name]}
        for name, bits in by_hand.items()
    }
