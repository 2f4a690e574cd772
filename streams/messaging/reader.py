"""Reading a topic beside the consumer group: missed inputs again, a compacted topic to its end.

Each read has a consumer of its own, assigned and without a group, so that it moves nobody's offsets. A process that
reads often keeps some of them (`KeptConsumers`): making one takes a connection and a round trip or two.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from itertools import chain
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import ValidationError

from schemas.administration.vaults import VaultNamed
from schemas.base import ANY_VERSION
from streams.messaging.kafka_client import access
from streams.messaging.topics import VAULTS
from streams.runtime.settings import Settings
from streams.runtime.tasks import stop, until_done, wanted
from streams.security.record_encryption import HANDED_ON, LEFT_OUT, RecordEncryption, Unreadable, seals

FETCH_WAIT_MS = 50
LOOK_MS = 1000  # so often it is looked whether somebody still reads, though nothing comes


class Read(NamedTuple):
    """A record as it lies on its partition."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int  # milliseconds since 1970
    partition: int


Tails = Mapping[str, Mapping[int, int]]
"""Offsets by topic and partition: from where on to read."""


MOST_KEPT = 4  # consumers that wait for the next read
_kept: dict[tuple[int, tuple[str, ...]], "KeptConsumers"] = {}


class KeptConsumers:
    """Consumers that are kept after a read that ended well, for the next reads of this loop from these brokers."""

    def __init__(self, settings: Settings) -> None:
        self._brokers = tuple(settings.brokers)
        self._idle: list[AIOKafkaConsumer] = []

    def open(self) -> None:
        """Keep consumers from here on."""
        _kept[id(asyncio.get_running_loop()), self._brokers] = self

    async def close(self) -> None:
        """Stop those that are kept, and keep none any more."""
        if _kept.get(place := (id(asyncio.get_running_loop()), self._brokers)) is self:
            del _kept[place]
        while self._idle:
            await stop(self._idle.pop())

    def take(self) -> AIOKafkaConsumer | None:
        """Return one that is idle, or None."""
        return self._idle.pop() if self._idle else None

    def give(self, consumer: AIOKafkaConsumer) -> bool:
        """Keep a consumer; False when there are enough."""
        if len(self._idle) >= MOST_KEPT:
            return False
        consumer.unsubscribe()
        self._idle.append(consumer)
        return True


class ReadError(RuntimeError):
    """What was asked for is not on the log (any more)."""


async def read_range(
    settings: Settings, topic: str, partition: int, first: int, last: int, *, opened: bool = True
) -> AsyncIterator[Read]:
    """The records of `partition` from offset `first` to `last`, both included; not `opened`: as they lie there.

    Raises ReadError when `first` is no longer kept or `last` not yet written: a hole must not pass for a whole.
    """
    if last < first:
        return
    where = TopicPartition(topic, partition)
    async with _consumer(settings) as consumer:
        begin, end = await _bounds(settings, consumer, where)
        if first < begin or last >= end:
            raise ReadError(f"{topic}/{partition} holds offsets {begin} to {end - 1}, asked for {first} to {last}")
        async with _opening(settings, opened) as through:
            async for record in _from(consumer, where, first, last + 1, through):
                yield record


async def read_all(
    settings: Settings, topic: str, since: Tails | None = None, *, opened: bool = True
) -> AsyncIterator[Read]:
    """All that `topic` holds now, a partition after the other; what is written meanwhile is not waited for.

    `since`: only what lies behind there. Not `opened`: as it lies there.
    """
    async with _consumer(settings) as consumer, _opening(settings, opened) as through:
        for where in await _partitions(consumer, topic):
            begin, end = await _bounds(settings, consumer, where)
            first = (since or {}).get(topic, {}).get(where.partition, begin)
            async for record in _from(consumer, where, max(begin, first), end, through):
                yield record


async def read_on(settings: Settings, topic: str, partition: int, first: int) -> AsyncGenerator[Read, None]:
    """What `partition` holds now from offset `first` on, or from the first that is still kept."""
    where = TopicPartition(topic, partition)
    async with _consumer(settings) as consumer, _opening(settings) as through:
        begin, end = await _bounds(settings, consumer, where)
        async for record in _from(consumer, where, max(first, begin), end, through):
            yield record


async def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """Each partition's next offset: one after its last record."""
    async with _consumer(settings) as consumer:
        found = await _ends(settings, consumer, await _partitions(consumer, topic))
    return _by_partition(found)


async def committed_offset(settings: Settings, where: TopicPartition) -> int | None:
    """The offset up to which the workers' group has acked a partition's records, that one not; None: not known."""
    return (await committed_offsets(settings, where.topic, [where.partition])).get(where.partition)


