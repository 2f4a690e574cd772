"""Recovery of the Redis data that all partitions share (residents, evidence, watchlist, policies) after a loss.

A mark in Redis says that the data is complete, and in which run of Redis. No resident is looked up without the mark:
in an empty Redis, every signal would count as unmatched. If another Redis than before answers (see
server_identity.py), only the last writes may be missing. All of the data was written to compacted topics first. So
the topics' end offsets of some minutes ago are stored in Redis, and records after those offsets are read again.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.ids import fingerprint
from schemas.errors import UserError
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import Tails
from streams.messaging.topics import ROSTERS
from streams.runtime.settings import Settings
from streams.runtime.tasks import wanted
from streams.state import locks
from streams.state.keys import (
    WHOLE,
    WHOLE_ENDS,
    WHOLE_HASHED,
    WHOLE_LOCK,
    WHOLE_PARTITIONS,
    WHOLE_RUN,
    WHOLE_SETTLING,
    WHOLE_TURN,
)
from streams.state.leader import EXEMPT, Leader
from streams.state.scripts import script
from streams.state.server_identity import ASK_RUN, run_of

log = logging.getLogger(__name__)

# In the mark's slot, because a script uses several of them:
LOCK_MS = 5_000
BEAT_SECONDS = 0.05  # a machine that is restored from an image stood still for longer
WAIT_SECONDS = 0.2
# Longer than any writer takes from writing a record to its topic until it is in Redis.
TURN_MS = 300_000
RELEASE = script("release")
# The lock has the number of its latest renewal. A store that went back to an older state since, under the same run id,
# has an earlier number; if it was lost, it has no lock. ARGV: the number before and the next one, as the lock's values:
# whoever got no answer does not know which of them the store has.
KEEP = """
local held = redis.call('GET', KEYS[1])
if held ~= ARGV[1] and held ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
# Only whoever still holds the lock may set the mark: else the store lacks some of what was restored.
MARKED = """
local held = redis.call('GET', KEYS[1])
if held ~= ARGV[1] and held ~= ARGV[2] then return 0 end
redis.call('MSET', KEYS[2], ARGV[3], KEYS[3], ARGV[4], KEYS[4], ARGV[5], KEYS[5], ARGV[6])
return 1
"""

Restorer = Callable[[Tails | None], Awaitable[object]]


MARKS = (WHOLE, WHOLE_RUN, WHOLE_HASHED, WHOLE_PARTITIONS)


class OtherInstallationError(UserError, RuntimeError):
    """This Redis belongs to another installation, or was filled under another QUANZU_SECRET or for another number of
    partitions.

    With another app id, a new consumer group would repeat seven days of dispatches; with another secret or number of
    partitions, no resident would be found.
    """


class EmptiedError(RedisError):
    """Redis lacks data that all partitions share: it was emptied or replaced meanwhile. Transient: try again."""


