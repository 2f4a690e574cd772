"""The clocks of a worker: fire what has fallen due, keep the store whole, and cover for owners that are silent."""

from functools import partial

from streams.casework.breaker import LOOK_SECONDS
from streams.casework.deadlines import POLL_SECONDS
from streams.casework.failover import BEAT_SECONDS
from streams.dead_letters import index as letters
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.app import App, every, lags, owned
from streams.runtime import metrics

WATCH_SECONDS = 1.0


def attach(app: App, line: Installation) -> None:
    """Add the timers to a worker."""
    mine = partial(owned, app, topics.CASE_INPUTS.name)
    every(app, POLL_SECONDS, "deadlines", lambda: line.fire(mine()))
    every(app, WATCH_SECONDS, "watch", lambda: line.watch(mine()))
    every(app, WATCH_SECONDS, "lag", partial(_lag, app))
    every(app, LOOK_SECONDS, "breaker", line.breaker.look)
    every(app, BEAT_SECONDS, "beat", lambda: line.orphans.beat(mine()))
    every(app, BEAT_SECONDS, "cover", line.cover, early=True)  # a group that hangs must not hold anything up
    every(app, letters.LOOK_SECONDS, "dead letters", lambda: line.open_letters.show(ours=0 in mine()))


async def _lag(app: App) -> None:
    metrics.show_lag(lags(app))
