"""Keeps a process's clock to the one that all workers share: the Redis that answers them."""

import asyncio
import contextlib
import logging
import os
import socket
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.timekeeping import asked
from streams import metrics
from streams.clock import Clock
from streams.retry import wanted

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
STEP_SECONDS = 0.5  # between two looks: no time server slews by that much
OFF_SECONDS = 1.0  # a machine's clock that is further off is told of
TOLD_SECONDS = 10  # how long it stays told of
OFF = "clocks-off"  # hash: process -> by how many seconds its machine's clock is ahead, and when that was seen


class Timekeeper:
    """Asks Redis for the time, and notices when a clock was set."""

    def __init__(self, redis: "Redis", clock: Clock) -> None:
        self._redis: Any = redis
        self._wall = clock.wall
        self._machine = self._machine_offset()
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take the shared time, and keep to it until `stop`. Raises RedisError when Redis does not answer."""
        await self.look()
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping

    async def look(self) -> None:
        """Ask, and tell of what is noticed: in the log, as metrics, to `quanzu doctor`."""
        self._notice()
        if moved := await self.ask():
            log.warning("the shared clock, Redis's, was set by %+.3f s or is another's: it is followed", moved)
            metrics.CLOCK_STEPS.labels("shared").inc()
        await self._tell()

    async def ask(self) -> float:
        """Ask once; gives by how much the shared clock was set since it was asked last, else 0."""
        sent = self._wall.counter()
        seconds, micros = await self._redis.time()
        return self._wall.hear(asked(sent, seconds + micros / 1e6, self._wall.counter()))

    async def _keep(self) -> None:
        """While Redis is away the time goes on by itself."""
        while wanted():
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(RedisError, OSError):
                await self.look()

    def _notice(self) -> None:
        """Whether this machine's clock was set since the last look."""
        before, self._machine = self._machine, self._machine_offset()
        step = self._machine - before
        if abs(step) > STEP_SECONDS:
            log.warning("this machine's clock was set by %+.3f s; the workers' time goes on without it", step)
            metrics.CLOCK_STEPS.labels("machine").inc()

    async def _tell(self) -> None:
        """What this machine's clock is off by: as metrics, and when it is much, to `quanzu doctor`."""
        ahead = self._wall.difference()
        metrics.CLOCK_AHEAD.set(ahead)
        metrics.CLOCK_ERROR.set(self._wall.known.error if self._wall.known else 0)
        if abs(ahead) > OFF_SECONDS:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(OFF, self._name, f"{ahead:.3f} {self._wall.time():.0f}").expire(OFF, TOLD_SECONDS)
                await pipe.execute()

    def _machine_offset(self) -> float:
        return self._wall.machine() - self._wall.counter()


async def clocks_off(redis: "Redis", clock: Clock) -> dict[str, float]:
    """By how many seconds the clock of each process's machine is ahead, of those that are much off now."""
    client: Any = redis
    found: dict[str, float] = {}
    for name, told in (await client.hgetall(OFF)).items():
        ahead, at = map(float, told.split())
        if clock.wall.time() - at < TOLD_SECONDS:
            found[name.decode()] = ahead
    return found
