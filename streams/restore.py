"""What all partitions share in Redis (residents, rosters, the watchlist, policies), filled again when it was lost.

A mark in Redis says that it is there. Nobody looks anybody up without it: in an empty store every signal would pass
for unmatched.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis

from schemas.errors import UserError

log = logging.getLogger(__name__)

MARK = "whole"  # string: the app id of the installation whose data this is
LOCK = "restoring:{whole}"  # string: who restores; in the mark's slot, for a script has both
LOCK_MS = 30_000
WAIT_SECONDS = 0.2
RELEASE = files("streams").joinpath("lua/release.lua").read_text("utf-8")
# Only who still has the lock may say so: it is gone when the store was lost once more.
MARKED = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('SET', KEYS[2], ARGV[2]) or false"

Restorer = Callable[[], Awaitable[object]]


class OtherInstallationError(UserError, RuntimeError):
    """This Redis belongs to another installation: a new group would carry out seven days of dispatches again."""


class Shared:
    """Whether the shared part of the store is whole."""

    def __init__(self, redis: "Redis", app_id: str, restorers: Sequence[Restorer]) -> None:
        self._redis: Any = redis
        self._app_id, self._restorers = app_id, restorers

    async def whole(self) -> bool:
        """Whether nothing was lost. Raises OtherInstallationError when it is another's."""
        mark = await self._redis.get(MARK)
        if mark is not None and mark.decode() != self._app_id:
            raise OtherInstallationError(
                f"this Redis is of the installation {mark.decode()!r}, and QUANZU_APP_ID is {self._app_id!r}. Set "
                "QUANZU_APP_ID to it, or use another Redis and other topics: a new group reads old dispatches again"
            )
        return mark is not None

    async def ensure(self) -> None:
        """Return when it is whole: at once, or after this or another process has restored it."""
        while not await self.whole():
            token = uuid.uuid4().hex
            if await self._redis.set(LOCK, token, nx=True, px=LOCK_MS):
                await self._restore(token)
            else:
                await asyncio.sleep(WAIT_SECONDS)

    async def _restore(self, token: str) -> None:
        try:
            for restore in self._restorers:
                await restore()
                await self._redis.pexpire(LOCK, LOCK_MS)
            if await self._redis.eval(MARKED, 2, LOCK, MARK, token, self._app_id):
                log.info("the shared part of the store is whole")
            else:
                log.warning("the store was lost again while it was restored")
        finally:
            await self._redis.eval(RELEASE, 1, LOCK, token)
