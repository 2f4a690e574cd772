"""Drafts of policies, on their way to a second person: on the compacted topic `drafts` first, then in Redis."""

from redis.asyncio import Redis

from schemas.drafts import Draft
from streams.messaging.producer import Producer
from streams.messaging.reader import Tails
from streams.messaging.topics import DRAFTS
from streams.runtime.settings import Settings
from streams.state.compacted_table import Kept


class StaleDraftError(Exception):
    """The draft has changed since it was seen; `now`: as it stands, none when it is gone. Nothing was written."""

    def __init__(self, now: Draft | None) -> None:
        super().__init__("the draft has changed meanwhile")
        self.now = now


class Drafts:
    """Every draft, by id."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._kept = Kept(settings, redis, producer, DRAFTS, Draft)

    async def all(self) -> list[Draft]:
        """The latest change first."""
        return sorted(await self._kept.all(), key=lambda draft: draft.at, reverse=True)

    async def get(self, draft_id: str) -> Draft | None:
        return await self._kept.get(draft_id)

    async def put(self, draft: Draft) -> Draft:
        """Write a draft's next version: `draft.version` is one more than the one it was made of.

        The same version by the same person with the same text is the same form sent again, and done already. Raises
        StaleDraftError when another was first, and TimeoutError.
        """
        async with self._kept.alone_with(draft.id) as before:
            if before and _same(before, draft):
                return before
            if draft.version != (before.version + 1 if before else 1):
                raise StaleDraftError(before)
            await self._kept.put(draft)
            return draft

    async def restore(self, since: Tails | None = None) -> None:
        """Fill Redis from the topic, or put what lies behind `since` on it back."""
        await self._kept.restore(since)


def _same(one: Draft, other: Draft) -> bool:
    return (one.version, one.by, one.text, one.state) == (other.version, other.by, other.text, other.state)
