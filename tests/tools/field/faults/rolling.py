"""All workers restarted one after the other, under load, on three real brokers and a Redis: is a warning late or lost?

python -m tests.tools.field.faults.rolling --workers 3 --report rolling.json

As the RUNBOOK says: each worker has a name of its own (QUANZU_INSTANCE), gets SIGTERM and is started again; the next
follows when it is ready and `quanzu doctor --now` misses nobody. Every provider is one that is neither idempotent nor
can be asked, so that a contact which a restart cut off would be in doubt. What is compared are the books of chaos
(tests/tools/chaos): an observer's of every topic, the providers' and the feeders'; lateness is a deadline's, from when
it fell due to its input lying on the topic, without what the whole machine stood still meanwhile. Times in the report
are seconds from the first restart.

`--first` and `--then` name checkouts of other versions: the workers start with the code of the one and are restarted
with that of the other. So `--first OLD` is an upgrade, and `--then OLD` the way back.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from simulators.assumptions.chance import between
from simulators.assumptions.pace import Pace
from simulators.demo.workers import Workers
from simulators.world.province import Province
from streams.channels.provider import Kind
from streams.installation import Installation
from streams.messaging import topics
from streams.monitoring.status.checks import status_page
from streams.runtime.settings import Settings
from tests.tools.chaos.faults.base import RESTART_SECONDS
from tests.tools.chaos.faults.workers import READY
from tests.tools.chaos.houses import House, servers
from tests.tools.chaos.judging.all_laws import LAWS, broken
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.late import acted
from tests.tools.chaos.judging.seen import Seen
from tests.tools.chaos.plan import CHANNELS, Plan
from tests.tools.chaos.province import Quiet, life
from tests.tools.chaos.round import beside, environment, settled
from tests.tools.chaos.stage import Stage, Window
from tests.tools.servers.kafka import Kafka

CALM_SECONDS = 3.0  # before the first restart
LOOK_SECONDS = 0.1
READY_SECONDS = 120.0  # on a busy machine
START_SECONDS = 240.0
CLEAN_SECONDS = 20.0  # after which the next one's turn comes all the same, and the report says so
HERE = Path(__file__).parents[4]
RESIDENTS, ORDINARY, STORIES = 800, 3_000, 60  # the last two in an hour of the province's, a minute of ours

PACE = Pace(
    ordinary=lambda residents: ORDINARY,
    stories=lambda residents: STORIES,
    begins=lambda chance: between(chance, 0, 300),
    life=life,
)


class Named(Workers):
    """Workers that keep a name over restarts, and may come back with the code of another checkout."""

    versions: ClassVar[tuple[Path, Path]] = (HERE, HERE)  # to start with, and after a restart

    def __init__(self, settings: Settings, count: int) -> None:
        super().__init__(settings, count)
        self._begun = set[Path]()

    def _environment(self, folder: Path) -> dict[str, str]:
        first, then = self.versions
        code = then if folder in self._begun else first
        self._begun.add(folder)
        path = os.pathsep.join([str(code), *filter(None, sys.path)])
        # Safe: the folder we stand in, which has a checkout too, does not come before it.
        named = {"QUANZU_INSTANCE": folder.name, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
        return {**super()._environment(folder), **named}


class Rolling(Quiet):
    """A busier province than a chaos round's, whose workers have names."""

    def province(self, secret: bytes) -> Province:
        return Province(self._plan.seed, RESIDENTS, pace=PACE, secret=secret)

    async def ready(self, line: Installation) -> None:
        """Return when workers have built all partitions, however long a busy machine takes."""
        async with asyncio.timeout(START_SECONDS):
            while None in [await line.store.offset(each) for each in range(line.settings.partitions)]:  # noqa: ASYNC110 - a store tells nobody
                await asyncio.sleep(LOOK_SECONDS)

    def workers(self, settings: Settings) -> Workers:
        return Named(settings, self._plan.workers)


async def restarted(stage: Stage, number: int) -> dict[str, Any]:
    """Restart one worker as the RUNBOOK says; how long it was away, and until nobody was missed any more."""
    workers, settings = stage.running.workers, stage.running.line.settings
    log = settings.data / f"worker-{number}" / "worker.log"
    began, times = time.time(), log.read_bytes().count(READY)
    workers.signal(number, signal.SIGTERM)
    async with asyncio.timeout(READY_SECONDS):
        while log.read_bytes().count(READY) == times:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(LOOK_SECONDS)
    ready, looks = time.time(), 1
    while (page := await status_page(settings)).missed and time.time() < ready + CLEAN_SECONDS:
        looks += 1
    stage.windows.append(Window("worker_restarted", began, time.time(), RESTART_SECONDS, False))
    return {"worker": number, "ready_seconds": round(ready - began, 1), "looks": looks, "missed": page.missed}


