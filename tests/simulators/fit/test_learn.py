"""Weights that were planted are found again, and how good probabilities are is told rightly."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("scipy")

from domain.policy import load
from schemas.levels import Level
from simulators.fit.judge import by_time, comparison_sentence
from simulators.fit.learn import LEAST_BITS, Learnt, UnlearnableError, learn, sampled
from simulators.fit.rows import Row
from simulators.fit.scores import Floats, likeliest_scale, probability, score
from simulators.fit.worth import LONG, set_by_hand
from simulators.fit.write import candidate
from tests.domain.risk.riskworld import POLICY, RULES

BY_HAND = set_by_hand(RULES)
START = datetime(2026, 3, 2, tzinfo=UTC)
CALL, APP, PAIR = "evidence.call_goip", "evidence.app_loan", "together.0"
PLANTED = {CALL: 3.0, APP: 5.0, PAIR: 2.0}
JILIN = POLICY.read_text("utf-8")


def rows(count: int, planted: Mapping[str, float], intercept: float, seed: int = 1) -> list[Row]:
    """Made-up moments of ten days, whose outcomes follow the planted bits; half of them are news."""
    chance, made = Random(seed), []
    for number in range(count):
        worth = {name: chance.random() for name in planted if chance.random() < 0.5}
        odds = intercept + math.fsum(planted[name] * value for name, value in worth.items())
        scam = chance.random() < 1 / (1 + 2**-odds)
        hand = RULES.prior + math.fsum(BY_HAND[name] * value for name, value in worth.items())
        at = START + timedelta(days=10) * number / count
        made.append(Row(at, worth, (hand,), scam, news=number % 2 == 0, resident="r"))
    return made


MANY = rows(12_000, PLANTED, -3.0)


def freely(found: Sequence[Row]) -> Learnt:
    return learn(sampled(found, BY_HAND))


def test_planted_weights_are_found_again() -> None:
    learnt = freely(MANY)
    assert learnt.scale.intercept == pytest.approx(-3.0, abs=0.3)
    assert dict(learnt.bits) == pytest.approx(PLANTED, abs=0.5)


def test_what_speaks_against_a_scam_gets_the_least_and_the_others_stay_right() -> None:
    learnt = freely(rows(12_000, {**PLANTED, LONG: -4.0}, -2.0))
    assert learnt.bits[LONG] == LEAST_BITS
    assert learnt.bits[APP] > learnt.bits[CALL] > learnt.bits[PAIR] > 1


def test_what_is_hardly_ever_seen_stays_as_it_is_set_by_hand() -> None:
    rare = Row(START, {"evidence.own_report": 1.0}, (0.0,), scam=True, news=True, resident="r")
    learnt = freely([*MANY, rare])
    assert "evidence.own_report" not in learnt.bits
    assert learnt.seen["evidence.own_report"] == 1


def test_nothing_is_learnt_where_nobody_is_in_a_scam() -> None:
    with pytest.raises(UnlearnableError):
        freely([row for row in MANY if not row.scam])


def test_learning_by_time_judges_on_later_days_only_and_beats_wrong_weights() -> None:
    folds = list(by_time(MANY, RULES))
    assert len(folds) == 4
    assert all(one.until < other.since for one, other in pairwise(folds))
    assert min(fold.since for fold in folds) > START.date()
    briers = {whose: sum(fold.scores[whose].brier for fold in folds) for whose in ("by_hand", "free", "learnt")}
    assert briers["free"] < briers["learnt"] < briers["by_hand"]


def test_a_score_is_told_by_hand() -> None:
    found = score(probability(_odds([0.8, 0.8, 0.2, 0.2])), [True, False, False, False])
    assert found.brier == pytest.approx((0.04 + 0.64 + 0.04 + 0.04) / 4)
    assert found.auc == pytest.approx((1 + 1 + 0.5) / 3)
    assert (found.rows, found.scams) == (4, 1)


def test_a_score_of_one_kind_alone_tells_nothing_of_the_order() -> None:
    assert score(probability(_odds([0.8, 0.2])), [False, False]).auc is None


def test_a_policy_that_is_too_sure_gets_a_scale_that_says_as_many_scams_as_there_are() -> None:
    chance = Random(3)
    odds = [chance.uniform(-4, 4) for _ in range(4000)]
    outcomes = [chance.random() < 1 / (1 + 2**-each) for each in odds]
    scale = likeliest_scale(_bits([2 * each + 3 for each in odds]), outcomes)
    assert scale.factor == pytest.approx(0.5, rel=0.1)
    assert scale.intercept == pytest.approx(-1.5, abs=0.2)
    assert probability(scale(_bits([2 * each + 3 for each in odds]))).sum() == pytest.approx(sum(outcomes), abs=1)


def test_a_candidate_keeps_the_files_comments_and_can_be_used() -> None:
    levels = {Level.BLUE: -9.5, Level.YELLOW: -6.0, Level.ORANGE: -2.0, Level.RED: 3.0}
    made = candidate(JILIN, {CALL: 1.234, PAIR: 7.0, LONG: 6.5}, -12.5, levels, "learnt")
    policy = load(made)
    assert policy.risk.levels == levels
    kinds = {kind.value: weight.bits for kind, weight in policy.risk.evidence.items()}
    assert (kinds["call_goip"], policy.risk.together[0].bits, policy.risk.call.long_bits) == (1.23, 7.0, 6.5)
    assert policy.risk.prior == -12.5
    assert kinds["app_loan"] == BY_HAND[APP]
    comments = [line for line in JILIN.splitlines() if line.startswith("#")]
    assert [line for line in made.splitlines() if line.startswith("#")] == ["# learnt", *comments]


def test_the_verdict_asks_for_all_unseen_provinces() -> None:
    def judged(*learnt: float) -> dict[str, dict[str, dict[str, float]]]:
        return {str(n): {"by_hand": {"brier": 0.1}, "learnt": {"brier": each}} for n, each in enumerate(learnt)}

    assert "beat those" in comparison_sentence(judged(0.05, 0.09))
    assert "do not beat" in comparison_sentence(judged(0.05, 0.2))


def _odds(probabilities: Sequence[float]) -> Floats:
    return _bits([math.log2(each / (1 - each)) for each in probabilities])


def _bits(of: Sequence[float]) -> Floats:
    import numpy as np

    return np.asarray(of)
