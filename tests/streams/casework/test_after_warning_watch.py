"""Frauds after warnings, counted from the cases in a real Redis: which cases and records count, when, and by whom."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.casework.cases import Case
from schemas.casework.frauds import GivenWarning, RecordedFraud
from schemas.levels import Action, Level
from schemas.risk.reported_frauds import FraudMatch, MatchedBy, MatchStrength
from streams.casework.after_warning_watch import (
    EVERY,
    AfterWarningWatch,
    drop_after_warning,
    stored_after_warning,
)
from streams.messaging import topics
from streams.repositories.tables import FraudMatches
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import AFTER_WARNING, AFTER_WARNING_READING, key
from streams.state.server_identity import current_run
from tests.channel_rig import Rig, new_resident, rigged
from tests.dispatched import NOW, case_of, dispatch_for
from tests.end_to_end.harness.hand_clock import HandClock

DAY = timedelta(days=1)


@dataclass
class Watched:
    """The cases of a province whose partitions all stand, and the watch that counts them."""

    rig: Rig
    watch: AfterWarningWatch
    matches: FraudMatches

    async def case(self, *, days_ago: float, fraud: str = "", after: float | None = 5, earlier: bool = False) -> Case:
        """Store a case that was warned so many days ago, and perhaps the police's record of a fraud. `after`: in days
        after the warning.
        """
        resident, at = new_resident().id, NOW - days_ago * DAY
        warning = GivenWarning(number=1, at=at, level=Level.RED, action=Action.SMS, message="sms.zh.police")
        frauds = []
        if fraud:
            happened = at + (after or 0) * DAY
            record = FraudMatch(
                id=fraud,
                version=1,
                change=1,
                digest="0" * 32,
                reported_at=happened,
                happened_at=happened,
                received_at=happened,
                dated=True,
                resident=resident,
                by=MatchedBy.ID_NUMBER,
                strength=MatchStrength.CERTAIN,
            )
            await self.matches.put(record)
            known = record.model_dump(
                include={"id", "version", "reported_at", "happened_at", "dated", "by", "strength"}
            )
            frauds = [RecordedFraud(**known, number=1, after_warning_days=after)]
        case = case_of(dispatch_for(resident)).model_copy(update={"warnings": [warning], "frauds": frauds})
        partition = await self.rig.stands(resident)
        if earlier:
            await self.rig.redis.hset(key("earlier", partition), case.id, case.model_dump_json())
            later = {"id": f"{resident}-2", "number": 2, "version": 9}
            latest = case.model_copy(update=later)
            await self.rig.redis.hset(key("cases", partition), resident, latest.model_dump_json())
        else:
            await self.rig.redis.hset(key("cases", partition), resident, case.model_dump_json())
        return case


@pytest.fixture
async def watched(settings: Settings) -> AsyncIterator[Watched]:
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.FRAUD_MATCHES])
        matches, run = FraudMatches(rig.settings, rig.redis, rig.producer), await current_run(rig.redis)
        for partition in range(rig.settings.partitions):
            await rig.redis.hset(key("state", partition), mapping={"offset": 0, "run": run})
        watch = AfterWarningWatch(rig.settings, rig.redis, CaseStore(rig.redis), matches, rig.clock)
        yield Watched(rig, watch, matches)


async def test_cases_first_warned_in_120_days_count_and_a_share_waits_until_its_span_is_over(watched: Watched) -> None:
    await watched.case(days_ago=100, fraud="police:A1")
    await watched.case(days_ago=40)
    await watched.case(days_ago=10, fraud="police:A2")
    await watched.case(days_ago=121, fraud="police:A3")
    found = await watched.watch.read()
    assert found is not None
    [everything] = [each for each in found.groups if each.dimension == "all"]
    assert (everything.warned, everything.old, everything.defrauded) == (3, (2, 1), (1, 1))
    assert everything.division == "220102001"
    assert {each.value for each in found.groups if each.dimension == "message"} == {"sms.zh.police"}
    assert await stored_after_warning(watched.rig.redis) == found


async def test_an_earlier_case_counts_beside_the_latest_one(watched: Watched) -> None:
    await watched.case(days_ago=50, fraud="police:A1", earlier=True)
    found = await watched.watch.read()
    assert found is not None
    [everything] = [each for each in found.groups if each.dimension == "all"]
    assert (everything.warned, everything.defrauded) == (1, (1, 0)), "the latest case only repeats its warning"


async def test_only_known_records_after_a_warning_are_named(watched: Watched) -> None:
    await watched.case(days_ago=20, fraud="police:A1")
    await watched.case(days_ago=20, fraud="police:A2", after=None)
    await watched.case(days_ago=20, fraud="police:A3")
    await watched.matches.drop("police:A3")  # an erasure
    found = await watched.watch.read()
    assert found is not None
    assert found.after_warning == {"police:A1"}


async def test_nothing_is_stored_while_a_partitions_cases_are_restored(watched: Watched) -> None:
    await watched.case(days_ago=20)
    await watched.rig.redis.delete(key("state", watched.rig.settings.partitions - 1))
    await watched.watch.check()
    assert await stored_after_warning(watched.rig.redis) is None
    assert not await watched.rig.redis.exists(AFTER_WARNING_READING), "the next look may try again"


async def test_an_invalid_case_is_left_out_and_the_others_count(watched: Watched) -> None:
    await watched.case(days_ago=20)
    await watched.rig.redis.hset(key("cases", 0), "rbroken", b'{"id": 1}')
    found = await watched.watch.read()
    assert found is not None
    assert found.groups[0].warned == 1


async def test_it_counts_every_six_hours_once_among_all_workers_and_at_once_after_an_erasure(
    watched: Watched, tmp_path: Path
) -> None:
    redis, clock = watched.rig.redis, HandClock.shared(tmp_path / "clock", watched.rig.clock)
    watch = AfterWarningWatch(watched.rig.settings, redis, CaseStore(redis), watched.matches, clock)
    await redis.set(AFTER_WARNING_READING, 1)  # another worker counts
    await watch.check()
    assert await stored_after_warning(redis) is None
    await redis.delete(AFTER_WARNING_READING)
    await watch.check()
    first = await redis.hget(AFTER_WARNING, "at")
    clock.move_to(clock.now() + EVERY - timedelta(minutes=1))
    await watch.check()
    assert await redis.hget(AFTER_WARNING, "at") == first
    clock.move_to(clock.now() + timedelta(minutes=1))
    await watch.check()
    assert await redis.hget(AFTER_WARNING, "at") != first
    await drop_after_warning(redis)
    await watch.check()
    assert await redis.hget(AFTER_WARNING, "at") is not None