class Marks:
    """Decides from a Redis' answers whether it has all the data that the partitions share. The constructor reads the
    installation's secret, and raises OSError if an embedded one cannot be stored.

    `fingerprint`: a short hash of the installation's secret, which is stored in Redis to recognise another secret; None
    in a process that has no secret, which hashes nothing and does not compare.
    """

    def __init__(self, settings: Settings) -> None:
        self._app_id, self._partitions = settings.app_id, settings.partitions
        self.fingerprint = fingerprint(settings.key()) if settings.has_key else None

    def ask(self, pipe: Any) -> None:  # noqa: ANN401 - redis-py types each result as sync or async
        """Add two commands to the pipeline. Their answers are the arguments of `missing`. Nothing is sent yet."""
        pipe.execute_command(*ASK_RUN)
        pipe.mget(MARKS)

    def missing(self, info: bytes, marks: Sequence[bytes | None]) -> str | None:
        """Return None if the shared data is complete in the Redis that answered; otherwise return that Redis' run.

        `info`, `marks`: the answers to the commands of `ask`. Raises OtherInstallationError if this Redis belongs to
        another installation, or was filled under another secret or for another number of partitions, and ValueError if
        `info` names no run.
        """
        mark, run, hashed, partitions = marks
        self._refuse_other(mark, hashed)
        self._refuse_other_number(mark, partitions)
        whole = mark is not None and run is not None and run.decode() == run_of(info)
        return None if whole else run_of(info)

    def _refuse_other(self, mark: bytes | None, hashed: bytes | None) -> None:
        if mark is not None and mark.decode() != self._app_id:
            raise OtherInstallationError(
                f"this Redis is of the installation {mark.decode()!r}, and QUANZU_APP_ID is "
                f"{self._app_id!r}. Set QUANZU_APP_ID to it, or use another Redis and other topics: "
                "a new group reads old dispatches again"
            )
        if hashed is not None and self.fingerprint is not None and hashed.decode() != self.fingerprint:
            raise OtherInstallationError(
                "this Redis was filled under another QUANZU_SECRET: no resident would be found. Set that one again"
            )

    def _refuse_other_number(self, mark: bytes | None, partitions: bytes | None) -> None:
        if mark is not None and partitions is None:  # both are written at once
            raise OtherInstallationError(
                "this Redis does not say for how many partitions it was filled: its keys may be in other places. Empty "
                "it (FLUSHALL), and workers fill it anew"
            )
        if partitions is not None and int(partitions) != self._partitions:
            raise OtherInstallationError(
                f"this Redis was filled for {int(partitions)} partitions, and QUANZU_PARTITIONS is {self._partitions}. "
                f"If the installation has grown to {self._partitions}, this is an older copy: empty it (FLUSHALL), and "
                "workers fill it anew"
            )


