"""A clock that several processes share and a test moves by hand: days pass at once, and nothing has to hurry."""

import asyncio
import mmap
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from streams.runtime.clock import Clock

PACE = 0.1


@dataclass(frozen=True, eq=False)
class HandClock(Clock):
    """Runs at a tenth of the wall clock's pace, and is ahead of that by the seconds that lie in a file.

    It runs, since nothing may happen twice at one moment; slowly, so that a busy machine makes nothing late.
    """

    ahead: "memoryview[float]" = field(default_factory=lambda: memoryview(bytearray(8)).cast("d"))
    sleepers: list[datetime] = field(default_factory=list)  # who sleeps in this process, and until when
    _naps: set[asyncio.Event] = field(default_factory=set)

    @classmethod
    def shared(cls, path: Path, like: Clock) -> Self:
        """The clock of a file, which is made if there is none; `like` tells when it started."""
        if not path.exists():
            path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as file:
            ahead = memoryview(mmap.mmap(file.fileno(), 8)).cast("d")
        return cls(1.0, like.wall_start, like.sim_start, ahead)

    def now(self) -> datetime:
        elapsed = (self.wall.time() - self.wall_start) * PACE
        return (self.sim_start + timedelta(seconds=elapsed + self.ahead[0])).astimezone(UTC)

    def move_to(self, moment: datetime) -> None:
        """Move it forward; it never goes back."""
        self.ahead[0] += max(0.0, (moment - self.now()).total_seconds())
        for nap in self._naps:
            nap.set()

    async def sleep_until(self, moment: datetime) -> None:
        nap = asyncio.Event()
        self.sleepers.append(moment)
        self._naps.add(nap)
        try:
            while (left := moment - self.now()) > timedelta(0):
                with suppress(TimeoutError):
                    await asyncio.wait_for(nap.wait(), left.total_seconds() / PACE)
                nap.clear()
        finally:
            self.sleepers.remove(moment)
            self._naps.discard(nap)
