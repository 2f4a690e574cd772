"""A worker with some of its agents: what these cost, without the others.

python -m tests.tools.bench.worker screening casework
python -m tests.tools.bench.worker screening --by-record      each record a batch of its own, as while nothing waits
"""

import logging
import sys
from collections.abc import Callable

from agents import board, casework, deadlines, failover, screening
from agents.worker import Stages, Worker
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.messaging.app import App, create_app, run
from streams.runtime.settings import load

ATTACH: dict[str, Callable[[App, Stages], None]] = {
    "screening": lambda app, stages: screening.attach(app, stages.screening),
    "casework": lambda app, stages: casework.attach(app, stages.casework),
    "deadlines": lambda app, stages: _attach_timers(app, stages),
    "board": lambda app, stages: board.attach(app, stages.board),
}

BY_RECORD = "--by-record"


def main() -> None:
    """Run until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = load()
    opened = Installation(settings, load_channels())
    app = create_app(settings, Worker, opened=opened, stages=Stages(opened.worker))
    for name in sys.argv[1:]:
        if name == BY_RECORD:
            screening.BULK_BATCH = 1
        else:
            ATTACH[name](app, app.stages)
    run(app, settings)


def _attach_timers(app: App, stages: Stages) -> None:
    deadlines.attach(app, stages.due_work, stages.breaker, stages.open_letters)
    failover.attach(app, stages.failover)


if __name__ == "__main__":
    main()