class Shared:
    """Checks that the Redis data that all partitions share (registers, watchlist, rules) is complete, and restores it
    if not.
    """

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        restorers: Sequence[Restorer],
        *,
        lease_seconds: float,
        fills: bool = True,
        leader: Leader = EXEMPT,
    ) -> None:
        """`restorers`: each copies one part of the data from its topics to Redis.

        `lease_seconds`: how long the holder of a lease that was lost with Redis may still act on it. `fills`: True if
        this process restores missing data itself; False if it waits until another process has done so. `leader`: knows
        which Redis leads; of a process that restores data, it is started before `ensure`.
        """
        self._settings, self._restorers, self._fills, self._leader = settings, restorers, fills, leader
        self._settling_ms = round(lease_seconds * 1000)
        self._redis: Any = redis
        self._marks = Marks(settings)

    async def ensure(self) -> None:
        """Return once the shared data is complete.

        If it is not, this process restores it and marks it as complete in Redis, or waits, without a limit, while
        another one does. A new Redis is restored only once it leads: until then, workers that use the one before may
        still write to the topics.

        Raises OtherInstallationError if this Redis belongs to another installation, or was filled under another secret
        or for another number of partitions. Errors of Redis, of Kafka and of the restorers pass through.
        """
        told = False
        while run := await self._missing():
            leads = self._fills and await self._leader.names(run)
            if not leads and not told:
                awaited = "the epoch names this Redis" if self._fills else "a worker has filled it"
                log.warning("the store is not whole: waiting until %s", awaited)
                told = True
            token = uuid.uuid4().hex
            if leads and await locks.take(self._redis, WHOLE_LOCK, LOCK_MS, token):
                await self._restore(token, run)
            else:
                await asyncio.sleep(WAIT_SECONDS)

    async def require_whole(self) -> None:
        """Raise EmptiedError if the shared data is not complete now: what was read since `ensure` may lack some of it.

        Raises OtherInstallationError if this Redis belongs to another installation, or was filled under another secret
        or for another number of partitions. Errors of Redis pass through.
        """
        if await self._missing():
            raise EmptiedError("Redis was emptied or replaced while it was read: it is read again once it is restored")

    async def check_again(self) -> None:
        """Delete the mark that the data is complete, so that the next `ensure` restores it.

        Call it when some data turned out to be missing. Errors of Redis pass through.
        """
        await self._redis.delete(WHOLE_RUN)

    async def remember(self) -> None:
        """Store the current end offsets of the shared topics in Redis, at most once in 5 minutes for all processes.

        A later Redis that lacks the last writes is restored from the offsets stored the time before. Errors of Redis
        and Kafka pass through; after an error, too, the next try is due 5 minutes later.
        """
        if await locks.take(self._redis, WHOLE_TURN, TURN_MS):
            ends = json.dumps({topic.name: await end_offsets(self._settings, topic.name) for topic in topics.SHARED})
            before = await self._redis.hget(WHOLE_ENDS, "now")
            await self._redis.hset(WHOLE_ENDS, mapping={"now": ends} | ({"before": before} if before else {}))

    async def _missing(self) -> str | None:
        """Return the run of the Redis that answers if the shared data is not complete in it, else None."""
        async with self._redis.pipeline(transaction=False) as pipe:
            self._marks.ask(pipe)
            info, marks = await pipe.execute()
        return self._marks.missing(info, marks)

    async def _restore(self, token: str, run: str) -> None:
        async with self._holding(token) as lock:
            since = await self._since()
            for restore in self._restorers:
                await restore(since)
            if await self._stood_before():
                await self._redis.set(WHOLE_SETTLING, 1, px=self._settling_ms)
            marks = (self._settings.app_id, run, self._marks.fingerprint, self._settings.partitions)
            if await self._redis.eval(MARKED, 5, WHOLE_LOCK, *MARKS, *lock.values(), *marks):
                log.info("the shared part of the store is whole")
            else:
                log.warning("the store was lost again while it was restored")

    async def _stood_before(self) -> bool:
        """Return True if Redis or the topic of rosters shows that the installation had a store before.

        The leases on visits of that store may be lost.
        """
        return bool(await self._redis.exists(WHOLE) or any((await end_offsets(self._settings, ROSTERS.name)).values()))

    async def _since(self) -> Tails | None:
        """Return the offsets, by topic and partition, from which records may be missing in Redis; None if any record
        may be missing.
        """
        mark, ends = await self._redis.get(WHOLE), await self._redis.hget(WHOLE_ENDS, "before")
        if mark is None or ends is None:
            return None
        return {topic: {int(p): end for p, end in found.items()} for topic, found in json.loads(ends).items()}

    @asynccontextmanager
    async def _holding(self, token: str) -> AsyncIterator["_Lock"]:
        """Renew the lock during the block: restoring ten million residents takes longer than the lock lasts."""
        lock = _Lock(token)
        keeping = asyncio.create_task(self._keep(lock))
        try:
            yield lock
        finally:
            keeping.cancel()
            with suppress(RedisError):  # it expires by itself
                await self._redis.eval(RELEASE, 1, WHOLE_LOCK, token)

    async def _keep(self, lock: "_Lock") -> None:
        while wanted():
            await asyncio.sleep(BEAT_SECONDS)
            with suppress(RedisError):  # a primary that has just been promoted refuses writes for a moment
                if await self._redis.eval(KEEP, 1, WHOLE_LOCK, *lock.values(), LOCK_MS):
                    lock.renewed += 1


@dataclass(slots=True)
class _Lock:
    """The lock of a process that restores the data. `renewed`: how often, as far as it knows."""

    token: str
    renewed: int = 0

    def values(self) -> tuple[str, str]:
        """Return the values that the lock may have: after the renewals that are known, and after one more."""
        return self._value(self.renewed), self._value(self.renewed + 1)

    def _value(self, renewed: int) -> str:
        return f"{self.token}|{renewed}" if renewed else self.token


async def require_whole(settings: Settings, redis: "Redis") -> None:
    """Do what Shared.require_whole does, for who neither restores the shared data nor waits for it."""
    await Shared(settings, redis, (), lease_seconds=0, fills=False).require_whole()
