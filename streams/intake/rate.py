"""Rate limits: how many signals a source may send, and how many payees it may ask about, over all its requests."""

import logging
import math
import time
from typing import Any, Literal

import limits
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError

from streams.intake.settings import IntakeSettings
from streams.runtime.serving import Refused
from streams.runtime.settings import Settings, SettingsError
from streams.state.case_store import connect

log = logging.getLogger(__name__)


Rated = Literal["signals", "payee_checks", "abandoned_checks", "objections", "shared_suspects"]


class Rate:
    """The rate limit of each source: a number of signals, or of other requests (`rated`), per time, such as
    20000/second.

    The constructor raises SettingsError if the rate cannot be parsed.
    """

    def __init__(self, settings: Settings, intake: IntakeSettings, rated: Rated = "signals") -> None:
        name, self._text = (
            ("QUANZU_RATE", intake.rate) if rated == "signals" else ("QUANZU_PAYEE_CHECK_RATE", intake.payee_check_rate)
        )
        self._rated = rated
        try:
            self._limit = limits.parse(self._text)
        except ValueError:
            raise SettingsError(f"{name} = {self._text!r}: write it as 20000/second or 600/minute") from None
        self._limiter = FixedWindowRateLimiter(_storage(settings, intake))

    async def require(self, source: str, number: int) -> None:
        """Count `number` signals of a source, or as many requests of the kind that this limit is for. Raises Refused
        (429, with Retry-After in seconds) if the source has then exceeded its limit; a refused number counts too.

        If Redis is unavailable, nothing is counted and nothing refused.
        """
        if wait := await self.wait(source, number):
            what = f"over the rate of this source, {self._text}"
            raise Refused(429, what, f"Send this again in {wait} s", {"Retry-After": str(wait)})

    async def wait(self, source: str, number: int) -> int:
        """Count `number` signals of a source, or as many requests of the kind that this limit is for. Return 0 if the
        source is within its limit, else the seconds (1 or more) to wait before a retry; a refused number counts too.

        A request larger than the limit is charged exactly the limit, else it could never be sent. If Redis is
        unavailable, the result is 0, because losing signals would do more harm.
        """
        cost = min(number, self._limit.amount)
        try:
            if not cost or await self._limiter.hit(self._limit, self._rated, source, cost=cost):
                return 0
            reset, _ = await self._limiter.get_window_stats(self._limit, self._rated, source)
        except StorageError as error:
            log.warning("rates are not counted, their store does not answer: %r", error.storage_error)
            return 0
        return max(1, math.ceil(reset - time.time()))


def _storage(settings: Settings, intake: IntakeSettings) -> Storage:
    if intake.rate_store == "memory":
        return MemoryStorage()
    pool: Any = connect(settings).connection_pool
    return RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", connection_pool=pool)
