"""`idle`: what a worker with all its agents uses when nothing happens, and what it lets the servers do.

It looks at each of its partitions every second, and asks the brokers for news some twenty times a second. CPU is as of
the pace of the kept figures: a core on which a signal of `core` takes `sizing.core_us_per_signal`.
"""

import asyncio
import time

from domain.statistics.coefficients import VALUES
from simulators.demo.run import ready
from simulators.demo.workers import Workers
from streams.runtime.settings import Settings
from tests.tools.bench.figures import Found, Given, figure
from tests.tools.bench.measured.sizing import pace_of_a_core
from tests.tools.bench.servers import real
from tests.tools.bench.usage import usage
from tests.tools.field.faults.rebuild import opened

PARTITIONS = (4, 64)
SECONDS = 20.0
SETTLE_SECONDS = 15.0  # it joins, brings its partitions up, and the broker has compiled what it runs often


def measure(given: Given) -> Found:
    """The section."""
    found: dict[str, list[float]] = {}
    for partitions in PARTITIONS:
        with real(given.folder / f"partitions-{partitions}", partitions) as settings:
            for name, value in asyncio.run(_idle(settings, 1 if given.short else given.runs)):
                found.setdefault(f"{name}_of_{partitions}_partitions", []).append(value)
    return {name: figure(values, "cores" if "cores" in name else "bytes/s") for name, values in found.items()}


async def _idle(settings: Settings, runs: int) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    async with opened(settings) as line, Workers(settings, 1) as workers:
        await ready(line)
        await asyncio.sleep(SETTLE_SECONDS)
        for _ in range(runs):
            paces, before, began = [pace_of_a_core()], usage(settings, workers.pids), time.monotonic()
            await asyncio.sleep(SECONDS)
            used, seconds = usage(settings, workers.pids).since(before), time.monotonic() - began
            paces.append(pace_of_a_core())
            pace = VALUES["sizing.core_us_per_signal"] / (sum(paces) / len(paces))
            cores = {"worker_cores": used.worker, "redis_cores": used.redis, "broker_cores": used.broker}
            found += [(name, value / seconds * pace) for name, value in cores.items()]
            sent = {"redis": (used.to_redis, used.from_redis), "broker": (used.to_broker, used.from_broker)}
            for whose, (to, back) in sent.items():
                found += [(f"to_{whose}_bytes", to / seconds), (f"from_{whose}_bytes", back / seconds)]
    return found
