"""One visit per address: a lease lets only one dispatch at a time arrange a visit there.

In Redis and on topics, an address is a keyed hash. Because of the lease, the second of two visits waits until the first
is sent or has failed, so that it is known whether it can join the first. The lease expires by itself. A Redis that
replaced another may lack leases, so for the duration of one lease no lease can be taken.
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
    """Hashes addresses under `secret`, and leases the right to arrange a visit to an address, for at most
    `lease_seconds`.
    """

    def __init__(self, redis: "Redis", secret: bytes, lease_seconds: float) -> None:
        self._redis: Any = redis
        self._secret, self._lease_ms = secret, round(lease_seconds * 1000)

    def place(self, resident: Resident) -> str | None:
        """Return the keyed hash of the resident's address, as text, or None if the address does not identify a
        dwelling.
        """
        found = household(resident.division, resident.address)
        return keyed_hash(self._secret, "address", found) if found else None

    async def take(self, place: str, dispatch: str) -> None:
        """Lease the right to arrange a visit to this address to the dispatch (an id), for at most `lease_seconds`, and
        return once the dispatch has it. If it has it already, return at once: the lease is not prolonged.

        Waits without limit while another dispatch has it, and before that, for up to `lease_seconds`, if Redis has
        replaced another one that may have known leases. `place`: the address's hash. `release` ends the lease;
        otherwise it ends by itself. Errors of Redis pass through.
        """
        if (left := await self._redis.pttl(WHOLE_SETTLING)) > 0:
            # A time longer than a lease was set while the clock of Redis was ahead.
            await asyncio.sleep(min(left, self._lease_ms) / 1000)
        while not await locks.take(self._redis, _lease(place), self._lease_ms, dispatch):
            if await self._redis.get(_lease(place)) == dispatch.encode():  # taken before an interruption
                return
            await asyncio.sleep(WAIT_SECONDS)

    async def release(self, place: str, dispatch: str) -> None:
        """Release the lease on the address (`place`: its hash). No effect if another dispatch has it, or none. Errors
        of Redis pass through.
        """
        await self._redis.eval(RELEASE, 1, _lease(place), dispatch)


def _lease(place: str) -> str:
    return f"{VISIT_LEASE}{{{place}}}"
