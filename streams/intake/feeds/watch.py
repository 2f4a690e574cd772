"""Monitoring of the feeds: every worker counts the signals that it screens, and one worker judges the feeds for all.

Profiles are also written every hour to a compacted topic, so that they survive a loss of Redis: learning them takes
four weeks. While screening lags or Kafka is unavailable, missing signals prove nothing about a feed; watching then
restarts.
"""

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError
from prometheus_client import Counter as Metric
from redis.asyncio import Redis

from domain.feeds.silence import begin_of, learn, never_sent, outage, unknown, window_of
from schemas.administration.audit import AuditEntry
from schemas.base import ANY_VERSION
from schemas.risk.feeds import FeedProfile, Silence
from streams.intake.feeds.book import FeedLog, FeedStore, Heard
from streams.intake.feeds.settings import FeedSettings
from streams.messaging import sources, topics
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Tails, read_all
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security import audit
from streams.state.keys import DRAINING
from streams.state.lag import Where, screened, signal_ends

log = logging.getLogger(__name__)

LATE_SECONDS = 3.0  # wall-clock time within which every worker has added its counts
BREAK_SECONDS = 30.0  # wall-clock time without a judgement that counts as a break of the watch
KEEP_SECONDS = 3600.0  # wall-clock time between two writes of the profiles to the topic
KAFKA_SECONDS = 5.0
LEAST_SILENCE = timedelta(minutes=3)  # a shorter silence is never an alarm: batches and networks pause that long
GRACE = timedelta(minutes=15)  # a configured feed that never sent anything is an alarm after this

FEED_ALARMS = Metric("quanzu_feed_alarms_total", "Feed outage alarms of a source", ["source"])