async def run(workers: int, seconds: float, ahead: float, seed: int, folder: Path, kafka: Kafka) -> dict[str, Any]:
    """Load, restart one after the other, drain, and compare the books."""
    Quiet.ahead = ahead
    plan = Plan(seed, House.REDIS, workers, dict.fromkeys(CHANNELS.values(), Kind.NEITHER), ())
    with patch.dict(os.environ, environment(plan)):
        async with AsyncExitStack() as stack:
            there = await stack.enter_async_context(servers(House.REDIS, kafka, folder))
            await asyncio.to_thread(topics.create, there.settings)
            log = stack.enter_context((folder / "beside.log").open("wb"))
            names = [topic.name for topic in topics.ALL]
            stack.enter_context(
                beside(log, "tests.tools.chaos.judging.observer", there.brokers, folder / "seen.jsonl", *names)
            )
            stack.enter_context(beside(log, "tests.tools.chaos.judging.stalls", folder / "stalls"))
            running = await stack.enter_async_context(Rolling(there.settings, plan, (), None).running())
            stage = Stage(running, there, Seen(folder / "seen.jsonl"), None)
            end = running.line.clock.now() + timedelta(seconds=seconds) * running.line.clock.speed
            async with asyncio.TaskGroup() as group:
                loaded = group.create_task(running.feeders.run(end))
                rolling = group.create_task(_all(stage, workers))
                group.create_task(_read_on(stage, loaded))
            spare = (end - running.line.clock.now()) / running.line.clock.speed
            books = await settled(plan, stage, folder)
    return {"restarts": rolling.result(), "seconds_to_spare": spare.total_seconds(), **figures(books)}


async def _all(stage: Stage, workers: int) -> list[dict[str, Any]]:
    await asyncio.sleep(CALM_SECONDS)
    return [await restarted(stage, number) for number in range(workers)]


async def _read_on(stage: Stage, loaded: asyncio.Task[None]) -> None:
    """Read what the observer has seen as it comes: all of it at the end takes a core from the workers for seconds."""
    while not loaded.done():
        stage.seen.look()
        await asyncio.sleep(LOOK_SECONDS)


def figures(books: Books) -> dict[str, Any]:
    """What the books say, and what breaks a law of chaos."""
    found = broken(books)
    deadlines = list(acted(books))
    lateness = sorted(round(each.late, 3) for each in deadlines)
    began = books.windows[0].began
    return {
        "accepted": books.accepted.total(),
        "contacts": len(books.contacts),
        "in_doubt": Counter(
            each.action for name, each in books.dispatches.items() if books.in_doubt_with_neither(name)
        ),
        "deadlines": len(lateness),
        "deadline_seconds_late": {"p50": lateness[len(lateness) // 2], "most": lateness[-1]},
        **{law: sum(each.law == law for each in found) for law in LAWS if law},
        "broken": [each.words for each in found],
        "windows": [[round(each.began - began, 1), round(each.ended - began, 1)] for each in books.windows],
        "over_a_second": [
            {"due": round(each.due - began, 1), "late": round(each.late, 2), "step": each.name[1]}
            for each in sorted(deadlines, key=lambda each: each.due)
            if each.late > 1
        ],
    }


def main() -> int:
    """Run, print and write the report; ends with 1 when a law was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=90, help="of load; the restarts must fit into it")
    parser.add_argument("--ahead", type=float, default=15, help="seconds that the workers have to start in")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=Path, default=HERE, help="a checkout: its code is what the workers start with")
    parser.add_argument("--then", type=Path, default=HERE, help="a checkout: its code is what they are restarted with")
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    Named.versions = (given.first.resolve(), given.then.resolve())
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="quanzu-rolling-") as name:
        folder = Path(name)
        (folder / "kafka").mkdir()
        with Kafka(folder / "kafka", 3) as kafka:
            found = asyncio.run(run(given.workers, given.seconds, given.ahead, given.seed, folder / "round", kafka))
    text = json.dumps(found, indent=2, ensure_ascii=False)
    print(text)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")
    return bool(found["broken"] or found["in_doubt"])


if __name__ == "__main__":
    raise SystemExit(main())
