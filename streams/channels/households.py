"""Who is on the way to an address: one visit at a time is arranged for it.

An address is a keyed hash here, in Redis and on the topic alike. The lease keeps the second of two visits waiting until
the first is sent, or has failed: then it is known whether there is one to join. It runs out by itself. A Redis that
took another's place may lack a lease. So for as long as one lasts nobody takes any, and its holder is through by then.
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
    """Addresses, and the lease on arranging a visit to one."""

    def __init__(self, redis: "Redis", secret: bytes, lease_seconds: float) -> None:
        self._redis: Any = redis
        self._secret, self._lease_ms = secret, round(lease_seconds * 1000)

    def place(self, resident: Resident) -> str | None:
        """The keyed hash of where the resident lives; none for an address that names no door."""
        found = household(resident.division, resident.address)
        return keyed_hash(self._secret, "address", found) if found else None

    async def take(self, place: str, dispatch: str) -> None:
        """Wait until nobody else arranges a visit to this place: at most until a lease runs out."""
        if (left := await self._redis.pttl(WHOLE_SETTLING)) > 0:
            await asyncio.sleep(left / 1000)
        while not await locks.take(self._redis, _lease(place), self._lease_ms, dispatch):
            if await self._redis.get(_lease(place)) == dispatch.encode():  # taken before, and interrupted
                return
            await asyncio.sleep(WAIT_SECONDS)

    async def release(self, place: str, dispatch: str) -> None:
        """Let the next one go on."""
        await self._redis.eval(RELEASE, 1, _lease(place), dispatch)


def _lease(place: str) -> str:
    return f"{VISIT_LEASE}{{{place}}}"
