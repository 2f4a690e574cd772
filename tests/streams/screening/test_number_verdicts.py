"""Verdicts of vendors reach screening as watchlist entries, and a call from a rated number raises an alert."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.risk.verdicts import rated_subject
from schemas.risk.evidence import WatchStatus
from schemas.risk.payee_checks import PayeeKind
from schemas.risk.signals import Call, NumberClass, NumberVerdict, Watch, WatchState
from streams.intake.acceptor import records_of
from streams.messaging import topics
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.screening.subjects import Subjects
from streams.screening.watchlist import Watchlist
from streams.state.shared_state import Shared
from tests.streams.screening.screening_line import ANNA, BERT, Line, call, minutes_ago, on, watch

NUMBER = "+8614200000009"
POLICY = Path(__file__).parents[3] / "deploy/policy/jilin.toml"


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    policy = tmp_path / "policy.toml"
    named = POLICY.read_text("utf-8").replace("vendors = {}", "vendors = { numbers-x = 0.6, numbers-y = 0.7 }", 1)
    policy.write_text(named, "utf-8")
    with Embedded(tmp_path) as servers:
        rights = "police:all,numbers-x:rated,numbers-y:rated,numbers-w:rated"
        settings = servers.settings(Settings(app_id="screening", policy=policy, source_rights=rights))
        async with on(settings) as line:
            await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
            yield line


def rated(
    vendor: str, verdict: NumberVerdict = NumberVerdict.SCAM, ago: float = 60, days: float = 30, uid: str = "v1"
) -> Watch:
    at = minutes_ago(ago)
    return Watch(
        source=vendor,
        id=uid,
        at=at,
        subject="phone",
        value=NUMBER,
        state=WatchState.RATED,
        verdict=verdict,
        until=at + timedelta(days=days),
    )


def ordinary(who: str = ANNA, uid: str = "c1") -> Call:
    return call(who, uid, caller=NUMBER, number_class=NumberClass.ORDINARY)


async def shares(line: Line, who: str = ANNA) -> dict[str, float | None]:
    return {each.id: each.share for each in (await line.evidence(who)).values()}


async def test_a_call_from_a_number_that_vendors_rated_is_evidence_by_their_weights(line: Line) -> None:
    await line.screen([ordinary(uid="before")])
    await line.screen([rated("numbers-x"), rated("numbers-y", uid="v2")])
    await line.screen([ordinary()])
    assert await shares(line) == {"carrier:c1~rated_caller": pytest.approx(0.88)}
    assert await line.dead_letters() == []
    tally = await line.tally()
    assert sum(tally.values()) == 4


async def test_each_vendors_latest_verdict_counts_and_the_vendors_are_kept_apart(line: Line) -> None:
    await line.screen([rated("numbers-x"), rated("numbers-y", NumberVerdict.CLEAN, uid="v2")])
    await line.screen([ordinary(uid="disputed")])
    assert await shares(line) == {}  # 0.6 times 0.3 is below the policy's least
    await line.screen([rated("numbers-y", ago=5, uid="v3"), rated("numbers-x", ago=500, uid="late")])
    await line.screen([ordinary()])
    assert await shares(line) == {"carrier:c1~rated_caller": pytest.approx(0.88)}
    own = Subjects(line.settings.key()).listed(PayeeKind.PHONE, NUMBER)[0]
    asked = [own, rated_subject(own, "numbers-x"), rated_subject(own, "numbers-y")]
    found = await Watchlist(line.redis, line.settings, seconds=5).entries(asked)
    assert {name: entry.standing for name, entry in found.items()} == dict.fromkeys(asked[1:], WatchStatus.RATED)
    assert NUMBER not in repr(found)


async def test_verdicts_that_expired_or_of_unnamed_vendors_and_lifted_numbers_are_no_evidence(line: Line) -> None:
    await line.screen([rated("numbers-x", ago=60, days=1 / 48), rated("numbers-w", uid="v2")])
    await line.screen([ordinary(uid="unrated")])
    await line.screen([rated("numbers-x", ago=10, uid="v3")])
    await line.screen([watch("w1", ago=2, state=WatchState.LIFTED, value=NUMBER, subject="phone")])
    await line.screen([ordinary(BERT)])
    assert (await shares(line), await shares(line, BERT)) == ({}, {})


async def test_verdicts_and_the_evidence_by_them_outlive_the_loss_of_redis(line: Line) -> None:
    await line.screen([rated("numbers-x"), rated("numbers-y", uid="v2")])
    await line.screen([ordinary()])
    await line.lose()
    await line.screen_owed()
    assert await shares(line) == {"carrier:c1~rated_caller": pytest.approx(0.88)}
    await line.screen([ordinary(BERT, "c2")])
    assert await shares(line, BERT) == {"carrier:c2~rated_caller": pytest.approx(0.88)}


def test_verdicts_do_not_hold_up_the_urgent_lane() -> None:
    decided = watch("w1", value=NUMBER, subject="phone")
    assert {record.topic for record in records_of([rated("numbers-x")], 4)} == {topics.SIGNALS.name}
    assert {record.topic for record in records_of([decided], 4)} == {topics.SIGNALS_URGENT.name}
