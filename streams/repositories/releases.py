"""Requests to lift a stop-payment, and hand-overs between shifts: kept on compacted topics and in Redis."""

from redis.asyncio import Redis

from schemas.handovers import HandOver
from schemas.releases import ReleaseRequest
from streams.messaging.producer import Producer
from streams.messaging.topics import HANDOVERS, RELEASES
from streams.runtime.settings import Settings
from streams.state.compacted_table import Kept


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
