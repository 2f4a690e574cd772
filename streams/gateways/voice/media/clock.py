"""One clock for all calls: every 20 ms, each stream sends its next packet."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

PERIOD = 0.02  # seconds
MOST_BEHIND = 10  # periods that are caught up; after a longer standstill the rest is left out


@dataclass(slots=True)
class ClockFigures:
    """How punctual the clock was.

    `ticks`: their number, also without a stream, but not those left out; `late`: number of ticks over 20 ms late;
    `worst`: the longest delay, in seconds, at least 0.
    """

    ticks: int = 0
    late: int = 0
    worst: float = 0.0


class ClockedSound(Protocol):
    """A sound that the clock moves on: a stream that sends packets, or a recording."""

    def tick(self) -> None:
        """Send or record the next 20 ms of sound."""


class MediaClock:
    """Once started, calls `tick` of each added stream every 20 ms; ticks missed in a standstill of over 200 ms are left
    out. A stream whose `tick` raises is removed, and the error logged.

    `behind`: called with each tick's delay in seconds (0 or more) while there are streams.
    """

    def __init__(self, behind: Callable[[float], None] = lambda _: None) -> None:
        self._streams: set[ClockedSound] = set()
        self._behind = behind
        self._running: asyncio.Task[None] | None = None
        self.figures = ClockFigures()

    def start(self) -> None:
        """Start the clock in a background task. Returns at once."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop the clock."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def add(self, stream: ClockedSound) -> None:
        """Add a stream, whose `tick` is called every 20 ms from now on."""
        self._streams.add(stream)

    def remove(self, stream: ClockedSound) -> None:
        """Remove a stream, whose `tick` is then not called any more; nothing happens if it is not there."""
        self._streams.discard(stream)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while wanted():
            due += PERIOD
            now = loop.time()
            if due > now:
                await asyncio.sleep(due - now)
                now = loop.time()
            elif now - due > MOST_BEHIND * PERIOD:
                due = now
            else:
                await asyncio.sleep(0)
            self._count(now - due)
            for stream in tuple(self._streams):
                self._tick(stream)

    def _tick(self, stream: ClockedSound) -> None:
        """Send a stream's next packet. A stream that fails is removed: it must not silence the others."""
        try:
            stream.tick()
        except Exception as error:
            log.error("a call has no sound any more (%s)", type(error).__name__)  # noqa: TRY400 - no keys, no numbers
            self.remove(stream)

    def _count(self, delay: float) -> None:
        self.figures.ticks += 1
        self.figures.late += delay > PERIOD
        self.figures.worst = max(self.figures.worst, delay)
        if self._streams:
            self._behind(max(delay, 0.0))
