"""A consumer is stopped while a fetch of it waits to be tried again, as when a broker has gone."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.settings import Settings
from streams.stopping import stop


@pytest_asyncio.fixture
async def waiting(settings: Settings, new_topic: Callable[[], str]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that reads, with such a fetch."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers)
    await consumer.start()
    consumer.assign([TopicPartition(new_topic(), 0)])
    await consumer.getmany(timeout_ms=100)
    consumer._fetcher._pending_tasks.add(asyncio.ensure_future(asyncio.sleep(60)))
    yield consumer
    await consumer._client.close()


def connected(consumer: AIOKafkaConsumer) -> bool:
    return any(each.connected() for each in consumer._client._conns.values())


async def test_aiokafka_itself_lets_the_fetchs_cancellation_out(waiting: AIOKafkaConsumer) -> None:
    """When this no longer holds, streams/stopping.py may go."""
    with pytest.raises(asyncio.CancelledError):
        await waiting.stop()
    assert connected(waiting)


async def test_whoever_stops_is_not_cancelled_and_no_connection_stays_open(waiting: AIOKafkaConsumer) -> None:
    await stop(waiting)
    assert not connected(waiting)


async def test_who_is_cancelled_stays_cancelled_and_the_consumer_is_stopped_all_the_same(
    waiting: AIOKafkaConsumer,
) -> None:
    stopping = asyncio.ensure_future(stop(waiting))
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    async with asyncio.timeout(10):
        while connected(waiting):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
