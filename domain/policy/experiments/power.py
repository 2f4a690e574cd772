"""How many units an experiment needs, and how long it lasts: stated in the plan, before the first unit.

The capital of who bets on the true side grows, with bets of size b on scores of variance v whose mean is d away, by
b * d - b**2 * v / 2 for each unit, with the deviation b * sqrt(v). The bets of domain/experiments/sequences have
b = sqrt(2 * L / (n * v)), where L = log(2 / alpha) is what the logarithm of the capital must reach. Solving for n gives
the formulas below; a study compares them with simulated experiments (simulators/studies/experiments.py).

A bet costs at most half of the capital (LARGEST_SHARE there): b <= floor / 2 on the scale of the scores. With a low
floor, this limits the bets, and more units are needed. The bets' variance begins at 0.25, as one observation on the
scale from 0 to 1; with a low floor, the scores are small on that scale, and the first units bet less than the limit.
They are added.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is assumed of the outcome: `spread`: its standard deviation (of an outcome from 0 to 1); `units_per_day`:
    how many units are randomised on a day.
    """

    spread: float
    units_per_day: float


@dataclass(frozen=True, slots=True)
class NeededUnits:
    """How long an experiment is. `units`: how many units it needs to find the effect with its power; `days`: how long
    these take.

    `usual_units`, `usual_days`: the same for the usual case that the effect is there and just as large as planned: the
    experiment ends as soon as it is found.
    """

    units: int
    days: float
    usual_units: int
    usual_days: float

    @property
    def span(self) -> timedelta:
        """The time that the needed units take."""
        return timedelta(days=self.days)


def needed_units(
    effect: float, shares: tuple[float, float], alpha: float, power: float, expected: Expectation, floor: float
) -> NeededUnits:
    """Return how many units and days an experiment needs to find a difference of `effect` with probability `power`.

    `effect`: of mean outcomes, which are from 0 to 1. `shares`: the probabilities of the arm and of the control.
    `alpha`: the error probability of the bounds. `floor`: the lowest probability that an arm may have later. Raises
    ValueError unless `effect`, the shares, the floor and the assumptions are positive and `alpha` and `power` lie
    between 0 and 1.
    """
    if min(effect, *shares, floor, expected.spread, expected.units_per_day) <= 0 or not (
        0 < alpha < 1 and 0 < power < 1
    ):
        raise ValueError("effect, shares, floor, spread and units must be positive, alpha and power between 0 and 1")
    variance = expected.spread**2 * sum(1 / share for share in shares)
    limit = math.log(2 / alpha)
    units = math.ceil(variance / effect**2 * (math.sqrt(2 * limit) + NormalDist().inv_cdf(power)) ** 2)
    bet, most, first = math.sqrt(2 * limit / (units * variance)), floor / 2, 0
    if bet > most:
        bet = most
        units = _with_bets(most, effect, variance, limit, power)
        first = math.ceil(0.25 / most**2 / max(variance, 2 * limit / (units * most**2) - variance))
        units += first
    usual = min(units, first + math.ceil(limit / (bet * effect - bet**2 * variance / 2)))
    return NeededUnits(units, units / expected.units_per_day, usual, usual / expected.units_per_day)


def _with_bets(bet: float, effect: float, variance: float, limit: float, power: float) -> int:
    """Return the units after which the capital reaches `limit` with probability `power`, with bets of one size.

    Positive growth is certain: the bet is below the best one, at which the growth is positive.
    """
    growth = bet * effect - bet**2 * variance / 2
    deviation = NormalDist().inv_cdf(power) * bet * math.sqrt(variance)
    return math.ceil(((deviation + math.sqrt(deviation**2 + 4 * growth * limit)) / (2 * growth)) ** 2)
