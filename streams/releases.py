"""Requests to lift a stop-payment, and hand-overs between shifts: kept on compacted topics and in Redis.

Two who decide on a request at once: the second waits for the first, and sees what he decided.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from schemas.handovers import HandOver
from schemas.releases import ReleaseRequest
from streams.kept import Kept
from streams.producer import Producer
from streams.scripts import script
from streams.settings import Settings
from streams.topics import HANDOVERS, RELEASES

DECIDING = "release-deciding:"  # and the request's id -> who is at it
DECIDING_MS = 30_000  # longer than the case's answer is waited for
UNDO = script("release")


class BusyError(RuntimeError):
    """Another is deciding on this request at this moment."""


class Releases(Kept[ReleaseRequest]):
    """Every request."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, RELEASES, ReleaseRequest)
        self._client: Any = redis
        self._undo = self._client.register_script(UNDO)

    @asynccontextmanager
    async def deciding(self, name: str) -> AsyncIterator[ReleaseRequest | None]:
        """The request as it stands, which nobody else decides on meanwhile. Raises BusyError when somebody does."""
        token = uuid4().hex
        if not await self._client.set(DECIDING + name, token, nx=True, px=DECIDING_MS):
            raise BusyError(name)
        try:
            yield await self.get(name)
        finally:
            await self._undo(keys=[DECIDING + name], args=[token])


class HandOvers(Kept[HandOver]):
    """Every hand-over."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, HANDOVERS, HandOver)

    async def latest(self, area: str, most: int) -> list[HandOver]:
        """The latest of an area, the latest first."""
        found = [each for each in await self.all() if each.area == area]
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)[:most]
