"""A hundred thousand signals in one second about one resident: one case, and what it costs.

python -m tests.tools.field.load.burst --signals 100000
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from schemas.casework.inputs import Alert, input_adapter
from schemas.risk.signals import BATCH_LIMIT, Call, NumberClass, Signal
from simulators.demo.run import Demo, Plan
from streams.intake.acceptor import Intake
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.monitoring.report import conserved, journal_events
from streams.runtime.settings import Settings
from tests.tools.field.load.load import Load
from tests.tools.field.load.overload import MIB, Watch, cpu_seconds, resident_bytes
from tests.tools.field.stories import Stories, cast

PEOPLE = 200
INPUTS = topics.CASE_INPUTS.name


async def run(signals: int, settings: Settings) -> dict[str, Any]:
    """Send them all at once, wait until they are screened, and look what became of them."""
    demo = Demo(
        settings, Plan(timedelta(minutes=1), 1, residents=PEOPLE, workers=1), Console(quiet=True), lambda *_: ""
    )
    async with demo.running() as running:
        line, who = running.line, cast(running.province.people)[0]
        watch = Watch(
            running,
            Load(line.producer, line.clock, []),
            Stories(Intake(line.producer, line.settings), line.clock, iter([])),
            print,
        )
        used, began, now = cpu_seconds(running.workers.pids), time.monotonic(), line.clock.now()
        about: dict[str, Any] = {"source": "carrier-a", "at": now, "arrived": now, "seconds": 20}
        about |= {"called": who.phones[0].value, "number_class": NumberClass.GOIP}
        calls: list[Signal] = [Call(id=f"c{n}", caller=f"+86122{n:08d}", **about) for n in range(signals)]
        for start in range(0, signals, 20 * BATCH_LIMIT):
            watch.stories.accepted.update(await watch.stories.intake.accept(calls[start : start + 20 * BATCH_LIMIT]))
        while left := await watch.waiting():
            print(f"{left:,} wait", flush=True)
            await asyncio.sleep(1.0)
        took, used = time.monotonic() - began, cpu_seconds(running.workers.pids) - used
        inputs = [input_adapter.validate_json(each.value or b"") async for each in read_all(line.settings, INPUTS)]
        cases = {entry.event.case.id for entry in await journal_events(line.settings)}
        return {
            "signals": signals,
            "cases": len(cases),
            "alerts": Counter(each.danger.level.value for each in inputs if isinstance(each, Alert)),
            "seconds": round(took, 1),
            "worker_cpu_microseconds_a_signal": round(used / signals * 1e6, 1),
            "worker_mib": max(resident_bytes(pid) // MIB for pid in running.workers.pids),
            "conservation_holds": conserved(watch.accepted, await line.screening.tallies()),
        }


def main() -> int:
    """Run, print the figures; 1 when it was not one case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=100_000)
    signals = parser.parse_args().signals
    with tempfile.TemporaryDirectory(prefix="quanzu-burst-") as folder:
        settings = Settings(data=Path(folder), http_port=0, metrics_port=0, log_level="ERROR", app_id="burst")
        found = asyncio.run(run(signals, settings))
    print(json.dumps(found, indent=2))
    return int(found["cases"] != 1 or not found["conservation_holds"])


if __name__ == "__main__":
    raise SystemExit(main())
