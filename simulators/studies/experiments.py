"""How often the analysis of randomised experiments is right, on simulated experiments whose truth is known.

Each experiment is looked at every day, and ends when the harm rule or the sequence decides. For comparison, a plain
two-sample test is read every day at 5 %, as is common. The outcomes are drawn, not lived: the study tests the analysis,
and says nothing about whether a warning helps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import NormalDist, median

import numpy as np

from domain.experiments.estimates import Analysis, Exposure, scaled, scores_of
from domain.experiments.sequences import Array, bet_sizes, excluded, log_capital_above
from domain.policy.experiments.power import Expectation, needed_units

ALPHA, POWER = 0.05, 0.8
BASE, EFFECT = 0.20, 0.05
"""The control's mean share of the cap that leaves, and the planted difference: 5 points. Assumed."""

SHARES = (0.2, 1.0)  # of the cap, uniform, that leaves if money leaves at all; assumed
_MEAN_SHARE = sum(SHARES) / 2
PER_DAY = 40  # eligible cases a day; assumed, a county of 9,500 warnings a day in the province
START = datetime(2026, 3, 1, tzinfo=UTC)
CONTROL, ARM = "control", "arm"
EVEN = 0.5  # the floor of a plan whose two weights never change


@dataclass(frozen=True, slots=True)
class StudyResult:
    """The share of simulated experiments, for a planted `effect` (below 0: less money leaves under the arm).

    `covered`: the bounds contained the truth on every day. `found`: they excluded 0 at some time; `day`: the median day
    of it, None if fewer than half did. `harm`: the harm rule stopped the experiment; `harm_day`: its median day.
    `peeked`: a plain test, read every day, was below 5 % at least once.
    """

    effect: float
    experiments: int
    covered: float
    found: float
    day: float | None
    harm: float
    harm_day: float | None
    peeked: float


def planned_units(floor: float = EVEN) -> int:
    """Return how many units (randomised cases) each simulated experiment has: as many as a plan with this `floor`
    needs. `floor`: the lowest probability (0 to 1) that the plan lets an arm have.
    """
    return needed_units(EFFECT, (0.5, 0.5), ALPHA, POWER, Expectation(outcome_spread(BASE), PER_DAY), floor).units


def outcome_spread(mean: float) -> float:
    """Return the standard deviation of a simulated outcome whose mean is `mean`. Both are shares (0 to 1) of the plan's
    cap. Money leaves with probability `mean` / 0.6; the share that then leaves is uniform between 0.2 and 1.
    """
    low, high = SHARES
    square = (low**2 + low * high + high**2) / 3
    return math.sqrt(mean / _MEAN_SHARE * square - mean**2)


def study(effect: float, experiments: int, seed: int, floor: float = EVEN) -> StudyResult:
    """Simulate `experiments` experiments whose true difference between arm and control is `effect` (a share of the cap;
    below 0: less money leaves), analyse each, and return how often the analysis was right. Equal arguments give equal
    results.

    `floor`: the lowest probability that the plan lets an arm have; in the simulation, both arms have 0.5.
    """
    chance, units = np.random.default_rng(seed), planned_units(floor)
    plan = Analysis(CONTROL, floor, ALPHA, 0.0, ALPHA, units)
    scores, p_values = [], []
    for _ in range(experiments):
        outcomes, treated = _drawn(chance, units, effect)
        scores.append(scores_of(_exposures(outcomes, treated), ARM, plan))
        p_values.append(_peeked(outcomes, treated))
    values = scaled(np.array(scores), plan.floor)
    bets = bet_sizes(values, ALPHA, units)
    truth, none = (effect * plan.floor + 1) / 2, 0.5
    at_truth, at_none = excluded(values, bets, truth, ALPHA), excluded(values, bets, none, ALPHA)
    harm = np.maximum.accumulate(
        log_capital_above(values, bet_sizes(values, 2 * ALPHA, units), none), axis=-1
    ) >= math.log(1 / ALPHA)
    return StudyResult(
        effect=effect,
        experiments=experiments,
        covered=1 - float(at_truth[:, -1].mean()),
        found=float(at_none[:, -1].mean()),
        day=_median_day(at_none),
        harm=float(harm[:, -1].mean()),
        harm_day=_median_day(harm),
        peeked=float(np.mean([each < ALPHA for each in p_values])),
    )


def _drawn(chance: np.random.Generator, units: int, effect: float) -> tuple[Array, Array]:
    """Return the outcome of each unit and whether it has the arm (1.0) or the control (0.0)."""
    treated = (chance.random(units) < 0.5).astype(np.float64)
    leaves = chance.random(units) < (BASE + effect * treated) / _MEAN_SHARE
    return np.where(leaves, chance.uniform(*SHARES, units), 0.0), treated


def _exposures(outcomes: Array, treated: Array) -> list[Exposure]:
    return [
        Exposure(
            f"u{place}", ARM if arm else CONTROL, 0.5, START, START + timedelta(days=place // PER_DAY), float(left)
        )
        for place, (left, arm) in enumerate(zip(outcomes, treated, strict=True))
    ]


def _peeked(outcomes: Array, treated: Array) -> float:
    """Return the lowest p-value of a two-sample z-test that is read at the end of each day, from the second on."""
    lowest = 1.0
    for day in range(2 * PER_DAY, len(outcomes) + 1, PER_DAY):
        with_arm, with_control = outcomes[:day][treated[:day] > 0], outcomes[:day][treated[:day] == 0]
        if min(len(with_arm), len(with_control)) > 1:
            error = math.sqrt(with_arm.var(ddof=1) / len(with_arm) + with_control.var(ddof=1) / len(with_control))
            z = abs(with_arm.mean() - with_control.mean()) / error if error else 0.0
            lowest = min(lowest, 2 * (1 - NormalDist().cdf(z)))
    return lowest


def _median_day(reached: np.ndarray) -> float | None:
    """Return the median day of the first True of each row; None if fewer than half of the rows have one."""
    days = [(float(row.argmax()) + 1) / PER_DAY if row[-1] else math.inf for row in reached]
    middle = median(days)
    return None if math.isinf(middle) else math.ceil(middle)


def all_studies(experiments: int, seed: int) -> Sequence[StudyResult]:
    """Return three studies, of `experiments` simulated experiments each: of a benefit of 5 points, of no effect, and of
    a harm of 5 points, in this order. A point is a hundredth of the cap. Equal arguments give equal results.
    """
    return [study(effect, experiments, seed + place) for place, effect in enumerate((-EFFECT, 0.0, EFFECT))]
