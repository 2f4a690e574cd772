"""What a supervisor looks at beside the cases: rosters, feeds. Read from the store as it stands."""

from typing import Any

from redis.asyncio import Redis

from schemas.base import ANY_VERSION
from schemas.rosters import Roster
from streams.intake.feeds.book import Book, FeedBook
from streams.repositories.rosters import ROSTER


async def rosters(redis: "Redis") -> list[Roster]:
    """Each station's roster, by station."""
    client: Any = redis
    found = [Roster.model_validate_json(raw, extra=ANY_VERSION) for raw in await client.hvals(ROSTER)]
    return sorted(found, key=lambda roster: roster.station)


async def feeds(redis: "Redis") -> Book:
    """What is heard of the feeds."""
    return await FeedBook(redis, "").read()
