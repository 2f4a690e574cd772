"""A growth is refused while a worker owns a partition, with what to do."""

import pytest
from redis.asyncio import Redis

from streams.casework.failover import PartitionOwners
from streams.operations.growth.copies import GrowthError
from streams.operations.growth.readiness import _require_unowned
from streams.runtime.settings import Settings
from streams.state.keys import key


async def test_partitions_that_a_worker_owns_are_named_and_the_workers_are_to_be_stopped(settings: Settings) -> None:
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/13", protocol=3) as redis:
        await redis.flushdb()
        await PartitionOwners(settings, redis).heartbeat([1, 2])
        with pytest.raises(GrowthError, match=r"partitions 1, 2 have an owner\. Stop the workers"):
            await _require_unowned(settings, redis)
        await redis.delete(key("owned", 1), key("owned", 2))
        await _require_unowned(settings, redis)
