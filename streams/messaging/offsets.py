"""Offsets of a topic's partitions: the first and the next, those committed by the workers' group, and by time."""

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.messaging.consumers import FETCH_WAIT_MS, consumer_for_read, started_consumer
from streams.runtime.settings import Settings


async def end_offsets(settings: Settings, topic: str, partitions: Iterable[int] | None = None) -> dict[int, int]:
    """Return, by partition, the offset that the topic's next record will get; 0 for a partition that never had one.

    `partitions`: only these, so that a partition without a leader does not delay the others; None: all. Raises
    KafkaError if Kafka is unavailable or, after 40 s, has no such topic.
    """
    async with consumer_for_read(settings) as consumer:
        every = await partitions_of(consumer, topic)
        wheres = every if partitions is None else [TopicPartition(topic, number) for number in partitions]
        found = await partition_ends(settings, consumer, wheres)
    return _by_partition(found)


async def committed_offset(settings: Settings, where: TopicPartition) -> int | None:
    """Return the offset that the workers' group has committed for a partition: that of the next record to process. None
    if it has committed none. Raises KafkaError if Kafka is unavailable.
    """
    return (await committed_offsets(settings, where.topic, [where.partition])).get(where.partition)


async def committed_offsets(settings: Settings, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Return by partition the offset that the workers' group has committed: that of the next record to process.

    Partitions without one are left out. Raises KafkaError if Kafka is unavailable.
    """
    wheres = [TopicPartition(topic, number) for number in partitions]
    async with started_consumer(settings, group_id=settings.app_id) as consumer:
        consumer.assign(wheres)
        found = {where.partition: await consumer.committed(where) for where in wheres}
    return {partition: int(offset) for partition, offset in found.items() if offset is not None}


async def acknowledged_offsets(settings: Settings, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Return by partition the offset of the last record that the workers' group has acknowledged; -1 if the group has
    committed the offset 0.

    Partitions without a committed offset are left out, as are those of a topic that was created anew since. Raises
    KafkaError if Kafka is unavailable or, after 40 s, has no such topic.
    """
    acked, ends = await committed_offsets(settings, topic, partitions), await end_offsets(settings, topic)
    return {partition: offset - 1 for partition, offset in acked.items() if offset <= ends[partition]}


async def beginning_offsets(settings: Settings, topic: str, partitions: Iterable[int] | None = None) -> dict[int, int]:
    """Return, by partition, the first offset that is still kept; the end offset if it has no record.

    `partitions`: only these; None: all. Raises KafkaError if Kafka is unavailable or, after 40 s, has no such topic.
    """
    async with consumer_for_read(settings) as consumer:
        every = await partitions_of(consumer, topic)
        wheres = every if partitions is None else [TopicPartition(topic, number) for number in partitions]
        found = await consumer.beginning_offsets(wheres)
    return _by_partition(found)


async def offset_at(settings: Settings, topic: str, partition: int, written_ms: int) -> int:
    """Return the offset of the first record written at `written_ms` (ms since 1970) or later; the end offset (one after
    the last record) if there is none.

    Tansu cannot answer this: in embedded mode, the result is always the first offset that is kept. Raises KafkaError if
    Kafka is unavailable or, after 40 s, has no such topic.
    """
    where = TopicPartition(topic, partition)
    async with consumer_for_read(settings) as consumer:
        await partitions_of(consumer, topic)
        begin, end = await offset_bounds(settings, consumer, where)
        if settings.embedded:
            return begin
        found = (await consumer.offsets_for_times({where: written_ms}))[where]
        return end if found is None else int(found.offset)


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """Return a topic's partitions, the lowest number first.

    Raises aiokafka's UnknownTopicOrPartitionError, after 40 s, if Kafka has no such topic; the embedded broker creates
    it. Other errors of Kafka pass through.
    """
    # A consumer without a subscription has no metadata of a topic until it is requested.
    await consumer._client._wait_on_metadata(topic)
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


async def offset_bounds(settings: Settings, consumer: AIOKafkaConsumer, where: TopicPartition) -> tuple[int, int]:
    """Return (the partition's first offset that is still kept, the offset of its next record); both are equal if it has
    no record. Errors of Kafka pass through. In embedded mode, the consumer is assigned to the partition.
    """
    begin = await consumer.beginning_offsets([where])
    end = await partition_ends(settings, consumer, [where])
    return begin[where], end[where]


async def partition_ends(
    settings: Settings, consumer: AIOKafkaConsumer, wheres: list[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return the end offset (one after the last record) of each partition in `wheres`. Errors of Kafka pass through.

    The embedded broker Tansu answers with the offset after the *first* record of the last batch. So in embedded mode,
    the consumer is assigned to these partitions, and a fetch gives the right offset.
    """
    ends: dict[TopicPartition, int] = await consumer.end_offsets(wheres)
    if not settings.embedded:
        return ends
    consumer.assign(wheres)
    for where, end in ends.items():
        consumer.seek(where, max(end - 1, 0))  # at the very end, a fetch would wait for the next record
    while any(consumer.highwater(where) is None for where in wheres):
        await consumer.getmany(timeout_ms=FETCH_WAIT_MS, max_records=1)
    return {where: consumer.highwater(where) for where in wheres}


def _by_partition(offsets: dict[TopicPartition, int]) -> dict[int, int]:
    return {where.partition: offset for where, offset in offsets.items()}
