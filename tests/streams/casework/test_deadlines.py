"""What has fallen due is written once, and again only if casework has gone past it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from streams.casework.deadlines import ASK_SECONDS, Deadlines, DueTimes, partitions_due
from streams.messaging import topics
from streams.messaging.producer import Producer
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import CaseStore
from streams.state.keys import DEADLINES, key, milliseconds
from streams.state.store_update import StoreUpdate
from tests.dispatched import NOW, dispatch_for

DATABASE = 5


@pytest.mark.parametrize(
    ("applied", "seconds"),
    [
        (None, [0, 64]),  # the store is lost
        (-1, [0, 64]),  # behind: the input is on the topic, and counts once
        (10**9, [0, 2, 6, 14, 30, 62]),  # past it, and the deadline is still there: the input was lost
    ],
)
async def test_a_deadline_is_written_again_once_casework_has_gone_past_its_input(
    settings: Settings, applied: int | None, seconds: list[int]
) -> None:
    async with _line(settings) as (redis, producer):
        await _due(redis, "red.sms")
        if applied is not None:
            await redis.hset(key("state", 0), "offset", applied)
        clock = [0.0]
        deadlines = Deadlines(CaseStore(redis), producer, Clock.starting(1, NOW), lambda: clock[0])
        written = []
        for second in range(80):
            clock[0] = float(second)
            if await deadlines.fire(0):
                written.append(second)
    assert written == seconds


async def test_of_deadlines_that_come_while_others_wait_only_the_new_are_written(settings: Settings) -> None:
    async with _line(settings) as (redis, producer):
        deadlines = Deadlines(CaseStore(redis), producer, Clock.starting(1, NOW), lambda: 0.0)
        await _due(redis, "red.sms", "red.operator")
        assert await deadlines.fire(0) == 2
        await _due(redis, "red.visit")
        assert await deadlines.fire(0) == 1
        assert await deadlines.fire(0) == 0


async def _due(redis: "Redis", *steps: str) -> None:
    due = milliseconds(NOW - timedelta(seconds=1))
    case = dispatch_for("r" + 16 * "a").case
    await redis.zadd(key("deadlines", 0), {f"{case}|{step}": due for step in steps})


@asynccontextmanager
async def _line(settings: Settings) -> AsyncIterator[tuple["Redis", Producer]]:
    topics.create(settings, [topics.CASE_INPUTS])
    producer = make_producer(settings)
    await producer.start()
    try:
        async with _redis(settings) as redis:
            yield redis, producer
    finally:
        await producer.stop()


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator["Redis"]:
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as redis:
        await redis.flushdb()
        yield redis


async def test_of_all_partitions_those_are_found_in_which_something_has_fallen_due(settings: Settings) -> None:
    now, later = milliseconds(NOW), milliseconds(NOW + timedelta(milliseconds=1))
    async with _redis(settings) as redis:
        for name, at in ((key("deadlines", 1), now), (key("rescore", 3), now), (key("deadlines", 2), later)):
            await redis.zadd(name, {"somebody": at})
        assert await partitions_due(redis, ("deadlines", "rescore"), range(5), NOW) == [1, 3]
        assert await partitions_due(redis, ("deadlines", "rescore"), [0, 2, 4], NOW) == []
        assert await partitions_due(redis, ("deadlines", "rescore"), [], NOW) == []


async def test_a_deadline_that_is_known_fires_at_its_time_although_redis_is_not_asked_again(settings: Settings) -> None:
    due = NOW + timedelta(milliseconds=100)
    async with _redis(settings) as redis:
        times = DueTimes(redis, {}, lambda: 0.0)
        await redis.zadd(key("deadlines", 2), {"case|step": milliseconds(due)})
        assert await times.due(range(5), NOW) == []
        asked = await _commands(redis)
        assert await times.due(range(5), NOW) == []
        assert await _commands(redis) == asked
        assert await times.due(range(5), due) == [2]


async def test_work_that_is_due_is_told_until_it_is_gone(settings: Settings) -> None:
    async with _redis(settings) as redis:
        times = DueTimes(redis, {}, lambda: 0.0)
        await redis.zadd(key("rescore", 1), {"somebody": milliseconds(NOW)})
        assert [await times.due([1], NOW) for _ in range(3)] == [[1], [1], [1]]
        await redis.delete(key("rescore", 1))
        assert await times.due([1], NOW) == []


async def test_a_deadline_of_another_process_is_noticed_after_half_a_second(settings: Settings) -> None:
    clock = [0.0]
    async with _redis(settings) as redis:
        times = DueTimes(redis, {}, lambda: clock[0])
        assert await times.due([0, 1], NOW) == []
        await redis.zadd(key("deadlines", 1), {"case|step": milliseconds(NOW)})
        clock[0] = ASK_SECONDS
        assert await times.due([0, 1], NOW) == [1]


async def test_a_deadline_that_this_process_commits_is_noticed_at_once(settings: Settings) -> None:
    async with _redis(settings) as redis:
        store = CaseStore(redis)
        times = DueTimes(redis, store.commits, lambda: 0.0)
        assert await times.due([0, 1], NOW) == []
        change = StoreUpdate().add("ZADD", DEADLINES, milliseconds(NOW), "case|step")
        assert await store.commit(1, None, 0, change)
        assert await times.due([0, 1], NOW) == [1]


async def test_a_partition_that_comes_back_is_asked_about_anew(settings: Settings) -> None:
    async with _redis(settings) as redis:
        times = DueTimes(redis, {}, lambda: 0.0)
        assert await times.due([0], NOW) == []
        assert await times.due([], NOW) == []
        await redis.zadd(key("deadlines", 0), {"case|step": milliseconds(NOW)})
        assert await times.due([0], NOW) == [0]


async def _commands(redis: "Redis") -> int:
    """How often Redis has looked for the first entries of a sorted set."""
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_zrange", {"calls": 0})["calls"])
