"""How long a red dispatch waits when its worker is killed between the commit and its publishing.

python -m tests.tools.field.faults.killed --times 20 --report killed.json     on an Apache Kafka and Debian's Redis

Two workers run. A payment to a confirmed suspect is accepted; the worker that commits the alert kills itself before it
has published anything. The time runs from there until the carrier has the flash SMS, which another worker must publish
and carry out: the consumer group notices the death only after its session, six seconds later.
"""

import argparse
import asyncio
import json
import logging
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from simulators.demo.run import Demo, Plan, Running
from streams.intake.acceptor import Intake
from streams.runtime.settings import Settings
from tests.tools.bench.servers import real
from tests.tools.bench.work import until
from tests.tools.chaos.judging.flagged import FOLDER, NAME, Moment, awaited
from tests.tools.field.stories import Kind, Stories, cast

PEOPLE = 400
MOST_SECONDS = 2.0
LONGEST_SECONDS = 60.0
AGAIN_SECONDS = 15.0  # until the killed worker is back and has its partitions


async def until_warned(running: Running, resident: str) -> float:
    """Wait until the carrier has a contact with this resident. Returns the monotonic time."""

    async def warned() -> bool:
        return any(contact.dispatch.startswith(resident) for contact in running.providers.carrier.book)

    await until(warned, "the resident to be warned")
    return time.monotonic()


async def one(running: Running, stories: Stories, flags: Path) -> float | None:
    """Kill the worker that commits the next alert. Returns how many seconds its dispatch waited; None: nobody died."""
    await asyncio.to_thread(_emptied, flags)
    struck = asyncio.create_task(asyncio.to_thread(awaited, flags, Moment.COMMITTED, LONGEST_SECONDS))
    await asyncio.sleep(0.2)
    told = await stories.tell(Kind.SUSPECT_PAYEE)
    found = await struck
    killed = time.monotonic()
    return None if found is None else max(0.0, await until_warned(running, told.resident.id) - killed)


def _emptied(folder: Path) -> None:
    for old in folder.glob("*"):
        old.unlink()


async def measured(settings: Settings, times: int, flags: Path) -> dict[str, Any]:
    plan = Plan(timedelta(hours=1), 1, residents=PEOPLE, workers=2, worker=("-m", "tests.tools.chaos.worker", NAME))
    async with Demo(settings, plan, Console(quiet=True), lambda *_: "").running() as running:
        stories = Stories(
            Intake(running.line.producer, running.line.settings),
            running.line.clock,
            iter(cast(running.province.people)),
        )
        await stories.confirm()
        waited = []
        for _ in range(times):
            await asyncio.sleep(AGAIN_SECONDS)
            if (seconds := await one(running, stories, flags)) is not None:
                waited.append(round(seconds, 3))
                print(f"{waited[-1]:.3f} s", flush=True)
    waited.sort()
    place = min(len(waited) - 1, round(0.99 * len(waited)))
    return {"killed": len(waited), "p50_seconds": waited[len(waited) // 2], "p99_seconds": waited[place], "all": waited}


def main() -> int:
    """Measure; 1 when the 99th percentile is not under two seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="quanzu-killed-") as folder, real(Path(folder)) as settings:
        flags = Path(folder) / "flags"
        flags.mkdir()
        os.environ[FOLDER] = str(flags)
        found = asyncio.run(measured(settings, given.times, flags))
    print(text := json.dumps(found, indent=2))
    if given.report:
        given.report.write_text(text + "\n")
    return int(found["p99_seconds"] >= MOST_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
