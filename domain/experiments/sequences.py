"""Confidence sequences by betting: bounds of a mean that hold on every day at once, however often somebody looks.

Method: Waudby-Smith and Ramdas (2023), "Estimating means of bounded random variables by betting", the hedged capital
process. For each candidate mean, one gambler bets that the observations are higher and another that they are lower,
each with half of the error probability. A candidate is excluded once a gambler has multiplied the stake by 2 / alpha.
Condition: the observations lie in [0, 1], and the mean of each, given the earlier ones, is the same.

Our own code: confseq 0.0.11 (2023) has no wheel, and its C++ part does not build with a present CMake. A test compares
the bounds with those of its Python source.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LARGEST_SHARE = 0.5  # of the capital that one bet may cost at most; the paper's c
_HALVINGS = 40  # of the interval in which a bound is searched: to 1e-12


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lower and the upper bound of a mean."""

    low: float
    high: float

    def scaled(self, least: float, most: float) -> "Bounds":
        """Return these bounds, of a mean in [0, 1], converted linearly to the scale on which 0 becomes `least` and 1
        becomes `most`.
        """
        width = most - least
        return Bounds(least + width * self.low, least + width * self.high)

    def within(self, other: "Bounds") -> "Bounds":
        """Return the part of these bounds that also lies within `other`: the higher of both lows and the lower of both
        highs.
        """
        return Bounds(max(self.low, other.low), min(self.high, other.high))


UNKNOWN = Bounds(0.0, 1.0)
"""The bounds of a mean in [0, 1] without an observation."""


def bet_sizes(values: Array, alpha: float, horizon: int) -> Array:
    """Return the size of each bet (not negative), in the shape of `values`; along the last axis, each depends on
    earlier values only.

    `values`: from 0 to 1. `alpha`: the error probability. `horizon`: the planned number of observations, for which the
    bets are best; the bounds hold for any number.
    """
    count = np.arange(1, values.shape[-1] + 1)
    means = (0.5 + np.cumsum(values, axis=-1)) / (count + 1)
    spread = (0.25 + np.cumsum((values - means) ** 2, axis=-1)) / (count + 1)
    before = np.concatenate([np.full((*values.shape[:-1], 1), 0.25), spread[..., :-1]], axis=-1)
    return np.asarray(np.sqrt(2 * math.log(2 / alpha) / (before * np.maximum(horizon, count))), dtype=np.float64)


def log_capital_above(values: Array, bets: Array, mean: float) -> Array:
    """Return the natural logarithm of the capital after each observation, for a gambler who begins with 1 and bets each
    time that the mean is above `mean`. `bets`: as `bet_sizes` returns them.

    At the true mean, the capital is a non-negative martingale from 1: it ever reaches 1 / a with probability at most a.
    """
    stakes = np.minimum(bets, LARGEST_SHARE / max(mean, 1e-12))
    return np.asarray(np.cumsum(np.log1p(stakes * (values - mean)), axis=-1), dtype=np.float64)


def log_capital_below(values: Array, bets: Array, mean: float) -> Array:
    """Return the natural logarithm of the capital after each observation, for a gambler who begins with 1 and bets each
    time that the mean is below `mean`. See `log_capital_above` for what the capital proves.
    """
    return log_capital_above(1.0 - values, bets, 1.0 - mean)


def excluded(values: Array, bets: Array, mean: float, alpha: float) -> NDArray[np.bool_]:
    """Return, for each observation along the last axis, True if `mean` lies outside the confidence bounds by then. Once
    True, it stays True for all later observations. `alpha`: the bounds' error probability; `bets`: as `bet_sizes`
    returns them.
    """
    capital = np.maximum(log_capital_above(values, bets, mean), log_capital_below(values, bets, mean))
    return np.maximum.accumulate(capital, axis=-1) >= math.log(2 / alpha)


def mean_bounds(values: Array, alpha: float, horizon: int) -> Bounds:
    """Return the bounds of the mean of `values` after the last of them, within those of all earlier times; 0 to 1
    without values.

    Both bounds hold at all times with probability 1 - `alpha`. `horizon`: see `bet_sizes`. Raises ValueError for a
    value outside of [0, 1].
    """
    if values.size == 0:
        return UNKNOWN
    if values.min() < 0 or values.max() > 1:
        raise ValueError("an observation lies outside of [0, 1]")
    bets, limit = bet_sizes(values, alpha, horizon), math.log(2 / alpha)
    low = _lower_bound(values, bets, limit)
    return Bounds(low, max(low, 1.0 - _lower_bound(1.0 - values, bets, limit)))


def _lower_bound(values: Array, bets: Array, limit: float) -> float:
    """Return the highest mean that the capital of who bets above it excludes, or 0.

    The capital falls as the candidate rises, at each time, so halving finds it.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if log_capital_above(values, bets, middle).max() >= limit:
            low = middle
        else:
            high = middle
    return low


def daily_bounds(values: Array, looks: list[int], alpha: float, horizon: int) -> list[Bounds]:
    """Return the bounds of the mean, one for each number in `looks`: after so many observations, or after all if there
    are fewer. The numbers in `looks` must rise. The bounds never widen; after no observation they are 0 and 1.

    All of them hold at once with probability 1 - `alpha`. `horizon`: the planned number of observations, for which the
    bounds are narrowest; they hold for any number. Raises ValueError if one of the values that are used lies outside of
    [0, 1].
    """
    found, latest = [], UNKNOWN
    for look in looks:
        latest = mean_bounds(values[:look], alpha, horizon).within(latest)
        found.append(latest)
    return found


def evidence_above(values: Array, mean: float, alpha: float, horizon: int) -> float:
    """Return the evidence that the mean of `values` is above `mean` (0 to 1): the largest capital so far of a gambler
    who begins with 1 and bets each time that it is. At least 1; 1 without values.

    At 1 / `alpha` or more, conclude that the mean is above: this is wrong with a probability of at most `alpha`,
    however often somebody looks while values are added. `horizon`: the planned number of observations, for which the
    bets are best; the evidence is valid for any number. `values` must lie in [0, 1], which is not checked.
    """
    if values.size == 0:
        return 1.0
    bets = bet_sizes(values, 2 * alpha, horizon)
    return max(1.0, math.exp(min(float(log_capital_above(values, bets, mean).max()), 700.0)))
