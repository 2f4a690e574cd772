import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NotLeaderForPartitionError
from aiokafka.protocol.fetch import FetchRequest

from streams.messaging.consumers import (
    EMBEDDED_FETCH_WAIT_MS,
    EMBEDDED_READ_WAIT_MS,
    consumer_for_read,
    started_consumer,
)
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.producer import Producer, Record, SendError
from streams.messaging.reader import ReadError, follow, read_all, read_range
from streams.messaging.topics import partition_of
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from tests.tools.servers.process import hanging


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[Producer]:
    producer = make_producer(settings)
    await producer.start()
    yield producer
    await producer.stop()


def numbered(topic: str, count: int, partition: int | None = None) -> list[Record]:
    return [Record(topic, f"key {n}".encode(), str(n).encode(), partition) for n in range(count)]


async def test_what_was_sent_is_there_each_key_in_its_partition(
    settings: Settings, producer: Producer, new_topic: Callable[[], str]
) -> None:
    topic = new_topic()
    await producer.send_all(numbered(topic, 3000))
    assert {record.value for record in [r async for r in read_all(settings, topic)]} == {
        str(n).encode() for n in range(3000)
    }
    ends = await end_offsets(settings, topic)
    assert sum(ends.values()) == 3000
    assert await beginning_offsets(settings, topic) == dict.fromkeys(range(settings.partitions), 0)
    assert await beginning_offsets(settings, topic, [1]) == {1: 0}
    for partition, end in ends.items():
        async for record in read_range(settings, topic, partition, 0, end - 1):
            assert partition_of(record.key or b"", settings.partitions) == partition


async def test_missed_records_are_read_again_in_order(
    settings: Settings, producer: Producer, new_topic: Callable[[], str]
) -> None:
    topic = new_topic()
    await producer.send_all(numbered(topic, 500, partition=2))
    read = [record async for record in read_range(settings, topic, 2, 17, 431)]
    assert [(record.offset, record.value) for record in read] == [(n, str(n).encode()) for n in range(17, 432)]
    assert [record async for record in read_range(settings, topic, 2, 5, 4)] == []


async def test_a_range_that_is_not_whole_is_refused(
    settings: Settings, producer: Producer, new_topic: Callable[[], str]
) -> None:
    topic = new_topic()
    await producer.send_all(numbered(topic, 10, partition=0))
    with pytest.raises(ReadError, match="holds offsets 0 to 9, asked for 5 to 10"):
        _ = [record async for record in read_range(settings, topic, 0, 5, 10)]


async def test_an_empty_topic_is_read_without_waiting(settings: Settings, new_topic: Callable[[], str]) -> None:
    async with asyncio.timeout(2):
        assert [record async for record in read_all(settings, new_topic())] == []


async def test_a_record_that_is_too_large_is_refused_for_good(producer: Producer, new_topic: Callable[[], str]) -> None:
    with pytest.raises(SendError, match="2,000,000 bytes"):
        await producer.send_all([Record(new_topic(), b"key", b"x" * 2_000_000)])


class Fickle:
    """A connection over which the first record of a partition fails once, as while its leader changes."""

    def __init__(self, kafka: Any, partition: int) -> None:  # noqa: ANN401 - the client's own
        self._kafka, self._fails = kafka, {partition}

    async def send(self, topic: str, value: bytes, *, partition: int, **rest: object) -> Any:  # noqa: ANN401 - likewise
        if partition in self._fails:
            self._fails.discard(partition)
            raise NotLeaderForPartitionError
        return await self._kafka.send(topic, value, partition=partition, **rest)

    async def stop(self) -> None:
        await self._kafka.stop()


async def test_the_offset_returned_is_the_last_records_though_only_an_earlier_one_was_tried_again(
    producer: Producer, new_topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = new_topic()
    await producer.send_all(numbered(topic, 7, partition=1))
    monkeypatch.setattr(producer, "_kafka", Fickle(producer._kafka, 0))
    assert await producer.send_all([*numbered(topic, 1, partition=0), *numbered(topic, 1, partition=1)]) == 7


async def test_a_broker_that_hangs_is_waited_for_and_can_be_given_up(
    servers: Embedded, settings: Settings, producer: Producer, new_topic: Callable[[], str]
) -> None:
    topic = new_topic()
    await producer.send_all(numbered(topic, 1))
    with hanging(servers.pids["kafka"]):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(producer.send_all(numbered(topic, 5)), 0.3)
        waiting = asyncio.create_task(producer.send_all(numbered(topic, 10)))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)
    assert {record.value async for record in read_all(settings, topic)} >= {str(n).encode() for n in range(10)}


async def test_who_follows_a_topic_ends_when_cancelled_though_what_it_waited_for_took_the_cancellation(
    settings: Settings, producer: Producer, new_topic: Callable[[], str]
) -> None:
    topic, read = new_topic(), asyncio.Event()

    async def reading() -> None:
        async for _ in follow(settings, topic, {}):
            read.set()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    await producer.send_all(numbered(topic, 3))
    task = asyncio.create_task(reading())
    async with asyncio.timeout(10):
        await read.wait()
        task.cancel()
        await task


@pytest.mark.parametrize("opened", [started_consumer, consumer_for_read])
async def test_who_is_cancelled_while_a_consumer_connects_leaves_no_consumer_open(
    opened: Callable[[Settings], AbstractAsyncContextManager[object]], settings: Settings
) -> None:
    async def connect() -> None:
        async with opened(settings):
            connected.append(True)

    left, connected = list[str](), list[bool]()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, about: left.append(about["message"]))
    try:
        steps = 0
        while not connected:  # at every point at which it waits
            task = asyncio.create_task(connect())
            for _ in range(steps):
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            steps += 1
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert steps > 1
    # A connection that aiokafka is still making when its caller is cancelled it closes only when it is collected.
    assert [message for message in left if "Consumer" in message] == []


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long each fetch from now on is to wait at the broker for a record, in ms."""
    found, send = list[int](), AIOKafkaClient.send

    async def noted(client: AIOKafkaClient, node: int, request: object, **options: object) -> object:
        if isinstance(request, FetchRequest):
            found.append(request._max_wait_ms)
        return await send(client, node, request, **options)

    monkeypatch.setattr(AIOKafkaClient, "send", noted)
    return found


async def test_a_read_of_the_embedded_broker_waits_shortly_where_there_is_no_record(
    settings: Settings, new_topic: Callable[[], str], waits: list[int]
) -> None:
    assert set((await end_offsets(settings, new_topic())).values()) == {0}
    assert set(waits) == {EMBEDDED_READ_WAIT_MS}


async def test_who_follows_the_embedded_broker_asks_it_seldom_while_there_is_no_record(
    settings: Settings, producer: Producer, new_topic: Callable[[], str], waits: list[int]
) -> None:
    topic = new_topic()
    async with aclosing(follow(settings, topic, {})) as records:
        await producer.send_all(numbered(topic, 1))
        assert (await anext(records)).value == b"0"
    assert set(waits) == {EMBEDDED_FETCH_WAIT_MS}
    assert EMBEDDED_FETCH_WAIT_MS > 2 * EMBEDDED_READ_WAIT_MS
