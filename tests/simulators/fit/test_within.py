"""Whatever outcomes say, each example of a level keeps its level by the weights learnt from them."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn")
pytest.importorskip("scipy")

from domain.policy import load
from domain.policy.risk import RiskRules
from schemas.levels import Level
from simulators.fit.examples import EXAMPLES, broken
from simulators.fit.learn import Learnt, UnlearnableError, sampled
from simulators.fit.rows import Row
from simulators.fit.within import learn_within
from simulators.fit.worth import MOVING, set_by_hand, with_bits
from tests.domain.risk.riskworld import POLICY, RULES

HAND = load(POLICY.with_name("by-hand.toml").read_text("utf-8")).risk
BITS = set_by_hand(HAND)
START = datetime(2026, 3, 2, tzinfo=UTC)
CALL, APP, REPORT = "evidence.call_goip", "evidence.app_loan", "evidence.own_report"


def rows(planted: Mapping[str, float], seed: int = 1, count: int = 1500) -> list[Row]:
    """Made-up moments whose outcomes follow the planted bits, one scam and one moment without at least."""
    chance, made = Random(seed), []
    for number in range(count):
        worth = {name: chance.random() for name in planted if chance.random() < 0.4}
        odds = math.fsum(planted[name] * value for name, value in worth.items()) - 3
        scam = number == 0 or (number > 1 and chance.random() < 1 / (1 + 2**-odds))
        made.append(Row(START, worth, (0.0,), scam, news=True, resident="r"))
    return made


def learnt(planted: Mapping[str, float], seed: int = 1) -> Learnt:
    return learn_within(sampled(rows(planted, seed), BITS), HAND)


@pytest.mark.parametrize("rules", [HAND, RULES], ids=["set by hand", "in force"])
def test_every_example_holds_by_the_policies_that_are_shipped(rules: RiskRules) -> None:
    assert broken(rules) == []


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example({"call.ongoing_bits": 9.0}, 0)  # so flat that no round has the bits of the one before
@given(st.dictionaries(st.sampled_from(sorted(BITS)), st.floats(-12, 12), min_size=1), st.integers(0, 99))
def test_whatever_was_lived_through_every_example_holds(planted: dict[str, float], seed: int) -> None:
    found = learnt(planted, seed)
    assert found.bits.keys() == BITS.keys()
    assert broken(with_bits(HAND, found.bits)) == []


def test_what_tells_most_gets_as_much_as_the_examples_leave_it_and_what_tells_nothing_the_least() -> None:
    found = learnt({CALL: 9.0, APP: 0.5})
    most_of_a_short_call = HAND.levels[Level.YELLOW] - HAND.prior - HAND.profile_bits
    least_of_an_app = HAND.levels[Level.YELLOW] - HAND.prior + HAND.profile_bits
    assert found.bits[CALL] == pytest.approx(most_of_a_short_call, abs=0.1)
    assert found.bits[APP] == pytest.approx(least_of_an_app, abs=0.2)


def test_what_nobody_saw_stays_as_it_is_set_by_hand() -> None:
    found = learnt({CALL: 4.0})
    assert found.bits[REPORT] == pytest.approx(BITS[REPORT], abs=0.02)
    assert found.seen[REPORT] == 0


def test_thresholds_that_leave_no_room_are_told() -> None:
    near = HAND.prior + 0.1
    levels = {level: near + 0.1 * place for place, level in enumerate(Level)}
    with pytest.raises(UnlearnableError, match="thresholds"):
        learn_within(sampled(rows({CALL: 4.0}, count=200), BITS), HAND.model_copy(update={"levels": levels}))


def test_each_level_has_examples_that_are_it_and_no_other_and_an_example_says_something() -> None:
    after: dict[Level | None, Level] = dict(pairwise(Level))
    exact = {example.least for example in EXAMPLES if example.least and example.below is after.get(example.least)}
    assert exact == set(Level)
    assert all(example.least or example.below for example in EXAMPLES)
    assert all(example.below.rank > example.least.rank for example in EXAMPLES if example.least and example.below)


def test_a_broken_example_is_named() -> None:
    assert broken(with_bits(HAND, {MOVING: 0.1})) == [
        f"payment {state} to a {whose} account"
        for whose in ("suspect", "reported")
        for state in ("attempted", "pending")
    ]
