"""Reading of topics outside the consumer group: missed inputs again, or a compacted topic to its end.

Each read uses a consumer without a group, so it moves no committed offsets. A process that reads often keeps some of
them open (`ReusedConsumers`): a new one costs a connection and a round trip or two.
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
from streams.messaging.codec import HANDED_ON, LEFT_OUT, Codec, MakeCodec, Unreadable, may_be_sealed, plain_codec
from streams.messaging.kafka_client import access
from streams.messaging.topics import VAULTS
from streams.runtime.settings import Settings
from streams.runtime.tasks import stop, until_done, wanted

FETCH_WAIT_MS = 50
LOOK_MS = 1000  # the longest wait for records before checking whether the reading task was cancelled


class Read(NamedTuple):
    """A record that was read from a partition. `timestamp`: ms since 1970; `value` None: a tombstone.

    An encrypted value is decrypted, unless the reader was told not to. If its key is lost, only its unencrypted part is
    left, or (on residents, case-inputs and dispatches) the value is an Unreadable.
    """

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    partition: int


Tails = Mapping[str, Mapping[int, int]]
"""By topic and partition: the offset of the first record to read."""


MOST_KEPT = 4  # idle consumers kept for the next reads
_kept: dict[tuple[int, tuple[str, ...]], list["ReusedConsumers"]] = {}  # the one opened last comes last


class ReusedConsumers:
    """Idle consumers kept after successful reads, for the next reads in this event loop from the same brokers.

    These reads decode records with `make_codec`, which is required if a vault is set. `most`: how many consumers are
    kept.

    Raises CodecError if a vault is set and no `make_codec` is given.
    """

    def __init__(self, settings: Settings, make_codec: MakeCodec | None = None, most: int = MOST_KEPT) -> None:
        self._brokers, self._most = tuple(settings.brokers), most
        self.make_codec = make_codec or plain_codec(settings)
        self._idle: list[AIOKafkaConsumer] = []

    def open(self) -> None:
        """From now on, reads in this event loop from the same brokers reuse this object's consumers."""
        _kept.setdefault(_place(self._brokers), []).append(self)

    async def close(self) -> None:
        """Stop the idle consumers, and let no later read reuse this object's."""
        kept = _kept.get(place := _place(self._brokers), [])
        if self in kept:
            kept.remove(self)
        if not kept:
            _kept.pop(place, None)
        while self._idle:
            await stop(self._idle.pop())

    def take(self) -> AIOKafkaConsumer | None:
        """Return an idle consumer, which the caller now owns, or None if there is none."""
        return self._idle.pop() if self._idle else None

    def give(self, consumer: AIOKafkaConsumer) -> bool:
        """Keep a consumer for later reads. Returns True if it is kept; False if enough are kept already, and the caller
        must stop it.
        """
        if len(self._idle) >= self._most:
            return False
        consumer.unsubscribe()
        self._idle.append(consumer)
        return True


class ReadError(RuntimeError):
    """Requested offsets are not on the topic: they are no longer kept, or not written yet."""


async def read_range(
    settings: Settings, topic: str, partition: int, first: int, last: int, *, opened: bool = True
) -> AsyncIterator[Read]:
    """Yield the records of `partition` with offsets `first` to `last`, both included; none if `last` < `first`.

    Offsets that compaction removed in between are left out. `opened` False: values stay encrypted. Raises ReadError if
    `first` is no longer kept or `last` is not yet written, because a gap must not look like a complete range.
    """
    async with aclosing(read_pages(settings, topic, partition, first, last, opened=opened)) as pages:
        async for page in pages:
            for record in page:
                yield record


async def read_kept(settings: Settings, topic: str, partition: int, first: int, last: int) -> list[Read]:
    """Return the records of `partition` with offsets `first` to `last`, both included; an empty list if the topic has
    just deleted the first of them.

    Raises ReadError if `last` is not yet written.
    """
    try:
        return [record async for record in read_range(settings, topic, partition, first, last)]
    except ReadError:
        if (await beginning_offsets(settings, topic))[partition] <= first:
            raise
        return []


async def read_pages(
    settings: Settings, topic: str, partition: int, first: int, last: int, *, opened: bool = True
) -> AsyncGenerator[list[Read], None]:
    """Yield the records of a partition from offset `first` to `last` (both included), in order, in lists: one for each
    fetch. Nothing if `last` is below `first`.

    `opened`: whether encrypted values are decrypted. Raises ReadError if `first` is no longer kept or `last` is not yet
    written.
    """
    if last < first:
        return
    where = TopicPartition(topic, partition)
    async with _consumer(settings) as consumer:
        begin, end = await _bounds(settings, consumer, where)
        if first < begin or last >= end:
            raise ReadError(f"{topic}/{partition} holds offsets {begin} to {end - 1}, asked for {first} to {last}")
        async with _decoding(settings, topic, opened) as codec:
            async for page in _pages(consumer, where, first, last + 1, codec):
                yield page


async def read_all(
    settings: Settings, topic: str, since: Tails | None = None, *, opened: bool = True
) -> AsyncIterator[Read]:
    """Yield all records that `topic` holds when the read starts, one partition after the other.

    `since`: only records at or after these offsets, by topic and partition. `opened` False: values stay encrypted.
    """
    async with _consumer(settings) as consumer, _decoding(settings, topic, opened) as codec:
        wheres = await _partitions(consumer, topic)
        begins, ends = await consumer.beginning_offsets(wheres), await _ends(settings, consumer, wheres)
        for where in wheres:
            first = (since or {}).get(topic, {}).get(where.partition, begins[where])
            async for record in _from(consumer, where, max(begins[where], first), ends[where], codec):
                yield record


