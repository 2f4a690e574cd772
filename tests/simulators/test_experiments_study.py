"""The analysis finds planted effects as often as it states. A small study: the documentation has 1,000 experiments."""

import pytest

from simulators.studies.experiments import EFFECT, planned_units, study

EXPERIMENTS = 120


def test_a_planted_benefit_is_found_and_covered_and_no_harm_is_reported() -> None:
    found = study(-EFFECT, EXPERIMENTS, seed=7)
    assert found.covered >= 0.95
    assert found.found >= 0.75  # planned: 0.8
    assert found.day is not None
    assert found.day < planned_units() / 40
    assert found.harm <= 0.05


@pytest.mark.parametrize("floor", [0.05, 0.1])
def test_a_plan_with_a_low_floor_states_enough_units_for_its_power(floor: float) -> None:
    assert planned_units(floor) > planned_units()
    assert study(-EFFECT, EXPERIMENTS, seed=10, floor=floor).found >= 0.75  # planned: 0.8


def test_without_an_effect_false_alarms_are_rare_where_a_test_read_daily_has_many() -> None:
    found = study(0.0, EXPERIMENTS, seed=8)
    assert max(found.found, found.harm) <= 0.05
    assert found.covered >= 0.95
    assert found.peeked > 0.2


def test_harm_stops_the_experiment_before_its_end() -> None:
    found = study(EFFECT, EXPERIMENTS, seed=9)
    assert found.harm >= 0.8
    assert found.harm_day is not None
    assert found.harm_day < planned_units() / 40
