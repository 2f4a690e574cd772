"""Finds the best weights among those under which every example has its level.

The thresholds stay those of the policy, so the weights keep their scale, and one factor converts the sum to log-odds.
In terms of the factor, the weights times the factor, and the intercept, the log-loss is convex, and the examples'
constraints are linear as long as the strongest member of each group stays the same. So the constraints are recomputed
at each solution until nothing changes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from domain.policy.risk import RiskRules
from simulators.fit.examples import EXAMPLES
from simulators.fit.learn import LEAST_BITS, REGULARISED, Learnt, Sample, UnlearnableError
from simulators.fit.scores import Floats, Scale
from simulators.fit.worth import set_by_hand, with_bits

MARGIN = 0.05  # bits beyond a threshold, because a candidate's weights are rounded
DIGITS = 2
_MOST_BITS = 40.0  # highest weight in a policy
_ROUNDS = 8
_SAME = 1e-3  # bits
_STEP = 1e-4  # bits: difference for an example's derivative by a weight
_BY_HAND = 1e-3  # how strongly rare features keep their weight, in nats per bit squared
_FACTORS = (0.05, 5.0)
_LN2 = math.log(2)


@dataclass(frozen=True, slots=True)
class _Fit:
    """Weights in the policy's scale, in the order of its text, and the scale to log-odds."""

    bits: Floats
    scale: Scale


def learn_within(sample: Sample, rules: RiskRules) -> Learnt:
    """Return the most likely bits under which all examples of the levels hold, with the thresholds of `rules`
    unchanged.

    Each weight is at least 0.1 bits and rounded to two decimals. Rare features keep their hand-set bits as far as the
    examples allow. Raises UnlearnableError if no such bits are found, for example because the thresholds leave no room.
    """
    by_hand = set_by_hand(rules)
    names = tuple(by_hand)
    found, held = _Fit(np.asarray([by_hand[name] for name in names]), Scale(1.0, 0.0)), None
    for _ in range(_ROUNDS):
        before, found = found.bits, _best(sample, rules, names, found)
        bits = {name: round(float(each), DIGITS) for name, each in zip(names, found.bits, strict=True)}
        if all(example.holds(with_bits(rules, bits)) for example in EXAMPLES):
            held = Learnt(bits, found.scale, sample.seen)
            if np.abs(found.bits - before).max() < _SAME:
                return held
    if held is not None:  # near a flat optimum the solution oscillates by hundredths of a bit
        return held
    raise UnlearnableError(
        "no weights were found by which every example has its level: set the thresholds as they were, "
        "or live through more provinces"
    )


def _best(sample: Sample, rules: RiskRules, names: Sequence[str], start: _Fit) -> _Fit:
    """Return the most likely fit, with the examples' constraints linearised at `start`."""
    asked = np.asarray([*_asked(rules, names, start.bits), *_least(len(names))])
    loss = _Loss(sample, names, np.asarray(list(set_by_hand(rules).values())))
    factor = min(1.0, start.scale.factor)
    found = minimize(
        loss,
        np.asarray([*(start.bits * factor), factor, start.scale.intercept * _LN2]),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, _MOST_BITS * _FACTORS[1])] * len(names) + [_FACTORS, (None, None)],
        constraints={"type": "ineq", "fun": lambda at: asked @ at, "jac": lambda _: asked},
        options={"maxiter": 500, "ftol": 1e-10},
    )
    factor = float(found.x[-2])
    return _Fit(found.x[:-2] / factor, Scale(factor, float(found.x[-1]) / _LN2))


class _Loss:
    """The mean log-loss in nats and its gradient, in terms of weights times factor, the factor and the intercept."""

    def __init__(self, sample: Sample, names: Sequence[str], by_hand: Floats) -> None:
        self._sample, self._by_hand = sample, by_hand
        self._columns = [names.index(name) for name in sample.names]
        self._rare = np.asarray([name not in sample.names for name in names])
        self._firm = np.where(self._rare, _BY_HAND, 1 / (REGULARISED * len(sample.outcomes)))

    def __call__(self, at: Floats) -> tuple[float, Floats]:
        weights, factor = at[:-2], at[-2]
        nats = self._sample.nats @ weights[self._columns] + at[-1]
        away = weights - np.where(self._rare, factor * self._by_hand, 0.0)
        loss = np.logaddexp(0, nats).mean() - nats[self._sample.outcomes].sum() / len(nats)
        wrong = expit(nats) - self._sample.outcomes
        slopes = self._firm * away
        back = -float(slopes[self._rare] @ self._by_hand[self._rare])
        slopes[self._columns] += self._sample.nats.T @ wrong / len(nats)
        return float(loss + 0.5 * (self._firm * away) @ away), np.asarray([*slopes, back, wrong.mean()])


def _asked(rules: RiskRules, names: Sequence[str], bits: Floats) -> Iterator[Floats]:
    """Yield each example's constraints: rows whose product with (weights times factor, factor, 1) must be >= 0."""
    room = rules.profile_bits + MARGIN
    here = dict(zip(names, bits.tolist(), strict=True))
    with_more = [with_bits(rules, {**here, name: each + _STEP}) for name, each in here.items()]
    for example in EXAMPLES:
        # The example's bits near these weights: a slope for each weight, and a constant.
        worth = example.bits(with_bits(rules, here))
        slopes = (np.asarray([example.bits(more) for more in with_more]) - worth) / _STEP
        rest = worth - float(slopes @ bits)
        if example.least is not None:
            needed = rules.levels[example.least] - rules.prior
            yield np.asarray([*slopes, rest - needed - room, 0.0])
        if example.below is not None:
            needed = rules.levels[example.below] - rules.prior
            yield np.asarray([*-slopes, needed - rest - room, 0.0])


def _least(count: int) -> Iterator[Floats]:
    """Yield the constraints that each weight is between LEAST_BITS and the highest in a policy."""
    for one in np.eye(count):
        yield np.asarray([*one, -LEAST_BITS, 0.0])
        yield np.asarray([*-one, _MOST_BITS, 0.0])
