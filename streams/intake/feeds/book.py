"""The state of all feeds in Redis, which all workers share. Every key has the hash tag {feeds}."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from schemas.base import ANY_VERSION
from schemas.risk.feeds import FeedProfile, Silence
from streams.state import locks
from streams.state.keys import (
    FEEDS_HEARD,
    FEEDS_JUDGING,
    FEEDS_PROFILES,
    FEEDS_SILENT,
    FEEDS_WATCH,
    milliseconds,
    moment,
)

JUDGING_MS = 3000

Heard = tuple[str, int]  # source, window number


@dataclass(slots=True)
class FeedLog:
    """A copy of the feeds' state in Redis. `heard`: number of signals by source and 10-second window (counted from
    1970).

    `profiles`, `silent`: usual traffic and alarms, by source; `began`: when watching first began (None: never);
    `since`: since when the feeds have been watched without a break (None: not watched yet).
    """

    heard: dict[Heard, int]
    profiles: dict[str, FeedProfile]
    silent: dict[str, Silence]
    began: datetime | None = None
    since: datetime | None = None
    judged: float = 0.0  # wall-clock seconds since 1970 at the last judgement
    kept: float = 0.0  # wall-clock seconds since 1970 when the profiles were last written to the topic
    changed: set[str] = field(default_factory=set)  # sources whose profile must be written

    def last(self, source: str) -> int | None:
        """Return the latest 10-second window in which a source sent a signal, or None if it never sent one. Windows are
        numbered from 0 at 1970-01-01 UTC.
        """
        windows = [window for name, window in self.heard if name == source]
        if source in self.profiles:
            windows.append(self.profiles[source].last)
        return max(windows, default=None)

    @property
    def sources(self) -> set[str]:
        """The names of all sources that have ever sent a signal."""
        return {source for source, _ in self.heard} | self.profiles.keys()


class FeedStore:
    """Reads and writes the feeds' state in Redis. Each method takes one round trip. `token` identifies this worker."""

    def __init__(self, redis: "Redis", token: str) -> None:
        self._redis: Any = redis
        self._token = token

    async def mine(self) -> bool:
        """Take or renew, for 3 s, the lease by which only one worker decides on alarms of feeds. Returns True if this
        worker has it now. Errors of Redis pass through.
        """
        return await locks.keep(self._redis, FEEDS_JUDGING, self._token, JUDGING_MS)

    async def add(self, heard: Counter[Heard]) -> None:
        """Add these numbers of signals to the counts by source and window in Redis. Errors of Redis pass through."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for (source, window), count in heard.items():
                pipe.hincrby(FEEDS_HEARD, f"{source}|{window}", count)
            await pipe.execute()

    async def read(self) -> FeedLog:
        """Return the complete state of the feeds, read in one transaction. Raises ValidationError if a stored profile
        or alarm is invalid. Errors of Redis pass through.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            for name in (FEEDS_HEARD, FEEDS_PROFILES, FEEDS_SILENT, FEEDS_WATCH):
                pipe.hgetall(name)
            heard, profiles, silent, watch = await pipe.execute()
        known = {name.decode(): float(value) for name, value in watch.items()}
        return FeedLog(
            {_heard(name): int(count) for name, count in heard.items()},
            {name.decode(): FeedProfile.model_validate_json(raw, extra=ANY_VERSION) for name, raw in profiles.items()},
            {name.decode(): Silence.model_validate_json(raw, extra=ANY_VERSION) for name, raw in silent.items()},
            moment(known["began"]) if "began" in known else None,
            moment(known["since"]) if "since" in known else None,
            known.get("judged", 0.0),
            known.get("kept", 0.0),
        )

    async def learnt(self, book: FeedLog, done: Iterable[Heard]) -> None:
        """Write the profiles of the sources in `book.changed`, and delete the counts of the windows `done`, from which
        they were learned, in one transaction. Errors of Redis pass through.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            for source in book.changed:
                pipe.hset(FEEDS_PROFILES, source, book.profiles[source].model_dump_json())
            for source, window in done:
                pipe.hdel(FEEDS_HEARD, f"{source}|{window}")
            await pipe.execute()

    async def watched(self, book: FeedLog, now: datetime, since: datetime, wall: float) -> None:
        """Store in Redis that the feeds were judged at `now` and have been watched without a break since `since`, with
        the times `began` and `kept` of `book`.

        `wall`: the wall-clock time of the judgement, in seconds since 1970. Errors of Redis pass through.
        """
        told = {"began": milliseconds(book.began or now), "since": milliseconds(since), "judged": wall}
        await self._redis.hset(FEEDS_WATCH, mapping={**told, "kept": book.kept})

    async def put(self, profiles: Iterable[FeedProfile]) -> None:
        """Write each profile to Redis, except those of sources that already have a profile there. Errors of Redis pass
        through.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for profile in profiles:
                pipe.hsetnx(FEEDS_PROFILES, profile.source, profile.model_dump_json())
            await pipe.execute()

    async def raised(self, silence: Silence) -> bool:
        """Store an alarm in Redis. Return True if it is new; return False and store nothing if the source already has
        an alarm. Errors of Redis pass through.
        """
        return bool(await self._redis.hsetnx(FEEDS_SILENT, silence.source, silence.model_dump_json()))

    async def cleared(self, source: str) -> bool:
        """Delete a source's alarm from Redis. Return True if this call deleted it, False if the source had no alarm
        (any more). Errors of Redis pass through.
        """
        return bool(await self._redis.hdel(FEEDS_SILENT, source))


def _heard(name: bytes) -> Heard:
    source, _, window = name.decode().rpartition("|")
    return source, int(window)
