"""Sizes: what grows with what, what is enough, and that the coefficients are the bench's."""

import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import load
from domain.risk.fan_out import LATE
from domain.statistics.coefficients import COEFFICIENTS, VALUES, Coefficient
from domain.statistics.sizing import EVIDENCE_DAYS, MOST_EVIDENCE, PAYMENTS_DAYS, ROOM, Asked, members, places, size
from schemas.risk.evidence import EvidenceKind
from streams.messaging.topics import CASE_INPUTS, DISPATCHES
from streams.runtime.settings import POLICY

KEPT = tomllib.loads((Path(__file__).parents[2] / "tools" / "bench" / "kept.toml").read_text("utf-8"))["figures"]
JILIN = Asked(23_000_000, 10_000_000, 10_000)
asked = st.builds(
    Asked,
    residents=st.integers(1, 10**9),
    signals_per_day=st.floats(0, 10**9),
    warnings_per_day=st.floats(0, 10**6),
    peak_factor=st.floats(1, 20),
    batch=st.floats(1, 500),
    headroom=st.floats(0.2, 1),
    cells=st.integers(1, 40),
)


@pytest.mark.parametrize("coefficient", COEFFICIENTS, ids=lambda each: each.key)
def test_a_coefficient_is_the_kept_figure_of_the_bench(coefficient: Coefficient) -> None:
    kept = KEPT[coefficient.key]
    assert (coefficient.value, coefficient.unit) == (kept["value"], kept["unit"])


def test_days_and_bounds_are_those_of_jilins_policy_and_of_the_topics() -> None:
    risk = load(POLICY.read_text("utf-8")).risk
    assert timedelta(days=PAYMENTS_DAYS) == risk.money.window + LATE
    assert (timedelta(days=EVIDENCE_DAYS), MOST_EVIDENCE) == (risk.keep, risk.bound * len(EvidenceKind))
    assert {topic.kept for topic in (CASE_INPUTS, *DISPATCHES)} == {timedelta(days=7)}


@given(asked)
def test_at_the_peak_no_core_has_more_to_do_than_was_asked_for(asked: Asked) -> None:
    found = size(asked)
    assert found.workers >= 2
    assert found.used.workers <= asked.headroom * found.workers * (1 + 1e-9)
    assert found.used.intake <= asked.headroom * found.bought.intake
    assert found.used.brokers <= asked.headroom * found.bought.brokers * (1 + 1e-9)


@given(asked)
def test_workers_can_become_four_times_as_many_before_partitions_run_out(asked: Asked) -> None:
    found = size(asked)
    assert found.partitions >= ROOM * found.workers
    assert found.partitions & (found.partitions - 1) == 0


def test_what_is_stored_grows_with_what_comes_and_what_is_kept() -> None:
    once = size(JILIN)
    twice = size(
        replace(JILIN, signals_per_day=2 * JILIN.signals_per_day, warnings_per_day=20_000, residents=46_000_000)
    )
    longer = size(replace(JILIN, retention=2 * JILIN.retention, years=2))
    for name, value in once.disk.items():
        assert twice.disk[name] == pytest.approx(2 * value)
    assert longer.disk["signals"] == pytest.approx(2 * once.disk["signals"])
    assert longer.disk["journal"] == pytest.approx(2 * once.disk["journal"])
    assert longer.disk["residents"] == once.disk["residents"]
    assert twice.redis["residents"] == pytest.approx(2 * once.redis["residents"])


def test_small_records_cost_more_workers_than_large_ones() -> None:
    assert size(replace(JILIN, batch=5)).used.workers > 2 * size(JILIN).used.workers


def test_a_core_twice_as_fast_is_half_as_busy() -> None:
    fast, usual = (size(replace(JILIN, pace=pace, partitions=64)) for pace in (2, 1))
    assert fast.used.workers == pytest.approx(usual.used.workers / 2)


def test_cells_share_what_is_to_be_borne_and_are_paid_for_together() -> None:
    whole, shared = size(replace(JILIN, price=100)), size(replace(JILIN, cells=10, price=100))
    assert sum(shared.redis.values()) < sum(whole.redis.values()) / 9
    assert shared.cores == 10 * (
        shared.bought.workers + shared.bought.intake + shared.bought.redis + shared.bought.brokers
    )
    assert shared.price == 100 * shared.cores


def test_a_redis_that_could_not_keep_up_is_told_with_how_many_cells_it_takes() -> None:
    asked = replace(JILIN, signals_per_day=3e9)
    told = size(asked).too_small
    assert told is not None
    cells = int(told.split()[-2])
    assert size(replace(asked, cells=cells)).too_small is None
    assert size(JILIN).too_small is None


def test_keys_of_few_signals_lie_in_as_many_places_and_of_many_in_all() -> None:
    assert places(64, 1) == pytest.approx(1)
    assert places(64, 10_000) == pytest.approx(64)
    assert places(1, 500) == 1


def test_a_set_is_dropped_where_little_comes_and_holds_what_has_not_faded_where_much_does() -> None:
    assert members(0.0001) == pytest.approx(0.0001 * EVIDENCE_DAYS, rel=0.01)
    assert members(1.0) == pytest.approx(1 + VALUES["sizing.evidence_days"])
    assert members(1000) == MOST_EVIDENCE


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"residents": 0}, "residents: 0 is not above zero"),
        ({"batch": 0}, "batch"),
        ({"cells": -1}, "cells"),
        ({"signals_per_day": -1.0}, "signals per day: -1.0 is below zero"),
        ({"headroom": 1.5}, "headroom: 1.5 is no share"),
        ({"partitions": 0}, "partitions"),
        ({"headroom": 0.01}, "headroom: an idle worker uses"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(wrong: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        size(replace(JILIN, **wrong))  # type: ignore[arg-type]  # of several types
