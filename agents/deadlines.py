"""Fire what has fallen due in this worker's partitions, and look each second whether their store is whole."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from streams import topics
from streams.app import App, owned
from streams.deadlines import POLL_SECONDS
from streams.line import Line
from streams.retry import until_done

WATCH_SECONDS = 1.0

Work = Callable[[int], Awaitable[object]]


def attach(app: App, line: Line) -> None:
    """Add the two timers to a worker."""

    async def deadlines() -> None:
        while not app.should_stop:
            await until_done("deadlines", partial(_each, app, line.fire))
            await asyncio.sleep(POLL_SECONDS)

    async def watch() -> None:
        while not app.should_stop:
            await until_done("watch", partial(_each, app, line.watch))
            await asyncio.sleep(WATCH_SECONDS)

    app.task(deadlines)
    app.task(watch)


async def _each(app: App, work: Work) -> None:
    for partition in owned(app, topics.CASE_INPUTS.name):
        await work(partition)
