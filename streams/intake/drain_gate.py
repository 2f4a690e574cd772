"""Intake's gate: closed while the installation is drained (see streams/operations/drain.py)."""

import asyncio
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from schemas.base import ANY_VERSION, Model, Text, When
from streams.runtime.tasks import wanted

KEY = "draining"  # string: the drain in force; none: intake is open
LOOK_SECONDS = 1.0


class Drain(Model):
    """Who closed intake, when and why."""

    at: When
    by: Text
    reason: Text


class Gate:
    """The gate as it stood at the last look. While Redis is away it stays as it was: signals are not refused for it."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis
        self.drain: Drain | None = None

    async def look(self) -> Drain | None:
        """The drain in force now. Raises RedisError when Redis is away."""
        raw = await self._redis.get(KEY)
        self.drain = None if raw is None else Drain.model_validate_json(raw, extra=ANY_VERSION)
        return self.drain

    async def watch(self) -> None:
        """Look each second, until cancelled."""
        while wanted():
            with suppress(RedisError, OSError):
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)
