"""Scores the weights of the hand-set, the freely learnt and the candidate policy on data that was not used for
learning.

Only the weights are compared: for each policy, the scale is used that fits the training provinces best.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
from sklearn.model_selection import TimeSeriesSplit

from domain.policy.risk import RiskRules
from simulators.fit.learn import learn, sampled
from simulators.fit.levels import caught
from simulators.fit.rows import Row
from simulators.fit.scores import Floats, Scale, Score, likeliest_scale, probability, score
from simulators.fit.within import learn_within
from simulators.fit.worth import set_by_hand, summed

FOLDS = 4
BY_HAND, FREE, LEARNT = "by_hand", "free", "learnt"
PLACES = {BY_HAND: 0, FREE: 1, LEARNT: 2}  # index in `odds` of a row from an unseen province

Scores = Mapping[str, Score]
"""Scores by whose weights."""


@dataclass(frozen=True, slots=True)
class Fold:
    """The scores on the days (UTC) from `since` to `until` (both included), for weights learnt from the days before.
    `scores`: by the kind of weights: `by_hand`, `free` (learnt without constraints) or `learnt` (within the examples of
    the levels).
    """

    since: date
    until: date
    scores: Scores


def hand_scale(rows: Sequence[Row], rules: RiskRules) -> Scale:
    """Return the scale (factor and intercept) that turns the hand-set policy's bits into log-odds that fit these rows
    best.

    Raises ValueError if all rows have the same outcome.
    """
    return likeliest_scale(evidence_odds(rows, BY_HAND, rules), [row.scam for row in rows])


def by_time(rows: Sequence[Row], rules: RiskRules) -> Iterator[Fold]:
    """Learn weights from earlier days and score them on later days, up to four times. Yield the scores of each time,
    the earliest days first. No day is used for both in one fold.

    Only moments with new evidence are scored, because a policy decides then. Raises UnlearnableError if nothing can be
    learnt from the earlier days, and ValueError if the rows have fewer than three days.
    """
    days = sorted({row.at.date() for row in rows})
    for before, after in TimeSeriesSplit(n_splits=min(FOLDS, len(days) - 1)).split(days):
        known, judged = {days[place] for place in before}, {days[place] for place in after}
        past = [row for row in rows if row.at.date() in known]
        coming = [row for row in rows if row.at.date() in judged and row.news]
        sample = sampled(past, set_by_hand(rules))
        free, learnt = learn(sample), learn_within(sample, rules)
        said = {
            BY_HAND: hand_scale(past, rules)(evidence_odds(coming, BY_HAND, rules)),
            FREE: free.scale(summed([row.worth for row in coming], free.bits)),
            LEARNT: learnt.scale(summed([row.worth for row in coming], learnt.bits)),
        }
        yield Fold(min(judged), max(judged), _scores(said, [row.scam for row in coming]))


def unseen(
    provinces: Mapping[int, Sequence[Row]], rules: Mapping[str, RiskRules], scales: Mapping[str, Scale]
) -> dict[str, dict[str, Any]]:
    """Return the scores on provinces that were not used for learning, keyed by seed (as text), then by policy, then by
    field of Score.

    `provinces`: the rows of each seed; only moments with new evidence are scored. The policies are `by_hand`, `free`
    and `learnt`; `rules` and `scales` have these keys.
    """
    found = {}
    for seed, rows in provinces.items():
        news = [row for row in rows if row.news]
        said = {whose: scales[whose](evidence_odds(news, whose, rules[whose])) for whose in PLACES}
        found[str(seed)] = scores_as_dicts(_scores(said, [row.scam for row in news]))
    return found


def at_levels(rows: Sequence[Row], rules: Mapping[str, RiskRules]) -> dict[str, dict[str, dict[str, float]]]:
    """Return how each policy does at each level, at moments with new evidence. The result is keyed by level, then by
    policy (`by_hand`, `free`, `learnt`), then by figure: `moments` (a number), `scams_among_them` and `of_all_scams`
    (shares from 0 to 1), as `levels.caught` counts them.
    """
    news = [row for row in rows if row.news]
    outcomes = [row.scam for row in news]
    found = {
        whose: caught(rules[whose].levels, evidence_odds(news, whose, rules[whose]) + rules[whose].prior, outcomes)
        for whose in PLACES
    }
    return {level: {whose: found[whose][level] for whose in PLACES} for level in found[BY_HAND]}


def comparison_sentence(judged: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return an English sentence that compares the Brier scores (lower is better) on unseen provinces. `judged`: the
    result of `unseen`.

    The learnt weights count as better only if they have the lower score on every province.
    """
    better = sum(each[LEARNT]["brier"] < each[BY_HAND]["brier"] for each in judged.values())
    beats = "beat" if better == len(judged) else "do not beat"
    return (
        f"the learnt weights {beats} those set by hand: a lower Brier score on {better} of {len(judged)} unseen seeds"
    )


def scores_as_dicts(scores: Scores) -> dict[str, Any]:
    """Return the scores as plain dicts for a report, keyed by kind of weights (`by_hand`, `free`, `learnt`), then by
    field of Score.
    """
    return {whose: asdict(each) for whose, each in scores.items()}


def evidence_odds(rows: Sequence[Row], whose: str, rules: RiskRules) -> Floats:
    """Return an array with a policy's log-odds in bits for each row, without the prior of `rules`. `whose`: the policy,
    `by_hand`, `free` or `learnt`. Raises KeyError for another name.
    """
    return np.asarray([row.odds[PLACES[whose]] for row in rows]) - rules.prior


def _scores(said: Mapping[str, Floats], outcomes: Sequence[bool]) -> Scores:
    return {whose: score(probability(odds), outcomes) for whose, odds in said.items()}
