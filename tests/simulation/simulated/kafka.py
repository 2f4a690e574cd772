"""Kafka in memory: one log, and the parts of aiokafka's producer and consumer that the product uses.

The cluster itself neither fails nor forgets what it acknowledged; retention and compaction delete what the schedule
says. What fails is the way there and back. An idempotent producer (aiokafka's, as the product sets it) tries again for
as long as it takes, and writes a record once. Where a world's is not idempotent, as in embedded mode, it gives up after
SECONDS: a record whose answer is lost is on the log, and its writer, who does not know, writes it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, RequestTimedOutError
from aiokafka.structs import RecordMetadata

from streams.messaging.topics import ALL, partition_of
from tests.simulation.simulated.network import CutError

if TYPE_CHECKING:
    from tests.simulation.simulated.loop import Node
    from tests.simulation.simulated.world import World

SERVER = "kafka"
SECONDS = 2.0  # then a client gives a request up; a real one waits 40 s
AGAIN_SECONDS = 0.2
FETCHED = 500


Answer = TypeVar("Answer")


class Record(NamedTuple):
    """A record on the log, as a consumer is given it. `at`: when it was appended, seconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    at: float
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def place(self) -> tuple[str, int, int]:
        """Its topic, partition and offset."""
        return self.topic, self.partition, self.offset


@dataclass(slots=True)
class Part:
    """One partition. `begin`: the first offset that is still kept; `records` has those before it too, and those in
    `compacted`: offsets of which compaction has kept nothing.
    """

    records: list[Record] = field(default_factory=list)
    begin: int = 0
    compacted: frozenset[int] = frozenset()

    @property
    def end(self) -> int:
        return len(self.records)

    def kept(self, first: int, most: int) -> list[Record]:
        """The records that are still kept from an offset on, as many as one fetch brings."""
        first = max(first, self.begin)
        if not self.compacted:
            return self.records[first : first + most]
        return list(islice((each for each in self.records[first:] if each.offset not in self.compacted), most))


Parts = dict[TopicPartition, Part]


class Log:
    """All topics."""

    def __init__(self, partitions: int, parts: Parts | None = None) -> None:
        self.partitions = {topic.name: partitions if topic.family else 1 for topic in ALL}
        self.parts: Parts = parts or {
            TopicPartition(name, number): Part() for name, count in self.partitions.items() for number in range(count)
        }
        self.appended: Callable[[Record], None] = lambda _: None

    def copy(self) -> Parts:
        """The log as it is now; what is appended later is not in it."""
        return {where: Part(part.records[:], part.begin, part.compacted) for where, part in self.parts.items()}

    def where(self, topic: str, key: bytes | None, partition: int | None) -> TopicPartition:
        """On which partition a record belongs."""
        if topic not in self.partitions:  # a topic that the product has made since
            self.partitions[topic] = 1
            self.parts[TopicPartition(topic, 0)] = Part()
        return TopicPartition(
            topic, partition_of(key or b"", self.partitions[topic]) if partition is None else partition
        )

    def append(
        self, where: TopicPartition, key: bytes | None, value: bytes | None, at: float, timestamp: int | None = None
    ) -> Record:
        """Add a record."""
        part = self.parts[where]
        stamp = round(at * 1000) if timestamp is None else timestamp
        record = Record(where.topic, where.partition, part.end, stamp, key, value, at)
        part.records.append(record)
        self.appended(record)
        return record

    def delete(self, where: TopicPartition, before: int) -> None:
        """Retention: what lies before this offset is no longer kept."""
        part = self.parts[where]
        part.begin = min(max(part.begin, before), part.end)

    def compact(self, where: TopicPartition, before: float) -> int:
        """Keep only the last record of each key, of the records that were appended before a time; tombstones stay.

        Returns how many are gone.
        """
        part, latest = self.parts[where], dict[bytes | None, int]()
        for record in part.records:
            latest[record.key] = record.offset
        older = (each for each in part.records if each.at < before and latest[each.key] != each.offset)
        gone = part.compacted | {each.offset for each in older}
        number, part.compacted = len(gone) - len(part.compacted), gone
        return number


@dataclass(slots=True)
class _Sent:
    """A record that the producer has, and who waits for its place."""

    key: bytes | None
    value: bytes | None
    timestamp: int | None
    told: asyncio.Future[RecordMetadata]


@dataclass(slots=True)
class _Queue:
    """What a producer has for one partition: one batch under way, the rest waits."""

    waiting: list[_Sent] = field(default_factory=list)
    busy: bool = False


