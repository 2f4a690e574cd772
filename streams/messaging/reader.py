"""Reading of topics outside the consumer group: missed inputs again, or a compacted topic to its end.

Each read uses a consumer without a group (consumers.py), so it moves no committed offsets.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from itertools import chain
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import ValidationError

from schemas.administration.vaults import VaultNamed
from schemas.base import ANY_VERSION
from streams.messaging.codec import HANDED_ON, LEFT_OUT, Awaited, Codec, Unreadable, refuse_awaited
from streams.messaging.consumers import EMBEDDED_FETCH_WAIT_MS, consumer_for_read, decoding, started_consumer
from streams.messaging.offsets import beginning_offsets, offset_bounds, partition_ends, partitions_of
from streams.messaging.topics import VAULTS
from streams.runtime.settings import Settings
from streams.runtime.tasks import until_done, wanted

LOOK_MS = 1000  # the longest wait for records before checking whether the reading task was cancelled


class Read(NamedTuple):
    """A record that was read from a partition. `timestamp`: ms since 1970; `value` None: a tombstone.

    An encrypted value is decrypted, unless the reader was asked to leave it encrypted. If its key is lost, the record
    is left out on the topics of codec.LEFT_OUT, its value is an Unreadable on those of codec.HANDED_ON, and elsewhere
    only the unencrypted part of its value is left. Every read that decrypts waits while the vault is unavailable, and
    raises KeyAwaitedError at a record that intake encrypted for a key pair whose private key this process does not have
    yet: read again later.
    """

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    partition: int


Tails = Mapping[str, Mapping[int, int]]
"""By topic and partition: the offset of the first record to read."""


class ReadError(RuntimeError):
    """Requested offsets are not on the topic: they are no longer kept, or not written yet."""


async def read_range(
    settings: Settings, topic: str, partition: int, first: int, last: int, *, opened: bool = True
) -> AsyncIterator[Read]:
    """Yield the records of `partition` with offsets `first` to `last`, both included, in order; none if `last` <
    `first`.

    Offsets that compaction removed in between are left out. `opened` False: values stay encrypted. Raises ReadError if
    `first` is no longer kept or `last` is not yet written, because a gap must not look like a complete range;
    CodecError if this process cannot decrypt the topic's values, for example because no ReusedConsumers is open;
    KeyAwaitedError at a record whose private key this process does not have yet; and KafkaError if Kafka is
    unavailable.
    """
    async with aclosing(read_pages(settings, topic, partition, first, last, opened=opened)) as pages:
        async for page in pages:
            for record in page:
                yield record


async def read_kept(settings: Settings, topic: str, partition: int, first: int, last: int) -> list[Read]:
    """Return the records of `partition` with offsets `first` to `last`, both included, in order; an empty list if the
    topic has deleted the record at `first` by now.

    Raises ReadError if `last` is not yet written, CodecError if this process cannot decrypt the topic's values,
    KeyAwaitedError at a record whose private key this process does not have yet, and KafkaError if Kafka is
    unavailable.
    """
    try:
        return [record async for record in read_range(settings, topic, partition, first, last)]
    except ReadError:
        if (await beginning_offsets(settings, topic, [partition]))[partition] <= first:
            raise
        return []


async def read_pages(
    settings: Settings, topic: str, partition: int, first: int, last: int, *, opened: bool = True
) -> AsyncGenerator[list[Read], None]:
    """Yield the records of a partition from offset `first` to `last` (both included), in order, in lists: one for each
    fetch, which may be empty. Nothing if `last` is below `first`.

    `opened`: whether encrypted values are decrypted. Raises ReadError if `first` is no longer kept or `last` is not yet
    written, CodecError if this process cannot decrypt the topic's values, KeyAwaitedError at a record whose private key
    this process does not have yet, and KafkaError if Kafka is unavailable.
    """
    if last < first:
        return
    where = TopicPartition(topic, partition)
    async with consumer_for_read(settings) as consumer:
        begin, end = await offset_bounds(settings, consumer, where)
        if first < begin or last >= end:
            raise ReadError(f"{topic}/{partition} holds offsets {begin} to {end - 1}, asked for {first} to {last}")
        async with decoding(settings, topic, opened) as codec:
            async for page in _pages(consumer, where, first, last + 1, codec):
                yield page


async def read_all(
    settings: Settings, topic: str, since: Tails | None = None, *, opened: bool = True
) -> AsyncIterator[Read]:
    """Yield all records that `topic` holds when the read starts, one partition after the other, each in order of
    offsets.

    `since`: only records at or after these offsets, by topic and partition. `opened` False: values stay encrypted.
    Raises CodecError if this process cannot decrypt the topic's values, for example because no ReusedConsumers is open;
    KeyAwaitedError at a record whose private key this process does not have yet; and KafkaError if Kafka is unavailable
    or, after 40 s, has no such topic.
    """
    async with consumer_for_read(settings) as consumer, decoding(settings, topic, opened) as codec:
        wheres = await partitions_of(consumer, topic)
        begins, ends = await consumer.beginning_offsets(wheres), await partition_ends(settings, consumer, wheres)
        for where in wheres:
            first = (since or {}).get(topic, {}).get(where.partition, begins[where])
            async for record in _from(consumer, where, max(begins[where], first), ends[where], codec):
                yield record


async def read_on(settings: Settings, topic: str, partition: int, first: int) -> AsyncGenerator[Read, None]:
    """Yield the records that `partition` holds when the read starts, in order, from offset `first` on, or from the
    first one that is still kept if that is later.

    Raises CodecError if this process cannot decrypt the topic's values, for example because no ReusedConsumers is open;
    KeyAwaitedError at a record whose private key this process does not have yet; and KafkaError if Kafka is
    unavailable.
    """
    where = TopicPartition(topic, partition)
    async with consumer_for_read(settings) as consumer, decoding(settings, topic) as codec:
        begin, end = await offset_bounds(settings, consumer, where)
        async for record in _from(consumer, where, max(first, begin), end, codec):
            yield record


async def known_vault(settings: Settings) -> str | None:
    """Return the identity of the vault that encrypts the installation's records: that of the latest valid record on the
    topic `vaults`, or None without one. Raises KafkaError if Kafka is unavailable or, after 40 s, lacks the topic.
    """
    found = None
    async for record in read_all(settings, VAULTS.name, opened=False):
        with suppress(ValidationError):  # a foreign record on this topic
            found = VaultNamed.model_validate_json(record.value or b"", extra=ANY_VERSION).vault
    return found


async def _decoded(codec: Codec | None, records: Sequence[ConsumerRecord]) -> AsyncIterator[list[Read]]:
    """Yield the decrypted records in one list. If the key of one is awaited, the list ends before it, and
    KeyAwaitedError is raised when more is asked for.
    """
    values = [record.value for record in records]
    if codec is not None:
        values = await until_done("vault", partial(codec.decode, records))
    first = next((at for at, value in enumerate(values) if isinstance(value, Awaited)), len(values))
    yield [
        Read(record.offset, record.key, _left(record.topic, value), record.timestamp, record.partition)
        for record, value in zip(records[:first], values, strict=False)
        if not (isinstance(value, Unreadable) and record.topic in LEFT_OUT)
    ]
    for record, value in zip(records[first:], values[first:], strict=True):
        refuse_awaited(record.topic, record.partition, record.offset, value)


def _left(topic: str, value: bytes | None) -> bytes | None:
    """Return the value; if it cannot be decrypted (say, because the person was erased), only its unencrypted part."""
    return value.withheld if isinstance(value, Unreadable) and topic not in HANDED_ON else value


async def _from(
    consumer: AIOKafkaConsumer, where: TopicPartition, first: int, end: int, codec: Codec | None
) -> AsyncIterator[Read]:
    """Yield the records from offset `first` to before `end`."""
    async for page in _pages(consumer, where, first, end, codec):
        for record in page:
            yield record


async def _pages(
    consumer: AIOKafkaConsumer, where: TopicPartition, first: int, end: int, codec: Codec | None
) -> AsyncIterator[list[Read]]:
    """Yield the records in lists. Compaction leaves gaps, also at the end, so the position decides when to stop."""
    if first >= end:
        return
    consumer.assign([where])
    consumer.seek(where, first)
    while await consumer.position(where) < end:
        fetched = (await consumer.getmany(where, timeout_ms=1000)).get(where, [])
        within = fetched if fetched and fetched[-1].offset < end else [each for each in fetched if each.offset < end]
        async for page in _decoded(codec, within):
            yield page
        if len(within) < len(fetched):
            return


async def follow(settings: Settings, topic: str, since: Mapping[int, int]) -> AsyncGenerator[Read, None]:
    """Yield the records of `topic` from the offsets `since` on (by partition; 0 for one that is not given), as they are
    written, until the task is cancelled.

    Raises aiokafka's OffsetOutOfRangeError if such an offset is no longer kept, KafkaError if Kafka is unavailable,
    KeyAwaitedError at a record whose private key this process does not have yet, and CodecError if the topic may be
    encrypted, a vault is set and no ReusedConsumers is open.
    """
    async with (
        started_consumer(settings, EMBEDDED_FETCH_WAIT_MS) as consumer,
        decoding(settings, topic) as codec,
    ):
        wheres = await partitions_of(consumer, topic)
        consumer.assign(wheres)
        for where in wheres:
            consumer.seek(where, since.get(where.partition, 0))
        async with aclosing(arriving(consumer, codec)) as records:
            async for record in records:
                yield record


async def arriving(consumer: AIOKafkaConsumer, codec: Codec | None) -> AsyncGenerator[Read, None]:
    """Yield the records that a consumer of one topic receives, decrypted, until the reading task is cancelled.

    It checks for the cancellation itself: a library call between two records may have swallowed it (asyncio.wait_for of
    Python 3.11, as redis-py uses it), and the reading would never end.

    `codec` None: values stay as they are. Raises aiokafka's OffsetOutOfRangeError if the next offset is no longer kept,
    and KeyAwaitedError at a record whose private key this process does not have yet. Other errors of Kafka and of the
    codec pass through.
    """
    while wanted():
        found = await consumer.getmany(timeout_ms=LOOK_MS)
        async for page in _decoded(codec, list(chain.from_iterable(found.values()))):
            for record in page:
                yield record
                if not wanted():
                    return
