"""Detects partitions without an active owner, because their worker was killed or a rebalance is in progress.

Kafka's consumer group takes seconds to notice. Every write passes a fence or a lease, so any worker may process the
partition meanwhile, and each effect still happens once.
"""

from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis

from schemas.errors import UserError
from streams.runtime.settings import Settings
from streams.state import locks
from streams.state.keys import key

HEARTBEAT_SECONDS = 0.2
SILENT_MS = 700  # several missed heartbeats: longer than a live worker is busy with one batch
COVERED_MS = 2000  # if the covering worker dies, another one takes over after this


class OwnedError(UserError, RuntimeError):
    """Raised by an operation that needs all workers stopped, if a partition still has an active owner."""


class PartitionOwners:
    """Heartbeats of the partitions' owners, and the lock of a worker that covers for a silent one."""

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._partitions = range(settings.partitions)
        self._redis: Any = redis

    async def heartbeat(self, owned: Iterable[int]) -> None:
        """Mark these partitions as owned for 0.7 s."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in owned:
                pipe.set(key("owned", partition), 1, px=SILENT_MS)
            await pipe.execute()

    async def silent(self) -> list[int]:
        """Return the numbers of the partitions without a heartbeat in the last 0.7 s, in ascending order; also those
        whose heartbeat would last longer than 0.7 s, because it was set while the clock of Redis was ahead.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in self._partitions:
                pipe.pttl(key("owned", partition))
            answers = await pipe.execute()
        return [
            partition for partition, left in zip(self._partitions, answers, strict=True) if not 0 < left <= SILENT_MS
        ]

    async def refuse_owned(self) -> None:
        """Raise OwnedError, naming them, if any partition had a heartbeat in the last 0.7 s: a worker runs."""
        silent = await self.silent()
        if owned := [partition for partition in self._partitions if partition not in silent]:
            raise OwnedError(
                f"workers run: partitions {', '.join(map(str, owned))} have an owner. They build a lost store anew by "
                "themselves. To have it built from nothing, stop all workers first, and start them again afterwards"
            )

    async def take(self, partition: int) -> bool:
        """Take the lock to cover for a partition's owner, for 2 s. Returns True if it was free, else False."""
        return await locks.take(self._redis, key("covered", partition), COVERED_MS)

    async def leave(self, partition: int) -> None:
        """Release the lock of `take`."""
        await self._redis.delete(key("covered", partition))
