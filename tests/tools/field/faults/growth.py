"""A growth that is killed at random points, and how long one takes.

python -m tests.tools.field.faults.growth --cases 3000 --points 50 --seed 1   kill -9 at 50 random points
python -m tests.tools.field.faults.growth --cases 100000 --events 9           the time of one growth

The number of partitions grows again and again, by one to four at a time, until the command was killed so often; after
each growth the store is built anew, and must hold what it held before the first one.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import re
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from streams.messaging import topics
from streams.operations.growth import running
from streams.runtime.settings import Settings
from tests.tools.bench.servers import real
from tests.tools.field.grown import Content, assert_same, built, content, fill, journal_of, kept_in_redis_alone, opened
from tests.tools.field.grown import people as told_of

OLD = 2
KILLED_PER_GROWTH = 20
LONGEST_SECONDS = 3_600
LOOK_SECONDS = 0.05
out = Console()


class Command:
    """`quanzu admin topics grow`, as a process of its own. It is forked from this one, which has loaded everything: so
    that a kill meets its work and not its start.
    """

    def __init__(self, settings: Settings, to: int, told: Path) -> None:
        self._settings, self._to, self._told = settings, to, told

    def run(self, seconds: float | None) -> bool:
        """Run it, and kill it (SIGKILL) after so many seconds if it still runs. Returns whether it has ended by itself.

        Raises RuntimeError if it ended with an error.
        """
        if (pid := os.fork()) == 0:
            self._work()
        until = time.monotonic() + (seconds or LONGEST_SECONDS)
        while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return False
            time.sleep(LOOK_SECONDS)
        if ended[1] != 0:
            raise RuntimeError(f"the command failed after: {self._told.read_text()[-500:]}")
        return True

    def _work(self) -> NoReturn:
        code = 1
        try:
            asyncio.run(running.grow_partitions(self._settings, self._to, "operator-1", "a test", self._tell))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _tell(self, text: str) -> None:
        with self._told.open("a", encoding="utf-8") as told:
            told.write(text + "\n")


async def drained(settings: Settings, cases: int, events: int | None) -> tuple[Content, int]:
    """Fill an installation, and return what is in its store, and the number of journal entries."""
    entries = await fill(settings, cases, events)
    await built(settings)
    async with opened(settings) as line:
        await kept_in_redis_alone(line, [told.resident for told in told_of(min(cases, 5_000))])
        return await content(line), entries


def killed(settings: Settings, cases: int, points: int, chance: random.Random, told: Path) -> dict[str, Any]:
    """Kill growths at so many random points in all, and compare the stores. Raises AssertionError if one differs."""
    before, entries = asyncio.run(drained(settings, cases, None))
    journal, partitions, growths = asyncio.run(journal_of(settings)), OLD, 0
    usual = 0.0  # how long an uninterrupted growth takes: known after the first one
    places: list[str] = []  # the steps after which it was killed
    while len(places) < points:
        to = partitions + chance.randint(1, 4)
        command = Command(settings.model_copy(update={"partitions": partitions}), to, told)
        for _ in range(KILLED_PER_GROWTH if usual else 0):
            if command.run(chance.uniform(0.1, usual / 3)):
                break
            places.append(_last_step(told))
        began = time.monotonic()
        command.run(None)
        usual = usual or time.monotonic() - began
        partitions, growths = to, growths + 1
        new = settings.model_copy(update={"partitions": partitions})
        assert_same(before, asyncio.run(built(new)))
        assert asyncio.run(journal_of(new)) == journal
        out.print(f"{partitions} partitions, killed {len(places)} times so far: the same", highlight=False)
    return {"cases": cases, "entries": entries, "growths": growths, "killed": len(places), "after": Counter(places)}


def _last_step(told: Path) -> str:
    """The last step that a growth had told, without its figures."""
    steps = told.read_text(encoding="utf-8").splitlines()
    return re.sub(r"[:,0-9].*", "", steps[-1]).strip() if steps else ""


def timed(settings: Settings, cases: int, events: int | None, to: int, told: Path) -> dict[str, Any]:
    """Return how long one growth takes, and the building of the store afterwards."""
    before, entries = asyncio.run(drained(settings, cases, events))
    used_before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    began = time.monotonic()
    Command(settings, to, told).run(None)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used_before
    took, began = time.monotonic() - began, time.monotonic()
    after = asyncio.run(built(settings.model_copy(update={"partitions": to})))
    rebuilt = time.monotonic() - began
    assert_same(before, after)
    return {
        "cases": cases,
        "entries": entries,
        "partitions": [settings.partitions, to],
        "growth_seconds": round(took, 1),
        "growth_cpu_seconds": round(used, 1),  # of the command itself
        "built_seconds": round(rebuilt, 1),
        "load": os.getloadavg()[0],
        "steps": told.read_text(encoding="utf-8").splitlines(),
    }


def main() -> int:
    """Kill growths, or measure one; prints the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3_000)
    parser.add_argument("--events", type=int, help="Journal entries of a case, at most")
    parser.add_argument("--points", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=int, default=8)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="quanzu-growth-") as folder, real(Path(folder), OLD) as settings:
        topics.create(settings)
        told = Path(folder) / "growth.txt"
        found = (
            killed(settings, given.cases, given.points, random.Random(given.seed), told)
            if given.points
            else timed(settings, given.cases, given.events, given.to, told)
        )
    print(text := json.dumps(found, indent=2))
    if given.report:
        given.report.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
