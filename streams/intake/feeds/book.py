"""What is heard of the feeds, in Redis, over all workers; every key has the hash tag {feeds}."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from schemas.base import ANY_VERSION
from schemas.risk.feeds import FeedProfile, Silence
from streams.state import locks
from streams.state.keys import milliseconds, moment

HEARD = "heard:{feeds}"  # hash: source|window -> signals, until the judge has learnt them
PROFILES = "profiles:{feeds}"  # hash: source -> FeedProfile
SILENT = "silent:{feeds}"  # hash: source -> Silence, while it is an alarm
WATCH = "watch:{feeds}"  # hash: `began` and `since`, ms of the clock; `judged` and `kept`, ms of the wall
JUDGING = "judging:{feeds}"  # string: who judges, one worker at a time
JUDGING_MS = 3000

Heard = tuple[str, int]  # source, window


@dataclass(slots=True)
class FeedLog:
    """All that is known of the feeds at a moment. `since`: from when on somebody listened without a break."""

    heard: dict[Heard, int]
    profiles: dict[str, FeedProfile]
    silent: dict[str, Silence]
    began: datetime | None = None
    since: datetime | None = None
    judged: float = 0.0  # wall seconds since 1970
    kept: float = 0.0
    changed: set[str] = field(default_factory=set)  # profiles to be written

    def last(self, source: str) -> int | None:
        """The window in which a source was heard last."""
        windows = [window for name, window in self.heard if name == source]
        if source in self.profiles:
            windows.append(self.profiles[source].last)
        return max(windows, default=None)

    @property
    def sources(self) -> set[str]:
        return {source for source, _ in self.heard} | self.profiles.keys()


class FeedBook:
    """Reading and writing it, each in one round trip."""

    def __init__(self, redis: "Redis", token: str) -> None:
        self._redis: Any = redis
        self._token = token

    async def mine(self) -> bool:
        """Whether this worker is the one that judges now."""
        return await locks.keep(self._redis, JUDGING, self._token, JUDGING_MS)

    async def add(self, heard: Counter[Heard]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for (source, window), count in heard.items():
                pipe.hincrby(HEARD, f"{source}|{window}", count)
            await pipe.execute()

    async def read(self) -> FeedLog:
        async with self._redis.pipeline(transaction=True) as pipe:
            for name in (HEARD, PROFILES, SILENT, WATCH):
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
        """Write what was learnt, together with the end of what it was learnt from."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for source in book.changed:
                pipe.hset(PROFILES, source, book.profiles[source].model_dump_json())
            for source, window in done:
                pipe.hdel(HEARD, f"{source}|{window}")
            await pipe.execute()

    async def watched(self, book: FeedLog, now: datetime, since: datetime, wall: float) -> None:
        """Somebody listened now, which is `wall` seconds since 1970, and has without a break from `since` on."""
        told = {"began": milliseconds(book.began or now), "since": milliseconds(since), "judged": wall}
        await self._redis.hset(WATCH, mapping={**told, "kept": book.kept})

    async def put(self, profiles: Iterable[FeedProfile]) -> None:
        """Put profiles back that Redis does not have."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for profile in profiles:
                pipe.hsetnx(PROFILES, profile.source, profile.model_dump_json())
            await pipe.execute()

    async def raised(self, silence: Silence) -> bool:
        """Note an alarm; False when it stood already."""
        return bool(await self._redis.hsetnx(SILENT, silence.source, silence.model_dump_json()))

    async def cleared(self, source: str) -> bool:
        """End an alarm; False when another was first."""
        return bool(await self._redis.hdel(SILENT, source))


def _heard(name: bytes) -> Heard:
    source, _, window = name.decode().rpartition("|")
    return source, int(window)
