"""The lease of the command that changes the number of partitions, on a real Redis."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from redis.asyncio import Redis

from streams.operations.growth.copies import GrowthError
from streams.operations.growth.turn import GrowthTurn
from streams.state.keys import WHOLE_GROWING
from tests.tools.servers.redis import RedisServer

LONGEST_SECONDS = 30.0


async def test_a_lost_lease_is_not_taken_again_although_it_is_free_and_ends_the_run(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        async with aclosing(Redis.from_url(server.url)) as redis:
            with pytest.raises(GrowthError, match="this run was suspended"):
                await loses_its_lease(redis)


async def loses_its_lease(redis: "Redis") -> None:
    turn = GrowthTurn(redis)
    async with turn.held():
        await turn.require_held()
        await redis.delete(WHOLE_GROWING)  # expired, and taken and released by another run
        with pytest.raises(GrowthError, match="this run was suspended"):
            await turn.require_held()
        assert await redis.exists(WHOLE_GROWING) == 0
        await asyncio.sleep(LONGEST_SECONDS)
        raise AssertionError("the run goes on without its lease")
