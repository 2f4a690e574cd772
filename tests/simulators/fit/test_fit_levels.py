"""Where the levels begin under other weights."""

import numpy as np

from domain.policy import load
from schemas.levels import Level
from simulators.fit.levels import as_many, caught, odds_with_learnt_bits
from simulators.fit.rows import World, simulate_rows
from simulators.fit.worth import set_by_hand
from simulators.fit.write import candidate
from tests.domain.risk.riskworld import POLICY

JILIN = POLICY.read_text("utf-8")

LEVELS = {Level.BLUE: 1.0, Level.YELLOW: 2.0, Level.ORANGE: 3.0, Level.RED: 4.0}
BY_HAND = np.asarray([0.5, 1.5, 2.5, 3.5, 4.5])


def test_on_another_scale_each_level_begins_where_as_many_reach_it() -> None:
    learnt = 10 * BY_HAND
    found = as_many(LEVELS, BY_HAND, learnt)
    reach = {level: int((learnt >= bits).sum()) for level, bits in found.items()}
    assert reach == {level: int((bits <= BY_HAND).sum()) for level, bits in LEVELS.items()}


def test_levels_that_nobody_lies_between_still_rise() -> None:
    found = list(as_many(LEVELS, np.asarray([0.0, 5.0]), np.asarray([0.0, 1.0])).values())
    assert found == sorted(set(found))


def test_what_a_level_catches_is_told_by_the_truth() -> None:
    found = caught({Level.RED: 4.0}, np.asarray([1.0, 4.0, 5.0]), [True, True, False])["red"]
    assert found == {"moments": 2.0, "scams_among_them": 0.5, "of_all_scams": 0.5}


def test_the_odds_are_moved_as_the_candidate_will_reckon_them() -> None:
    policy = load(JILIN)
    by_hand = set_by_hand(policy.risk)
    learnt = {name: bits * 0.9 for name, bits in by_hand.items()}  # one factor: who is the strongest stays
    other = load(candidate(JILIN, learnt, policy.risk.prior, policy.risk.levels, "for a test"))
    rows = [row for row in simulate_rows(1, policy.risk, (other.risk,), World(300)).rows if row.news]
    away = np.abs(odds_with_learnt_bits(rows, by_hand, learnt) - np.asarray([row.odds[1] for row in rows]))
    assert float(np.quantile(away, 0.9)) < 0.5  # a cap of a group cuts off less of lighter bits
