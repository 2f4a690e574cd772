"""The limit on how many signals a source may send in a time, over all its requests."""

import logging
import math
import time
from typing import Any

import limits
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError

from streams.intake.settings import IntakeSettings
from streams.runtime.settings import Settings, SettingsError
from streams.state.case_store import connect

log = logging.getLogger(__name__)


class Rate:
    """Enforces the rate limit of each source. Creating it raises SettingsError if the rate cannot be parsed."""

    def __init__(self, settings: Settings, intake: IntakeSettings) -> None:
        try:
            self._limit = limits.parse(intake.rate)
        except ValueError:
            raise SettingsError(f"QUANZU_RATE = {intake.rate!r}: write it as 20000/second or 600/minute") from None
        self._limiter = FixedWindowRateLimiter(_storage(settings, intake))

    async def wait(self, source: str, signals: int) -> int:
        """Charge `signals` to a source's limit.

        Return 0 if they are within it, else the whole seconds (1 or more) to wait before a retry.

        A request larger than the whole limit is charged one full window, or it could never be sent. If Redis is
        unavailable, nothing is limited: losing signals would do more harm.
        """
        cost = min(signals, self._limit.amount)
        try:
            if not cost or await self._limiter.hit(self._limit, "signals", source, cost=cost):
                return 0
            reset, _ = await self._limiter.get_window_stats(self._limit, "signals", source)
        except StorageError as error:
            log.warning("rates are not counted, their store does not answer: %r", error.storage_error)
            return 0
        return max(1, math.ceil(reset - time.time()))


def _storage(settings: Settings, intake: IntakeSettings) -> Storage:
    if intake.rate_store == "memory":
        return MemoryStorage()
    pool: Any = connect(settings).connection_pool
    return RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", connection_pool=pool)
