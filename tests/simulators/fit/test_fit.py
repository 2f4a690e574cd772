"""From provinces to a candidate policy."""

import json
from datetime import timedelta

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("scipy")

from domain.policy import load
from simulators.fit.examples import broken
from simulators.fit.rows import World, in_a_scam, simulate_rows
from simulators.fit.run import fitted
from simulators.fit.tables import table
from simulators.world.province import START, Province
from tests.domain.risk.riskworld import POLICY, RULES

BY_HAND = POLICY.with_name("by-hand.toml").read_text("utf-8")
WORLD = World(residents=1200, length=timedelta(days=4))


def test_a_candidate_is_learnt_that_can_be_used_and_is_judged_on_a_province_never_seen() -> None:
    found = fitted(BY_HAND, range(1, 3), 1, WORLD)
    policy, by_hand = load(found.text), load(BY_HAND)
    assert policy.hash != by_hand.hash
    assert (policy.risk.levels, policy.risk.prior) == (by_hand.risk.levels, by_hand.risk.prior)
    assert broken(policy.risk) == []
    for each in found.report["at_levels"].values():  # a level finds about as many, though other people
        assert each["free"]["moments"] == pytest.approx(each["by_hand"]["moments"], rel=0.5)
    assert set(found.report["unseen"]) == {"3"}
    scores = found.report["unseen"]["3"]
    assert scores["free"]["brier"] < scores["learnt"]["brier"] < scores["by_hand"]["brier"]
    assert str(found.report["verdict"]).startswith("the learnt weights beat")
    assert json.dumps(found.report)
    assert table(found.report) is not None


def test_the_same_seed_gives_the_same_moments_and_half_of_them_are_of_anybody() -> None:
    one, other = (simulate_rows(1, RULES, (RULES,), World(300, timedelta(days=1))) for _ in range(2))
    assert one == other
    assert sum(row.news for row in one.rows) * 2 == len(one.rows) > 50
    assert all(row.odds[0] == row.odds[1] for row in one.rows)


def test_who_was_asked_for_money_is_in_a_scam_until_nothing_can_be_stopped_any_more() -> None:
    province = Province(7, residents=400)
    province.signals_until(START + timedelta(minutes=59))
    life = next(each for each in province.truth.lives.values() if each.story.payments)
    last, hours = max(pay.settles for pay in life.story.payments), timedelta(hours=72)
    who, second = life.story.victim.id, timedelta(seconds=1)
    told = [
        in_a_scam(province.truth, who, at, hours)
        for at in (life.story.begins - second, life.story.begins, last + hours, last + hours + second)
    ]
    assert told == [False, True, True, False]
    touched = next(each for each in province.truth.lives.values() if not each.story.payments)
    assert not in_a_scam(province.truth, touched.story.victim.id, touched.story.begins, hours)