class Producer:
    """Stands for aiokafka's producer."""

    def __init__(self, world: World, node: Node) -> None:
        self._world, self._node = world, node
        self._queues: dict[TopicPartition, _Queue] = {}
        self._there, self._here = (node.name, SERVER), (SERVER, node.name)

    async def start(self) -> None:
        await _asked(self._world, self._node, lambda: None)

    async def stop(self) -> None:
        """Nothing is to be closed."""

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: object = None,
    ) -> asyncio.Future[RecordMetadata]:
        """Take a record; the future has its place once Kafka has it."""
        where = self._world.log.where(topic, key, partition)
        self._world.network.crossing(self._node, SERVER)
        told: asyncio.Future[RecordMetadata] = self._world.loop.create_future()
        queue = self._queues.setdefault(where, _Queue())
        queue.waiting.append(_Sent(key, value, timestamp_ms, told))
        if not queue.busy:
            self._begin(where, queue)
        return told

    async def send_and_wait(
        self, topic: str, value: bytes | None = None, key: bytes | None = None, partition: int | None = None
    ) -> RecordMetadata:
        """Write a record, and return its place once Kafka has it."""
        return await (await self.send(topic, value, key, partition))

    def _begin(self, where: TopicPartition, queue: _Queue) -> None:
        queue.busy = True
        self._world.loop.outside(0, self._leave, where, queue, self._world.loop.time() + SECONDS)

    def _leave(self, where: TopicPartition, queue: _Queue, until: float) -> None:
        """The batch leaves the process, if that still runs."""
        loop = self._world.loop
        if self._node.dead:
            return
        if self._node.frozen:
            loop.outside(AGAIN_SECONDS, self._leave, where, queue, until + AGAIN_SECONDS)
            return
        batch, queue.waiting = queue.waiting, []
        loop.outside(self._world.network.delay(), self._arrive, where, queue, batch, until)

    def _arrive(self, where: TopicPartition, queue: _Queue, batch: list[_Sent], until: float) -> None:
        """The batch is at the cluster, or on a cut way: then it is sent again, while its process lives."""
        world = self._world
        if not world.network.open(self._there):
            if self._gives_up(until):
                self._failed(where, queue, batch)
            else:
                world.loop.outside(AGAIN_SECONDS, self._again, where, queue, batch, until)
            return
        places = [world.log.append(where, each.key, each.value, world.true(), each.timestamp) for each in batch]
        world.wrote(self._node, places)
        world.loop.outside(world.network.delay(), self._answer, where, queue, batch, places, until)

    def _again(self, where: TopicPartition, queue: _Queue, batch: list[_Sent], until: float) -> None:
        """The batch is sent again, if its process still lives."""
        if not self._node.dead:
            self._arrive(where, queue, batch, until)

    def _answer(
        self, where: TopicPartition, queue: _Queue, batch: list[_Sent], places: Sequence[Record], until: float
    ) -> None:
        world = self._world
        if not world.network.open(self._here):
            if self._gives_up(until):
                self._failed(where, queue, batch)
            else:
                world.loop.outside(AGAIN_SECONDS, self._answer, where, queue, batch, places, until)
            return
        for each, place in zip(batch, places, strict=True):
            if not each.told.done():
                each.told.set_result(
                    RecordMetadata(place.topic, place.partition, where, place.offset, place.timestamp, 0, 0)
                )
        self._next(where, queue)

    def _gives_up(self, until: float) -> bool:
        return not self._world.idempotent and self._world.loop.time() >= until

    def _failed(self, where: TopicPartition, queue: _Queue, batch: list[_Sent]) -> None:
        for each in batch:
            if not each.told.done():
                each.told.set_exception(RequestTimedOutError())
                each.told.exception()  # whoever was cancelled does not ask for it
        self._next(where, queue)

    def _next(self, where: TopicPartition, queue: _Queue) -> None:
        queue.busy = False
        if queue.waiting and not self._node.dead:
            self._begin(where, queue)


class Consumer:
    """Stands for aiokafka's consumer without a group."""

    def __init__(self, world: World, node: Node) -> None:
        self._world, self._node = world, node
        self._positions: dict[TopicPartition, int] = {}
        self._client = self  # the product waits for metadata by it

    async def start(self) -> None:
        await _asked(self._world, self._node, lambda: None)

    async def stop(self) -> None:
        """Nothing is to be closed."""

    async def _wait_on_metadata(self, topic: str) -> None:
        """They came with the start."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._world.log.partitions[topic]))

    def assign(self, wheres: Iterable[TopicPartition]) -> None:
        self._positions = {where: self._world.log.parts[where].begin for where in wheres}

    def unsubscribe(self) -> None:
        self._positions = {}

    async def committed(self, where: TopicPartition) -> int | None:
        """Where the group stands."""
        return await self._asked(lambda: self._world.group.committed.get(where))

    def seek(self, where: TopicPartition, offset: int) -> None:
        self._positions[where] = offset

    async def position(self, where: TopicPartition) -> int:
        return self._positions[where]

    async def beginning_offsets(self, wheres: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._asked(lambda: {where: self._world.log.parts[where].begin for where in wheres})

    async def end_offsets(self, wheres: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._asked(lambda: {where: self._world.log.parts[where].end for where in wheres})

    async def offsets_for_times(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        return await self._asked(lambda: {where: self._first_since(where, since) for where, since in times.items()})

    async def getmany(
        self, *wheres: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        """What is there; while the way is cut, nothing."""
        try:
            found = await self._asked(
                lambda: {where: self._fetched(where, max_records or FETCHED) for where in wheres or self._positions}
            )
        except (KafkaConnectionError, RequestTimedOutError):
            return {}
        for where, records in found.items():
            if records:
                self._positions[where] = records[-1].offset + 1
        if not any(found.values()):
            await asyncio.sleep(timeout_ms / 1000)
        return found

    async def _asked(self, answer: Callable[[], Answer]) -> Answer:
        return await _asked(self._world, self._node, answer)

    def _fetched(self, where: TopicPartition, most: int) -> list[Record]:
        return self._world.log.parts[where].kept(self._positions[where], most)

    def _first_since(self, where: TopicPartition, since: int) -> Record | None:
        part = self._world.log.parts[where]
        return next((each for each in part.kept(part.begin, part.end) if each.timestamp >= since), None)


async def _asked(world: World, node: Node, answer: Callable[[], Answer]) -> Answer:
    """Ask the cluster: `answer` is what it says when the question arrives."""
    try:
        await world.network.cross(node, (node.name, SERVER), SECONDS)
    except CutError:
        raise KafkaConnectionError(f"no way from {node.name} to Kafka") from None
    found = answer()
    try:
        await world.network.cross(node, (SERVER, node.name), SECONDS)
    except CutError:
        raise RequestTimedOutError from None
    return found
