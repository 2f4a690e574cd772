"""One visit per address: a lease lets only one dispatch at a time arrange a visit there.

An address is a keyed hash, in Redis and on topics. The lease makes the second of two visits wait until the first is
sent or has failed, so that it is known whether there is one to join. It expires by itself. A Redis that replaced
another may lack leases, so for the duration of one lease nobody can take any.
"""

import asyncio
from typing import Any

from redis.asyncio import Redis

from domain.identity.identifiers import keyed_hash
from domain.visits.one_visit import household
from schemas.people.residents import Resident
from streams.state import locks
from streams.state.keys import VISIT_LEASE, WHOLE_SETTLING
from streams.state.shared_state import RELEASE

WAIT_SECONDS = 0.1


class Households:
    """Addresses, as keyed hashes under `secret`, and the lease on arranging a visit to one, for `lease_seconds` at
    most.
    """

    def __init__(self, redis: "Redis", secret: bytes, lease_seconds: float) -> None:
        self._redis: Any = redis
        self._secret, self._lease_ms = secret, round(lease_seconds * 1000)

    def place(self, resident: Resident) -> str | None:
        """Return the keyed hash of the resident's address, or None if the address names no door."""
        found = household(resident.division, resident.address)
        return keyed_hash(self._secret, "address", found) if found else None

    async def take(self, place: str, dispatch: str) -> None:
        """Take the lease on arranging a visit to this address, waiting as long as another dispatch holds it. `place`:
        the address's hash. Raises RedisError.
        """
        if (left := await self._redis.pttl(WHOLE_SETTLING)) > 0:
            # A time longer than a lease was set while the clock of Redis was ahead.
            await asyncio.sleep(min(left, self._lease_ms) / 1000)
        while not await locks.take(self._redis, _lease(place), self._lease_ms, dispatch):
            if await self._redis.get(_lease(place)) == dispatch.encode():  # taken before an interruption
                return
            await asyncio.sleep(WAIT_SECONDS)

    async def release(self, place: str, dispatch: str) -> None:
        """Release the lease on the address, if this dispatch holds it."""
        await self._redis.eval(RELEASE, 1, _lease(place), dispatch)


def _lease(place: str) -> str:
    return f"{VISIT_LEASE}{{{place}}}"
