"""Screen signals: who is in danger goes to casework as an alert, and every signal is counted once."""

import asyncio
from functools import partial

from faust.types import StreamT

from streams import topics
from streams.app import App, ack_all, owned, records
from streams.line import Line
from streams.raw import by_partition
from streams.retry import until_done
from streams.screening.screening import BATCH

WATCH_SECONDS = 1.0


def attach(app: App, line: Line) -> None:
    """Add the agent to a worker, and the look each second whether what it has counted is still there."""

    @app.agent(app.topic(topics.SIGNALS.name))
    async def screening(signals: StreamT[bytes]) -> None:
        async for batch in records(signals, BATCH):
            for partition, raws in by_partition(batch).items():
                await until_done("screening", partial(line.screening.screen, partition, raws))
            ack_all(batch)

    async def watch_screening() -> None:
        while not app.should_stop:
            for partition in owned(app, topics.SIGNALS.name):
                await until_done("screening's watch", partial(line.screening.catch_up, partition))
            await asyncio.sleep(WATCH_SECONDS)

    app.task(watch_screening)
