"""Faust's transport with what was put right: a rebalance goes back to where the group stands."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP, Message

from streams.messaging.producer import Record
from streams.messaging.transport import Consumer
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer


class Direct:
    """Faust's thread around a consumer, without the thread."""

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka
        self.looked_at: tuple[float, int] | None = None

    async def seek_to_committed(self) -> Mapping[TP, int]:
        committed: Mapping[TP, int] = await self._kafka.seek_to_committed()
        return committed

    def verify_event_path(self, now: float, tp: TP) -> None:
        """As far as Faust's goes before it has something to tell."""
        state = self._kafka._fetcher._subscriptions.subscription.assignment.state_value(tp)
        self.looked_at = (now, state.position)

    async def seek_to_beginning(self, *partitions: TP) -> None:
        await self._kafka.seek_to_beginning(*partitions)


async def test_what_was_fetched_before_a_seek_comes_again_where_nothing_was_committed_yet(
    settings: Settings, new_topic: Callable[[], str]
) -> None:
    where = TopicPartition(new_topic(), 0)
    producer = make_producer(settings)
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


async def test_a_partition_of_which_the_place_is_not_known_yet_does_not_end_the_worker(
    settings: Settings, new_topic: Callable[[], str]
) -> None:
    where = TopicPartition(new_topic(), 0)
    kafka = AIOKafkaConsumer(bootstrap_servers=settings.brokers, group_id=settings.app_id, enable_auto_commit=False)
    await kafka.start()
    try:
        kafka.assign([where])
        consumer, direct = Consumer.__new__(Consumer), Direct(kafka)
        vars(consumer)["_thread"] = direct
        consumer.verify_event_path(1.0, where)
        assert direct.looked_at is None
        await kafka.seek_to_beginning(where)
        consumer.verify_event_path(2.0, where)
        assert direct.looked_at == (2.0, 0)
    finally:
        await kafka.stop()


async def test_a_message_of_a_partition_that_was_revoked_meanwhile_is_dropped_and_ends_no_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, others = TP("case-inputs", 0), TP("case-inputs", 1)

    async def nobody_takes(message: Message) -> None:
        raise KeyError(message.tp)

    monkeypatch.setattr(Consumer, "assignment", lambda _self: {ours})
    consumer = Consumer.__new__(Consumer)
    vars(consumer)["_to_agents"] = nobody_takes
    await consumer._deliver(cast("Message", SimpleNamespace(tp=others)))
    with pytest.raises(KeyError):
        await consumer._deliver(cast("Message", SimpleNamespace(tp=ours)))
