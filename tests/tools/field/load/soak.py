"""An hour at half of what the workers can take: does anything grow that should not?

python -m tests.tools.field.load.soak --minutes 60 --report soak.json

Measures first what the workers take, then offers half of it with people to be warned among it, on the servers of
QUANZU_KAFKA and QUANZU_REDIS (`python -m tests.tools.servers`) or on embedded ones. The province's clock runs 600 times
as fast and evidence is kept for ten days, so that an hour is 25 days, and what is kept for nine or ten of them must
level off; `--speed 1200` has it within half an hour. Sampled: each worker's memory, file descriptors and threads,
Redis' memory and keys. After the warm-up a straight line is laid through each (least squares): what it would gain in an
hour must be less than a tenth of its mean.
"""

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from rich.console import Console

from simulators.demo.run import Demo, Plan, Running, in_background
from simulators.providers.base import SimulatedProvider
from streams.intake.acceptor import Intake
from streams.runtime.settings import POLICY, Settings
from tests.tools.field.load.load import Load, batches
from tests.tools.field.load.overload import CROWD, MIB, Watch, capacity, figures, resident_bytes
from tests.tools.field.stories import LOWER, RED, Stories, cast

EVERY_SECONDS = 10.0
WARM_UP = 0.5  # of the time: until the first of what is kept for ten days goes again
SPEED = 600.0
KEPT = ('keep = "60d"', 'keep = "10d"')  # of evidence, in the policy
PEOPLE = 600  # in stories, again and again
MOST_GAIN = 0.1  # of the mean, in an hour
RED_A_SECOND, LOWER_A_SECOND = 0.2, 1.0  # at that speed


@dataclass(frozen=True, slots=True)
class Sample:
    """How much is held, `at` seconds from the beginning. A worker's figures are the largest of them."""

    at: float
    worker_memory_mib: float
    worker_descriptors: int
    worker_threads: int
    redis_memory_mib: float
    redis_keys: int
    redis_fields: int  # of all hashes, sets and sorted sets: a key may hold a million of them


async def sample(running: Running, began: float) -> Sample:
    """Look at the workers and at Redis."""
    pids = running.workers.pids
    redis: Any = running.line.redis
    memory, keyspace = await redis.info("memory"), await redis.dbsize()
    return Sample(
        round(time.monotonic() - began, 1),
        max(resident_bytes(pid) for pid in pids) / MIB,
        max(_entries(pid, "fd") for pid in pids),
        max(_entries(pid, "task") for pid in pids),
        memory["used_memory"] / MIB,
        keyspace,
        await _fields(redis),
    )


async def _fields(redis: Any) -> int:  # noqa: ANN401 - as redis-py has it
    """Members of the collections of partitions; a resident's own small ones are counted as keys."""
    sizes = {b"hash": "hlen", b"set": "scard", b"zset": "zcard"}
    total = 0
    async for name in redis.scan_iter(match="*}", count=1000):
        size = sizes.get(await redis.type(name))
        total += await getattr(redis, size)(name) if size else 0
    return total


def _entries(pid: int, what: str) -> int:
    return len(list(Path(f"/proc/{pid}/{what}").iterdir()))


def slopes(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """By figure: its mean, and what the line through it gains in an hour, absolute and as a share of the mean."""
    warm = [each for each in samples if each.at >= WARM_UP * samples[-1].at]
    times = [each.at / 3600 for each in warm]
    found = {}
    for name in list(asdict(warm[0]))[1:]:
        values = [float(getattr(each, name)) for each in warm]
        gain, mean = statistics.linear_regression(times, values).slope, statistics.fmean(values)
        found[name] = {"mean": round(mean, 2), "gain_an_hour": round(gain, 2), "share": round(gain / mean, 4)}
    return found


async def run(
    minutes: float, rate: float | None, speed: float, settings: Settings, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure, load, watch; returns the figures."""
    plan = Plan(timedelta(minutes=minutes), speed, 7, CROWD + 2 * PEOPLE)
    async with AsyncExitStack() as stack:
        demo = Demo(settings, plan, Console(quiet=True), lambda *_: "")
        running = await stack.enter_async_context(demo.running())
        people = running.province.people
        line = running.line
        load = Load(line.producer, line.clock, batches(people[:CROWD], line.settings.partitions, 100, 7))
        told = cycle(cast(people[CROWD:])[:PEOPLE])
        stories = Stories(Intake(line.producer, line.settings), line.clock, told)
        watch = Watch(running, load, stories, say)
        await stories.confirm()
        half = (rate or await capacity(watch, 60)) / 2
        say(f"half of it: {half:,.0f} a second for {minutes:g} minutes")
        return await _soaked(minutes, watch, half, speed / SPEED, say)


async def _soaked(
    minutes: float, watch: Watch, rate: float, times: float, say: Callable[[str], None]
) -> dict[str, Any]:
    """`times`: as many stories are told as at SPEED."""
    began, samples = time.monotonic(), list[Sample]()

    async def look() -> None:
        while True:
            samples.append(await sample(watch.running, began))
            if len(samples) % 30 == 1:
                say(str(samples[-1]))
            await asyncio.sleep(EVERY_SECONDS)

    async with in_background(watch.run()), in_background(look()):
        async with (
            in_background(watch.stories.keep_telling(RED, 1 / RED_A_SECOND / times)),
            in_background(watch.stories.keep_telling(LOWER, 1 / LOWER_A_SECOND / times)),
        ):
            offered = await watch.load.offer(rate, minutes * 60)
        await watch.drained()
    found = await figures(watch)
    return {
        "offered_a_second": round(offered),
        "slopes": slopes(samples),
        "worker_restarts": watch.running.workers.restarts,
        "contacts": sum(len(provider.book) for provider in _providers(watch.running)),
        **{name: found[name] for name in ("accepted", "conservation_holds", "most_waiting")},
        "samples": [asdict(each) for each in samples],
    }


def _providers(running: Running) -> list[SimulatedProvider]:
    found = running.providers
    return [found.carrier, found.bank, found.station]


def failures(found: dict[str, Any]) -> list[str]:
    """What grows, and what was lost."""
    grown = [f"{name} grows: {line}" for name, line in found["slopes"].items() if line["share"] > MOST_GAIN]
    lost = [] if found["conservation_holds"] else ["accepted signals did not all come out"]
    return grown + lost + (["a worker was started again"] if found["worker_restarts"] else [])


def _policy(folder: str) -> Path:
    """The province's policy, with evidence kept for less long."""
    text = POLICY.read_text(encoding="utf-8")
    if KEPT[0] not in text:
        raise ValueError(f"{POLICY.name} does not say {KEPT[0]}")
    path = Path(folder) / "soak.toml"
    path.write_text(text.replace(*KEPT), encoding="utf-8")
    return path


def main() -> int:
    """Run, write the report, and say what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, help="signals a second the workers can take: measured when not given")
    parser.add_argument("--speed", type=float, default=SPEED, help="of the province's clock")
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="quanzu-soak-") as folder:
        settings = Settings(data=Path(folder), policy=_policy(folder), http_port=0, metrics_port=0, log_level="WARNING")
        found = asyncio.run(run(given.minutes, given.rate, given.speed, settings, lambda text: print(text, flush=True)))
    if given.report:
        given.report.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in found.items() if name != "samples"}, indent=2))
    wrong = failures(found)
    print("\n".join(wrong) or "nothing grows, nothing was lost")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
