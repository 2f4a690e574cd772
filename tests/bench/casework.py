"""`casework`: the agent alone in a worker, on case inputs that were there before it started; and deadlines in a storm.

The inputs are lives of made-up cases: alerts, results of contacts, acts of operators, banks, deadlines. They are
decided on beside no other case, then beside many open ones. The storm: so many deadlines due in one minute, and the
time from when each fell due until what it led to was in the journal.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from domain.report import Published, deadline_errors, percentiles, unique
from schemas.events import CaseEvent
from schemas.inputs import ResidentInput
from schemas.levels import Level
from streams import case_inputs, topics
from streams.clock import Clock
from streams.journal import read_entry
from streams.keys import HOLDS, NAMES, STATE, key
from streams.line import Line
from streams.reader import end_offsets, read_all
from streams.settings import Settings
from streams.topics import home
from tests.bench import cases, core, life
from tests.bench.figures import Found, Given, figure
from tests.bench.servers import real
from tests.bench.work import Pace, each, pace, until, working
from tests.field import lives
from tests.field.overload import cpu_seconds
from tests.field.rebuild import opened

OPEN, OPEN_SHORT = 100_000, 20_000
CASES, ROUNDS = 2_000, 4  # of a run
STORM_SECONDS, STORM_SECONDS_SHORT = 60.0, 12.0  # at the same rate
STORM_A_SECOND = 100_000 / 60
AHEAD_SECONDS = 15.0  # until the storm begins: the worker starts meanwhile
SMS_AFTER = timedelta(minutes=3)  # yellow's first step; its next falls due an hour after the alert
PIECE = 5_000  # inputs written together


async def decided(line: Line, inputs: Sequence[ResidentInput], *more: str, warm_up: float) -> Pace:
    """Write the inputs, then let a worker decide on them; with the agents `more` beside."""
    before = await _stands(line)
    partitions = line.settings.partitions
    records = [case_inputs.record(given, home(given.resident, partitions)) for given in inputs]
    for start in range(0, len(records), PIECE):
        await line.producer.send_all(records[start : start + PIECE])

    async def done() -> int:
        return await _stands(line) - before

    async with working(line.settings, "casework", *more) as workers:
        return await pace(workers, done, len(inputs), warm_up)


async def runs(line: Line, count: int, seed: int) -> list[Pace]:
    """Runs on cases of their own, each of which begins with an alert."""
    found = []
    for number in range(count):
        start = datetime.now(UTC) - timedelta(days=1)
        inputs = cases.told(CASES, ROUNDS, start, core.policy(), seed + number).inputs
        found.append(await decided(line, inputs, warm_up=0.1))
    return found


def alerts(count: int, first: datetime, seconds: float, seed: int, level: Level | None = None) -> list[ResidentInput]:
    """Alerts about so many residents, spread evenly over so many seconds from `first` on."""
    chance, found = Random(seed), list[ResidentInput]()
    for number in range(count):
        alert = lives.alert(lives.resident(chance), first + timedelta(seconds=seconds * number / count), chance)
        danger = alert.danger.model_copy(update={"level": level or alert.danger.level})
        found.append(alert.model_copy(update={"danger": danger}))
    return found


@dataclass(frozen=True, slots=True)
class Storm:
    """How late deadlines were acted on, in seconds, and what the worker used for each, in µs."""

    errors: list[float]
    us_each: float


async def storm(line: Line, seconds: float, seed: int) -> Storm:
    """Let deadlines fall due for so many seconds, of cases that are there; by a clock that begins just before them."""
    count, first = round(STORM_A_SECOND * seconds), datetime.now(UTC).replace(microsecond=0)
    await _forget(line)
    await decided(line, alerts(count, first - SMS_AFTER, seconds, seed, Level.YELLOW), warm_up=0.1)
    journal = await end_offsets(line.settings, topics.CASE_EVENTS.name)
    clock = Clock(1.0, time.time() + AHEAD_SECONDS, first)
    settings = line.settings.model_copy(update={"clock": str(clock)})
    last = first + timedelta(seconds=seconds)

    async def over() -> bool:
        partitions = range(settings.partitions)
        if clock.now() < last or any([await line.store.overdue(partition, last) for partition in partitions]):
            return False
        return not any([await line.store.outbox(partition) for partition in partitions])  # the journal has it

    async with working(settings, "casework", "deadlines") as workers:
        await clock.sleep_until(first)
        used = cpu_seconds(workers.pids)
        await until(over, "the deadlines to be acted on")
        used = cpu_seconds(workers.pids) - used
    errors = deadline_errors(await _journal(settings, journal), clock.sim_start, clock.wall_start, clock.speed)
    if len(errors) < count:
        raise RuntimeError(f"{count} deadlines fell due, and {len(errors)} were acted on")
    return Storm(errors, used / count * 1e6)


def measure(given: Given) -> Found:
    """The section."""
    with real(given.folder) as settings:
        return asyncio.run(_measured(settings, given))


async def _measured(settings: Settings, given: Given) -> Found:
    count = OPEN_SHORT if given.short else OPEN
    async with opened(settings) as line:
        await stand(line)
        alone = await runs(line, given.runs, life.SEED)
        now = datetime.now(UTC) - timedelta(days=1)
        filled = await decided(line, alerts(count, now, 3600, life.SEED), warm_up=0.1)
        beside = await runs(line, given.runs, 2 * life.SEED + given.runs)
        seconds, often = (STORM_SECONDS_SHORT, 1) if given.short else (STORM_SECONDS, given.runs)
        storms = [await storm(line, seconds, 100 + number) for number in range(often)]
    return {
        "open_0": each(alone, "input"),
        f"open_{count}": each(beside, "input"),
        "alerts": each([filled], "input"),  # each opens a case: the dearest of inputs
        "deadlines": {
            "due": figure([len(one.errors) for one in storms], f"in {seconds:g} s"),
            "error_p50_ms": figure([_percentile(one, 50) for one in storms], "ms"),
            "error_p99_ms": figure([_percentile(one, 99) for one in storms], "ms"),
            "cpu_us_each": figure([one.us_each for one in storms], "µs of the process's CPU"),
        },
    }


def _percentile(storm: Storm, which: int) -> float:
    return (percentiles(storm.errors, which)[f"p{which}"] or 0.0) * 1e3


async def _journal(settings: Settings, since: dict[int, int]) -> list[Published]:
    name, found = topics.CASE_EVENTS.name, list[Published]()
    async for record in read_all(settings, name, {name: since}):
        entry = read_entry(record.offset, record.value or b"")
        if isinstance(entry, CaseEvent):
            found.append(Published(entry, record.timestamp / 1000))
    return unique(found)


async def stand(line: Line) -> None:
    """Let a worker bring the partitions up."""
    async with working(line.settings, "casework", "deadlines"):  # whose watch does it
        await until(partial(_up, line), "casework to stand")


async def _up(line: Line) -> bool:
    return None not in [await line.store.offset(partition) for partition in range(line.settings.partitions)]


async def _stands(line: Line) -> int:
    """Inputs that were decided on so far."""
    offsets: list[Any] = [await line.store.offset(partition) for partition in range(line.settings.partitions)]
    return sum(offset + 1 for offset in offsets)


async def _forget(line: Line) -> None:
    """Drop all cases, but not where the partitions stand."""
    names = [name for number, name in enumerate(NAMES) if number not in (STATE, HOLDS)]
    await line.redis.unlink(*(key(name, partition) for name in names for partition in range(line.settings.partitions)))
