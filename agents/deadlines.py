"""The clocks of a worker: fire what has fallen due, keep the store whole, and cover for owners that are silent."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from streams import topics
from streams.app import App, owned
from streams.deadlines import POLL_SECONDS
from streams.line import Line
from streams.orphans import BEAT_SECONDS
from streams.retry import until_done

WATCH_SECONDS = 1.0

Work = Callable[[], Awaitable[object]]


def attach(app: App, line: Line) -> None:
    """Add the timers to a worker."""
    _every(app, POLL_SECONDS, "deadlines", partial(_each, app, line.fire))
    _every(app, WATCH_SECONDS, "watch", partial(_each, app, line.watch))
    _every(app, WATCH_SECONDS, "gauges", lambda: line.show(owned(app, topics.CASE_INPUTS.name)))
    _every(app, BEAT_SECONDS, "beat", lambda: line.orphans.beat(owned(app, topics.CASE_INPUTS.name)))
    _every(app, BEAT_SECONDS, "cover", line.cover)


def _every(app: App, seconds: float, name: str, work: Work) -> None:
    async def timer() -> None:
        while not app.should_stop:
            await until_done(name, work)
            await asyncio.sleep(seconds)

    app.task(timer)


async def _each(app: App, work: Callable[[int], Awaitable[object]]) -> None:
    for partition in owned(app, topics.CASE_INPUTS.name):
        await work(partition)
