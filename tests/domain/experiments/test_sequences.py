"""Bounds of a mean that hold on every day."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.experiments.sequences import UNKNOWN, daily_bounds, evidence_above, mean_bounds

LOOKS = [10, 50, 100, 200, 400]

# betting_cs of confseq 0.0.11's Python source, with its bets for a fixed number of 400 observations
# (lambda_predmix_eb, fixed_n=400, alpha=0.025, without truncation) on both sides, a grid of 10,000 and the running
# intersection.
PUBLISHED = [(0.0, 1.0), (0.1858, 0.5767), (0.2659, 0.4725), (0.3078, 0.4290), (0.3272, 0.4086)]


def _values() -> np.ndarray:
    return np.array([((i * 37) % 101) / 100 * (1 if i % 3 else 0.2) for i in range(400)])


def test_the_bounds_are_those_of_the_authors_program() -> None:
    found = daily_bounds(_values(), LOOKS, 0.05, 400)
    for bounds, (low, high) in zip(found, PUBLISHED, strict=True):
        assert bounds.low == pytest.approx(low, abs=2e-4)
        assert bounds.high == pytest.approx(high, abs=2e-4)


def test_nothing_is_known_without_an_observation() -> None:
    assert mean_bounds(np.array([]), 0.05, 10) == UNKNOWN
    assert evidence_above(np.array([]), 0.5, 0.05, 10) == 1.0


def test_an_observation_outside_of_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        mean_bounds(np.array([0.5, 1.2]), 0.05, 10)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_bounds_lie_within_the_scale_and_never_widen(values: list[float]) -> None:
    found = daily_bounds(np.array(values), list(range(1, len(values) + 1)), 0.05, 40)
    assert all(0 <= each.low <= each.high <= 1 for each in found)
    assert all(before.low <= after.low and after.high <= before.high for before, after in pairwise(found))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_bounds_of_the_reverse_outcome_are_the_reverse(values: list[float]) -> None:
    one, other = mean_bounds(np.array(values), 0.05, 60), mean_bounds(1 - np.array(values), 0.05, 60)
    assert one.low == pytest.approx(1 - other.high, abs=1e-6)


def test_a_mean_that_is_clearly_above_is_found_and_one_at_the_margin_is_not() -> None:
    values = np.random.default_rng(1).uniform(0.4, 0.9, 500)  # mean 0.65
    assert evidence_above(values, 0.55, 0.05, 500) > 1 / 0.05
    assert evidence_above(values, 0.65, 0.05, 500) < 1 / 0.05


def test_whoever_looks_every_day_is_wrong_in_one_of_twenty_experiments_at_most() -> None:
    chance, wrong = np.random.default_rng(3), 0
    for _ in range(200):
        bounds = mean_bounds((chance.random(300) < 0.1).astype(float), 0.05, 300)
        wrong += not bounds.low <= 0.1 <= bounds.high
    assert wrong <= 10
