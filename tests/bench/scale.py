"""`scale`: whether a signal costs the same with more partitions, more workers and more that waits; more open cases.

`cost_growth` is the dearest signal by the cheapest. With 64 partitions a record of 500 signals is what it was; in
earnest a feed's batch would be spread over more and smaller ones (`screening.batch_…` tells what those cost).
"""

import asyncio
import signal
import time

from streams.keys import key
from streams.line import Line
from tests.bench import cases, casework, life, screening
from tests.bench.figures import Figure, Found, Given, figure
from tests.bench.servers import real
from tests.bench.work import Pace, each, until, working
from tests.field.rebuild import opened

PARTITIONS, PARTITIONS_SHORT = (1, 4, 16, 64), (1, 4)
RECORDS, RECORDS_SHORT = 400, 60  # of 500 signals, a run
LEAST = 4  # records of a partition: of fewer there would be none for those in which less happens
BACKLOG, BACKLOG_SHORT = 10_000_000, 100_000  # signals
OPEN, OPEN_SHORT = (10_000, 100_000, 1_000_000), (1_000,)
RESIDENTS = 50_000
AFTER = 0.3  # of the backlog: then one of two workers is killed
LOOK_SECONDS = 0.01


def measure(given: Given) -> Found:
    """The section."""
    return asyncio.run(_measured(given))


async def _measured(given: Given) -> Found:
    paces: dict[str, list[Pace]] = {}
    pauses: list[float] = []
    for partitions in PARTITIONS_SHORT if given.short else PARTITIONS:
        count = max(given.count(RECORDS, RECORDS_SHORT), LEAST * partitions)
        records = life.records(count, partitions=partitions)
        with real(given.folder / f"partitions-{partitions}", partitions) as settings:
            async with screening.settled(settings, RESIDENTS) as line:
                given.say(f"scale: {partitions} partitions")
                name = f"partitions_{partitions}"
                paces[name] = [await screening.screened(line, records) for _ in range(given.runs)]
                if partitions == life.PARTITIONS:
                    paces["workers_2"] = [await screening.screened(line, records, workers=2) for _ in range(given.runs)]
                    pauses = [await _pause(line) for _ in range(given.runs)]
                    times = given.count(BACKLOG, BACKLOG_SHORT) // (500 * len(records))
                    paces["backlog"] = [await screening.screened(line, records, times=max(1, times))]
    signals = [[pace.us_each for pace in of] for of in paces.values()]
    costs = [figure(of, "µs").median for of in signals]
    found: dict[str, Figure | Found] = {name: each(of, "signal") for name, of in paces.items()}
    found["cost_growth"] = figure([max(costs) / min(costs)], "times, the dearest by the cheapest")
    found["pause_seconds"] = figure(pauses, "s, after a worker of two was killed")
    return found | {"open_cases": await _open_cases(given)}


async def _pause(line: Line) -> float:
    """The longest time for which a partition with a backlog stands still after one of two workers was killed."""
    before = await screening.screened_so_far(line)
    total = await screening.fill(line, life.records(RECORDS_SHORT), times=4)

    async def under_way() -> bool:
        return await screening.screened_so_far(line) - before > AFTER * total

    async with working(line.settings, "screening", count=2) as workers:
        await until(under_way, "two workers to be at work")
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


async def _offset(line: Line, partition: int) -> int:
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
