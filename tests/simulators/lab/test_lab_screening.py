"""What is kept in memory says what Redis says: who is in danger because of a suspect, in either order."""

import asyncio

import pytest

from schemas.casework.inputs import Alert
from schemas.levels import Level
from schemas.risk.signals import Signal, WatchState
from simulators.lab.screening import Screening
from simulators.world.memory import finished
from tests.domain.builders import policy
from tests.streams.screening.screening_line import ANNA, BERT, NOW, call, minutes_ago, report, resident, transfer, watch

SECRET = b"only a test knows it"


def screening() -> Screening:
    return Screening([resident(ANNA), resident(BERT)], policy().risk, SECRET)


def told(*signals: Signal, by: Screening | None = None) -> list[tuple[str, Level]]:
    judge = by or screening()
    return [(alert.resident, alert.danger.level) for signal in signals for alert in judge.screen(signal, NOW)]


def test_who_paid_a_suspect_before_he_was_known_is_found_when_he_is() -> None:
    assert told(transfer(ago=60), watch()) == [(ANNA, Level.ORANGE)]


def test_who_pays_a_suspect_who_is_known_is_found_at_once() -> None:
    assert told(watch(ago=60), transfer(ago=1)) == [(ANNA, Level.ORANGE)]


def test_who_paid_him_longer_ago_than_the_policy_looks_back_is_not_found() -> None:
    assert told(transfer(ago=73 * 60), watch()) == []


def test_a_report_does_not_outweigh_what_was_lifted() -> None:
    mule = transfer(ago=1)
    lifted = watch(uid="w2", ago=2, state=WatchState.LIFTED)
    assert told(watch(ago=5), lifted, report(BERT, mule.payee), mule) == [(BERT, Level.YELLOW)]


def test_everybody_who_paid_him_is_told_of_under_one_campaign() -> None:
    judge = screening()
    found: list[Alert] = []
    for signal in (transfer(ago=60), transfer(BERT, "t2", ago=50), watch()):
        found += judge.screen(signal, NOW)
    assert {alert.resident for alert in found} == {ANNA, BERT}
    assert len({alert.danger.campaign for alert in found}) == 1


def test_the_same_danger_is_told_once() -> None:
    judge = screening()
    assert len(told(call(), by=judge)) == 1
    assert told(call(), by=judge) == []


def test_what_came_before_a_case_was_settled_counts_little_afterwards() -> None:
    judge = screening()
    assert judge.screen(call(ago=30), minutes_ago(29))
    judge.settled(ANNA, minutes_ago(20))
    assert told(call(uid="c2", ago=25, seconds=20), by=judge) == []
    assert [who for who, _ in told(call(uid="c3", ago=5), by=judge)] == [ANNA]


def test_a_call_that_goes_on_is_looked_at_again_when_it_has_become_a_long_one() -> None:
    judge = screening()
    live = call(ago=10, seconds=590, ongoing=True)
    assert told(live, by=judge) == [(ANNA, Level.YELLOW)]
    at = judge.rescore[ANNA]
    assert at == live.at + policy().risk.call.long
    assert [alert.danger.level for alert in judge.again(ANNA, at)] == [Level.ORANGE]


def test_nothing_is_waited_for() -> None:
    with pytest.raises(RuntimeError, match="waited"):
        finished(asyncio.sleep(0))
