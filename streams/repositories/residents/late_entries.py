"""Writes entries of the register to the topic `residents`, and what Redis has after the late records of a writer that
was cancelled.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from schemas.people.residents import ResidentId
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import RESIDENTS, home
from streams.repositories.residents.stored import packed, unpacked
from streams.runtime.settings import Settings
from streams.state.shared_state import require_whole

Entries = Mapping[ResidentId, bytes | None]
"""Serialized entries by id, in the topic's or in Redis' format (see stored.py); None: the resident is erased."""

Publish = Callable[[Entries], Awaitable[None]]
"""Writes entries (topic format) to the topic. Waits while Kafka is unavailable; raises SendError if Kafka refuses one.
"""


class LateEntries:
    """Follows the records of writers of the register that are cancelled."""

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        producer: Producer,
        stored: Callable[[Sequence[ResidentId]], Awaitable[Entries]],
    ) -> None:
        """`stored`: returns the entries of these ids as Redis has them."""
        self._settings, self._redis, self._producer, self._stored = settings, redis, producer, stored

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Publish]:
        """Yield a function that writes entries to the topic, for a writer that then replaces them in Redis.

        A writer that is cancelled may leave a record on the topic, at once or later, after that of a writer whom Redis
        has followed: a task then writes what Redis has after it.
        """
        published: list[Record] = []

        async def publish(entries: Entries) -> None:
            records = [self._record(entry, value) for entry, value in entries.items()]
            await self._producer.send_corrected(records, self._correction)
            published.extend(records)

        try:
            yield publish
        except asyncio.CancelledError:
            if published:
                self._producer.correct_later(published, self._correction)
            raise

    @asynccontextmanager
    async def _correction(self, sent: Sequence[Record]) -> AsyncIterator[Sequence[Record]]:
        """Yield the records of the entries that Redis has otherwise than they were sent last, as Redis has them."""
        last = {record.key.decode(): record.value and packed(record.value) for record in sent}
        stored = await self._stored(list(last))
        # An emptied Redis lacks entries that the topic has: they must not become tombstones.
        await require_whole(self._settings, self._redis)
        other = {entry: raw for entry, raw in stored.items() if raw != last[entry]}
        yield [self._record(entry, raw and _published(entry, raw)) for entry, raw in other.items()]

    def _record(self, entry: ResidentId, value: bytes | None) -> Record:
        return Record(RESIDENTS.name, entry.encode(), value, home(entry, self._settings.partitions))


def _published(entry: ResidentId, raw: bytes) -> bytes:
    """Return an entry of Redis in the topic's format."""
    return unpacked(entry, raw).model_dump_json().encode()
