"""`casework`: the agent alone in a worker, on case inputs that were there before it started; and deadlines in a storm.

The inputs are lives of made-up cases: alerts, results of contacts, acts of operators, banks, deadlines. They are
decided on beside no other case, then beside many open ones. The storm: so many deadlines due in one minute, and the
time from when each fell due until what it led to was in the journal.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from random import Random
from typing import Any

from agents.casework import Casework
from domain.statistics.report import Published, deadline_errors, percentiles, unique
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import Alert, ResidentInput
from schemas.levels import Level
from streams.casework.journal import read_entry
from streams.casework.steps import BATCH
from streams.installation import Installation
from streams.messaging import case_inputs, topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import read_all
from streams.messaging.record import Raw
from streams.messaging.topics import home
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.keys import HOLDS, NAMES, STATE, key
from tests.tools.bench import cases, life, limits
from tests.tools.bench.figures import Found, Given, figure
from tests.tools.bench.measured import core
from tests.tools.bench.servers import real
from tests.tools.bench.work import Pace, beside, each, pace, until, until_none, working
from tests.tools.field import lives
from tests.tools.field.faults.rebuild import opened
from tests.tools.field.load.overload import cpu_seconds

OPEN, OPEN_SHORT = 100_000, 20_000
CASES, ROUNDS = 2_000, 4  # of a run
LIMIT_CASES, LIMIT_SEED = 500, 1_000_003  # on which the limits are measured
STORM_SECONDS, STORM_SECONDS_SHORT = 60.0, 12.0  # at the same rate
STORM_A_SECOND = 100_000 / 60
AHEAD_SECONDS = 15.0  # until the storm begins: the worker starts meanwhile
SMS_AFTER = timedelta(minutes=3)  # yellow's first step; its next falls due an hour after the alert
PIECE = 5_000  # inputs written together


async def decided(line: Installation, inputs: Iterable[ResidentInput], *more: str, warm_up: float) -> Pace:
    """Write the inputs, then let a worker decide on them; with the agents `more` beside."""
    before = await _stands(line)
    total = await _write(line, inputs)

    async def done() -> int:
        return await _stands(line) - before

    async with working(line.settings, "casework", *more) as workers:
        return await pace(workers, done, total, warm_up)


async def runs(line: Installation, count: int, seed: int) -> list[Pace]:
    """Runs on cases of their own, each of which begins with an alert."""
    found = []
    for number in range(count):
        inputs = cases.told(CASES, ROUNDS, cases.morning(), core.policy(), seed + number).inputs
        found.append(await decided(line, inputs, warm_up=0.1))
    return found


def alerts(count: int, first: datetime, seconds: float, seed: int, level: Level | None = None) -> Iterator[Alert]:
    """Alerts about so many residents, spread evenly over so many seconds from `first` on."""
    chance = Random(seed)
    for number in range(count):
        alert = lives.alert(lives.resident(chance), first + timedelta(seconds=seconds * number / count), chance)
        danger = alert.danger.model_copy(update={"level": level or alert.danger.level})
        yield alert.model_copy(update={"danger": danger})


@dataclass(frozen=True, slots=True)
class Storm:
    """How late deadlines were acted on, in seconds, and what the worker used for each, in µs."""

    errors: list[float]
    us_each: float


async def storm(line: Installation, seconds: float, seed: int) -> Storm:
    """Let deadlines fall due for so many seconds, of cases that are there; by a clock that begins just before them."""
    count, first = round(STORM_A_SECOND * seconds), cases.morning()
    await _forget(line)
    await decided(line, alerts(count, first - SMS_AFTER, seconds, seed, Level.YELLOW), warm_up=0.1)
    journal = await end_offsets(line.settings, topics.CASE_EVENTS.name)
    clock = Clock(1.0, time.time() + AHEAD_SECONDS, first)
    settings = line.settings.model_copy(update={"clock": str(clock)})
    last = first + timedelta(seconds=seconds)

    async def left() -> int:
        """What is overdue, or decided on and not in the journal yet."""
        partitions = range(settings.partitions)
        overdue = [await line.store.overdue(partition, last) for partition in partitions]
        return sum(overdue) + sum([len(await line.store.outbox(partition)) for partition in partitions])

    async with working(settings, "casework", "deadlines") as workers:
        await clock.sleep_until(first)
        used = cpu_seconds(workers.pids)
        await clock.sleep_until(last)
        await until_none(left, "deadlines are to be acted on")
        used = cpu_seconds(workers.pids) - used
    errors = deadline_errors(await published(settings, journal), clock.wall_time)
    if len(errors) < count:
        raise RuntimeError(f"{count} deadlines fell due, and {len(errors)} were acted on")
    return Storm(errors, used / count * 1e6)


def measure(given: Given) -> Found:
    """The section."""
    with real(given.folder) as settings:
        return asyncio.run(_measured(settings, given))


async def _measured(settings: Settings, given: Given) -> Found:
    count = given.count(OPEN, OPEN_SHORT)
    async with opened(settings) as line:
        await stand(line)
        alone = await runs(line, given.runs, life.SEED)
        least = await _limits(line)
        filled = await decided(line, alerts(count, cases.morning(), 3600, life.SEED), warm_up=0.1)
        crowded = await runs(line, given.runs, 2 * life.SEED + given.runs)
        seconds, often = given.seconds(STORM_SECONDS, STORM_SECONDS_SHORT), 1 if given.short else given.runs
        storms = [await storm(line, seconds, 100 + number) for number in range(often)]
    return {
        "open_0": beside(each(alone, "input"), "input", least),
        f"open_{count}": beside(each(crowded, "input"), "input", least),
        "alerts": each([filled], "input"),  # each opens a case: the dearest of inputs
        "deadlines": {
            "due": figure([len(one.errors) for one in storms], f"in {seconds:g} s"),
            "error_p50_ms": figure([_percentile(one, 50) for one in storms], "ms"),
            "error_p99_ms": figure([_percentile(one, 99) for one in storms], "ms"),
            "cpu_us_each": figure([one.us_each for one in storms], "µs of the process's CPU"),
        },
        "limits": limits.figures(least, "input"),
    }


async def _limits(line: Installation) -> limits.Limits:
    """Copying the inputs, reading them, Redis' own work on them, µs an input. They are decided on here meanwhile."""
    name = topics.CASE_INPUTS.name
    since = await limits.ends(line.settings, name)
    inputs = cases.told(LIMIT_CASES, ROUNDS, cases.morning(), core.policy(), LIMIT_SEED).inputs
    waiting = {number: list[Raw]() for number in range(line.settings.partitions)}
    await _write(line, inputs)
    async for record in read_all(line.settings, name, {name: {number: end for (_, number), end in since.items()}}):
        waiting[record.partition].append(Raw(record.offset, record.value or b""))

    flow = Casework(line.casework_context)

    async def decide() -> None:
        for partition, raws in waiting.items():
            for start in range(0, len(raws), BATCH):
                await flow.apply(partition, raws[start : start + BATCH])

    count, keys = len(inputs), [f"{each}:*" for each in NAMES]
    return {
        limits.COPY: limits.copied([raw.value for raws in waiting.values() for raw in raws], count),
        limits.READ: limits.fetched(line.settings, since, await limits.ends(line.settings, name)) / count * 1e6,
        limits.REDIS: await limits.answered(line.settings, keys, decide) / count * 1e6,
    }


