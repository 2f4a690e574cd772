"""Locks and leases in Redis, for work that is harmless when done twice."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from streams.runtime.tasks import wanted
from streams.state.scripts import script

LEASE_MS = 15_000
WRITE_SECONDS = 8.0  # less than the lease, so a holder that is too slow gives up before another one begins
NAP_SECONDS = 0.02
RELEASE = script("release")


@asynccontextmanager
async def alone(redis: "Redis", name: str) -> AsyncIterator[None]:
    """Hold an exclusive lock during the block. Raises TimeoutError if waiting and the block take over 8 s together."""
    client: Any = redis  # redis-py types a command's result as sync or async at once
    token = uuid.uuid4().hex
    async with asyncio.timeout(WRITE_SECONDS):
        await _take(client, name, token)
        try:
            yield
        finally:
            await client.eval(RELEASE, 1, name, token)


async def _take(client: Any, name: str, token: str) -> None:  # noqa: ANN401 - as above
    while wanted():
        if await client.set(name, token, nx=True, px=LEASE_MS):
            return
        await asyncio.sleep(NAP_SECONDS)
    raise TimeoutError  # the timeout's cancellation was swallowed by a library


async def keep(redis: "Redis", name: str, token: str, milliseconds: int) -> bool:
    """Take or renew a lease for `milliseconds`, identified by `token`. Return False if another token holds it."""
    client: Any = redis  # redis-py types a command's result as sync or async at once
    if await client.set(name, token, nx=True, px=milliseconds):
        return True
    if (await client.get(name) or b"").decode() != token:
        return False
    await client.pexpire(name, milliseconds)
    return True
