"""Requests to lift a stop-payment, and hand-overs between shifts: kept on compacted topics and in Redis."""

from redis.asyncio import Redis

from schemas.handovers import HandOver
from schemas.releases import ReleaseRequest
from streams.kept import Kept
from streams.producer import Producer
from streams.settings import Settings
from streams.topics import HANDOVERS, RELEASES


class Releases(Kept[ReleaseRequest]):
    """Every request."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, RELEASES, ReleaseRequest)


class HandOvers(Kept[HandOver]):
    """Every hand-over."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, HANDOVERS, HandOver)

    async def latest(self, area: str, most: int) -> list[HandOver]:
        """The latest of an area, the latest first."""
        found = [each for each in await self.all() if each.area == area]
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)[:most]
