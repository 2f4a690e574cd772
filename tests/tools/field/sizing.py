"""Is `quanzu admin size` right? An installation that the bench does not measure, reckoned first and then run.

python -m tests.tools.field.sizing --report sizing.json  on an Apache Kafka and Debian's Redis; ends with 1 beyond 25 %

Two whole workers on 16 partitions, 300,000 residents, and an open loop of ordinary life in records of 200 signals: the
bench has records of 10, 100 and 500 on 1, 4 and 64 partitions, in a closed loop, with screening alone, and 40,000. How
fast a core is just then is taken into account: `core`'s signals are timed before and after.
"""

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from domain.statistics.coefficients import VALUES
from domain.statistics.sizing import PAYMENTS_DAYS, Asked, size
from simulators.demo.run import ready
from simulators.demo.workers import Workers
from streams.installation import Installation
from streams.messaging import topics
from streams.runtime.settings import Settings
from tests.tools.bench import life
from tests.tools.bench.measured.screening import screened_so_far
from tests.tools.bench.measured.sizing import pace_of_a_core, signal_bytes
from tests.tools.bench.servers import real
from tests.tools.bench.usage import Usage, topic_bytes, usage
from tests.tools.bench.work import until
from tests.tools.field.faults.rebuild import opened
from tests.tools.field.load.load import Load

MOST = 0.25  # so far may a figure be from what was reckoned
SETTLE_SECONDS = 10.0
PACES = 7  # times that a core's pace is taken, before and after: on a shared machine one alone is off by a third


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is run. `rate`: signals a second; `batch`: signals of a record."""

    rate: float = 3_000
    seconds: float = 60
    batch: int = 200
    partitions: int = 16
    workers: int = 2
    residents: int = 300_000

    def asked(self, pace: float) -> Asked:
        """The same as the calculator takes it."""
        return Asked(
            self.residents,
            self.rate * 86_400,
            0,
            peak_factor=1,
            batch=self.batch,
            replication=1,
            partitions=self.partitions,
            pace=pace,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it: usage while it ran for so many seconds, and bytes that stayed."""

    signals: int
    seconds: float
    used: Usage
    redis_bytes: float
    signals_log: float
    residents_log: float
    pace: float


@dataclass(frozen=True, slots=True)
class Held:
    """A figure that was reckoned, and the one that was found."""

    name: str
    reckoned: float
    found: float

    @property
    def ratio(self) -> float:
        """What was reckoned, by what was found."""
        return self.reckoned / self.found

    @property
    def good(self) -> bool:
        """Whether it is near enough."""
        return 1 - MOST <= self.ratio <= 1 + MOST

    def __str__(self) -> str:
        mark = "" if self.good else f"   beyond {MOST:.0%}"
        return f"{self.name:<28}{self.reckoned:>14,.3f}{self.found:>14,.3f}{self.ratio:>8.2f}{mark}"


def held(wanted: Wanted, found: Found) -> Iterator[Held]:
    """Each figure of the calculator against what was found. CPU in cores, bytes in MiB, or MiB a second."""
    asked = replace(wanted.asked(found.pace), signals_per_day=found.signals / found.seconds * 86_400)
    flow, used, mib = size(asked), found.used, 2**20
    yield Held("workers, cores", flow.used.workers, used.worker / found.seconds)
    yield Held("Redis, cores", flow.used.redis, used.redis / found.seconds)
    yield Held("broker, cores", flow.used.brokers, used.broker / found.seconds)
    for name, count in {
        "to the brokers": used.to_broker,
        "from the brokers to workers": used.from_broker,
        "from workers to Redis": used.to_redis,
        "from Redis to workers": used.from_redis,
    }.items():
        yield Held(name, flow.network[name] / mib, count / found.seconds / mib)
    stored = size(replace(asked, signals_per_day=found.signals / PAYMENTS_DAYS, retention=PAYMENTS_DAYS))
    memory = stored.redis["residents"] + stored.redis["payments"]  # of evidence the load has hardly any
    yield Held("Redis, MiB", memory / mib, found.redis_bytes / mib)
    yield Held("signals on disk, MiB", stored.disk["signals"] / mib, found.signals_log / mib)
    yield Held("residents on disk, MiB", stored.disk["residents"] / mib, found.residents_log / mib)


async def run(wanted: Wanted, settings: Settings, folder: Path, say: Callable[[str], None]) -> Found:
    """Fill the register, start the workers, offer the load, and see what is used until all of it is screened."""
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(opened(settings))
        empty = usage(settings, []).memory
        await line.residents.put(life.crowd())
        await life.put_others(line.residents, 0, wanted.residents - len(life.crowd()))
        residents_log = topic_bytes(folder)[topics.RESIDENTS.name]
        say(f"{wanted.residents:,} residents are in the register")
        count = round(wanted.rate * wanted.seconds / wanted.batch) + 1
        load = Load(line.producer, line.clock, life.records(count, wanted.batch, wanted.partitions))
        workers = await stack.enter_async_context(Workers(settings, wanted.workers))
        await ready(line)
        await asyncio.sleep(SETTLE_SECONDS)  # they share the partitions out
        paces = [pace_of_a_core() for _ in range(PACES)]
        before, began = usage(settings, workers.pids), time.monotonic()
        await load.offer(wanted.rate, wanted.seconds)
        await until(lambda: _screened(line, load), "all that was offered to be screened")
        used, seconds = usage(settings, workers.pids).since(before), time.monotonic() - began
        paces += [pace_of_a_core() for _ in range(PACES)]
        if workers.restarts:
            raise RuntimeError(f"a worker ended by itself; see worker-0/worker.log in {settings.data}")
        memory = usage(settings, []).memory - empty
        pace = VALUES["sizing.core_us_per_signal"] / median(paces)
        return Found(load.accepted.total(), seconds, used, memory, signal_bytes(folder), residents_log, pace)


async def _screened(line: Installation, load: Load) -> bool:
    return await screened_so_far(line) >= load.accepted.total()


def main() -> int:
    """Run, tell each figure, and 1 when one is too far from what was reckoned."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Wanted()
    parser.add_argument("--rate", type=float, default=usual.rate, help="signals a second")
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--batch", type=int, default=usual.batch, help="signals of a record")
    parser.add_argument("--partitions", type=int, default=usual.partitions)
    parser.add_argument("--workers", type=int, default=usual.workers)
    parser.add_argument("--residents", type=int, default=usual.residents)
    parser.add_argument("--report", type=Path)
    given = vars(parser.parse_args())
    report = given.pop("report")
    logging.basicConfig(level=logging.ERROR)
    wanted = Wanted(**given)
    with tempfile.TemporaryDirectory(prefix="quanzu-sizing-") as name:
        folder = Path(name)
        with real(folder, wanted.partitions) as settings:
            found = asyncio.run(run(wanted, settings, folder, lambda text: print(text, flush=True)))
    rows = list(held(wanted, found))
    print(f"{found.signals:,} signals in {found.seconds:.0f} s; a core {found.pace:.2f} times as fast as the bench's")
    print(f"{'':<28}{'reckoned':>14}{'found':>14}{'ratio':>8}")
    print("\n".join(map(str, rows)))
    if report:
        data = {row.name: {"reckoned": row.reckoned, "found": row.found, "ratio": row.ratio} for row in rows}
        report.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return int(not all(row.good for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
