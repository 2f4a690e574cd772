"""Means over seeds with confidence intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the ends, `low` and `high`, of its 95 % interval.

    With a single seed, all three are equal, because the spread is unknown.
    """

    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Return half the width of the interval, in the unit of the values: the number after ±."""
        return (self.high - self.low) / 2


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of values from independent seeds, with its 95 % interval (Student's t), in the unit of the
    values.

    With a single value, both ends equal it, because the spread is unknown. Raises ValueError if `values` is empty.
    """
    if not values:
        raise ValueError("no seed, no mean")
    mean = fmean(values)
    half = _quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Interval(mean, mean - half, mean + half)


def paired(values: Sequence[float], others: Sequence[float]) -> Interval:
    """Return the mean and 95 % interval of the differences `values` minus `others`, seed by seed: both must be in the
    same order of seeds.

    With a single seed, both ends equal the difference (see `interval`). Raises ValueError if `values` is empty or the
    lengths differ.
    """
    return interval([one - other for one, other in zip(values, others, strict=True)])


def _quantile(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
