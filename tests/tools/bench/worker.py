"""A worker with some of its agents: what these cost, without the others.

python -m tests.tools.bench.worker screening casework
python -m tests.tools.bench.worker screening --by-record      each record a batch of its own, as while nothing waits
"""

import logging
import sys

from agents import board, casework, deadlines, screening
from agents.worker import Worker
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.messaging.app import create_app, run
from streams.runtime.health import Pulse
from streams.runtime.settings import load

AGENTS = {"screening": screening, "casework": casework, "deadlines": deadlines, "board": board}

BY_RECORD = "--by-record"


def main() -> None:
    """Run until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = load()
    app = create_app(settings, Worker)
    app.line = Installation(settings, load_channels())
    app.pulse = Pulse(app.takes_part)
    for name in sys.argv[1:]:
        if name == BY_RECORD:
            screening.BULK_BATCH = 1
        else:
            AGENTS[name].attach(app, app.line)
    run(app, settings)


if __name__ == "__main__":
    main()
