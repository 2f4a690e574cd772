"""What bounds a figure (tests/tools/bench/limits.py), on the embedded servers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from streams.runtime.settings import Settings
from streams.state.case_store import connect
from tests.tools.bench import limits


@pytest_asyncio.fixture
async def redis(settings: Settings) -> AsyncIterator["Redis"]:
    async with connect(settings) as client:
        yield client


async def test_commands_are_sent_again_from_where_they_were_sent_first(settings: Settings, redis: "Redis") -> None:
    name, times = "limit:counter", 300
    await redis.set(name, 5)

    async def work() -> None:
        for _ in range(times):
            await redis.incr(name)

    assert await limits.answered(settings, ["limit:*"], work) > 0
    assert int(await redis.get(name) or 0) == 5 + times


async def test_a_command_that_is_refused_when_it_is_sent_again_is_told(settings: Settings, redis: "Redis") -> None:
    await redis.set("outside-of-it", 1)

    async def work() -> None:
        await redis.rename("outside-of-it", "limit:renamed")

    with pytest.raises(RuntimeError, match="refuses a command that was sent again: ERR no such key"):
        await limits.answered(settings, ["limit:*"], work)


async def test_each_command_is_timed_on_a_bare_socket(settings: Settings, redis: "Redis") -> None:
    await redis.set("limit:one", "1")

    async def work() -> None:
        for _ in range(3):
            await redis.get("limit:one")

    found = await limits.round_trips(settings, work)
    assert len(found) == 3
    assert min(found) > 0


def test_a_copy_costs_more_the_more_there_is_to_copy() -> None:
    small, large = (limits.copied([bytes(size)] * 20, 20) for size in (1_000, 1_000_000))
    assert large > small > 0
