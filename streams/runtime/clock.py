"""An installation's clock: wall-clock time shared by all workers, and simulated time that may run faster."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from domain.timekeeping import NOTHING, OffsetEstimate, Reckoning, adjusted, approach, disagreement
from streams.runtime.pace import PaceFile

Seconds = Callable[[], float]
CLOCKS_OFF = "clocks-off"  # hash in Redis: process -> its report (clock_sync.Off) and the time of the report


@dataclass(slots=True, eq=False)
class Wall:
    """Wall-clock time: at first this machine's clock, then the shared clock of Redis once both agree.

    `machine`: the machine's clock (seconds since 1970), which may be set at any time. `counter`: a monotonic clock
    (seconds). `reckoning`: the difference between the shared clock and `counter`, as far as it is known.
    """

    machine: Seconds = time.time
    counter: Seconds = time.monotonic
    reckoning: Reckoning = NOTHING
    _shown: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._at = self.counter()
        self._shown = self.machine() - self._at

    @property
    def known(self) -> OffsetEstimate | None:
        """The shared clock that this process follows, or None until it agrees with the machine's clock."""
        return self.reckoning.known

    def time(self) -> float:
        """Return the wall-clock time in seconds since 1970. After a correction, it approaches the right time gradually
        instead of jumping.
        """
        now = self.counter()
        if self.known is not None:
            self._shown = approach(self._shown, self.known.offset, now - self._at)
        self._at = now
        return now + self._shown

    def now(self) -> datetime:
        """Return the wall-clock time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def hear(self, answer: OffsetEstimate) -> None:
        """Correct the time by `answer`, the time that the shared clock (the Redis that all workers use) has given.
        Corrections of over 2 s within a minute are refused until this machine's clock has agreed with them for 10 s.

        The first answer that is accepted takes effect at once, because nothing has been timed yet; later ones
        gradually.
        """
        first = self.known is None
        self.reckoning = adjusted(self.reckoning, answer, self.machine_offset())
        if first and self.known is not None:
            self._shown = self.known.offset

    def difference(self) -> float:
        """Return the number of seconds by which this machine's clock is ahead of the workers' time; negative if it is
        behind.
        """
        return self.machine() - self.time()

    def refused(self) -> float:
        """Return the number of seconds by which a refused shared clock is ahead of the workers' time (negative:
        behind); 0 if it is not refused.
        """
        return disagreement(self.reckoning, self.machine_offset())

    def machine_offset(self) -> float:
        """Return the machine's clock (seconds since 1970) minus the monotonic clock, in seconds."""
        return self.machine() - self.counter()


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The longest wall-clock time that a sleeper does not look at the clock, which may be corrected meanwhile.
NAP = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that shows `sim_start` at the wall-clock time `wall_start`, and runs `speed` times as fast as
    wall-clock time.

    `wall_start`: seconds since 1970, so that all processes show the same time. `wall`: the wall-clock time to follow.
    `pace`: lets a demo's time stand still; None: time always runs. Raises ValueError if the speed is not above 0 or
    `sim_start` has no UTC offset.
    """

    speed: float = 1.0
    wall_start: float = 0.0
    sim_start: datetime = EPOCH
    wall: Wall = field(default_factory=Wall, kw_only=True, compare=False, repr=False)
    pace: PaceFile | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError(f"clock speed {self.speed:g}: time runs forward, write a number above 0")
        if self.sim_start.tzinfo is None:
            raise ValueError(f"clock start {self.sim_start.isoformat()}: add the offset, such as +00:00")

    @classmethod
    def starting(cls, speed: float, sim_start: datetime) -> Self:
        """Return a clock that shows `sim_start` now. Raises ValueError if the speed is not above 0 or `sim_start` has
        no UTC offset.
        """
        return cls(speed, time.time(), sim_start)

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Return the clock of a QUANZU_CLOCK value, such as `60@2026-03-01T00:00:00+00:00@1767225600.0`.

        None or "" is real time. An optional fourth part is the path of a demo's pace file. Raises ValueError if the
        value cannot be parsed, or there is no such file.
        """
        if not text:
            return cls()
        try:
            speed, sim_start, wall_start, *file = text.split("@", 3)
            pace = PaceFile.read(Path(file[0])) if file else None
            return cls(float(speed), float(wall_start), datetime.fromisoformat(sim_start), pace=pace)
        except (ValueError, OSError) as error:
            raise ValueError(
                f"QUANZU_CLOCK = {text!r}: {error}. Write speed@start@epoch seconds, "
                "such as 60@2026-03-01T00:00:00+00:00@1767225600"
            ) from None

    def __str__(self) -> str:
        file = f"@{self.pace.path}" if self.pace and self.pace.path else ""
        return f"{self.speed!r}@{self.sim_start.isoformat()}@{self.wall_start!r}{file}"

    def now(self) -> datetime:
        """Return the time that this clock shows, as an aware datetime in UTC.

        Simulated time may run faster than wall-clock time, or stand still.
        """
        elapsed = self.wall.time() - self.wall_start
        reached = self.pace.reached(elapsed) if self.pace else elapsed
        return (self.sim_start + timedelta(seconds=reached * self.speed)).astimezone(UTC)

    def wall_time(self, moment: datetime) -> float:
        """Return the wall-clock time, in seconds since 1970, at which the clock shows or showed `moment`. Later
        standstills are not foreseen.

        In a demo whose time has stood still, only the process that calls `let_go_on` returns the right time; in other
        processes the result is too early.
        """
        reached = (moment - self.sim_start).total_seconds() / self.speed
        return self.wall_start + (self.pace.elapsed(reached) if self.pace else reached)

    def let_go_on(self, ahead: float) -> None:
        """Let a demo's time run for at most `ahead` more wall-clock seconds, in all its processes; do nothing for a
        clock without a pace.
        """
        if self.pace:
            self.pace.let_go_on(self.wall.time() - self.wall_start, ahead)

    def stood_still(self) -> float:
        """Return the number of wall-clock seconds for which a demo's time has stood still so far, without the current
        standstill; 0 without a pace.
        """
        return self.pace.stood_still if self.pace else 0.0

    def wall_seconds(self, duration: timedelta) -> float:
        """Return how many wall-clock seconds `duration` of this clock's time takes.

        Standstills of a demo are not included.
        """
        return duration.total_seconds() / self.speed

    async def sleep(self, duration: timedelta) -> None:
        """Sleep for `duration` of this clock's time; if it is not positive, only let other tasks run.

        A demo's standstill does not prolong it.
        """
        await asyncio.sleep(max(0.0, self.wall_seconds(duration)))

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep until the clock shows `moment`; return at once if it is past.

        Checks the time at least every wall-clock second, because timers may fire early, and clocks be corrected.
        """
        while (left := moment - self.now()) > timedelta(0):
            await self.sleep(min(left, NAP * self.speed))
