"""Synchronization of a process's clock with the shared clock, which is the Redis that all workers use."""

import asyncio
import contextlib
import logging
import os
import socket
from dataclasses import dataclass
from typing import Any, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.timekeeping import STEP_SECONDS, Reckoning, offset_from_answer
from streams.runtime import metrics
from streams.runtime.clock import CLOCKS_OFF, Clock
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
SET_SECONDS = 0.5  # a larger change between two looks means that the clock was set: no time server slews that fast
OFF_SECONDS = 1.0  # a machine's clock that is further off is reported
TOLD_SECONDS = 10  # lifetime of a report
AGAIN_SECONDS = 10.0  # between two log lines of a process that waits for the clocks to agree
SET_IT = "Set it by a time server (chronyc makestep) and keep it so"


@dataclass(frozen=True, slots=True)
class Off:
    """A process's report on its clocks.

    `ahead`: seconds by which its machine's clock is ahead of the workers' time. `refused`: seconds by which the clock
    of Redis is ahead, if the process refuses to follow it, else 0. `waits`: True if the clocks of Redis and of its
    machine have not agreed since the process started: it does not work yet, or it only reads and uses its machine's
    clock (`waits` of Timekeeper.start).
    """

    ahead: float
    refused: float
    waits: bool

    @property
    def much(self) -> bool:
        """True if the report is worth showing: the process waits, refuses to follow the clock of Redis, or its
        machine's clock differs from the workers' time by over a second; else False.
        """
        return self.waits or self.refused != 0.0 or abs(self.ahead) > OFF_SECONDS

    def written(self, at: float) -> str:
        """Return the report as text for Redis. `at`: the time of Redis, in seconds since 1970. `read` reads it."""
        return f"{self.ahead:.3f} {self.refused:.3f} {int(self.waits)} {at:.0f}"

    @classmethod
    def read(cls, text: bytes) -> tuple[Self, float]:
        """Return a pair: the report in a text made by `written`, and when it was written, in seconds since 1970.

        Raises ValueError if the text is not such a report.
        """
        ahead, refused, waits, at = text.split()
        return cls(float(ahead), float(refused), waits == b"1"), float(at)


