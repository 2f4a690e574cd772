"""Verified copies of topics, record by record as they are stored (encrypted values stay encrypted).

A topic is first copied to a topic of its name with the prefix `growing.`, and later made anew from that copy. Records
keep their key, value and time; records of one key keep their order. Records of several old partitions are merged by
their times, so that retention and searches by time work as before. While a copy is written, its topic deletes nothing
(broker.KEEPING_ALL); then it is read again and compared with what was written.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from heapq import heapify, heappop, heapreplace
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.administration.partition_counts import CopiedTopic
from schemas.errors import UserError
from streams.messaging.kafka_client import access
from streams.messaging.kafka_settings import RECORD_BYTES
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import Read, read_range
from streams.messaging.topics import partition_of
from streams.runtime.settings import Settings

STAGING_PREFIX = "growing."
BATCHES_AT_ONCE = 32  # batches that are on their way to Kafka


class GrowthError(UserError, RuntimeError):
    """The number of partitions cannot be changed now; the text says why and what to do."""


def staging(topic: str) -> str:
    """Return the name of the topic that holds a topic's copy during a growth."""
    return f"{STAGING_PREFIX}{topic}"


def place_of_key(key: bytes | None, partitions: int) -> int:
    """Return the number of the partition where a record belongs on a topic by resident with `partitions` partitions:
    the key begins with the resident's id, and what follows begins with a dash. None counts as an empty key.
    """
    return partition_of((key or b"").partition(b"-")[0], partitions)


class Copier:
    """Writes records to given partitions of a topic; a context manager. `sequences`: the numbers of records, and a
    digest of the sequence in each partition, so far.
    """

    def __init__(self, settings: Settings, topic: str, partitions: int) -> None:
        self._settings, self._topic = settings, topic
        self._batches: list[BatchBuilder | None] = [None] * partitions
        self._sent: list[object] = []
        self.sequences = Sequences(partitions)

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            **access(self._settings),
            client_id=f"{self._settings.app_id}-growth",
            acks="all",
            enable_idempotence=True,
            max_batch_size=RECORD_BYTES // 2,
            max_request_size=2 * RECORD_BYTES,
        )
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def add(self, partition: int, key: bytes | None, value: bytes | None, timestamp: int) -> None:
        """Add a record to a partition. `timestamp`: ms since 1970. It is written together with the next ones, or by
        `finish`. Raises KafkaError if Kafka does not store an earlier record.
        """
        self.sequences.add(partition, key, value, timestamp)
        batch = self._batches[partition] or self._begin(partition)
        if batch.append(key=key, value=value, timestamp=timestamp) is None:  # full
            await self._send(partition)
            self._begin(partition).append(key=key, value=value, timestamp=timestamp)

    async def finish(self) -> None:
        """Write the rest, and return once all in-sync replicas have all records. Raises KafkaError if Kafka does not
        store one.
        """
        for partition in range(len(self._batches)):
            await self._send(partition)
        await self._settle()

    def _begin(self, partition: int) -> BatchBuilder:
        made = self._batches[partition] = self._producer.create_batch()
        return made

    async def _send(self, partition: int) -> None:
        batch, self._batches[partition] = self._batches[partition], None
        if batch is None:
            return
        batch.close()
        self._sent.append(await self._producer.send_batch(batch, self._topic, partition=partition))
        if len(self._sent) >= BATCHES_AT_ONCE:
            await self._settle()

    async def _settle(self) -> None:
        sent, self._sent = self._sent, []
        for each in sent:
            await each  # type: ignore[misc]  # aiokafka names no type


