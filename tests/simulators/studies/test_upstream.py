"""The study of victims found upstream: what a call changes, and that both orders call the same lists."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from domain.policy import Policy, load
from domain.risk.upstream import ContactSource
from simulators.studies.upstream import (
    AT_FIRST_ALERT,
    LIST_WAYS,
    CallWay,
    ListOrder,
    UpstreamYield,
    _Study,
    call_result,
    gains,
    per_call,
    upstream_study,
)
from simulators.world.province import START, Province
from simulators.world.truth import Life
from tests.domain.risk.riskworld import POLICY

SHORT = timedelta(hours=2)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load(POLICY.read_text("utf-8"))


def victim() -> Life:
    """Somebody who is asked for at least two payments, without the scammer on the line."""
    province = Province(3, 600)
    province.signals_until(province.start + SHORT)
    lives = (life for life in province.truth.lives.values() if len(life.story.payments) > 1)
    life = next(life for life in lives if life.on_the_line(life.story.payments[0].settles) is None)
    return Life(life.story)


def test_a_call_saves_the_payments_that_have_not_settled_and_no_others() -> None:
    life = victim()
    first, *later = life.story.payments
    before, soon = first.at - timedelta(seconds=1), first.settles
    chance, fen = call_result(life, before)
    assert fen == life.story.asked_fen
    after, left = call_result(life, soon)
    assert left == sum(payment.amount_fen for payment in later if payment.settles > soon)
    assert 0 < after <= chance < 1
    assert call_result(life, life.story.payments[-1].settles + timedelta(days=90)) == (0.0, 0)


def test_a_list_is_called_as_often_in_each_order_and_the_same_seed_gives_the_same(policy: Policy) -> None:
    found = upstream_study(5, policy, 600, SHORT, 1)
    assert found == upstream_study(5, policy, 600, SHORT, 1)
    assert found[AT_FIRST_ALERT].calls > 0
    assert found[AT_FIRST_ALERT].unknown == 0
    for source in ContactSource:
        by_danger, as_they_came = (found[CallWay(source, order)] for order in (ListOrder.DANGER, ListOrder.ARRIVAL))
        assert by_danger.calls > 0
        assert 0 <= as_they_came.spared <= as_they_came.calls
        assert abs(by_danger.calls - as_they_came.calls) <= by_danger.calls / 4  # a person on two lists is called once
    more = upstream_study(5, policy, 600, SHORT, 9)
    assert all(more[way].calls >= found[way].calls for way in LIST_WAYS)


def test_a_second_alert_at_the_same_moment_brings_no_second_call() -> None:
    moments = iter((START, START + 2 * SHORT))
    province = SimpleNamespace(
        next_at=lambda: next(moments), signals_until=lambda _: [None, None], truth=SimpleNamespace(lives={})
    )
    screening = SimpleNamespace(screen=lambda *_: [SimpleNamespace(resident="r1")], found=[], rescore=set())
    study = _Study(cast("Any", province), cast("Any", screening), 1)
    study.run(START + SHORT)
    assert study.sums[AT_FIRST_ALERT].calls == 1


def test_the_yield_is_the_mean_over_provinces_with_calls() -> None:
    way, other = CallWay(ContactSource.INFLOW, ListOrder.DANGER), CallWay(ContactSource.INFLOW, ListOrder.ARRIVAL)
    empty = {each: UpstreamYield() for each in (*LIST_WAYS, AT_FIRST_ALERT)}
    one = empty | {way: UpstreamYield(10, 3.0, 500.0, 1), other: UpstreamYield(10, 1.0, 100.0, 0)}
    two = empty | {way: replace(one[way], spared=5.0), other: replace(one[other], spared=3.0)}
    told = per_call([one, two, empty])
    assert [each.way for each in told] == [way, other]
    assert told[0].spared.mean == pytest.approx(0.4)
    assert told[0].calls == pytest.approx(20 / 3)
    (gain,) = gains([one, two, empty])
    assert (gain.way, gain.other) == (way, other)
    assert gain.spared.mean == pytest.approx(0.2)
    assert gain.spared.half == pytest.approx(0.0)
    assert gain.kept_fen.mean == pytest.approx(40.0)
