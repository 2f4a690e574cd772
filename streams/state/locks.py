"""Locks and leases in Redis, for work that is harmless when it is done twice: only here is SET NX written.

A lock excludes others as long as clocks and processes behave. What must not happen twice has a fence besides: a script
that compares an offset or a token (case_store, dispatch_log), which redis-py's Lock has not.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import LockError

LEASE_SECONDS = 15.0
WRITE_SECONDS = 8.0  # less than the lease: whoever cannot write by then gives up before another begins
NAP_SECONDS = 0.02


@asynccontextmanager
async def alone(redis: "Redis", name: str) -> AsyncIterator[None]:
    """Hold an exclusive lock. Raises TimeoutError when others or the servers take longer than WRITE_SECONDS."""
    lock = redis.lock(name, timeout=LEASE_SECONDS, sleep=NAP_SECONDS, blocking_timeout=WRITE_SECONDS)
    async with asyncio.timeout(WRITE_SECONDS):
        if not await lock.acquire():
            raise TimeoutError
        try:
            yield
        finally:
            with suppress(LockError):  # it ran out
                await lock.release()


async def take(redis: "Redis", name: str, milliseconds: int, value: str | int = 1) -> bool:
    """Take a lease that ends by itself, or by the script `release` with its value; False when another has it."""
    client: Any = redis  # redis-py types a command's result as sync or async at once
    return bool(await client.set(name, value, nx=True, px=milliseconds))


async def keep(redis: "Redis", name: str, token: str, milliseconds: int) -> bool:
    """Take the lease, or keep it; False when another has it."""
    client: Any = redis  # as above
    if await take(redis, name, milliseconds, token):
        return True
    if (await client.get(name) or b"").decode() != token:
        return False
    await client.pexpire(name, milliseconds)
    return True