class Timekeeper:
    """Asks Redis for the time every second, corrects the process's clock, and reports when a clock was set."""

    def __init__(self, redis: "Redis", clock: Clock) -> None:
        self._redis: Any = redis
        self._wall = clock.wall
        self._machine = self._wall.machine_offset()
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._keeping: asyncio.Task[None] | None = None

    async def start(self, *, waits: bool = True) -> None:
        """Begin to follow the shared clock in the background, until `stop`.

        Returns once Redis and this machine agree on the time, however long that takes, because decisions at a wrong
        time would contact people too early or too late. `waits` False, for read-only processes: returns after one
        answer of Redis, and the machine's clock is used until both agree. Raises RedisError if Redis does not answer at
        first.
        """
        await self.look()
        if waits:
            await self._agreed()
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop following the shared clock."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping

    async def look(self) -> None:
        """Ask Redis for the time, correct the process's clock, and report changes: in the log, as metrics, and (if a
        clock is off) in Redis, for `quanzu doctor`.

        Raises RedisError if Redis does not answer.
        """
        self._notice()
        before = self._wall.reckoning
        await self.ask()
        self._compare(before, self._wall.reckoning)
        await self._tell()

    async def ask(self) -> None:
        """Ask Redis for the time once, and pass the answer to the wall clock. Raises RedisError if Redis does not
        answer.
        """
        sent = self._wall.counter()
        seconds, micros = await self._redis.time()
        self._wall.hear(offset_from_answer(sent, seconds + micros / 1e6, self._wall.counter()))

    def off(self) -> Off:
        """Return the current report on this process's clocks."""
        return Off(self._wall.difference(), self._wall.refused(), self._wall.known is None)

    async def _agreed(self) -> None:
        """Return when the clocks of Redis and this machine agree; until then, log which one is off every 10 s."""
        looks = 0
        while self._wall.known is None:
            if looks % round(AGAIN_SECONDS / LOOK_SECONDS) == 0:
                log.error("%s. No work begins until they agree", await self._apart())
            looks += 1
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(RedisError, OSError):
                await self.look()
        if looks:
            log.warning("the clocks of this machine and of Redis agree: the work begins")

    async def _apart(self) -> str:
        """Return an error text: which clock is off, by how much, and what to do."""
        ahead = self._wall.refused()
        apart = f"the clock of Redis is {abs(ahead):.1f} s {direction(ahead)} this machine's"
        with contextlib.suppress(RedisError, OSError):
            others = (await clocks_off(self._redis)).values()
            if any(not each.waits and abs(each.refused - ahead) <= STEP_SECONDS for each in others):
                return f"{apart}, and the workers that run refuse it too: Redis's is wrong. {SET_IT}"
        return f"{apart}: one of them is wrong; if other machines agree with Redis, it is this one's. {SET_IT}"

    async def _keep(self) -> None:
        """Look every second. While Redis is unavailable, time continues by the monotonic clock."""
        while wanted():
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(RedisError, OSError):
                await self.look()

    def _notice(self) -> None:
        """Log and count a step of this machine's clock since the last look."""
        before, self._machine = self._machine, self._wall.machine_offset()
        step = self._machine - before
        if abs(step) > SET_SECONDS:
            log.warning("this machine's clock was set by %+.3f s; the workers' time goes on without it", step)
            metrics.CLOCK_STEPS.labels("machine").inc()

    def _compare(self, before: Reckoning, after: Reckoning) -> None:
        """Log and count a step of the shared clock: followed, refused, ended, or confirmed by the machine's clock."""
        if before.known is None or after.known is None:
            return
        moved = after.known.offset - before.known.offset
        if after.refused is not None:
            if before.refused is None:
                log.error(REFUSED, self._wall.refused(), SET_IT)
                metrics.CLOCK_STEPS.labels("refused").inc()
        elif abs(moved) > STEP_SECONDS:
            log.error(CORRECTED, moved)
            metrics.CLOCK_STEPS.labels("corrected").inc()
        elif before.refused is not None:
            log.warning("the clock of Redis agrees with the workers' time again: it is followed")
        elif after.spent > before.spent:
            log.warning("the clock of Redis was set by %+.3f s, or another Redis answers: it is followed", moved)
            metrics.CLOCK_STEPS.labels("shared").inc()

    async def _tell(self) -> None:
        """Set the metrics and, if the clocks are off by much, write the report to Redis."""
        off = self.off()
        metrics.CLOCK_AHEAD.set(off.ahead)
        metrics.CLOCK_REFUSED.set(off.refused)
        metrics.CLOCK_ERROR.set(self._wall.known.error if self._wall.known else 0)
        if off.much:
            seconds, _ = await self._redis.time()  # readers compute the report's age by the same clock
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(CLOCKS_OFF, self._name, off.written(seconds)).expire(CLOCKS_OFF, TOLD_SECONDS)
                await pipe.execute()


REFUSED = (
    "the clock of Redis was set by %+.1f s, or another Redis answers: it is refused, and the workers' time goes on by "
    "itself, so that nothing is sent early or late. %s"
)
CORRECTED = (
    "the clocks of Redis and of this machine agree, and this process's time was off: it is put right by %+.1f s. Was "
    "this machine paused, or were both clocks wrong before?"
)


def direction(ahead: float) -> str:
    """Return "ahead of" for a positive number of seconds, else (also for 0) "behind"."""
    return "ahead of" if ahead > 0 else "behind"


async def clocks_off(redis: "Redis") -> dict[str, Off]:
    """Return the reports of the last 10 s from Redis, by process name; empty if all clocks are right, because such
    processes write none. Raises RedisError if Redis does not answer, and ValueError if a report is invalid.
    """
    client: Any = redis
    now, _ = await client.time()
    found: dict[str, Off] = {}
    for name, told in (await client.hgetall(CLOCKS_OFF)).items():
        off, at = Off.read(told)
        if abs(now - at) <= TOLD_SECONDS:
            found[name.decode()] = off
    return found
