"""`scale`: whether a signal costs the same with more partitions, more workers and more that waits; more open cases.

`cost_growth` is the dearest signal by the cheapest, each by what one costs with USUAL in the same round: in the half
hour that the section takes a machine becomes slower or faster by more than the bar. With 64 partitions a record of
500 signals is what it was; in earnest a feed's batch would be spread over more and smaller ones (`screening.batch_…`
tells what those cost).
"""

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import fmean

from streams.installation import Installation
from streams.state.keys import key
from tests.tools.bench import cases, life
from tests.tools.bench.figures import Figure, Found, Given, figure
from tests.tools.bench.measured import casework, screening
from tests.tools.bench.servers import real
from tests.tools.bench.work import Pace, each, until, working
from tests.tools.field.faults.rebuild import opened
from tests.tools.field.load.load import Batch
from tests.tools.field.load.overload import cpu_seconds

PARTITIONS, PARTITIONS_SHORT = (1, 4, 16, 64), (1, 4)
RECORDS, RECORDS_SHORT = 400, 60  # of 500 signals, a run
USUAL = f"partitions_{life.PARTITIONS}"
LEAST = 4  # records of a partition: of fewer there would be none for those in which less happens
BACKLOG, BACKLOG_SHORT = 10_000_000, 100_000  # signals
OPEN, OPEN_SHORT = (10_000, 100_000, 1_000_000), (1_000,)
RESIDENTS = 50_000
PAUSED = 24  # times RECORDS_SHORT wait: one of two workers must not have done all before the other has joined
AT_WORK_SECONDS = 1.0  # of CPU since a first signal was screened: then a worker has its partitions
LOOK_SECONDS = 0.01


def measure(given: Given) -> Found:
    """The section."""
    return asyncio.run(_measured(given))


async def _measured(given: Given) -> Found:
    numbers = PARTITIONS_SHORT if given.short else PARTITIONS
    records = {number: _records(given, number) for number in numbers}
    paces = defaultdict[str, list[Pace]](list)
    async with AsyncExitStack() as stack:
        lines = {number: await stack.enter_async_context(_line(given, number)) for number in numbers}
        line, some = lines[life.PARTITIONS], records[life.PARTITIONS]
        for done in range(given.runs):
            for number in numbers:
                paces[f"partitions_{number}"].append(await screening.screened(lines[number], records[number]))
            paces["workers_2"].append(await screening.screened(line, some, workers=2))
            given.say(f"scale: {done + 1} of {given.runs} rounds")
        pauses = [await _pause(line) for _ in range(given.runs)]
        times = max(1, given.count(BACKLOG, BACKLOG_SHORT) // (500 * len(some)))
        before = await screening.screened(line, some)
        paces["backlog"] = [await screening.screened(line, some, times=times)]
        around = [before.us_each, (await screening.screened(line, some)).us_each]
    growth = _growth(paces, {"backlog": [fmean(around)]})
    medians = [found.median for found in growth.values()]
    return {
        **{name: each(of, "signal") for name, of in paces.items()},
        "growth": dict(growth),
        "cost_growth": figure([max(medians) / min(medians)], "times, the dearest by the cheapest"),
        "pause_seconds": figure(pauses, "s, after a worker of two was killed"),
        "open_cases": await _open_cases(given),
    }


def _growth(paces: dict[str, list[Pace]], usual: dict[str, list[float]]) -> dict[str, Figure]:
    """Each by what a signal cost with USUAL in the same round, or as `usual` says."""
    rounds = [pace.us_each for pace in paces[USUAL]]
    return {
        name: figure(
            [pace.us_each / by for pace, by in zip(of, usual.get(name, rounds), strict=True)], f"times {USUAL}"
        )
        for name, of in paces.items()
    }


def _records(given: Given, partitions: int) -> Sequence[Batch]:
    return life.records(max(given.count(RECORDS, RECORDS_SHORT), LEAST * partitions), partitions=partitions)


@asynccontextmanager
async def _line(given: Given, partitions: int) -> AsyncIterator[Installation]:
    """Servers with so many partitions, and a line on them whose cases stand."""
    with real(given.folder / f"partitions-{partitions}", partitions) as settings:
        async with screening.settled(settings, RESIDENTS) as line:
            yield line


async def _pause(line: Installation) -> float:
    """The longest time for which a partition with a backlog stands still after one of two workers was killed."""
    before = await screening.screened_so_far(line)
    total = await screening.fill(line, life.records(RECORDS_SHORT), PAUSED)

    async def begun() -> bool:
        return await screening.screened_so_far(line) > before

    async with working(line.settings, "screening", count=2) as workers:
        await until(begun, "a first signal to be screened")
        second = workers.pids[1]
        used = cpu_seconds([second])

        async def at_work() -> bool:
            return cpu_seconds([second]) - used > AT_WORK_SECONDS

        await until(at_work, "the second of two workers to be at work")
        workers.leave(1)
        workers.signal(1, signal.SIGKILL)
        moved = {partition: (await _offset(line, partition), time.monotonic()) for partition in range(life.PARTITIONS)}
        longest = 0.0
        while await screening.screened_so_far(line) - before < total:
            for partition, (offset, since) in moved.items():
                now = await _offset(line, partition)
                if now != offset:
                    longest = max(longest, time.monotonic() - since)
                    moved[partition] = now, time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
    return longest


async def _offset(line: Installation, partition: int) -> int:
    return int(await line.redis.get(key("screened", partition)) or -1)


async def _open_cases(given: Given) -> Found:
    """What a case input costs beside more and more open cases."""
    found: dict[str, Found] = {}
    with real(given.folder / "cases") as settings:
        async with opened(settings) as line:
            await casework.stand(line)
            there = 0
            for full in OPEN_SHORT if given.short else OPEN:
                count = given.count(full, full)
                alerts = casework.alerts(count - there, cases.morning(), 3600, seed=count)
                await casework.decided(line, alerts, warm_up=0.1)
                there = count
                found[str(count)] = each(await casework.runs(line, given.runs, seed=3 * count), "input")
                given.say(f"scale: beside {count:,} open cases")
    return found
