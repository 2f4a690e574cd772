"""Locks and leases in Redis, for work that is harmless when done twice. All uses of SET NX are in this module.

A lock excludes others only while clocks and processes behave. Work that must not be done twice also has a fence: a
script that compares an offset or a token (case_store, dispatch_log), which redis-py's Lock does not offer. A write of a
record under its lock is fenced by `fenced`: it takes effect only while the lock is still held.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, WatchError

from schemas.errors import UserError
from streams.state.scripts import script

LEASE_SECONDS = 15.0
WRITE_SECONDS = 8.0  # less than the lease, so a holder that is too slow gives up before another one begins
NAP_SECONDS = 0.02
KEEP = script("lasts") + script("keep")
RELEASE = script("release")


class LockBusyError(UserError, TimeoutError):
    """A lock with a named holder was not free within 8 s, or the holder's own work took longer. The text names the
    holder, and gives the correction.
    """


class LockLostError(UserError, TimeoutError):
    """The lock ended before the write that it was for, or the connection broke meanwhile."""


_held: ContextVar[Mapping[str, str]] = ContextVar("held", default=MappingProxyType({}))
"""The locks that this work holds, each with its token. A task that this work begins sees them too."""

_waits_for: ContextVar["list[str] | None"] = ContextVar("waits_for", default=None)
"""The locks that the work under the nearest lock with a named holder waits for now. A task that this work begins sees
the same list."""


@asynccontextmanager
async def locked(redis: "Redis", name: str, token: str | None = None) -> AsyncIterator[None]:
    """Context manager: hold the exclusive lock `name` during the block. `token`: the lock's value, unique; by default a
    random one. The lock also ends by itself 15 s after it was taken, if its process dies.

    Raises TimeoutError, also inside the block, if waiting for the lock and the block together take over 8 s. Errors of
    Redis pass through.
    """
    client: Any = redis  # redis-py types a command's result as sync or async at once
    own, lasts = token or secrets.token_hex(16), round(LEASE_SECONDS * 1000)
    async with asyncio.timeout(WRITE_SECONDS):
        with _waiting(name):
            while not await take_own(redis, name, lasts, own):  # noqa: ASYNC110 - Redis triggers no event
                await asyncio.sleep(NAP_SECONDS)
        outer = _held.get()
        _held.set({**outer, name: own})
        try:
            yield
        finally:
            _held.set(outer)
            await client.eval(RELEASE, 1, name, own)  # not that of another, if the lease has expired


@asynccontextmanager
async def fenced(redis: "Redis", name: str) -> AsyncIterator[Any]:
    """Context manager: yield a pipeline, and carry out its commands in one transaction at the end of the block, if the
    caller still holds the lock `name` then. A caller that does not hold it (one that needs no lock) is not checked.

    The server compares the lock when it gets the commands. So a write that the network holds up for longer than the
    lock lasts has no effect, although the writer has long given up.

    Raises LockLostError if the lock ended before, or the connection broke: then it is unknown whether the commands were
    carried out. Errors of Redis pass through.
    """
    client: Any = redis  # redis-py types a command's result as sync or async at once
    token = _held.get().get(name)
    async with client.pipeline(transaction=True) as pipe:
        if token is not None:
            await pipe.watch(name)
            if await pipe.get(name) != token.encode():
                raise LockLostError(_LOST)
            pipe.multi()
        yield pipe
        try:
            await pipe.execute()
        except WatchError:
            raise LockLostError(_LOST) from None


_LOST = (
    "the lock on a record ended before the change was stored: Kafka, Redis or this process was slow. It is unknown "
    "whether the change is stored: look, and make it again if not"
)


@asynccontextmanager
async def locked_by(redis: "Redis", name: str, holder: str) -> AsyncIterator[None]:
    """Context manager: hold the exclusive lock `name` during the block, and let others see who holds it. `holder`: the
    work, in words; the process and its machine are added.

    Raises LockBusyError, also inside the block, if waiting for the lock and the block together take over 8 s; its text
    names another lock for which the block waited then. A TimeoutError that the block raises earlier stays as it is.
    Errors of Redis pass through.
    """
    own = f"{holder}, process {os.getpid()} on {socket.gethostname()}"
    began, held, waits_for = time.monotonic(), False, list[str]()
    try:
        async with locked(redis, name, f"{own}|{secrets.token_hex(8)}"):
            held, outer = True, _waits_for.get()
            _waits_for.set(waits_for)
            try:
                yield
            finally:
                _waits_for.set(outer)
    except TimeoutError as error:
        if not held:
            raise LockBusyError(await _busy(redis, name)) from None
        if waits_for:
            raise LockBusyError(f"{own} has the lock {name} and waits: {await _busy(redis, waits_for[-1])}") from None
        if isinstance(error, LockBusyError) or time.monotonic() - began < WRITE_SECONDS - NAP_SECONDS:
            raise  # of the block itself: an inner lock's, or another operation's
        raise LockBusyError(
            f"{own} did not end its work under the lock {name} within {WRITE_SECONDS:g} s: Kafka or Redis is slow. "
            "Run it again; `quanzu doctor` looks at both"
        ) from None


@contextmanager
def _waiting(name: str) -> Iterator[None]:
    """Note that the work waits for a lock. The note stays if the wait was cut off or was in vain."""
    waits_for = _waits_for.get()
    if waits_for is None:
        yield
        return
    waits_for.append(name)
    yield
    waits_for.remove(name)


async def _busy(redis: "Redis", name: str) -> str:
    """Return who holds a lock, and what to do, in words."""
    client: Any = redis  # redis-py types a command's result as sync or async at once
    async with asyncio.timeout(WRITE_SECONDS):
        found = (await client.get(name) or b"").decode("utf-8", "replace")
    holder = found.partition("|")[0] if "|" in found else ""
    unknown = "somebody whose work is not named" if found else "somebody who has just released it"
    return (
        f"the lock {name} is held by {holder or unknown}. Wait until that has ended, then run this again; a holder "
        f"that died loses the lock within {LEASE_SECONDS:g} s"
    )


async def take(redis: "Redis", name: str, milliseconds: int, token: str | None = None) -> bool:
    """Take the lease `name` for `milliseconds`. Returns True if it was free and the caller now has it, or if `token`
    already has it; False if another token has it. Does not wait until it is free.

    `token`: the lease's value, unique to the work; None: a random one for this call. So the caller knows its own lease
    if the client asked twice because the first answer was lost. The lease ends by itself after that time, or when the
    script `release` is called with its value. A taken lease that would last longer than `milliseconds` from now is
    shortened to that. Errors of Redis pass through.
    """
    client: Any = redis  # redis-py types a command's result as sync or async at once
    own = token or secrets.token_hex(8)
    if await client.set(name, own, nx=True, px=milliseconds):
        return True
    async with client.pipeline(transaction=False) as pipe:
        pipe.get(name)
        pipe.pttl(name)
        holder, left = await pipe.execute()
    if holder == own.encode():
        return True
    if left > milliseconds:  # taken while the clock of Redis was ahead: it would last until that time comes
        await client.pexpire(name, milliseconds)
    return False


async def take_own(redis: "Redis", name: str, milliseconds: int, token: str) -> bool:
    """Do what `take` does, for work that ends if this raises or is cancelled: the lease is then released, if possible,
    because Redis may have noted it and the answer was on its way. `token`: no other work has it.
    """
    client: Any = redis  # as above
    try:
        return await take(redis, name, milliseconds, token)
    except BaseException:
        with suppress(RedisError, OSError):  # it then ends by itself
            await client.eval(RELEASE, 1, name, token)
        raise


@asynccontextmanager
async def taken(redis: "Redis", name: str, milliseconds: int) -> AsyncIterator[bool]:
    """Context manager: take the lease `name` for `milliseconds` as `take` does.

    Yields True if it was free, else False.

    The block does its work only for True, so that the work is done once. The lease stays after the block; if the block
    raises or is cancelled, it is released, so that the work may be tried again. Errors of Redis pass through.
    """
    client: Any = redis  # as above
    own = secrets.token_hex(8)
    free = await take_own(redis, name, milliseconds, own)
    try:
        yield free
    except BaseException:
        if free:
            await client.eval(RELEASE, 1, name, own)  # not that of another, if the lease has ended
        raise


async def keep(redis: "Redis", name: str, token: str, milliseconds: int) -> bool:
    """Take the lease `name` for `milliseconds`, or renew it if `token` already has it, or a value that begins with
    `token` and "|" (see CaseClaims.take).

    Returns True if the caller now has it, False if another token has it. Errors of Redis pass through.
    """
    return (await keep_all(redis, [name], token, milliseconds))[0]


async def keep_all(redis: "Redis", names: Sequence[str], token: str, milliseconds: int) -> list[bool]:
    """Do what `keep` does for each of the leases `names`, in one round trip, and return the results in their order.

    Errors of Redis pass through: some leases may then be taken.
    """
    client: Any = redis  # as above
    async with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.eval(KEEP, 1, name, token, milliseconds)
        return [bool(kept) for kept in await pipe.execute()]
