"""`residents`: what a register of ten million takes of Redis, how fast it is imported, and whether look-ups slow down.

Look-ups are asked one at a time, as a dispatcher asks; screening asks for a batch in one round trip. Each is timed
from the call to its answer, so it holds the client's work too, which is most of it. A register that stays small lies in
a Redis beside the one that grows, and the two are asked in turn: how fast the machine was just then is in both.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random

from hdrh.histogram import HdrHistogram

from streams.installation import Installation
from streams.repositories.residents.example import write_example
from streams.repositories.residents.register import Residents
from streams.runtime.settings import Settings
from streams.state.case_store import connect
from streams.state.file_rewrite import settled
from tests.tools.bench import life, limits
from tests.tools.bench.figures import Figure, Found, Given, cost_beside, figure, rate_beside
from tests.tools.bench.servers import real
from tests.tools.field.faults.rebuild import opened
from tests.tools.servers.redis import RedisServer

STEPS = [10**4, 10**5, 10**6, 10**7]
STEPS_SHORT = STEPS[:2]
LOOK_UPS = 4_000  # of a run, of each register
IN_TURN = 100  # of one register, then of the other
LIMIT_RESIDENTS = 2_000  # on whom the limits are measured
IMPORTED, IMPORTED_SHORT = 200_000, 20_000  # rows of the file
HIGHEST_US = 10_000_000


def measure(given: Given) -> Found:
    """The section."""
    with real(given.folder / "grown") as settings:
        steps = STEPS_SHORT if given.short else sorted({max(STEPS[0] // 10, given.count(step, step)) for step in STEPS})
        grown = asyncio.run(_grown(settings, steps, given))
    with real(given.folder / "imported") as settings:
        least = asyncio.run(_limits(settings))
        rates = figure(_imports(settings, given), "rows/s")
    return {
        **grown,
        "imported_per_second": rate_beside(rates, {name: 1e6 / us for name, us in least.items()}),
        "limits": limits.figures(least, "resident"),
    }


async def _limits(settings: Settings) -> limits.Limits:
    """Copying entries, writing them to Kafka, and Redis' own work on them, µs a resident."""
    async with opened(settings) as line:
        people = [life.other(number) for number in range(LIMIT_RESIDENTS)]
        values = [resident.model_dump_json().encode() for resident in people]
        answered = await limits.answered(settings, ["*"], lambda: line.residents.put(people))
        return {
            limits.COPY: limits.copied(values, len(people)),
            limits.REDIS: answered / len(people) * 1e6,
            limits.WRITTEN: limits.produced(settings, values) / len(people) * 1e6,
        }


async def _grown(settings: Settings, steps: list[int], given: Given) -> Found:
    async with opened(settings) as line, _small(line, given.folder / "small", steps[0]) as small:
        empty, p99s = await _memory(line), list[list[list[float]]]()
        for before, count in pairwise([0, *steps]):
            began = time.monotonic()
            await life.put_others(line.residents, before, count)
            put = (count - before) / (time.monotonic() - began)
            await settled(line.redis)  # what was put makes it write its file anew, which is over some time
            p99s.append([await _p99s_ms((small, steps[0]), (line.residents, count), seed=n) for n in range(given.runs)])
            given.say(f"{count:,} residents: {put:,.0f} put a second")
        bare = await _bare_p99_ms(line, steps[-1])
        found: dict[str, Figure | Found] = {
            "bytes_each": figure([(await _memory(line) - empty) / steps[-1]], "bytes of Redis"),
            "put_per_second": figure([put], "residents/s"),
        }
        for count, of in zip(steps, p99s, strict=True):
            found[f"lookup_p99_ms_of_{count}"] = cost_beside(
                figure([here for _, here in of], "ms"), {limits.ROUND_TRIP: bare}
            )
            found[f"lookup_p99_growth_to_{count}"] = growth = figure(
                [here / there for there, here in of], f"times a look-up beside {steps[0]:,} residents"
            )
        return found | {"lookup_p99_growth": growth}


@asynccontextmanager
async def _small(line: Installation, folder: Path, count: int) -> AsyncIterator[Residents]:
    """A register of so many residents in a Redis of its own."""
    with RedisServer(folder) as server:
        redis = connect(line.settings.model_copy(update={"redis": server.url}))
        try:
            register = Residents(line.settings, redis, line.producer)
            await life.put_others(register, 0, count)
            yield register
        finally:
            await redis.aclose()


async def _p99s_ms(*registers: tuple[Residents, int], seed: int) -> list[float]:
    """Of look-ups of residents drawn at random, of each register and its count; the registers take turns."""
    chance, found = Random(seed), [HdrHistogram(1, HIGHEST_US, 3) for _ in registers]
    for _ in range(LOOK_UPS // IN_TURN):
        for (register, count), told in zip(registers, found, strict=True):
            await _look_up(register, [life.other_phone(chance.randrange(count)) for _ in range(IN_TURN)], told)
    return [float(each.get_value_at_percentile(99) / 1e3) for each in found]


async def _look_up(register: Residents, phones: list[str], told: HdrHistogram) -> None:
    now = datetime.now(UTC)
    for phone in phones:
        began = time.perf_counter()
        (who,) = await register.by_phone([(phone, now)])
        told.record_value(round((time.perf_counter() - began) * 1e6))
        if who is None:
            raise RuntimeError("a resident who was entered is not found")


async def _bare_p99_ms(line: Installation, count: int) -> float:
    """Of the same commands on a bare socket."""
    chance, now = Random(count), datetime.now(UTC)

    async def ask() -> None:
        for _ in range(LOOK_UPS):
            await line.residents.by_phone([(life.other_phone(chance.randrange(count)), now)])

    found = HdrHistogram(1, HIGHEST_US, 3)
    for seconds in await limits.round_trips(line.settings, ask):
        found.record_value(max(1, round(seconds * 1e6)))
    return float(found.get_value_at_percentile(99) / 1e3)


async def _memory(line: Installation) -> int:
    return int((await line.redis.info("memory"))["used_memory"])


def _imports(settings: Settings, given: Given) -> list[float]:
    """Rows a second of `quanzu residents import`, from the command to its end; each run's people are others."""
    count, rates = given.count(IMPORTED, IMPORTED_SHORT), list[float]()
    for number in range(given.runs):
        file = given.folder / f"people-{number}.csv"
        rows = write_example(file, count, seed=number)
        began = time.monotonic()
        command = [sys.executable, "-m", "quanzu", "residents", "import", str(file)]
        subprocess.run(command, env={**os.environ, **settings.environment()}, stdout=subprocess.DEVNULL, check=True)
        rates.append(rows / (time.monotonic() - began))
    return rates
