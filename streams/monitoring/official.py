"""The official form of a day, computed from the sums in Redis: a few milliseconds, however many cases there are."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from domain.statistics import official
from streams.state.keys import key

if TYPE_CHECKING:
    from redis.asyncio import Redis


async def official_form(redis: "Redis", partitions: Iterable[int], day: date) -> official.Form:
    """Return the official form of a day (a date in Jilin), from the sums in Redis over these partitions. A missing sum
    counts as 0.

    Raises RedisError if Redis is unavailable.
    """
    client: Any = redis
    names = official.names(day)
    async with client.pipeline(transaction=False) as pipe:
        for partition in partitions:
            pipe.hmget(key("books", partition), names)
        parts = await pipe.execute()
    sums = Counter[str]()
    for part in parts:
        sums.update({name: int(value) for name, value in zip(names, part, strict=True) if value is not None})
    return official.form(day, sums)
