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
    """A partition still has an active owner, although the operation needs all workers to be stopped."""


class PartitionOwners:
    """The heartbeats of the workers that own partitions, and the leases by which one other worker does the work of an
    owner that is silent. Both are in Redis.
    """

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._partitions = range(settings.partitions)
        self._redis: Any = redis

    async def heartbeat(self, owned: Iterable[int]) -> None:
        """Mark the partitions `owned` in Redis as having an active owner, for the next 0.7 s. Errors of Redis pass
        through.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in owned:
                pipe.set(key("owned", partition), 1, px=SILENT_MS)
            await pipe.execute()

    async def silent(self) -> list[int]:
        """Return, in ascending order, the numbers of the partitions without a heartbeat in the last 0.7 s; an empty
        list if every partition has an owner.

        Includes partitions whose heartbeat would last longer than 0.7 s: it was set while the clock of Redis was ahead.
        Errors of Redis pass through.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in self._partitions:
                pipe.pttl(key("owned", partition))
            answers = await pipe.execute()
        return [
            partition for partition, left in zip(self._partitions, answers, strict=True) if not 0 < left <= SILENT_MS
        ]

    async def refuse_owned(self) -> None:
        """Raise OwnedError, naming the partitions, if any partition had a heartbeat in the last 0.7 s: a worker is
        running. Errors of Redis pass through.
        """
        silent = await self.silent()
        if owned := [partition for partition in self._partitions if partition not in silent]:
            raise OwnedError(
                f"workers run: partitions {', '.join(map(str, owned))} have an owner. They build a lost store anew by "
                "themselves. To have it built from nothing, stop all workers first, and start them again afterwards"
            )

    async def take(self, partition: int) -> bool:
        """Take the lease, for 2 s, to do the work of the partition's silent owner. Returns True if it was free and this
        worker has it now; False if a worker, which may be this one, has it already. Errors of Redis pass through.
        """
        return await locks.take(self._redis, key("covered", partition), COVERED_MS)

    async def leave(self, partition: int) -> None:
        """Delete the lease to do the work of the partition's owner, whoever has it, so that another worker may take it
        at once. Errors of Redis pass through.
        """
        await self._redis.delete(key("covered", partition))
