"""Deadlines: writes an input to case-inputs for each due deadline, within a second."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from redis.asyncio import Redis

from domain.ids import deadline_id, resident_of
from schemas.casework.inputs import Deadline
from streams.messaging import case_inputs
from streams.messaging.producer import Producer
from streams.runtime.clock import Clock
from streams.state.case_store import CaseStore
from streams.state.keys import KeyName, key, milliseconds, moment

POLL_SECONDS = 0.05
ASK_SECONDS = 0.5  # so late, at most, a deadline of another process is noticed: it fires within a second
LISTS: tuple[KeyName, ...] = ("deadlines", "rescore")  # the sorted sets of a partition with times of due work
# A deadline that still exists after casework has passed its input was lost: its input is written again, at growing
# intervals. While casework is behind, it is not: the id would make it count once, but every write is work, and once
# kept a slow casework from catching up. After the longest interval it is written in any case, in case the input's
# offset is never reached.
AGAIN_SECONDS, LONGEST_AGAIN_SECONDS = 2.0, 64.0
MOST = 500  # deadlines per partition and poll


async def partitions_due(
    redis: "Redis", lists: Iterable[KeyName], partitions: Iterable[int], now: datetime
) -> list[int]:
    """Return, in ascending order, the numbers of those `partitions` in which at least one of the Redis sorted sets
    `lists` has an entry that is due at or before `now`; an empty list if none has. It takes one round trip. Errors of
    Redis pass through.
    """
    asked = [(name, partition) for partition in partitions for name in lists]
    pipe: Any
    async with redis.pipeline(transaction=False) as pipe:
        for name, partition in asked:
            pipe.zcount(key(name, partition), "-inf", milliseconds(now))
        counts = await pipe.execute()
    return sorted({partition for (_, partition), count in zip(asked, counts, strict=True) if count})


class _Asked(NamedTuple):
    """What Redis told of a partition: when (monotonic seconds), after how many commits of this process, and the time of
    the earliest entry (ms since 1970; infinite: there is none).
    """

    at: float
    commits: int
    earliest: float


class DueTimes:
    """Knows in which partitions work is due without asking Redis each time: it remembers their earliest times.

    Redis is asked about a partition again after 0.5 s, after a commit of this process, and once the time has come.
    """

    def __init__(self, redis: "Redis", commits: Mapping[int, int], wall: Callable[[], float] = time.monotonic) -> None:
        """`commits`: partition -> number of commits of this process so far. `wall`: returns monotonic seconds."""
        self._redis: Any = redis
        self._commits, self._wall = commits, wall
        self._asked: dict[int, _Asked] = {}

    async def due(self, partitions: Iterable[int], now: datetime) -> list[int]:
        """Return, in ascending order, the numbers of those `partitions` in which a deadline or a new evaluation of a
        resident is due at or before `now`; an empty list if none is. At most one round trip. Errors of Redis pass
        through.

        A partition whose work was removed from Redis in the last 0.5 s may be among them; one whose work another
        process has added in the last 0.5 s may be missing.
        """
        mine = list(partitions)
        self._asked = {each: self._asked[each] for each in mine if each in self._asked and self._holds(each)}
        await self._ask([partition for partition in mine if partition not in self._asked])
        due = sorted(each for each, asked in self._asked.items() if asked.earliest <= milliseconds(now))
        for partition in due:
            del self._asked[partition]  # what is due will change
        return due

    def _holds(self, partition: int) -> bool:
        asked = self._asked[partition]
        fresh = self._wall() - asked.at < ASK_SECONDS
        return fresh and asked.commits == self._commits.get(partition, 0)

    async def _ask(self, partitions: list[int]) -> None:
        if not partitions:
            return
        at, commits = self._wall(), [self._commits.get(partition, 0) for partition in partitions]  # before the answer
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                for name in LISTS:
                    pipe.zrange(key(name, partition), 0, 0, withscores=True)
            found = await pipe.execute()
        for place, partition in enumerate(partitions):
            first = found[place * len(LISTS) : (place + 1) * len(LISTS)]
            earliest = min((score for entries in first for _, score in entries), default=math.inf)
            self._asked[partition] = _Asked(at, commits[place], earliest)


class _Written(NamedTuple):
    """An input that was written: when (monotonic seconds), the seconds until it may be repeated, and its offset; -1:
    unknown.
    """

    at: float
    wait: float
    offset: int


class Deadlines:
    """Writes an input to case-inputs for each due deadline of a partition's cases.

    `wall`: returns monotonic seconds.
    """

    def __init__(
        self, store: CaseStore, producer: Producer, clock: Clock, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._producer, self._clock, self._wall = store, producer, clock, wall
        self._written: dict[int, dict[str, _Written]] = {}  # partition -> input id, while its deadline exists

    async def fire(self, partition: int) -> int:
        """Write an input to case-inputs for each deadline of the partition that is due now, at most 500, and return the
        number of inputs written; 0 if there was nothing to write.

        A deadline whose input was written recently is left out. If casework has passed the input and the deadline still
        exists, its input is written again with the same id, after 2 s and then at growing intervals (at most 64 s).
        Raises SendError if Kafka refuses an input permanently; waits while Kafka is unavailable. Errors of Redis pass
        through.
        """
        now = self._clock.now()
        # Before `due`: a deadline that is due afterwards was not settled by these inputs.
        applied = await self._store.offset(partition)
        due = {deadline_id(*each): each for each in await self._store.due(partition, now, MOST)}
        known = self._written.get(partition, {})
        fresh = [
            Deadline(id=name, at=now, resident=resident_of(case), case=case, step=step, due=moment(at))
            for name, (case, step, at) in due.items()
            if self._fresh(known.get(name), applied)
        ]
        last = await self._producer.send_all([case_inputs.record(item, partition) for item in fresh])
        written = {item.id: self._after(known.get(item.id), last) for item in fresh}
        self._written[partition] = {name: written.get(name) or known[name] for name in due}
        return len(fresh)

    def _fresh(self, before: _Written | None, applied: int | None) -> bool:
        if before is None:
            return True
        reached = applied is not None and applied >= before.offset
        return self._wall() - before.at >= (before.wait if reached else LONGEST_AGAIN_SECONDS)

    def _after(self, before: _Written | None, last: int) -> _Written:
        wait = min(2 * before.wait, LONGEST_AGAIN_SECONDS) if before else AGAIN_SECONDS
        return _Written(self._wall(), wait, last)
