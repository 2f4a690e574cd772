"""The gate of intake, which is closed while the installation is drained (see streams/operations/drain.py)."""

import asyncio
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from schemas.base import ANY_VERSION, Model, Text, When
from streams.runtime.tasks import wanted
from streams.state.keys import DRAINING

LOOK_SECONDS = 1.0


class Drain(Model):
    """Who closed intake, when and why."""

    at: When
    by: Text
    reason: Text


class Gate:
    """The last known state of the gate. `drain`: who closed intake; None while intake is open.

    The state stays unchanged while Redis is unavailable, so that signals are not refused because of Redis.
    """

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis
        self.drain: Drain | None = None

    async def current_drain(self) -> Drain | None:
        """Read the state from Redis, store it in `drain` and return it: None if intake is open. Raises RedisError if
        Redis is unavailable, and ValidationError if the stored state is invalid; `drain` then stays as it was.
        """
        raw = await self._redis.get(DRAINING)
        self.drain = None if raw is None else Drain.model_validate_json(raw, extra=ANY_VERSION)
        return self.drain

    async def watch(self) -> None:
        """Read the state every second until cancelled. While Redis is unavailable, the last known state stays. Raises
        ValidationError if the stored state is invalid.
        """
        while wanted():
            with suppress(RedisError, OSError):
                await self.current_drain()
            await asyncio.sleep(LOOK_SECONDS)
