"""Major incidents, in force and ended, kept for good."""

from datetime import datetime

from redis.asyncio import Redis

from domain.desk.incidents import touches
from schemas.incidents import Incident
from streams.messaging.producer import Producer
from streams.messaging.topics import INCIDENTS
from streams.runtime.settings import Settings
from streams.state.compacted_table import Kept


class Incidents(Kept[Incident]):
    """All major incidents of a province, by id."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, INCIDENTS, Incident)

    async def in_force(self, area: str) -> list[Incident]:
        """Those in force that touch an area, the latest first."""
        found = [each for each in await self.all() if each.in_force and touches(each, area)]
        return sorted(found, key=lambda each: each.at, reverse=True)

    async def ended(self, area: str, since: datetime) -> list[Incident]:
        """Those that touch an area and were ended after `since`, the latest end first."""
        found = [each for each in await self.all() if touches(each, area)]
        return sorted((each for each in found if (each.ended_at or since) > since), key=_end, reverse=True)


def _end(incident: Incident) -> datetime:
    return incident.ended_at or incident.at
