"""Small tables that must outlive Redis: each record is written to a compacted topic, then to a Redis hash under its
name.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar, cast

import orjson
from pydantic import BaseModel
from redis.asyncio import Redis

from schemas.base import ANY_VERSION
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, Tails, read_all
from streams.messaging.topics import Topic
from streams.runtime.settings import Settings
from streams.state.keys import changing
from streams.state.locks import fenced, locked
from streams.state.scripts import script
from streams.state.shared_state import require_whole

REPLACE = script("residents")  # replaces fields of a hash that still are as they were read
PIECE, PIECE_BYTES = 250, 262_144  # records, and bytes of records, for one call of the script

Thing = TypeVar("Thing", bound=BaseModel)
Where = tuple[str, str]
"""A place in Redis: the key of a hash, and the field."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table is stored, and the type of its records.

    `topic`: the compacted topic; `model`: the type of a record; `key`: the key of the Redis hash ("": the topic's
    name); `prefix`: the beginning of the table's record keys on the topic, if several tables share the topic; `name`:
    the field of `model` that holds a record's name.
    """

    topic: Topic
    model: type[BaseModel]
    key: str = ""
    prefix: str = ""
    name: str = "id"

    @property
    def hash(self) -> str:
        """The key of the Redis hash that holds the table: `key`, or the topic's name if `key` is empty."""
        return self.key or self.topic.name


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record that is written to a compacted topic and then to Redis.

    `topic`, `key`: its place in Kafka; `hash`, `field`: in Redis. Whoever changes it holds the lock `changing(hash,
    field)`.
    """

    settings: Settings
    redis: Any
    producer: Producer
    topic: str
    key: bytes
    hash: str
    field: str

    async def send(self, raw: bytes | None) -> None:
        """Write the record to the topic (None: a tombstone). Waits without limit while Kafka is unavailable. Raises
        SendError if Kafka refuses it.

        If the caller is cancelled, Kafka may get the record after that of another writer: a task then writes what Redis
        has after it (see Producer.send_corrected).
        """
        await self.producer.send_corrected([self._record(raw)], self._correction)

    def _record(self, raw: bytes | None) -> Record:
        return Record(self.topic, self.key, raw)

    @asynccontextmanager
    async def storing(self, raw: bytes | None) -> AsyncIterator[Any]:
        """Context manager: write the record to the topic as `send` does, and yield a pipeline for the commands that
        store it in Redis. They are carried out in one transaction, if the caller still holds the record's lock.

        Raises LockLostError if the lock has ended, and SendError if Kafka refuses the record. Errors of Redis pass
        through. Whenever the record was not certainly stored, a task lets the topic's last record be what Redis has.
        """
        await self.send(raw)
        try:
            async with fenced(self.redis, changing(self.hash, self.field)) as pipe:
                yield pipe
        except BaseException:
            self.producer.correct_later([self._record(raw)], self._correction)
            raise

    @asynccontextmanager
    async def _correction(self, sent: Sequence[Record]) -> AsyncIterator[Sequence[Record]]:
        """Under the record's lock, yield the record that Redis has; nothing if it is what was sent last."""
        async with locked(self.redis, changing(self.hash, self.field)):
            stored = await self.redis.hget(self.hash, self.field)
            # An emptied Redis lacks records that the topic has: they must not become tombstones.
            await require_whole(self.settings, self.redis)
            yield [] if stored == sent[0].value else [self._record(stored)]


