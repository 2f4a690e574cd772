"""The gate of intake, which is closed while the installation is drained (see streams/operations/drain.py)."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from schemas.base import ANY_VERSION, Model, Text, When
from streams.runtime.tasks import wanted
from streams.state.keys import DRAINING

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class Drain(Model):
    """Who closed intake, when and why."""

    at: When
    by: Text
    reason: Text


class Gate:
    """The last known state of the gate. `drain`: who closed intake; None while intake is open.

    The state stays unchanged while Redis is unavailable or the stored state is invalid, so that signals are not refused
    because of Redis.
    """

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis
        self.drain: Drain | None = None
        self._warned = False  # of the invalid state that is stored now

    async def current_drain(self) -> Drain | None:
        """Read the state from Redis, store it in `drain` and return it: None if intake is open. Raises RedisError if
        Redis is unavailable, and ValidationError if the stored state is invalid; `drain` then stays as it was.
        """
        raw = await self._redis.get(DRAINING)
        self.drain = None if raw is None else Drain.model_validate_json(raw, extra=ANY_VERSION)
        return self.drain

    async def watch(self) -> None:
        """Read the state every second until cancelled. While Redis is unavailable or the stored state is invalid, the
        last known state stays; an invalid state is logged once.
        """
        while wanted():
            with suppress(RedisError, OSError):
                await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        try:
            await self.current_drain()
        except ValidationError:  # its text repeats what is stored
            if not self._warned:
                kept = "closed" if self.drain else "open"
                do = "Close intake again with `quanzu admin drain`, or open it with `--end`"
                log.error("the stored state of intake's gate is invalid; intake stays %s. %s", kept, do)  # noqa: TRY400
            self._warned = True
        else:
            self._warned = False