async def committed_offsets(settings: Settings, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """The same of several partitions; one of which nothing is known is left out."""
    wheres = [TopicPartition(topic, number) for number in partitions]
    async with _started(settings, group_id=settings.app_id) as consumer:
        consumer.assign(wheres)
        found = {where.partition: await consumer.committed(where) for where in wheres}
    return {partition: int(offset) for partition, offset in found.items() if offset is not None}


async def acknowledged_offsets(settings: Settings, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Return by partition the last record that the consumer group has acked; of one without any, and of a topic that
    was made anew since, nothing.
    """
    acked, ends = await committed_offsets(settings, topic, partitions), await end_offsets(settings, topic)
    return {partition: offset - 1 for partition, offset in acked.items() if offset <= ends[partition]}


async def beginning_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """Each partition's first offset that is still kept."""
    async with _consumer(settings) as consumer:
        found = await consumer.beginning_offsets(await _partitions(consumer, topic))
    return _by_partition(found)


async def offset_at(settings: Settings, topic: str, partition: int, written_ms: int) -> int:
    """The offset of the first record written at that time (epoch ms) or later; the end when there is none.

    Tansu does not answer it: there it is the first offset that is kept.
    """
    where = TopicPartition(topic, partition)
    async with _consumer(settings) as consumer:
        await _partitions(consumer, topic)
        begin, end = await _bounds(settings, consumer, where)
        if settings.embedded:
            return begin
        found = (await consumer.offsets_for_times({where: written_ms}))[where]
        return end if found is None else int(found.offset)


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer for one read; it is kept for the next when the read ended well, and somebody keeps them."""
    kept = _kept.get((id(asyncio.get_running_loop()), tuple(settings.brokers)))
    if kept is None or (consumer := kept.take()) is None:
        consumer = _made(settings)
        await consumer.start()
    ended = False
    try:
        yield consumer
        ended = True
    finally:
        if not (ended and kept is not None and kept.give(consumer)):
            await stop(consumer)  # to its end: whoever listened has gone, and cancels again and again


@asynccontextmanager
async def _started(settings: Settings, **options: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that is kept for nobody."""
    consumer = _made(settings, **options)
    await consumer.start()
    try:
        yield consumer
    finally:
        await stop(consumer)


def _made(settings: Settings, **options: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **access(settings),
        client_id=f"{settings.app_id}-reader",
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        **options,
    )


@asynccontextmanager
async def _opening(settings: Settings, opened: bool = True) -> AsyncIterator[RecordEncryption | None]:
    """What opens the records; nothing does where they are wanted as they lie there."""
    if not opened:
        yield None
        return
    async with seals(settings, partial(known_vault, settings)) as through:
        yield through


async def known_vault(settings: Settings) -> str | None:
    """Return the identity of the vault that the installation's records were sealed by; None before it has one."""
    found = None
    async for record in read_all(settings, VAULTS.name, opened=False):
        with suppress(ValidationError):  # somebody else wrote on this topic
            found = VaultNamed.model_validate_json(record.value or b"", extra=ANY_VERSION).vault
    return found


async def _opened(through: RecordEncryption | None, records: Sequence[ConsumerRecord]) -> list[Read]:
    values = [record.value for record in records]
    if through is not None:
        values = await until_done("vault", partial(through.opened, records))
    return [
        Read(record.offset, record.key, _left(record.topic, value), record.timestamp, record.partition)
        for record, value in zip(records, values, strict=True)
        if not (isinstance(value, Unreadable) and record.topic in LEFT_OUT)
    ]


def _left(topic: str, value: bytes | None) -> bytes | None:
    """The value; of one that does not open what is left outside the seal, as of a person who was forgotten."""
    return value.withheld if isinstance(value, Unreadable) and topic not in HANDED_ON else value


async def _from(
    consumer: AIOKafkaConsumer, where: TopicPartition, first: int, end: int, through: RecordEncryption | None
) -> AsyncIterator[Read]:
    """From `first` to before `end`. Compaction leaves holes, also at the end, so the position tells when to stop."""
    if first >= end:
        return
    consumer.assign([where])
    consumer.seek(where, first)
    while await consumer.position(where) < end:
        fetched = await consumer.getmany(where, timeout_ms=1000)
        within = [record for record in fetched.get(where, ()) if record.offset < end]
        for record in await _opened(through, within):
            yield record
        if len(within) < len(fetched.get(where, ())):
            return


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    # A consumer without a subscription keeps no metadata of the topic until it is asked for.
    await consumer._client._wait_on_metadata(topic)
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


async def _bounds(settings: Settings, consumer: AIOKafkaConsumer, where: TopicPartition) -> tuple[int, int]:
    begin = await consumer.beginning_offsets([where])
    end = await _ends(settings, consumer, [where])
    return begin[where], end[where]


async def _ends(
    settings: Settings, consumer: AIOKafkaConsumer, wheres: list[TopicPartition]
) -> dict[TopicPartition, int]:
    """Each partition's next offset.

    Tansu, asked for it, tells the offset after the *first* record of the last batch; its answer to a fetch is right.
    """
    ends: dict[TopicPartition, int] = await consumer.end_offsets(wheres)
    if not settings.embedded:
        return ends
    consumer.assign(wheres)
    for where, end in ends.items():
        consumer.seek(where, max(end - 1, 0))  # at the very end a fetch would wait for what comes next
    while any(consumer.highwater(where) is None for where in wheres):
        await consumer.getmany(timeout_ms=FETCH_WAIT_MS, max_records=1)
    return {where: consumer.highwater(where) for where in wheres}


def _by_partition(offsets: dict[TopicPartition, int]) -> dict[int, int]:
    return {where.partition: offset for where, offset in offsets.items()}


async def follow(settings: Settings, topic: str, since: Mapping[int, int]) -> AsyncGenerator[Read, None]:
    """What is written to `topic` from these offsets on, as it comes, without end."""
    async with _started(settings) as consumer, _opening(settings) as through:
        wheres = await _partitions(consumer, topic)
        consumer.assign(wheres)
        for where in wheres:
            consumer.seek(where, since.get(where.partition, 0))
        async with aclosing(arriving(consumer, through)) as records:
            async for record in records:
                yield record


async def arriving(consumer: AIOKafkaConsumer, through: RecordEncryption | None) -> AsyncGenerator[Read, None]:
    """What a consumer of one topic is given, opened, until its task is cancelled.

    It looks for that by itself: what the task awaited between two records may have taken the cancellation for the end
    of a time-out of its own (asyncio.wait_for of Python 3.11, as redis-py uses it), and would be read on without end.
    """
    while wanted():
        found = await consumer.getmany(timeout_ms=LOOK_MS)
        for record in await _opened(through, list(chain.from_iterable(found.values()))):
            yield record
            if not wanted():
                return
