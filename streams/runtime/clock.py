"""The one clock of an installation: the shared time of day, and a province's own pace."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from domain.timekeeping import NOTHING, Known, Reckoning, approach, disagreement, heard

Seconds = Callable[[], float]


@dataclass(slots=True, eq=False)
class Wall:
    """Seconds since 1970: this machine's clock as it was at first, and the shared clock's once the two agree.

    `machine` is the clock that may be set, `counter` the one that is not.
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
    def known(self) -> Known | None:
        """The shared clock that is followed; None until it agrees with this machine's."""
        return self.reckoning.known

    def time(self) -> float:
        now = self.counter()
        if self.known is not None:
            self._shown = approach(self._shown, self.known.offset, now - self._at)
        self._at = now
        return now + self._shown

    def hear(self, answer: Known) -> None:
        """Take an answer of the shared clock in. The first that is followed is shown at once: nothing was done yet."""
        first = self.known is None
        self.reckoning = heard(self.reckoning, answer, self.machine_offset())
        if first and self.known is not None:
            self._shown = self.known.offset

    def difference(self) -> float:
        """By how much this machine's clock is ahead of the workers' time."""
        return self.machine() - self.time()

    def refused(self) -> float:
        """By how much the shared clock is ahead of the workers' time while it is refused; else 0."""
        return disagreement(self.reckoning, self.machine_offset())

    def machine_offset(self) -> float:
        return self.machine() - self.counter()


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAP = timedelta(
    seconds=1
)  # of the wall's, the longest that a sleeper does not look: the wall's clock may be put right meanwhile


@dataclass(frozen=True, slots=True)
class Clock:
    """Time that runs `speed` times as fast as the wall's since `wall_start`, when it was `sim_start`."""

    speed: float = 1.0
    wall_start: float = 0.0  # seconds since 1970: any process can tell how far it has run
    sim_start: datetime = EPOCH
    wall: Wall = field(default_factory=Wall, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError(f"clock speed {self.speed:g}: time runs forward, write a number above 0")
        if self.sim_start.tzinfo is None:
            raise ValueError(f"clock start {self.sim_start.isoformat()}: add the offset, such as +00:00")

    @classmethod
    def starting(cls, speed: float, sim_start: datetime) -> Self:
        """A clock that shows `sim_start` now."""
        return cls(speed, time.time(), sim_start)

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read QUANZU_CLOCK, such as `60@2026-03-01T00:00:00+00:00@1767225600.0`; nothing is the time of day.

        Raises ValueError when it cannot be read.
        """
        if not text:
            return cls()
        try:
            speed, sim_start, wall_start = text.split("@")
            return cls(float(speed), float(wall_start), datetime.fromisoformat(sim_start))
        except ValueError as error:
            raise ValueError(
                f"QUANZU_CLOCK = {text!r}: {error}. Write speed@start@epoch seconds, "
                "such as 60@2026-03-01T00:00:00+00:00@1767225600"
            ) from None

    def __str__(self) -> str:
        return f"{self.speed!r}@{self.sim_start.isoformat()}@{self.wall_start!r}"

    def now(self) -> datetime:
        elapsed = (self.wall.time() - self.wall_start) * self.speed
        return (self.sim_start + timedelta(seconds=elapsed)).astimezone(UTC)

    def wall_seconds(self, duration: timedelta) -> float:
        """How long `duration` takes on the wall's clock."""
        return duration.total_seconds() / self.speed

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(max(0.0, self.wall_seconds(duration)))

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep until the clock shows `moment`, in naps: a timer may wake early, and the clock be put right."""
        while (left := moment - self.now()) > timedelta(0):
            await self.sleep(min(left, NAP * self.speed))
