"""Feeds over several workers: what each heard counts, one judges, an alarm is raised once and clears itself."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.calendar import HOURS_A_WEEK
from domain.feeds.silence import window_of
from schemas.administration.audit import AuditEntry
from schemas.risk.feeds import FeedProfile, Hour
from streams.intake.feeds.book import FeedStore
from streams.intake.feeds.settings import FeedSettings
from streams.intake.feeds.watch import Feeds
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import read_all
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings, SettingsError
from streams.security.encrypted_kafka import make_producer
from streams.state.keys import DRAINING, FEEDS_PROFILES, FEEDS_SILENT, FEEDS_WATCH, key, lane_key
from streams.state.lag import signal_ends
from tests.dispatched import NOW

DATABASE = 12


@dataclass(frozen=True)
class Moved(Clock):
    """A clock that stands where it is put."""

    at: list[datetime] = field(default_factory=lambda: [NOW])

    def now(self) -> datetime:
        return self.at[0]


@dataclass
class Room:
    """Workers that listen on one Redis."""

    settings: Settings
    redis: Any
    producer: Producer
    audit_began: int
    clock: Moved = field(default_factory=Moved)

    def worker(self, feeds: str = "") -> Feeds:
        return Feeds(self.settings, self.redis, self.producer, self.clock, FeedSettings(feeds=feeds))

    async def pass_by(self, minutes: float, *workers: Feeds) -> None:
        """Let time pass, minute by minute; the workers look at each."""
        for _ in range(round(minutes)):
            self.clock.at[0] += timedelta(minutes=1)
            for worker in workers:
                await worker.refresh()

    async def usual(self, source: str) -> None:
        """As if a source had sent each minute for three weeks, until now."""
        await FeedStore(self.redis, "").put([_usual(source, window_of(self.clock.now()))])

    async def whole(self) -> None:
        """Say that all signals there are were screened."""
        for where, end in (await signal_ends(self.settings)).items():
            suffix = where.topic.removeprefix(topics.SIGNALS.name)
            await self.redis.set(lane_key("screened", suffix, where.partition), end - 1)

    async def told(self) -> list[str]:
        records = [record async for record in read_all(self.settings, topics.AUDIT.name)]
        fresh = [record.value for record in records if record.offset >= self.audit_began and record.value]
        return [f"{entry.act} {entry.on}" for entry in map(AuditEntry.model_validate_json, fresh)]

    async def silent(self) -> set[str]:
        return {name.decode() for name in await self.redis.hkeys(FEEDS_SILENT)}


def _usual(source: str, last: int) -> FeedProfile:
    week = last // (360 * HOURS_A_WEEK)
    hours = {hour: Hour(week, 1200, 200, 1000) for hour in range(HOURS_A_WEEK)}
    return FeedProfile(source=source, last=last, gaps=2000, mean=1.0, square=1.05, hours=hours)


@pytest.fixture
async def room(settings: Settings) -> AsyncIterator[Room]:
    topics.create(settings)
    producer = make_producer(settings)
    await producer.start()
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as redis:
        await redis.flushdb()
        made = Room(settings, redis, producer, (await end_offsets(settings, topics.AUDIT.name))[0])
        await made.whole()
        yield made
    await producer.stop()


async def test_a_feed_that_falls_silent_is_told_once_and_cleared_when_it_is_heard_by_any_worker(room: Room) -> None:
    await room.usual("bank-a")
    first, second = room.worker(), room.worker()
    await room.pass_by(2, first, second)
    assert await room.silent() == set()
    await room.pass_by(15, first, second)
    assert await room.silent() == {"bank-a"}
    second.observe("bank-a", 3, room.clock.now())
    await room.pass_by(2, first, second)
    assert await room.silent() == set()
    assert await room.told() == ["feed-silent bank-a", "feed-heard bank-a"]


async def test_a_feed_that_is_heard_by_another_worker_is_not_silent(room: Room) -> None:
    await room.usual("bank-a")
    judge, other = room.worker(), room.worker()
    for _ in range(20):
        other.observe("bank-a", 5, room.clock.now())
        await room.pass_by(1, judge, other)
    assert await room.told() == []
    profile = FeedProfile.model_validate_json(await room.redis.hget(FEEDS_PROFILES, "bank-a"))
    assert profile.last >= window_of(room.clock.now() - timedelta(minutes=3))


async def test_a_configured_feed_that_never_sent_is_told_after_the_grace(room: Room) -> None:
    worker = room.worker("bank-z:4")
    await room.pass_by(12, worker)
    assert await room.told() == []
    await room.pass_by(8, worker)
    assert await room.told() == ["feed-silent bank-z"]


async def test_while_signals_wait_to_be_screened_a_silence_says_nothing(room: Room) -> None:
    await room.usual("bank-a")
    worker = room.worker()
    await room.pass_by(1, worker)
    await room.redis.delete(key("screened", 0))
    await room.producer.send_all([Record(topics.SIGNALS.name, b"0", b"[]", 0)])
    await room.pass_by(20, worker)
    assert await room.told() == []


async def test_while_intake_is_drained_a_silence_says_nothing(room: Room) -> None:
    await room.usual("bank-a")
    worker = room.worker()
    await room.pass_by(1, worker)
    await room.redis.set(DRAINING, "{}")
    await room.pass_by(20, worker)
    assert await room.told() == []


async def test_when_nobody_has_listened_for_a_while_listening_begins_anew(room: Room) -> None:
    await room.usual("bank-a")
    room.clock.at[0] += timedelta(hours=3)
    worker = room.worker()
    await worker.refresh()
    await room.redis.hset(FEEDS_WATCH, "judged", time.time() - 600)
    room.clock.at[0] += timedelta(hours=3)
    await room.pass_by(2, worker)
    assert await room.silent() == set()


async def test_what_was_learnt_outlives_redis(room: Room) -> None:
    await room.usual("bank-outlives")
    await room.worker().refresh()
    kept = await room.redis.hget(FEEDS_PROFILES, "bank-outlives")
    await room.redis.flushdb()
    await room.worker().restore()
    assert await room.redis.hget(FEEDS_PROFILES, "bank-outlives") == kept


def test_a_floor_that_cannot_be_read_says_how_to_write_it() -> None:
    with pytest.raises(SettingsError, match="bank-a:4"):
        FeedSettings(feeds="bank-a=4").floors()