class Sequences:
    """The numbers of records (`records`, by partition) and digests of sequences of records, one sequence for each
    partition.
    """

    def __init__(self, partitions: int) -> None:
        self.records = [0] * partitions
        self._made = [hashlib.blake2b(digest_size=16) for _ in range(partitions)]

    def add(self, partition: int, key: bytes | None, value: bytes | None, timestamp: int) -> None:
        """Add a partition's next record to its sequence. `timestamp`: ms since 1970."""
        self.records[partition] += 1
        made = self._made[partition]
        for part in (key, value):
            made.update(b"-" if part is None else len(part).to_bytes(8))
            made.update(part or b"")
        made.update(timestamp.to_bytes(8, signed=True))

    def hexdigest(self) -> str:
        """Return one digest of all sequences, as 32 hexadecimal digits."""
        return hashlib.blake2b(b"".join(each.digest() for each in self._made), digest_size=16).hexdigest()


async def stored_records(settings: Settings, topic: str) -> list[AsyncIterator[Read]]:
    """Return for each partition of a topic, in order, an iterator over all its present records as they are stored
    (encrypted values stay encrypted), tombstones too. Raises KafkaError if Kafka is unavailable; an iterator raises
    ReadError if records are deleted before it starts.
    """
    begins, ends = await beginning_offsets(settings, topic), await end_offsets(settings, topic)
    return [
        read_range(settings, topic, partition, begins[partition], ends[partition] - 1, opened=False)
        for partition in sorted(ends)
    ]


async def merged_by_time(sources: Sequence[AsyncIterator[Read]]) -> AsyncIterator[Read]:
    """Yield the records of all sources, each time the one with the earliest timestamp among the sources' next ones.
    Each source keeps its order. Errors of the sources pass through.
    """
    waiting = [
        (record.timestamp, number, record)
        for number, source in enumerate(sources)
        if (record := await anext(source, None)) is not None
    ]
    heapify(waiting)
    while waiting:
        _, number, record = waiting[0]
        yield record
        following = await anext(sources[number], None)
        if following is None:
            heappop(waiting)
        else:
            heapreplace(waiting, (following.timestamp, number, following))


async def copy_to_staging(settings: Settings, topic: str, old: int, new: int) -> CopiedTopic:
    """Write a topic's records to its empty staging topic, each to the partition of its resident, compare them with what
    is there afterwards, and return their numbers, digest and old end offsets. `old`, `new`: numbers of partitions.

    Raises GrowthError if they differ, KafkaError if Kafka is unavailable, and ReadError if it deletes records
    meanwhile.
    """
    ends = await end_offsets(settings, topic)
    async with Copier(settings, staging(topic), new) as copier:
        async for record in merged_by_time(await stored_records(settings, topic)):
            await copier.add(place_of_key(record.key, new), record.key, record.value, record.timestamp)
        await copier.finish()
    digest = copier.sequences.hexdigest()
    await require_copied(settings, staging(topic), new, digest)
    return CopiedTopic(records=copier.sequences.records, digest=digest, ends=[ends[each] for each in range(old)])


async def copy_back(settings: Settings, topic: str, copied: CopiedTopic) -> None:
    """Write the records of a staging topic to the topic of that name, which is empty, in the same partitions and order,
    and compare them with `copied`. Raises GrowthError if they differ, and KafkaError if Kafka is unavailable.
    """
    partitions = len(copied.records)
    async with Copier(settings, topic, partitions) as copier:
        for partition, records in enumerate(await stored_records(settings, staging(topic))):
            async for record in records:
                await copier.add(partition, record.key, record.value, record.timestamp)
        await copier.finish()
    await require_copied(settings, topic, partitions, copied.digest)


async def require_copied(settings: Settings, topic: str, partitions: int, digest: str) -> None:
    """Raise GrowthError unless the topic's partitions have exactly the sequences of records with this digest
    (`Sequences.hexdigest`). Reads the topic to its end. Raises KafkaError if Kafka is unavailable.
    """
    found = Sequences(partitions)
    for partition, records in enumerate(await stored_records(settings, topic)):
        async for record in records:
            found.add(partition, record.key, record.value, record.timestamp)
    if found.hexdigest() != digest:
        raise GrowthError(
            f"topic {topic} does not hold what was written to it ({sum(found.records):,} records are there). Nothing "
            "is lost: run the command again, and it copies the topic anew"
        )
