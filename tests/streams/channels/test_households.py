"""Visits to one address, after a Redis that held the lease on arranging them was replaced."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.channels.households import Households
from streams.messaging import topics
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.state.keys import WHOLE_RUN
from streams.state.shared_state import Shared

DATABASE = 8
LEASE_SECONDS = 0.8


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    """An empty Redis of this file's own."""
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as client:
        await client.flushdb()
        yield client


async def test_after_a_failover_nobody_arranges_a_visit_while_the_lost_lease_may_still_be_acted_on(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
) -> None:
    shared = Shared(settings, redis, [], lease_seconds=LEASE_SECONDS)
    await shared.ensure()
    houses = Households(redis, b"secret", LEASE_SECONDS)
    await houses.take("place", "first")
    await redis.set(WHOLE_RUN, "another Redis's")
    await redis.delete("visit-lease:{place}")
    began = time.monotonic()
    await shared.ensure()
    async with asyncio.timeout(10):
        await houses.take("place", "second")
    assert time.monotonic() - began >= LEASE_SECONDS * 0.9


async def test_a_new_installation_does_not_wait(
    tmp_path: Path,
    redis: Any,  # noqa: ANN401 - as above
) -> None:
    with Embedded(tmp_path) as servers:
        settings = servers.settings(Settings(partitions=1))
        topics.create(settings)
        await Shared(settings, redis, [], lease_seconds=60).ensure()
    async with asyncio.timeout(5):
        await Households(redis, b"secret", LEASE_SECONDS).take("place", "first")
