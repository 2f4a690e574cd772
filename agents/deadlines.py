"""Deadlines: each due deadline becomes an input of its case, and residents are re-evaluated at their scheduled time."""

from collections.abc import Iterable
from functools import partial

from redis.asyncio import Redis

from agents.screening import Screening
from streams.casework.breaker import LOOK_SECONDS, Breaker
from streams.casework.deadlines import POLL_SECONDS, Deadlines, partitions_due
from streams.dead_letters import index as dead_letters
from streams.dead_letters.index import OpenLetters
from streams.messaging import topics
from streams.messaging.app import App, every, lags, owned
from streams.runtime import metrics
from streams.runtime.clock import Clock

LAG_SECONDS = 1.0


class DueWork:
    """Writes an input for each due deadline and re-evaluates the residents who are due, in any partition that it is
    given.
    """

    def __init__(self, redis: "Redis", clock: Clock, deadlines: Deadlines, screening: Screening) -> None:
        self._redis, self._clock = redis, clock
        self.deadlines, self.screening = deadlines, screening

    async def fire(self, partitions: Iterable[int]) -> None:
        """In each of these partitions with due work, write an input to casework for each due deadline, and re-evaluate
        the residents who are due.

        Called many times a second: one round trip to Redis finds which partitions have due work. Raises
        UnknownPolicyError if the policy in force is stored nowhere, PolicyError if this version cannot read it, and
        SendError if Kafka refuses a record permanently. Errors of Redis pass through.
        """
        for partition in await partitions_due(self._redis, ("deadlines", "rescore"), partitions, self._clock.now()):
            await self.deadlines.fire(partition)  # to casework
            await self.screening.rescore(partition, self._clock.now())  # an ongoing call has become more dangerous


def attach(app: App, flow: DueWork, breaker: Breaker, open_letters: OpenLetters) -> None:
    """Add four timers to the worker `app`: due work (`flow`), the lag metrics, the policy breaker (`breaker`), and
    the metrics of open dead letters (`open_letters`).
    """
    mine = partial(owned, app, topics.CASE_INPUTS.name)
    every(app, POLL_SECONDS, "deadlines", lambda: flow.fire(mine()))
    every(app, LAG_SECONDS, "lag", partial(_lag, app))
    every(app, LOOK_SECONDS, "breaker", breaker.check)
    every(app, dead_letters.LOOK_SECONDS, "dead letters", lambda: open_letters.show(ours=0 in mine()))


async def _lag(app: App) -> None:
    metrics.show_lag(lags(app))