async def read_on(settings: Settings, topic: str, partition: int, first: int) -> AsyncGenerator[Read, None]:
    """Yield the records that `partition` holds when the read starts, from offset `first` on, or from the first one that
    is still kept.
    """
    where = TopicPartition(topic, partition)
    async with _consumer(settings) as consumer, _decoding(settings, topic) as codec:
        begin, end = await _bounds(settings, consumer, where)
        async for record in _from(consumer, where, max(first, begin), end, codec):
            yield record


async def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """Return, by partition, the offset that the topic's next record will get; 0 for an empty partition."""
    async with _consumer(settings) as consumer:
        found = await _ends(settings, consumer, await _partitions(consumer, topic))
    return _by_partition(found)


async def committed_offset(settings: Settings, where: TopicPartition) -> int | None:
    """Return the offset that the workers' group has committed (the next record to process); None if it has committed
    none.
    """
    return (await committed_offsets(settings, where.topic, [where.partition])).get(where.partition)


async def committed_offsets(settings: Settings, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Return by partition the offset that the workers' group has committed: that of the next record to process.

    Partitions without one are left out.
    """
    wheres = [TopicPartition(topic, number) for number in partitions]
    async with _started(settings, group_id=settings.app_id) as consumer:
        consumer.assign(wheres)
        found = {where.partition: await consumer.committed(where) for where in wheres}
    return {partition: int(offset) for partition, offset in found.items() if offset is not None}


async def acknowledged_offsets(settings: Settings, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Return by partition the offset of the last record that the workers' group has acked.

    Partitions without one are left out, as are those of a topic that was created anew since.
    """
    acked, ends = await committed_offsets(settings, topic, partitions), await end_offsets(settings, topic)
    return {partition: offset - 1 for partition, offset in acked.items() if offset <= ends[partition]}


async def beginning_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """Return each partition's first offset that is still kept; the end offset if it has no record."""
    async with _consumer(settings) as consumer:
        found = await consumer.beginning_offsets(await _partitions(consumer, topic))
    return _by_partition(found)


async def offset_at(settings: Settings, topic: str, partition: int, written_ms: int) -> int:
    """Return the offset of the first record written at `written_ms` (ms since 1970) or later, else the end offset.

    Tansu cannot answer this: in embedded mode it is the first offset that is kept.
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
    """Yield a consumer for one read; keep it for the next read if this one succeeded and ReusedConsumers is open."""
    kept = _kept_of(settings)
    if kept is None or (consumer := kept.take()) is None:
        consumer = _made(settings)
        await consumer.start()
    ended = False
    try:
        yield consumer
        ended = True
    finally:
        if not (ended and kept is not None and kept.give(consumer)):
            await stop(consumer)  # even if this task is cancelled repeatedly


@asynccontextmanager
async def _started(settings: Settings, **options: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a new consumer, and stop it afterwards."""
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
async def _decoding(settings: Settings, topic: str, opened: bool = True) -> AsyncIterator[Codec | None]:
    """Yield the codec for one read, or None if nothing has to be decoded.

    Raises CodecError if a vault is set, but no open ReusedConsumers supplies its codec.
    """
    if not opened or not may_be_sealed(topic):
        yield None
        return
    kept = _kept_of(settings)
    async with aclosing(kept.make_codec() if kept else plain_codec(settings)()) as codec:
        yield codec


def decodes(settings: Settings) -> bool:
    """Return whether reads of this event loop from these brokers have a codec: ReusedConsumers are open for them."""
    return _kept_of(settings) is not None


def _kept_of(settings: Settings) -> ReusedConsumers | None:
    kept = _kept.get(_place(tuple(settings.brokers)))
    return kept[-1] if kept else None


def _place(brokers: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    return id(asyncio.get_running_loop()), brokers


async def known_vault(settings: Settings) -> str | None:
    """Return the identity of the vault that encrypts the installation's records, or None if none is noted on its
    topic.
    """
    found = None
    async for record in read_all(settings, VAULTS.name, opened=False):
        with suppress(ValidationError):  # a foreign record on this topic
            found = VaultNamed.model_validate_json(record.value or b"", extra=ANY_VERSION).vault
    return found


async def _decoded(codec: Codec | None, records: Sequence[ConsumerRecord]) -> list[Read]:
    values = [record.value for record in records]
    if codec is not None:
        values = await until_done("vault", partial(codec.decode, records))
    return [
        Read(record.offset, record.key, _left(record.topic, value), record.timestamp, record.partition)
        for record, value in zip(records, values, strict=True)
        if not (isinstance(value, Unreadable) and record.topic in LEFT_OUT)
    ]


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
        yield await _decoded(codec, within)
        if len(within) < len(fetched):
            return


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    # A consumer without a subscription has no metadata of a topic until it is requested.
    await consumer._client._wait_on_metadata(topic)
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


async def _bounds(settings: Settings, consumer: AIOKafkaConsumer, where: TopicPartition) -> tuple[int, int]:
    begin = await consumer.beginning_offsets([where])
    end = await _ends(settings, consumer, [where])
    return begin[where], end[where]


async def _ends(
    settings: Settings, consumer: AIOKafkaConsumer, wheres: list[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return each partition's end offset.

    Tansu's direct answer is the offset after the *first* record of the last batch; a fetch returns the right one.
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


async def follow(settings: Settings, topic: str, since: Mapping[int, int]) -> AsyncGenerator[Read, None]:
    """Yield the records of `topic` from these offsets on (0 where not given), as they are written, without end."""
    async with _started(settings) as consumer, _decoding(settings, topic) as codec:
        wheres = await _partitions(consumer, topic)
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
    """
    while wanted():
        found = await consumer.getmany(timeout_ms=LOOK_MS)
        for record in await _decoded(codec, list(chain.from_iterable(found.values()))):
            yield record
            if not wanted():
                return