class CompactedTable(Generic[Thing]):
    """A table of records, each found by its name, on a compacted topic and in Redis. A subclass sets `place`: the
    topic, the Redis hash and the type of the records.
    """

    place: ClassVar[Place]

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings, self._producer = settings, producer
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once

    async def put(self, thing: Thing) -> None:
        """Write a record, new or changed, to the topic and then to Redis. Returns when both have it.

        A caller that holds the record's lock (`locked`) writes to Redis only while it still has it. Waits without limit
        while Kafka is unavailable. Raises SendError if Kafka refuses the record, say because it is too large, and
        LockLostError if the lock has ended. Errors of Redis pass through. After LockLostError or an error of Redis, a
        task lets the topic's last record be what Redis has.
        """
        name, raw = self._name(thing), thing.model_dump_json().encode()
        async with self._stored(name).storing(raw) as pipe:
            pipe.hset(self.place.hash, name, raw)

    async def write(self, thing: Thing) -> None:
        """Do what `put` does under the record's lock, whatever the record is now, for a caller that does not hold it.

        Raises TimeoutError if waiting for the lock and the work take over 8 s, for example because Kafka is
        unavailable; the errors of `put` pass through.
        """
        async with self._alone(self._name(thing)):
            await self.put(thing)

    async def drop(self, name: str) -> None:
        """Under the record's lock, delete the record with this name: write a tombstone to the topic, then delete it
        from Redis. Does nothing more if the table has no such record. A caller that holds the lock calls `remove`.

        Raises TimeoutError if waiting for the lock and the work take over 8 s, for example because Kafka is
        unavailable, and SendError if Kafka refuses the tombstone. Errors of Redis pass through.
        """
        async with self._alone(name):
            await self.remove(name)

    async def remove(self, name: str) -> None:
        """Do what `drop` does, for a caller that holds the record's lock. Waits without limit while Kafka is
        unavailable. Raises SendError if Kafka refuses the tombstone, and LockLostError if the lock has ended. Errors of
        Redis pass through.
        """
        async with self._stored(name).storing(None) as pipe:
            pipe.hdel(self.place.hash, name)

    async def get(self, name: str) -> Thing | None:
        """Return the record with this name from Redis, or None if it is missing, also because Redis was emptied and is
        not restored yet.

        Raises ValueError if the stored JSON is invalid. Errors of Redis pass through.
        """
        raw = await self._redis.hget(self.place.hash, name)
        return self.parse(raw) if raw else None

    @asynccontextmanager
    async def locked(self, name: str) -> AsyncIterator[Thing | None]:
        """Context manager: lock the record with this name, and yield its current state (None if it is missing).

        Raises TimeoutError, also inside the block, if waiting for the lock and the block together take over 8 s, and
        ValueError if the stored JSON is invalid. Errors of Redis pass through.
        """
        async with self._alone(name):
            yield await self.get(name)

    async def change(self, name: str, how: Callable[[Thing | None], Thing]) -> Thing:
        """Under the record's lock, call `how` with its current state (None if it is missing), write the result to the
        topic and Redis, and return it.

        An unchanged result is not written. Raises the exceptions of `how`, and then writes nothing; TimeoutError if
        waiting for the lock and the work take over 8 s, for example because Kafka is unavailable; SendError if the
        record is too large; ValueError if the stored JSON is invalid. Errors of Redis pass through.
        """
        async with self.locked(name) as before:
            after = how(before)
            if after != before:
                await self.put(after)
            return after

    async def all(self) -> list[Thing]:
        """Return all records that Redis has, in no particular order; empty if it has none.

        Raises ValueError if the stored JSON of a record is invalid. Errors of Redis pass through.
        """
        return [self.parse(raw) for raw in await self._redis.hvals(self.place.hash)]

    async def published(self) -> list[Thing]:
        """Return the latest record of each name as the topic has it, also those that Redis lost, in no particular
        order. Deleted ones are left out.

        Raises ValueError if one of them is invalid, for example of a newer version; KafkaError if Kafka is unavailable
        or lacks the topic; CodecError if this process cannot decrypt the topic's values.
        """
        latest: dict[bytes, bytes | None] = {}
        async for record in read_all(self._settings, self.place.topic.name):
            latest[record.key or b""] = record.value
        prefix = self.place.prefix.encode()
        return [self.parse(raw) for name, raw in latest.items() if raw is not None and name.startswith(prefix)]

    async def empty(self) -> bool:
        """Return True if Redis has no record of the table: none was written yet, or Redis was wiped. Errors of Redis
        pass through.
        """
        return not await self._redis.exists(self.place.hash)

    async def restore(self, since: Tails | None = None) -> None:
        """Copy the records of the topic to Redis: all of them (`since` None), or only those at or after the offsets in
        `since`. Tombstones delete from Redis; unreadable records are logged and left out. Errors of Redis and Kafka
        pass through; raises CodecError if this process cannot decrypt the topic's values.
        """
        await restore([self], since)

    def parse(self, raw: bytes) -> Thing:
        """Return the record parsed from its JSON. Raises ValueError if it is invalid. A subclass may cache it."""
        return cast("Thing", self.place.model.model_validate_json(raw, extra=ANY_VERSION))

    def _alone(self, name: str) -> AbstractAsyncContextManager[None]:
        return locked(self._redis, changing(self.place.hash, name))

    def _stored(self, name: str) -> StoredRecord:
        place, key = self.place, f"{self.place.prefix}{name}".encode()
        return StoredRecord(self._settings, self._redis, self._producer, place.topic.name, key, place.hash, name)

    def _name(self, thing: Thing) -> str:
        return str(getattr(thing, self.place.name))


