"""Drafts of policies, on their way to a second person: on the compacted topic `drafts` first, then in Redis."""

from functools import partial
from typing import Any

from redis.asyncio import Redis

from schemas.drafts import Draft
from streams.alone import alone
from streams.producer import Producer, Record
from streams.reader import Read, Tails, read_all
from streams.settings import Settings
from streams.topics import DRAFTS
from streams.unreadable import readable

KEY = "drafts"  # hash: id -> draft


class StaleDraftError(Exception):
    """The draft has changed since it was seen; `now`: as it stands, none when it is gone. Nothing was written."""

    def __init__(self, now: Draft | None) -> None:
        super().__init__("the draft has changed meanwhile")
        self.now = now


class Drafts:
    """Every draft, by id."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings, self._producer = settings, producer
        self._redis: Any = redis

    async def all(self) -> list[Draft]:
        """The latest change first."""
        found = [Draft.model_validate_json(raw) for raw in await self._redis.hvals(KEY)]
        return sorted(found, key=lambda draft: draft.at, reverse=True)

    async def get(self, draft_id: str) -> Draft | None:
        raw = await self._redis.hget(KEY, draft_id)
        return Draft.model_validate_json(raw) if raw else None

    async def put(self, draft: Draft) -> Draft:
        """Write a draft's next version: `draft.version` is one more than the one it was made of.

        The same version by the same person with the same text is the same form sent again, and done already. Raises
        StaleDraftError when another was first, and TimeoutError.
        """
        async with alone(self._redis, f"draft-changing:{draft.id}"):
            before = await self.get(draft.id)
            if before and _same(before, draft):
                return before
            if draft.version != (before.version + 1 if before else 1):
                raise StaleDraftError(before)
            raw = draft.model_dump_json().encode()
            await self._producer.send_all([Record(DRAFTS.name, draft.id.encode(), raw)])
            await self._redis.hset(KEY, draft.id, raw)
            return draft

    async def restore(self, since: Tails | None = None) -> None:
        """Fill Redis from the topic, or put what lies behind `since` on it back."""
        async for record in read_all(self._settings, DRAFTS.name, since):
            if record.value and (name := readable(DRAFTS.name, record.offset, partial(_name, record))):
                await self._redis.hset(KEY, name, record.value)


def _same(one: Draft, other: Draft) -> bool:
    return (one.version, one.by, one.text, one.state) == (other.version, other.by, other.text, other.state)


def _name(record: Read) -> str:
    """Raises ValueError when the record is no draft of that name."""
    draft = Draft.model_validate_json(record.value or b"")
    if draft.id.encode() != record.key:
        raise ValueError("the key is not the draft's id")
    return draft.id
