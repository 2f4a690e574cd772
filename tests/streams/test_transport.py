"""Faust's transport with what was put right: a rebalance goes back to where the group stands."""

from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.producer import Producer, Record
from streams.settings import Settings
from streams.transport import Consumer


class Direct:
    """Faust's thread around a consumer, without the thread."""

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka

    async def seek_to_committed(self) -> Mapping[TP, int]:
        committed: Mapping[TP, int] = await self._kafka.seek_to_committed()
        return committed

    async def seek_to_beginning(self, *partitions: TP) -> None:
        await self._kafka.seek_to_beginning(*partitions)


async def test_what_was_fetched_before_a_seek_comes_again_where_nothing_was_committed_yet(
    settings: Settings, new_topic: Callable[[], str]
) -> None:
    where = TopicPartition(new_topic(), 0)
    producer = Producer(settings)
    await producer.start()
    await producer.send_all([Record(where.topic, b"key", value, 0) for value in (b"first", b"second")])
    await producer.stop()
    kafka = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers,
        group_id=settings.app_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await kafka.start()
    try:
        kafka.assign([where])
        assert [(await kafka.getone()).value for _ in range(2)] == [b"first", b"second"]
        consumer = Consumer.__new__(Consumer)
        vars(consumer)["_thread"] = Direct(kafka)
        await consumer.seek_to_committed()
        assert (await kafka.getone()).value == b"first"
    finally:
        await kafka.stop()