async def restore(tables: Sequence[CompactedTable[Any]], since: Tails | None = None) -> None:
    """Copy the records of tables that share one topic to Redis: all records (`since` None), or only those at or after
    the offsets in `since`. `tables`: at least one.

    Tombstones delete from Redis. Changes that are made meanwhile stay. Records that are unreadable or belong to none of
    `tables` are logged and left out. Errors of Redis and Kafka pass through; raises CodecError if this process cannot
    decrypt the topic's values.
    """
    topic = tables[0].place.topic.name

    def where(record: Read) -> Where | None:
        found = readable(topic, record.offset, partial(_found, tables, record))
        return (found[0].place.hash, found[1]) if found else None

    await copy_topic(tables[0]._settings, tables[0]._redis, topic, since, where)


async def copy_topic(
    settings: Settings, redis: "Redis", topic: str, since: Tails | None, where: Callable[[Read], Where | None]
) -> None:
    """Copy the latest record of each key of a compacted topic to Redis; a tombstone deletes. `since`: only records at
    or after these offsets; None: all. `where` returns the place of a record in Redis, or None to leave it out.

    Others change records meanwhile, on the topic and then in Redis, and their changes are acknowledged. So a record is
    copied only if Redis still has what it had before the topic was read to its end: what was written since is newer.
    Errors of Redis and Kafka pass through; raises CodecError if this process cannot decrypt the topic's values.
    """
    read, latest = {topic: await end_offsets(settings, topic)}, dict[Where, bytes | None]()
    async for record in read_all(settings, topic, since):
        if place := where(record):
            latest[place] = record.value
    before = await _different(redis, latest)
    async for record in read_all(settings, topic, read):
        if (place := where(record)) in before:
            latest[place] = record.value
    for name, places in _pieces({place: latest[place] for place in before}):
        changes = [(place[1], *((raw or b"").decode() for raw in (before[place], latest[place]))) for place in places]
        await cast("Any", redis).eval(REPLACE, 1, name, orjson.dumps(changes))


async def _different(redis: "Redis", records: Mapping[Where, bytes | None]) -> dict[Where, bytes | None]:
    """Return what Redis has (None: nothing) at the places where it has something else than `records`."""
    found: dict[Where, bytes | None] = {}
    for name, places in _pieces(records):
        found |= zip(places, await cast("Any", redis).hmget(name, [field for _, field in places]), strict=True)
    return {place: raw for place, raw in found.items() if raw != records[place]}


def _pieces(records: Mapping[Where, bytes | None]) -> Iterator[tuple[str, list[Where]]]:
    """Yield the places of the records, each time with the key of their hash, for one command each: Redis does nothing
    else meanwhile.
    """
    pieces, size = dict[str, list[Where]](), 0
    for place, raw in records.items():
        pieces.setdefault(place[0], []).append(place)
        size += PIECE_BYTES // PIECE + len(raw or b"")
        if size >= PIECE_BYTES:
            yield from pieces.items()
            pieces, size = {}, 0
    yield from pieces.items()


def _found(tables: Sequence[CompactedTable[Any]], record: Read) -> tuple[CompactedTable[Any], str]:
    """Return the table of a record, and its name. Raises ValueError if the key or the value is invalid."""
    key = (record.key or b"").decode()
    fitting = [table for table in tables if key.startswith(table.place.prefix)]
    if not key or not fitting:
        raise ValueError("the key is of no table")
    table = max(fitting, key=lambda each: len(each.place.prefix))
    name = key.removeprefix(table.place.prefix)
    if record.value is not None and table._name(table.parse(record.value)) != name:
        raise ValueError("the key is not the name of what the record holds")
    return table, name
