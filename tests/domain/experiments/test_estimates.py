"""Estimates that stay right when the probabilities of the arms differ or outcomes are missing."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from domain.experiments.allocation import learned_weights
from domain.experiments.estimates import (
    Analysis,
    Exposure,
    arm_counts,
    clusters,
    contrast,
    differences,
    first_exposures,
    scores_of,
)
from domain.experiments.sequences import Bounds
from domain.experiments.stopping import finding, must_stop
from schemas.administration.experiments import Finding
from tests.domain.builders import NOON
from tests.domain.experiments.plans import ENDS, plan

HALF = Analysis("control", 0.5, 0.05, 0.0, 0.05, 2_000)
FLOOR = Analysis("control", 0.1, 0.05, 0.0, 0.05, 4_000)


def exposure(unit: str, arm: str, outcome: float | None, propensity: float = 0.5, day: int = 0) -> Exposure:
    at = NOON + timedelta(days=day)
    return Exposure(unit, arm, propensity, at, at + timedelta(hours=72), outcome)


def drawn(units: int, effect: float, seed: int, share: float = 0.5, base: float = 0.3) -> list[Exposure]:
    """Units of which a share has the arm, each losing all or nothing."""
    chance = np.random.default_rng(seed)
    found = []
    for unit in range(units):
        treated = chance.random() < share
        lost = chance.random() < base + effect * treated
        of = share if treated else 1 - share
        found.append(exposure(f"u{unit}", "arm" if treated else "control", float(lost), of, unit // 40))
    return found


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_the_estimate_is_right_on_average_whatever_the_arms_shares(share: float) -> None:
    found = [contrast(drawn(400, -0.1, seed, share), "arm", FLOOR).estimate for seed in range(60)]
    assert np.mean([each or 0 for each in found]) == pytest.approx(-0.1, abs=0.02)


def test_the_estimate_is_right_when_the_shares_follow_the_outcomes() -> None:
    """The arm's share rises with time, and so do all losses: plain means are wrong then, the estimate is not."""
    estimates, plain = [], []
    for seed in range(60):
        early, late = drawn(300, 0.0, seed, 0.2, 0.1), drawn(300, 0.0, seed + 999, 0.8, 0.6)
        both = [*early, *(exposure(f"l{each.unit}", each.arm, each.outcome, each.propensity, 20) for each in late)]
        estimates.append(contrast(both, "arm", FLOOR).estimate or 0.0)
        means = {each.arm: each.mean or 0.0 for each in arm_counts(both, ("arm", "control"))}
        plain.append(means["arm"] - means["control"])
    assert abs(np.mean(estimates)) < 0.02
    assert np.mean(plain) > 0.2


def test_a_large_effect_is_found_and_none_is_not() -> None:
    better, none = contrast(drawn(2_000, -0.15, 1), "arm", HALF), contrast(drawn(2_000, 0.0, 2), "arm", HALF)
    assert better.bounds.high < 0
    assert none.bounds.low < 0 < none.bounds.high


def test_scores_never_leave_the_scale_that_the_floor_gives() -> None:
    exposures = [exposure(f"u{n}", arm, float(n % 2), 0.1) for n in range(40) for arm in ("arm", "control")]
    assert np.abs(differences(exposures, "arm", "control")).max() <= 1 / 0.1


def test_a_probability_below_the_floor_is_refused() -> None:
    with pytest.raises(ValueError, match="floor"):
        contrast([exposure("u", "arm", 0.0, 0.05)], "arm", HALF)


def test_a_resident_counts_once_with_the_first_assignment() -> None:
    kept = first_exposures(
        [exposure("u1", "arm", 0.5, day=3), exposure("u1", "arm", 0.0, day=1), exposure("u2", "arm", 1.0)]
    )
    assert [(each.unit, each.outcome) for each in kept] == [("u2", 1.0), ("u1", 0.0)]


def test_a_span_of_time_counts_once_with_the_mean_of_its_people() -> None:
    made = clusters([exposure("b1", "arm", 0.5), exposure("b1", "arm", 0.0), exposure("b1", "arm", None)])
    assert [(each.unit, each.outcome) for each in made] == [("b1", 0.25)]


def test_people_of_a_span_whose_arm_changed_midway_count_for_their_own_arm() -> None:
    made = clusters([exposure("b1", "control", 0.5), exposure("b1", "arm", 1.0), exposure("b1", "arm", 0.0)])
    assert sorted((each.unit, each.arm, each.outcome) for each in made) == [
        ("b1", "arm", 0.5),
        ("b1", "control", 0.5),
    ]


def test_a_stations_periods_are_one_unit_and_certain_arms_compare_nothing() -> None:
    wedge = Analysis("control", 0.25, 0.05, 0.0, 0.05, 10, wedge=True)
    periods = [
        exposure("220104/0", "control", 0.4, 1.0),
        exposure("220104/1", "control", 0.4, 0.75),
        exposure("220104/2", "arm", 0.1, 0.5),
        exposure("220105/1", "arm", 0.2, 0.25),
    ]
    scores = scores_of(periods, "arm", wedge)
    assert scores == pytest.approx([(0.1 / 0.75 - 0.4 / 0.5) / 2, -0.3 / 0.25])


def test_missing_outcomes_are_counted_and_widen_what_is_possible() -> None:
    known = drawn(400, 0.0, 5)
    missing = [exposure(f"m{n}", "arm" if n % 2 else "control", None) for n in range(40)]
    count = {each.arm: each.missing for each in arm_counts([*known, *missing], ("arm", "control"))}
    assert count == {"arm": 20, "control": 20}
    found = contrast([*known, *missing], "arm", HALF)
    assert found.units == 400
    assert found.if_missing is not None
    assert found.estimate is not None
    assert found.if_missing.low < found.estimate < found.if_missing.high
    assert contrast(known, "arm", HALF).if_missing is None


def _found(low: float, high: float, harm: float = 1.0) -> Finding:
    made = contrast([], "arm", HALF)
    return finding(replace(made, bounds=Bounds(low, high), harm=harm), plan(), NOON)


def test_each_day_says_what_the_bounds_show_and_never_that_an_arm_is_better() -> None:
    assert _found(-0.3, 0.3) is Finding.OPEN
    assert _found(-0.3, -0.01) is Finding.NOT_DECIDABLE
    assert _found(0.01, 0.2) is Finding.WORSE
    assert _found(-0.04, 0.04) is Finding.TOO_SMALL
    assert _found(-0.01, 0.3, harm=21) is Finding.HARM
    assert finding(contrast([], "arm", HALF), plan(), ENDS + timedelta(days=3)) is Finding.UNDECIDED
    assert must_stop([Finding.OPEN, Finding.HARM])
    assert not must_stop([Finding.OPEN, Finding.WORSE])


def test_allocation_learns_towards_the_better_arm_and_keeps_the_floor() -> None:
    weights = learned_weights(drawn(600, -0.15, 4), ("control", "arm"), 0.2, seed=1)
    assert weights["arm"] == pytest.approx(0.8, abs=0.01)
    assert sum(weights.values()) == pytest.approx(1)
    assert learned_weights([], ("control", "arm"), 0.2, seed=1)["arm"] == pytest.approx(0.5, abs=0.01)
    with pytest.raises(ValueError, match="floors"):
        learned_weights([], ("a", "b", "c"), 0.5, seed=1)
