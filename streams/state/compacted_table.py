"""Small tables that must outlive Redis: a record goes to a compacted topic, then to a Redis hash under its id."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel
from redis.asyncio import Redis

from schemas.base import ANY_VERSION
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, Tails, read_all
from streams.messaging.topics import Topic
from streams.runtime.settings import Settings
from streams.state.keys import changing
from streams.state.locks import locked


class _Named(Protocol):
    @property
    def id(self) -> str:
        """The record's key on the topic and in Redis."""


Thing = TypeVar("Thing", bound=BaseModel)


class CompactedTable(Generic[Thing]):
    """A table of models with an `id`. The Redis hash has the topic's name."""

    def __init__(
        self, settings: Settings, redis: "Redis", producer: Producer, topic: Topic, model: type[Thing]
    ) -> None:
        self._settings, self._producer, self._topic, self._model = settings, producer, topic, model
        self._redis: Any = redis

    async def put(self, thing: Thing) -> None:
        """Write a record, new or changed; returns when Kafka and Redis have it. Raises SendError if it is too large."""
        name, raw = _name(thing), thing.model_dump_json().encode()
        await self._producer.send_all([Record(self._topic.name, name.encode(), raw)])
        await self._redis.hset(self._topic.name, name, raw)

    async def drop(self, name: str) -> None:
        """Delete a record by its id: a tombstone on the topic, then from Redis. No error if there is none."""
        await self._producer.send_all([Record(self._topic.name, name.encode(), None)])
        await self._redis.hdel(self._topic.name, name)

    async def get(self, name: str) -> Thing | None:
        """Return a record by its id, or None if there is none."""
        raw = await self._redis.hget(self._topic.name, name)
        return self._model.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    @asynccontextmanager
    async def locked(self, name: str) -> AsyncIterator[Thing | None]:
        """Lock a record, and yield its current state, or None if there is none.

        Raises TimeoutError, also inside the block, if waiting and the block together take over 8 s.
        """
        async with locked(self._redis, changing(self._topic.name, name)):
            yield await self.get(name)

    async def change(self, name: str, how: Callable[[Thing | None], Thing]) -> Thing:
        """Under the record's lock, write and return what `how` makes of its current state (None if there is none).

        Raises what `how` raises, writing nothing, TimeoutError as `locked` does, and SendError if it is too large.
        """
        async with self.locked(name) as before:
            after = how(before)
            if after != before:
                await self.put(after)
            return after

    async def all(self) -> list[Thing]:
        """Return all records, in no order."""
        return [
            self._model.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(self._topic.name)
        ]

    async def restore(self, since: Tails | None = None) -> None:
        """Write the topic's records to Redis: all of them, or only those at or after the offsets in `since`.

        Tombstones delete from Redis; unreadable records are logged and left out.
        """
        async for record in read_all(self._settings, self._topic.name, since):
            if record.key and record.value is None:
                await self._redis.hdel(self._topic.name, record.key)
            elif record.key and readable(self._topic.name, record.offset, partial(self._read, record)):
                await self._redis.hset(self._topic.name, record.key, record.value)

    def _read(self, record: Read) -> Thing:
        """Return the model of a record. Raises ValueError if it is invalid or its id differs from the record's key."""
        thing = self._model.model_validate_json(record.value or b"", extra=ANY_VERSION)
        if _name(thing).encode() != record.key:
            raise ValueError("the key is not the id of what it holds")
        return thing


def _name(thing: Any) -> str:  # noqa: ANN401 - any model with an id
    named: _Named = thing
    return named.id
