"""Few things that must outlive Redis: each on a compacted topic first, then whole in a hash of Redis under its id."""

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
from streams.state.locks import alone


class _Named(Protocol):
    @property
    def id(self) -> str: ...


Thing = TypeVar("Thing", bound=BaseModel)


class CompactedTable(Generic[Thing]):
    """Things of one kind; each has an `id`. The hash in Redis has the topic's name."""

    def __init__(
        self, settings: Settings, redis: "Redis", producer: Producer, topic: Topic, model: type[Thing]
    ) -> None:
        self._settings, self._producer, self._topic, self._model = settings, producer, topic, model
        self._redis: Any = redis

    async def put(self, thing: Thing) -> None:
        """Write one, new or changed; returns when Kafka has it."""
        name, raw = _name(thing), thing.model_dump_json().encode()
        await self._producer.send_all([Record(self._topic.name, name.encode(), raw)])
        await self._redis.hset(self._topic.name, name, raw)

    async def drop(self, name: str) -> None:
        """Forget one: a tombstone on the topic, nothing in Redis."""
        await self._producer.send_all([Record(self._topic.name, name.encode(), None)])
        await self._redis.hdel(self._topic.name, name)

    async def get(self, name: str) -> Thing | None:
        """One by its id."""
        raw = await self._redis.hget(self._topic.name, name)
        return self._model.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    @asynccontextmanager
    async def alone_with(self, name: str) -> AsyncIterator[Thing | None]:
        """One as it stands, which nobody else changes meanwhile. Raises TimeoutError as `alone` does."""
        async with alone(self._redis, f"{self._topic.name}-changing:{name}"):
            yield await self.get(name)

    async def change(self, name: str, how: Callable[[Thing | None], Thing]) -> Thing:
        """Put what `how` makes of the one that stands, and return it; what it raises changes nothing."""
        async with self.alone_with(name) as before:
            after = how(before)
            if after != before:
                await self.put(after)
            return after

    async def all(self) -> list[Thing]:
        """All of them, in no order."""
        return [
            self._model.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(self._topic.name)
        ]

    async def restore(self, since: Tails | None = None) -> None:
        """Fill Redis from the topic, or put what lies behind `since` on it back."""
        async for record in read_all(self._settings, self._topic.name, since):
            if record.key and record.value is None:
                await self._redis.hdel(self._topic.name, record.key)
            elif record.key and readable(self._topic.name, record.offset, partial(self._read, record)):
                await self._redis.hset(self._topic.name, record.key, record.value)

    def _read(self, record: Read) -> Thing:
        """Raises ValueError when the record is no thing of that name."""
        thing = self._model.model_validate_json(record.value or b"", extra=ANY_VERSION)
        if _name(thing).encode() != record.key:
            raise ValueError("the key is not the id of what it holds")
        return thing


def _name(thing: Any) -> str:  # noqa: ANN401 - whatever has an id
    named: _Named = thing
    return named.id
