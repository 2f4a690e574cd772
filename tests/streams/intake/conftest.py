"""An intake whose topics exist."""

from collections.abc import AsyncIterator

import pytest

from streams.intake.acceptor import Intake
from streams.messaging import topics
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer


@pytest.fixture
async def intake(settings: Settings) -> AsyncIterator[Intake]:
    topics.create(settings)
    producer = make_producer(settings)
    await producer.start()
    yield Intake(producer, settings)
    await producer.stop()
