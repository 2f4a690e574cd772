"""The demo's pace: time advances only while processing keeps up, so that a slow machine causes no overdue deadlines."""

import asyncio
import time
from collections import deque
from functools import partial

from simulators.world.feeds import Feeders
from streams.installation import Installation
from streams.monitoring.report import outcomes
from streams.runtime.tasks import until_done, wanted
from streams.state.keys import key, moment

TICK_SECONDS = 0.1
AHEAD_SECONDS = 0.5  # how far time may advance without a tick: if the demo hangs, time stops
LATE_SECONDS = 0.5  # wall-clock: time still advances if the work is no later than this
LONGEST_SECONDS = 60.0  # longest standstill: a fault that is not the machine's must become visible


class Pacer:
    """Lets the demo's time advance while due deadlines and unscreened signals are at most 0.5 wall-clock seconds late.

    After a standstill of 60 s it lets time advance anyway, so that a fault becomes visible.
    """

    def __init__(self, line: Installation, feeders: Feeders) -> None:
        self._line, self._feeders = line, feeders
        self._handed: deque[tuple[float, int]] = deque()  # (time, number of signals then), while not all are screened
        self._stands_since = time.monotonic()

    async def run(self) -> None:
        """Every 0.1 wall-clock seconds, let the demo's time advance if processing is at most 0.5 s late or has stood
        still for more than 60 s. Runs until cancelled. During an outage of Redis or Kafka it retries; other errors pass
        through.
        """
        while wanted():
            late = await until_done("pace", partial(self.late))
            now = time.monotonic()
            if late <= LATE_SECONDS:
                self._stands_since = now
            if late <= LATE_SECONDS or now - self._stands_since > LONGEST_SECONDS:
                self._line.clock.let_go_on(AHEAD_SECONDS)
            await asyncio.sleep(TICK_SECONDS)

    async def late(self) -> float:
        """Return by how many wall-clock seconds the oldest due deadline or unscreened signal is late, whichever is
        worse; 0 if all signals are screened and no deadline is due. Errors of Redis pass through.
        """
        return max(await self._deadlines_late(), await self._signals_late())

    async def _deadlines_late(self) -> float:
        """Return by how many wall-clock seconds the oldest due deadline is late. A deadline stays listed until casework
        has applied it.
        """
        async with self._line.redis.pipeline(transaction=False) as pipe:
            for partition in range(self._line.settings.partitions):
                for name in ("deadlines", "rescore"):
                    pipe.zrange(key(name, partition), 0, 0, withscores=True)
            answers = await pipe.execute()
        now, clock = self._line.clock.now(), self._line.clock
        return max((clock.wall_seconds(now - moment(score)) for found in answers for _, score in found), default=0.0)

    async def _signals_late(self) -> float:
        """Return for how many seconds the oldest unscreened signal has waited; 0 if all are screened."""
        now = time.monotonic()
        self._handed.append((now, sum(self._feeders.accepted.values()) + self._feeders.queued))
        screened = sum(outcomes(await self._line.screening.tallies()).values())
        while self._handed and self._handed[0][1] <= screened:
            self._handed.popleft()
        return now - self._handed[0][0] if self._handed else 0.0
