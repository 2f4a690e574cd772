"""What all partitions share in Redis (residents, evidence, the watchlist, policies), filled again when it was lost.

A mark in Redis says that it is there, and in which Redis. Nobody looks anybody up without it: in an empty store every
signal would pass for unmatched. In another Redis than before (see run.py) only what was written last may be missing.
All of it lies on compacted topics, and was written there first. So the topics' ends are kept in Redis, as they were a
while ago: what is behind them is read again.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from domain.ids import fingerprint
from schemas.errors import UserError
from streams.messaging import topics
from streams.messaging.reader import Tails, end_offsets
from streams.messaging.topics import ROSTERS
from streams.runtime.settings import Settings
from streams.runtime.tasks import wanted
from streams.state.scripts import script
from streams.state.server_identity import ASK_RUN, run_of

log = logging.getLogger(__name__)

MARK = "whole"  # string: the app id of the installation whose data this is
# In the mark's slot, since a script has more than one of them:
RUN = "run:{whole}"  # string: the Redis in which it was whole last
HASHED = "hashed:{whole}"  # string: a fingerprint of the key under which everybody is known here
ENDS = "ends:{whole}"  # hash: `now` and `before` -> the shared topics' ends, one turn apart
TURN = "turn:{whole}"  # string: there until the ends are read again
LOCK = "restoring:{whole}"  # string: who restores
SETTLING = "settling:{whole}"  # string: there while who held a lease in the Redis before may still act on it
LOCK_MS = 5_000
WAIT_SECONDS = 0.2
# Longer than it takes from a record's being on its topic to its being in Redis, whatever its writer waits for.
TURN_MS = 300_000
RELEASE = script("release")
KEEP = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
# Only who still has the lock may say so: it is gone when the store was lost once more.
MARKED = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('MSET', KEYS[2], ARGV[2], KEYS[3], ARGV[3], KEYS[4], ARGV[4])
return 1
"""

Restorer = Callable[[Tails | None], Awaitable[object]]


class OtherInstallationError(UserError, RuntimeError):
    """This Redis belongs to another installation: a new group would carry out seven days of dispatches again.

    Or it was filled under another key of the hashes, under which no resident would be found.
    """


class Shared:
    """Whether the shared part of the store is whole."""

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        restorers: Sequence[Restorer],
        *,
        lease_seconds: float,
        fills: bool = True,
    ) -> None:
        """`fills`: whether it restores what is missing itself; else it waits until another has.

        `lease_seconds`: how long a lease that was lost may still be acted on.
        """
        self._settings, self._restorers, self._fills = settings, restorers, fills
        self._settling_ms = round(lease_seconds * 1000)
        self._redis: Any = redis
        self._fingerprint = fingerprint(settings.key())

    async def ensure(self) -> None:
        """Return when it is whole: at once, or after this or another process has restored it.

        Raises OtherInstallationError when this Redis is another installation's.
        """
        told = False
        while run := await self._missing():
            if not self._fills and not told:
                log.warning("the store is not whole: waiting until a worker has filled it")
                told = True
            token = uuid.uuid4().hex
            if self._fills and await self._redis.set(LOCK, token, nx=True, px=LOCK_MS):
                await self._restore(token, run)
            else:
                await asyncio.sleep(WAIT_SECONDS)

    async def doubt(self) -> None:
        """Something written is gone, although Redis says that it is the same process: look at all of it anew."""
        await self._redis.delete(RUN)

    async def remember(self) -> None:
        """Once in a while: how far the shared topics reach, for a Redis that loses what is written from now on."""
        if await self._redis.set(TURN, 1, nx=True, px=TURN_MS):
            ends = json.dumps({topic.name: await end_offsets(self._settings, topic.name) for topic in topics.SHARED})
            before = await self._redis.hget(ENDS, "now")
            await self._redis.hset(ENDS, mapping={"now": ends} | ({"before": before} if before else {}))

    async def _missing(self) -> str | None:
        """The Redis that answers, if not all is in it."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(*ASK_RUN)
            pipe.mget(MARK, RUN, HASHED)
            info, (mark, run, hashed) = await pipe.execute()
        self._refuse_other(mark, hashed)
        whole = mark is not None and run is not None and run.decode() == run_of(info)
        return None if whole else run_of(info)

    def _refuse_other(self, mark: bytes | None, hashed: bytes | None) -> None:
        if mark is not None and mark.decode() != self._settings.app_id:
            raise OtherInstallationError(
                f"this Redis is of the installation {mark.decode()!r}, and QUANZU_APP_ID is "
                f"{self._settings.app_id!r}. Set QUANZU_APP_ID to it, or use another Redis and other topics: "
                "a new group reads old dispatches again"
            )
        if hashed is not None and hashed.decode() != self._fingerprint:
            raise OtherInstallationError(
                "this Redis was filled under another QUANZU_SECRET: no resident would be found. Set that one again"
            )

    async def _restore(self, token: str, run: str) -> None:
        async with self._holding(token):
            since = await self._since()
            for restore in self._restorers:
                await restore(since)
            if await self._stood_before():
                await self._redis.set(SETTLING, 1, px=self._settling_ms)
            marks = (self._settings.app_id, run, self._fingerprint)
            if await self._redis.eval(MARKED, 4, LOCK, MARK, RUN, HASHED, token, *marks):
                log.info("the shared part of the store is whole")
            else:
                log.warning("the store was lost again while it was restored")

    async def _stood_before(self) -> bool:
        """Whether there was a store before this one: its leases on visits are lost, or may be."""
        return bool(await self._redis.exists(MARK) or any((await end_offsets(self._settings, ROSTERS.name)).values()))

    async def _since(self) -> Tails | None:
        """Behind which ends something may be missing; None when anything may be."""
        mark, ends = await self._redis.get(MARK), await self._redis.hget(ENDS, "before")
        if mark is None or ends is None:
            return None
        return {topic: {int(p): end for p, end in found.items()} for topic, found in json.loads(ends).items()}

    @asynccontextmanager
    async def _holding(self, token: str) -> AsyncIterator[None]:
        """Keep the lock for as long as it takes: ten million residents are not restored in its time."""
        keeping = asyncio.create_task(self._keep(token))
        try:
            yield
        finally:
            keeping.cancel()
            await self._redis.eval(RELEASE, 1, LOCK, token)

    async def _keep(self, token: str) -> None:
        while wanted():
            await asyncio.sleep(LOCK_MS / 3000)
            await self._redis.eval(KEEP, 1, LOCK, token, LOCK_MS)