def _percentile(storm: Storm, which: int) -> float:
    return (percentiles(storm.errors, which)[f"p{which}"] or 0.0) * 1e3


async def published(settings: Settings, since: Mapping[int, int]) -> list[Published]:
    """The cases' events that the journal has behind these offsets, each once, and when it was given them."""
    name, found = topics.CASE_EVENTS.name, list[Published]()
    async for record in read_all(settings, name, {name: since}):
        entry = read_entry(record.offset, record.value or b"")
        if isinstance(entry, CaseEvent):
            found.append(Published(entry, record.timestamp / 1000))
    return unique(found)


async def stand(line: Installation) -> None:
    """Let a worker bring the partitions up."""
    async with working(line.settings, "casework", "deadlines"):  # whose watch does it
        await until(partial(_up, line), "casework to stand")


async def _up(line: Installation) -> bool:
    return None not in [await line.store.offset(partition) for partition in range(line.settings.partitions)]


async def _write(line: Installation, inputs: Iterable[ResidentInput]) -> int:
    """Write the inputs, some at a time: a million would not fit into memory. Returns how many there were."""
    total, partitions, every = 0, line.settings.partitions, iter(inputs)
    while some := list(islice(every, PIECE)):
        await line.producer.send_all([case_inputs.record(given, home(given.resident, partitions)) for given in some])
        total += len(some)
    return total


async def _stands(line: Installation) -> int:
    """Inputs that were decided on so far."""
    offsets: list[Any] = [await line.store.offset(partition) for partition in range(line.settings.partitions)]
    return sum(offset + 1 for offset in offsets)


async def _forget(line: Installation) -> None:
    """Drop all cases, but not where the partitions stand."""
    names = [name for number, name in enumerate(NAMES) if number not in (STATE, HOLDS)]
    await line.redis.unlink(*(key(name, partition) for name in names for partition in range(line.settings.partitions)))
