"""Deadlines: what has fallen due becomes an input of its case, within a second."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from domain.ids import resident_of
from schemas.inputs import Deadline
from streams import case_inputs
from streams.clock import Clock
from streams.keys import key, milliseconds, moment
from streams.producer import Producer
from streams.store import CaseStore

POLL_SECONDS = 0.05
# A deadline still there was lost on the way, or casework is behind. Its id counts it once, but each writing is work:
# written again at a steady pace, those that wait kept a casework that was behind from ever catching up.
AGAIN_SECONDS, LONGEST_AGAIN_SECONDS = 2.0, 64.0
MOST = 500  # a partition and poll


async def fallen_due(redis: "Redis", lists: Iterable[str], partitions: Iterable[int], now: datetime) -> list[int]:
    """The partitions of which one of the lists (see keys) has something that has fallen due, in one round trip."""
    asked = [(name, partition) for partition in partitions for name in lists]
    pipe: Any
    async with redis.pipeline(transaction=False) as pipe:
        for name, partition in asked:
            pipe.zcount(key(name, partition), "-inf", milliseconds(now))
        counts = await pipe.execute()
    return sorted({partition for (_, partition), count in zip(asked, counts, strict=True) if count})


class Deadlines:
    """Polls the partitions this worker owns and writes an input for each deadline that has come."""

    def __init__(
        self, store: CaseStore, producer: Producer, clock: Clock, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._producer, self._clock, self._wall = store, producer, clock, wall
        self._written: dict[str, tuple[float, float]] = {}  # input id -> when it may be written again, and the wait

    async def fire(self, partition: int) -> int:
        """Write what is due in a partition; returns how many inputs that were."""
        now = self._clock.now()
        found = await self._store.due(partition, now, MOST)
        inputs = [
            Deadline(
                id=f"d:{case}:{step}:{due}",
                at=now,
                resident=resident_of(case),
                case=case,
                step=step,
                due=moment(due),
            )
            for case, step, due in found
        ]
        fresh = [item for item in inputs if self._fresh(item.id)]
        await self._producer.send_all([case_inputs.record(item, partition) for item in fresh])
        return len(fresh)

    def _fresh(self, name: str) -> bool:
        now = self._wall()
        again, wait = self._written.get(name, (now, AGAIN_SECONDS))
        if now < again:
            return False
        self._written[name] = now + wait, min(2 * wait, LONGEST_AGAIN_SECONDS)
        if len(self._written) > 100 * MOST:
            self._written = {other: (at, wait) for other, (at, wait) in self._written.items() if now < at + wait}
        return True
