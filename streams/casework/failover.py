"""Partitions that nobody owns for the moment: their worker was killed, or a rebalance is under way.

Kafka's group takes seconds to notice. Every write of ours passes a fence or a lease, so any worker may do a
partition's work meanwhile: it is done once, whoever does it.
"""

from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis

from schemas.errors import UserError
from streams.runtime.settings import Settings
from streams.state import locks
from streams.state.keys import key

HEARTBEAT_SECONDS = 0.2
SILENT_MS = 700  # some heartbeats missed: longer than a worker that lives is busy with one batch
COVERED_MS = 2000  # a cover that dies leaves the partition to the next one


class OwnedError(UserError, RuntimeError):
    """Workers run: what was asked for needs them stopped."""


class PartitionOwners:
    """Which partitions have an owner: a worker shows by heartbeats that it works on its own."""

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._partitions = range(settings.partitions)
        self._redis: Any = redis

    async def heartbeat(self, owned: Iterable[int]) -> None:
        """Show that these partitions have an owner."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in owned:
                pipe.set(key("owned", partition), 1, px=SILENT_MS)
            await pipe.execute()

    async def silent(self) -> list[int]:
        """Return the partitions that had no heartbeat lately."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in self._partitions:
                pipe.exists(key("owned", partition))
            answers = await pipe.execute()
        return [partition for partition, owned in zip(self._partitions, answers, strict=True) if not owned]

    async def refuse_owned(self) -> None:
        """Raise OwnedError while a worker has a partition."""
        silent = await self.silent()
        if owned := [partition for partition in self._partitions if partition not in silent]:
            raise OwnedError(
                f"workers run: partitions {', '.join(map(str, owned))} have an owner. They build a lost store anew by "
                "themselves. To have it built from nothing, stop all workers first, and start them again afterwards"
            )

    async def take(self, partition: int) -> bool:
        """Cover for the owner; False when another worker does."""
        return await locks.take(self._redis, key("covered", partition), COVERED_MS)

    async def leave(self, partition: int) -> None:
        """End the cover."""
        await self._redis.delete(key("covered", partition))
