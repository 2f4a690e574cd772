"""One clock for all calls: every 20 ms each stream sends its packet."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from streams.gateways.voice.media.stream import RtpStream
from streams.runtime.tasks import wanted

PERIOD = 0.02  # seconds
MOST_BEHIND = 10  # periods that are caught up; after a longer standstill the rest is left out


@dataclass(slots=True)
class ClockFigures:
    """How punctual the clock was. `ticks`; `late`: ticks over 20 ms late; `worst`: the longest delay, in seconds."""

    ticks: int = 0
    late: int = 0
    worst: float = 0.0


class MediaClock:
    """Ticks for the streams that were added. `behind` is called with each tick's delay in seconds."""

    def __init__(self, behind: Callable[[float], None] = lambda _: None) -> None:
        self._streams: set[RtpStream] = set()
        self._behind = behind
        self._running: asyncio.Task[None] | None = None
        self.figures = ClockFigures()

    def start(self) -> None:
        """Begin to tick."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop ticking."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def add(self, stream: RtpStream) -> None:
        """Let a stream send from the next tick on."""
        self._streams.add(stream)

    def remove(self, stream: RtpStream) -> None:
        """Let a stream send nothing more."""
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
                stream.tick()

    def _count(self, delay: float) -> None:
        self.figures.ticks += 1
        self.figures.late += delay > PERIOD
        self.figures.worst = max(self.figures.worst, delay)
        if self._streams:
            self._behind(max(delay, 0.0))
