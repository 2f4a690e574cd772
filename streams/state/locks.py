"""Locks and leases in Redis, for work that is harmless when done twice. All uses of SET NX are in this module.

A lock excludes others only while clocks and processes behave. Work that must not be done twice also has a fence: a
script that compares an offset or a token (case_store, dispatch_log), which redis-py's Lock does not offer.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import LockError

from streams.state.scripts import script

LEASE_SECONDS = 15.0
WRITE_SECONDS = 8.0  # less than the lease, so a holder that is too slow gives up before another one begins
NAP_SECONDS = 0.02
KEEP = script("lasts") + script("keep")


@asynccontextmanager
async def locked(redis: "Redis", name: str) -> AsyncIterator[None]:
    """Hold an exclusive lock during the block. Raises TimeoutError if waiting and the block take over 8 s together."""
    lock = redis.lock(name, timeout=LEASE_SECONDS, sleep=NAP_SECONDS, blocking_timeout=WRITE_SECONDS)
    async with asyncio.timeout(WRITE_SECONDS):
        if not await lock.acquire(blocking=False):
            await _shorten(redis, name, round(LEASE_SECONDS * 1000))
            if not await lock.acquire():
                raise TimeoutError
        try:
            yield
        finally:
            with suppress(LockError):  # the lease has expired
                await lock.release()


async def take(redis: "Redis", name: str, milliseconds: int, value: str | int = 1) -> bool:
    """Take a lease for `milliseconds`. Return True if it was free and is now the caller's, else False, also if the
    caller already holds it.

    It ends by itself, or when the script `release` is called with its `value`.
    """
    client: Any = redis  # redis-py types a command's result as sync or async at once
    if await client.set(name, value, nx=True, px=milliseconds):
        return True
    await _shorten(redis, name, milliseconds)
    return False


@asynccontextmanager
async def taken(redis: "Redis", name: str, milliseconds: int) -> AsyncIterator[bool]:
    """Take a lease as `take` does, for `milliseconds`, so that the block's work is done once; yield True if it was
    free, else False.

    The lease stays after the block; if the block raises or is cancelled, the lease is deleted, so that the work may be
    tried again.
    """
    free = await take(redis, name, milliseconds)
    try:
        yield free
    except BaseException:
        if free:
            await redis.delete(name)
        raise


async def keep(redis: "Redis", name: str, token: str, milliseconds: int) -> bool:
    """Take or renew a lease for `milliseconds`, identified by `token`. Return True if the caller has it, False if
    another token holds it.
    """
    client: Any = redis  # as above
    return bool(await client.eval(KEEP, 1, name, token, milliseconds))


async def _shorten(redis: "Redis", name: str, milliseconds: int) -> None:
    """Let a lease last no longer than `milliseconds` from now.

    One that was taken while the clock of Redis was ahead would last until that time comes.
    """
    client: Any = redis  # as above
    if await client.pttl(name) > milliseconds:
        await client.pexpire(name, milliseconds)
