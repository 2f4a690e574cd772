"""A consumer is stopped while a fetch of it waits to be tried again, as when a broker has gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.runtime import tasks as stopping
from streams.runtime.settings import Settings
from streams.runtime.tasks import cancelled, stop


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
    """When this no longer holds, streams/runtime/tasks.py may go."""
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


async def test_a_task_that_loses_its_cancellation_is_cancelled_again_and_one_that_never_ends_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stopping, "AGAIN_SECONDS", 0.01)

    async def losing(times: int) -> None:
        for _ in range(times):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    tasks = [asyncio.ensure_future(losing(times)) for times in (0, 1, 3, 1_000)]
    await asyncio.sleep(0)
    await cancelled(tasks)
    assert [task.done() for task in tasks] == [True, True, True, False]
    assert "1 tasks do not end" in caplog.text
    while not tasks[-1].done():
        tasks[-1].cancel()
        await asyncio.sleep(0)
