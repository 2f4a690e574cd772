"""Holds as the case store has them: each partition stores all of them.

One that has ended stays until the next change of holds.
"""

from datetime import datetime

from redis.asyncio import Redis

from schemas.base import ANY_VERSION
from schemas.casework.inputs import Hold
from streams.state.keys import key


async def current_holds(redis: "Redis", now: datetime) -> list[Hold]:
    """Return the holds in force at `now`, as partition 0 has them, the one that ends first first; an empty list if
    there are none. Raises RedisError if Redis is unavailable.
    """
    found = [Hold.model_validate_json(raw, extra=ANY_VERSION) for raw in await redis.hvals(key("holds", 0))]
    return sorted((hold for hold in found if hold.until > now), key=lambda hold: hold.until)
