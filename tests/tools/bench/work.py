"""A worker at work on what waits for it: how much it gets done, in which time, at what cost of its processor."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from simulators.demo.workers import Workers
from streams.runtime.settings import Settings
from tests.tools.bench.figures import Figure, cost_beside, figure, rate_beside
from tests.tools.bench.limits import Limits
from tests.tools.field.load.overload import STALLED_SECONDS, cpu_seconds

WARM_UP = 0.1  # of the work: the worker joins its group and makes what is made once
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Pace:
    """So many items done in so many seconds, of which the worker's processes had `cpu`."""

    items: int
    seconds: float
    cpu: float

    @property
    def us_each(self) -> float:
        return self.cpu / self.items * 1e6

    @property
    def per_second(self) -> float:
        return self.items / self.seconds


@asynccontextmanager
async def working(settings: Settings, *agents: str, count: int = 1) -> AsyncIterator[Workers]:
    """Workers with these agents. Raises RuntimeError when one ended meanwhile: that counts for nothing."""
    async with Workers(settings, count, ("-m", "tests.tools.bench.worker", *agents)) as workers:
        yield workers
        if workers.restarts:
            raise RuntimeError(f"a worker ended by itself; see worker-0/worker.log in {settings.data}")


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Return as soon as it holds. Raises TimeoutError when it does not for long."""
    deadline = time.monotonic() + STALLED_SECONDS
    while not await holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {STALLED_SECONDS:g} s for {what}")
        await asyncio.sleep(LOOK_SECONDS)


async def until_none(left: Callable[[], Awaitable[int]], what: str) -> None:
    """Return when nothing is left. Raises TimeoutError when for long it has not become less."""
    least, deadline = await left(), time.monotonic() + STALLED_SECONDS
    while (now := await left()) > 0:
        if now < least:
            least, deadline = now, time.monotonic() + STALLED_SECONDS
        if time.monotonic() > deadline:
            raise TimeoutError(f"{now} {what}, and for {STALLED_SECONDS:g} s they have not become less")
        await asyncio.sleep(LOOK_SECONDS)


async def pace(
    workers: Workers,
    done: Callable[[], Awaitable[int]],
    total: int,
    warm_up: float = WARM_UP,
    mark: Callable[[], None] = lambda: None,
) -> Pace:
    """What the workers do from when `warm_up` of `total` items are done until all are. `mark`: called at both times."""
    first, began, before = await _reached(workers, done, max(1, warm_up * total))
    mark()
    last, ended, after = await _reached(workers, done, total)
    mark()
    return Pace(last - first, ended - began, after - before)


async def _reached(workers: Workers, done: Callable[[], Awaitable[int]], number: float) -> tuple[int, float, float]:
    """How many are done once so many are, when that was, and what the workers had used. TimeoutError: they stand."""
    best, deadline = -1, 0.0
    while (found := await done()) < number:
        if found > best:
            best, deadline = found, time.monotonic() + STALLED_SECONDS
        if time.monotonic() > deadline:
            raise TimeoutError(f"{found} are done, and for {STALLED_SECONDS:g} s no more of the {number:.0f}")
        await asyncio.sleep(LOOK_SECONDS)
    return found, time.monotonic(), cpu_seconds(workers.pids)


def each(paces: Sequence[Pace], what: str) -> dict[str, Figure]:
    """The figures of some runs: `signals_per_second` and `cpu_us_per_signal` of `signal`."""
    return {
        f"{what}s_per_second": figure([pace.per_second for pace in paces], f"{what}s/s"),
        f"cpu_us_per_{what}": figure([pace.us_each for pace in paces], "µs of the process's CPU"),
    }


def beside(found: dict[str, Figure], what: str, limits: Limits) -> dict[str, Figure]:
    """The same figures with what bounds them; of a rate, that of one core which does nothing else."""
    rate, cost = f"{what}s_per_second", f"cpu_us_per_{what}"
    rates = {name: 1e6 / limit for name, limit in limits.items()}
    return {**found, rate: rate_beside(found[rate], rates), cost: cost_beside(found[cost], limits)}