class Feeds:
    """One worker's part in monitoring the feeds of the installation."""

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        producer: Producer,
        clock: Clock,
        wanted: FeedSettings,
        configured: Iterable[str] = (),
    ) -> None:
        self._settings, self._producer, self._clock, self._wanted = settings, producer, clock, wanted
        self._redis: Any = redis
        self._book = FeedStore(redis, uuid.uuid4().hex)
        self._floors = dict.fromkeys(configured, 0.0) | wanted.floors()
        self._calendar = wanted.calendar()
        self._new: Counter[Heard] = Counter()
        self._ends: tuple[dict[Where, int], float] | None = None  # end offsets of the lanes, and when they were read

    def observe(self, source: str, count: int, now: datetime) -> None:
        """Count `count` signals of a source that this worker has screened at `now`, in memory until the next `refresh`.
        `source`: its metric label (sources.label).

        The label `other`, and labels that belong to no feed, such as the console's, are ignored.
        """
        if source not in sources.ALWAYS and source != sources.OTHER:
            self._new[source, window_of(now)] += count

    async def refresh(self) -> None:
        """Add this worker's counts of signals to Redis. If this worker has the lease, also learn from all workers'
        counts, raise or end the alarms of silent feeds (each with an audit entry), and write the profiles to their
        topic once an hour. To be called every second.

        Raises RedisError if Redis is unavailable; counts that were not added are kept for the next call. Waits while
        Kafka is unavailable to write. Raises SendError if Kafka refuses an entry or a profile, and SettingsError if
        this process has no key for the audit.
        """
        new, self._new = self._new, Counter()
        try:
            await self._book.add(new)
        except BaseException:
            self._new.update(new)
            raise
        if await self._book.mine():
            await self._judge()

    async def restore(self, since: Tails | None = None) -> None:
        """Write the topic's profiles to Redis for sources that have none there. `since`: read only from these offsets
        on; None: the complete topic. Invalid records are logged and skipped. Errors of Redis and Kafka pass through.
        """
        found = {}
        async for record in read_all(self._settings, topics.FEEDS.name, since):
            value, offset = record.value, record.offset
            if value and (profile := readable(topics.FEEDS.name, offset, partial(_profile, value))):
                found[profile.source] = profile
        await self._book.put(found.values())

    async def _judge(self) -> None:
        now = self._clock.now()
        book = await self._book.read()
        listening = book.since if self._clock.wall.time() - book.judged < BREAK_SECONDS and book.since else now
        done = self._learn(book, now, window_of(listening))
        await self._book.learnt(book, done)
        silent = self._silent(book, now, window_of(listening))
        fresh = [silence for silence in silent.values() if silence.source not in book.silent]
        if fresh and (whole := await self._line_whole()) is not True:
            fresh, listening = [], now if whole is False else listening
        for silence in fresh:
            await self._raise(silence)
        for source in book.silent.keys() - silent.keys():
            await self._clear(source, book, now)
        await self._keep(book)
        await self._book.watched(book, now, listening, self._clock.wall.time())

    def _learn(self, book: FeedLog, now: datetime, watched: int) -> list[Heard]:
        """Update the profiles in `book` by all finished windows, to which no worker adds any more. Return these
        windows.
        """
        done = sorted((each for each in book.heard if each[1] < self._told(now)), key=lambda each: each[1])
        for source, window in done:
            count, known = book.heard[source, window], book.profiles.get(source)
            book.profiles[source] = (
                unknown(source, window, count, self._calendar)
                if known is None
                else learn(
                    known, window, count, watched=watched, alarmed=source in book.silent, calendar=self._calendar
                )
            )
            book.changed.add(source)
        return done

    def _told(self, now: datetime) -> int:
        return window_of(now - timedelta(seconds=LATE_SECONDS * self._clock.speed))

    def _silent(self, book: FeedLog, now: datetime, watched: int) -> dict[str, Silence]:
        """Return the alarms that should be active, by source.

        A source with signals in a window that is not finished has no alarm.
        """
        waiting = {source for source, window in book.heard if window >= self._told(now)}
        found = {}
        until = begin_of(self._told(now))
        for source, profile in book.profiles.items():
            if source in waiting:
                continue
            old = book.silent.get(source)
            if old and old.since == begin_of(profile.last):
                found[source] = old  # no signal since: a restart of the watch does not clear the alarm
            elif silence := outage(
                profile,
                until,
                least=LEAST_SILENCE,
                floor=self._floors.get(source, 0.0),
                watched=watched,
                calendar=self._calendar,
            ):
                found[source] = silence
        for source in self._floors.keys() - book.sources:
            if silence := never_sent(source, self._floors[source], book.began or now, until, GRACE):
                found[source] = silence
        return found

    async def _line_whole(self) -> bool | None:
        """Return True once screening has processed all signals that had arrived at the last check of the topics' ends,
        and None if it has not yet.

        Returns False if this cannot be known: intake is closed, Kafka is unavailable, or screening lags over
        BREAK_SECONDS.
        """
        if await self._redis.exists(DRAINING):
            return False  # intake is closed
        if self._ends is None:
            try:
                async with asyncio.timeout(KAFKA_SECONDS):
                    self._ends = await signal_ends(self._settings), time.monotonic()
            except (KafkaError, OSError, TimeoutError):
                return False
        ends, asked = self._ends
        found = await screened(self._redis, self._settings.partitions)
        if all(_reached(found[where]) >= end - 1 for where, end in ends.items()):
            self._ends = None
            return True
        if time.monotonic() - asked < BREAK_SECONDS:
            return None
        self._ends = None
        return False

    async def _raise(self, silence: Silence) -> None:
        if await self._book.raised(silence):
            log.warning("feed silent: %s", silence.words)
            FEED_ALARMS.labels(sources.label(silence.source)).inc()
            await self._tell("feed-silent", silence.source, silence.at, silence.words)

    async def _clear(self, source: str, book: FeedLog, now: datetime) -> None:
        if await self._book.cleared(source):
            words = f"{source} is heard again; {book.silent[source].words}"
            log.warning("feed heard: %s", words)
            await self._tell("feed-heard", source, now, words)

    async def _tell(self, act: str, source: str, at: datetime, words: str) -> None:
        await audit.write(self._producer, [AuditEntry(at=at, by="feeds", act=act, on=source, reason=words)])

    async def _keep(self, book: FeedLog) -> None:
        """Write all profiles to the topic if the last write was over an hour ago."""
        if self._clock.wall.time() - book.kept < KEEP_SECONDS:
            return
        values = [(each.source.encode(), each.model_dump_json().encode()) for each in book.profiles.values()]
        await self._producer.send_all([Record(topics.FEEDS.name, source, value) for source, value in values])
        book.kept = self._clock.wall.time()


def _reached(offset: int | None) -> int:
    return -1 if offset is None else offset


def _profile(value: bytes) -> FeedProfile:
    return FeedProfile.model_validate_json(value, extra=ANY_VERSION)
