"""Only one command at a time changes the number of partitions: it holds a lease in Redis as long as it runs."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.operations.growth.copies import GrowthError
from streams.runtime.tasks import wanted
from streams.state import locks
from streams.state.keys import WHOLE_GROWING
from streams.state.scripts import script

TURN_MS_HELD = 5_000
TURN_RENEW_SECONDS = 1.0
TURN_WAIT_SECONDS = 7.0  # a run that was killed leaves its lease behind
RELEASE = script("release")
RENEW_OWN = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
TURN_LOST = (
    "this run was suspended or could not reach Redis for over 5 s, and another one may have gone on. See that no other "
    "runs, and run this again: it continues after the last step that is complete"
)


class GrowthTurn:
    """The lease in Redis by which this run of the command excludes others."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis  # redis-py types each result as sync or async
        self._token = uuid.uuid4().hex
        self._lost = False

    async def require_held(self) -> None:
        """Renew the lease for 5 s. Raises GrowthError if it has expired since it was taken, because another run may
        have had it, and RedisError if Redis is unavailable.
        """
        if not await self._renewed():
            raise GrowthError(TURN_LOST)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Context manager: hold the lease during the block. Raises GrowthError if another run holds it for 7 s, and
        ends the block with GrowthError once the lease is lost. Raises RedisError if Redis is unavailable at the start.
        """
        until = time.monotonic() + TURN_WAIT_SECONDS
        while not await locks.keep(self._redis, WHOLE_GROWING, self._token, TURN_MS_HELD):
            if time.monotonic() > until:
                raise GrowthError("this command runs already: let that run finish")
            await asyncio.sleep(TURN_RENEW_SECONDS / 4)
        block = asyncio.current_task()
        keeping = asyncio.create_task(self._keep(block))
        try:
            yield
        except asyncio.CancelledError:
            if block is None or not self._lost:
                raise
            block.uncancel()
            raise GrowthError(TURN_LOST) from None
        finally:
            keeping.cancel()
            with suppress(RedisError):  # it expires by itself
                await self._redis.eval(RELEASE, 1, WHOLE_GROWING, self._token)

    async def _keep(self, block: asyncio.Task[Any] | None) -> None:
        """Renew the lease; cancel the task that needs it once it is lost."""
        while wanted() and not self._lost:
            await asyncio.sleep(TURN_RENEW_SECONDS)
            with suppress(RedisError):  # a primary that has just been promoted refuses writes for a moment
                self._lost = not await self._renewed()
        if self._lost and block is not None:
            block.cancel()

    async def _renewed(self) -> bool:
        """Renew the lease if it is this run's. One that has expired is not taken again. Returns whether it was."""
        return bool(await self._redis.eval(RENEW_OWN, 1, WHOLE_GROWING, self._token, TURN_MS_HELD))
