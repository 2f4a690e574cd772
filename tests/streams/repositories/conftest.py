"""An empty register, and a file to import into it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from streams.messaging import topics
from streams.repositories.residents.register import Residents
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer


@pytest.fixture
async def register(settings: Settings) -> AsyncIterator[Residents]:
    """An empty register."""
    topics.create(settings, [topics.RESIDENTS])
    redis, producer = Redis.from_url(str(settings.redis), protocol=3), make_producer(settings)
    await producer.start()
    residents = Residents(settings, redis, producer)
    await residents.erase([entry.id async for batch in residents.all() for entry in batch])
    yield residents
    await producer.stop()
    await redis.aclose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "residents.csv"
