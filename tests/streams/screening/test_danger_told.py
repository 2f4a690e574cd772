"""Danger that casework must hear of though something stood before it: a settled case, a wrong clock, an old alert."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.calendar import FAST_CLOCK
from domain.feeds.source_rights import rights_of_sources
from schemas.risk.signals import NumberClass, Signal, TransferState, WatchState
from streams.intake.acceptor import examine
from tests.streams.screening.screening_line import (
    ANNA,
    BERT,
    MULE,
    Line,
    call,
    minutes_ago,
    report,
    running,
    sms,
    transfer,
    watch,
)

DAY = 24 * 60  # minutes
OTHER = "990000000777"


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


def arrived(signal: Signal, ago: float) -> Signal:
    return signal.model_copy(update={"arrived": minutes_ago(ago)})


def taken(signal: Signal, ago: float, ahead: timedelta = timedelta(0)) -> Signal:
    """As intake takes it in from a sender whose clock is so much ahead."""
    told = signal.model_copy(update={"at": signal.at + ahead}).model_dump(mode="json", exclude={"arrived"})
    (found,) = examine([told], minutes_ago(ago), rights_of_sources("police:all")).signals
    return found


def paid(who: str = ANNA, uid: str = "t1", ago: float = 60, **more: object) -> Signal:
    return transfer(who, uid, ago=ago, **{"state": TransferState.PENDING} | more)  # type: ignore[arg-type]  # any field


async def test_a_payee_who_is_confirmed_after_the_case_was_settled_counts_in_full(line: Line) -> None:
    await line.screen([arrived(call(ago=90), 90)])
    await line.screen([arrived(paid(), 60)])
    assert await line.levels() == ["blue"]
    await line.settle(minutes_ago(40))
    await line.screen([arrived(watch(ago=1), 1)])
    assert await line.levels() == ["blue", "red"]


async def test_what_is_said_of_a_payee_once_more_does_not_bring_a_settled_case_back(line: Line) -> None:
    await line.screen([arrived(paid(), 60)])
    await line.screen([arrived(watch("w1", ago=50), 50)])
    told = await line.levels()
    await line.settle(minutes_ago(40))
    await line.screen([arrived(watch("w2", ago=20), 20)])
    await line.screen([arrived(report(BERT, MULE), 2)])
    assert await line.levels() == told == ["red"]


async def test_a_confirmation_from_a_clock_that_is_fast_counts_from_when_it_came(line: Line) -> None:
    await line.screen([taken(paid(ANNA, "t1", 10), 10)])
    await line.screen([taken(watch("w1", ago=3), 3, FAST_CLOCK)])
    await line.screen([taken(paid(BERT, "t2", 2), 2)])
    assert (await line.levels(ANNA), await line.levels(BERT)) == (["red"], ["red"])


async def test_a_call_from_a_clock_that_is_fast_goes_together_with_the_payment_after_it(line: Line) -> None:
    for who, ahead in ((ANNA, FAST_CLOCK), (BERT, timedelta(0))):
        ringing = call(who, "c" + who, ago=9, ongoing=True, number_class=NumberClass.SPOOFED)
        await line.screen([taken(ringing, 8, ahead)])
        await line.screen([taken(paid(who, "t" + who, 3, new_payee=True), 3)])
    assert (await line.levels(ANNA))[-1] == (await line.levels(BERT))[-1] == "red"


async def test_a_call_from_a_clock_that_is_fast_is_no_news_after_the_case_was_settled(line: Line) -> None:
    for who, ahead in ((ANNA, FAST_CLOCK), (BERT, timedelta(0))):
        long = call(who, "c" + who, ago=261, seconds=2100)
        await line.screen([taken(long, 260, ahead)])
        await line.settle(minutes_ago(200), who)
        await line.screen([taken(sms(who, "s" + who, ago=10), 10)])
    assert await line.levels(ANNA) == await line.levels(BERT)


async def test_a_level_is_told_again_when_what_was_told_of_it_has_faded(line: Line) -> None:
    await line.screen([arrived(call(ANNA, "c1", ago=3 * DAY, seconds=2400), 3 * DAY - 40)])
    assert await line.levels() == ["orange"]
    await line.screen([arrived(call(ANNA, "c2", ago=60, seconds=2400, number_class=NumberClass.SPOOFED), 20)])
    assert await line.levels() == ["orange", "orange"]
    await line.screen([arrived(call(ANNA, "c4", ago=15, seconds=300), 10)])
    assert await line.levels() == ["orange", "orange"]


async def test_payments_to_who_was_listed_by_mistake_leave_room_for_the_one_to_a_scammer(line: Line) -> None:
    await line.screen([arrived(paid(uid="scam", ago=47 * 60), 47 * 60)])
    lifted = watch("w2", ago=58 * 60, value=OTHER, state=WatchState.LIFTED)
    await line.screen([arrived(watch("w1", ago=60 * 60, value=OTHER), 60 * 60)], [arrived(lifted, 58 * 60)])
    small = [
        arrived(transfer(uid=f"m{n}", ago=(46 - n) * 60, payee=OTHER, amount_fen=2_000), (46 - n) * 60)
        for n in range(line.policy.risk.bound)
    ]
    await line.screen(small)
    assert await line.levels() == []
    await line.screen([arrived(watch("w3", ago=1), 1)])
    assert await line.levels() == ["red"]
