"""Deadlines: each due deadline becomes an input of its case, and residents are re-evaluated at their scheduled time."""

from collections.abc import Iterable
from functools import partial

from redis.asyncio import Redis

from agents.screening import Screening
from streams.casework.breaker import LOOK_SECONDS, Breaker
from streams.casework.deadlines import LISTS, POLL_SECONDS, Deadlines, DueTimes, partitions_due
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

    def __init__(
        self, redis: "Redis", clock: Clock, times: DueTimes, deadlines: Deadlines, screening: Screening
    ) -> None:
        self._redis, self._clock, self._times = redis, clock, times
        self.deadlines, self.screening = deadlines, screening

    async def fire(self, partitions: Iterable[int]) -> None:
        """In each of these partitions with due work, write an input to casework for each due deadline, and re-evaluate
        the residents who are due.

        One round trip to Redis finds which partitions have due work. Raises UnknownPolicyError if the policy in force
        is stored nowhere, PolicyError if this version cannot read it, and SendError if Kafka refuses a record
        permanently. Errors of Redis pass through.
        """
        await self._fire(await partitions_due(self._redis, LISTS, partitions, self._clock.now()))

    async def poll(self, owned: Iterable[int]) -> None:
        """Do what `fire` does, in the partitions that this worker owns. Called many times a second: Redis is asked only
        twice a second, and when it is known that something is due. Raises what `fire` raises.
        """
        await self._fire(await self._times.due(owned, self._clock.now()))

    async def _fire(self, due: Iterable[int]) -> None:
        for partition in due:
            await self.deadlines.fire(partition)  # to casework
            await self.screening.rescore(partition, self._clock.now())  # an ongoing call has become more dangerous


def attach(app: App, flow: DueWork, breaker: Breaker, open_letters: OpenLetters) -> None:
    """Add four timers to the worker `app`: due work (`flow`), the lag metrics, the policy breaker (`breaker`), and
    the metrics of open dead letters (`open_letters`).
    """
    mine = partial(owned, app, topics.CASE_INPUTS.name)
    every(app, POLL_SECONDS, "deadlines", lambda: flow.poll(mine()))
    every(app, LAG_SECONDS, "lag", partial(_lag, app))
    every(app, LOOK_SECONDS, "breaker", breaker.check)
    every(app, dead_letters.LOOK_SECONDS, "dead letters", lambda: open_letters.show(ours=0 in mine()))


async def _lag(app: App) -> None:
    metrics.show_lag(lags(app))
