"""`python -m tests.tools.grafana --pictures docs/boards`: the proof on a longer run, its report and the boards."""

import argparse
import asyncio
import json
import tempfile
from datetime import timedelta
from pathlib import Path

from simulators.demo.run import Plan
from streams.runtime.embedded import free_port
from tests.tools.grafana.pictures import draw
from tests.tools.grafana.proof import prove


def main() -> None:
    """Run it, and tell what was found. Ends with 1 where a query has an error or no data, or a figure differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=180, help="how long the province runs, in wall time")
    parser.add_argument("--speed", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pictures", type=Path, help="the folder to draw the boards into")
    given = parser.parse_args()
    length = timedelta(seconds=given.seconds)
    plan = Plan(length, given.speed, workers=given.workers, metrics_port=free_port())
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(prove(Path(folder), plan))
    told = {**found.summary(), "refused": found.errors, "no_data": found.empty, "unlike_the_journal": found.unequal}
    print(json.dumps(told, indent=2, ensure_ascii=False))
    if given.pictures:
        draw(found.everything, given.pictures)
    raise SystemExit(1 if found.errors or found.empty or found.unequal else 0)


if __name__ == "__main__":
    main()
