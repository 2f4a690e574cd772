"""How far a simulated province's time may go on: its driver says so in a file that every process of it reads.

Where time goes on by itself, a busy machine makes late what follows. Here it stands still when the driver does not let
it go on, also because the driver hangs.
"""

import mmap
import struct
from bisect import bisect_left
from pathlib import Path
from typing import Self

_FORMAT = "dd"
_ROUNDED = 1e-6  # a datetime has whole microseconds


class PaceFile:
    """Two numbers, in wall seconds: how long the time has stood still, and how far it may go from its start."""

    def __init__(self, path: Path | None = None, numbers: "memoryview[float] | None" = None) -> None:
        self.path = path
        self._numbers = memoryview(bytearray(struct.calcsize(_FORMAT))).cast("d") if numbers is None else numbers
        self._stops: list[tuple[float, float]] = []  # how far it was, and how long it had stood still after that

    @classmethod
    def begun(cls, path: Path) -> Self:
        """Return the pace of a new file: the time may go until its start, and no further."""
        path.write_bytes(struct.pack(_FORMAT, 0.0, 0.0))
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the pace of a file. Raises OSError if there is none, ValueError if it is empty."""
        with path.open("r+b") as file:
            numbers = memoryview(mmap.mmap(file.fileno(), struct.calcsize(_FORMAT))).cast("d")
        return cls(path, numbers)

    @property
    def stood_still(self) -> float:
        """For how many wall seconds the time has stood still, when it was last let go on."""
        return self._numbers[0]

    def reached(self, elapsed: float) -> float:
        """Return how far the time has gone, `elapsed` wall seconds after its start."""
        most = self._numbers[1]  # read first: it is written last, so that no reader goes too far for a moment
        return min(most, elapsed - self._numbers[0])

    def let_go_on(self, elapsed: float, ahead: float) -> None:
        """Let the time go on from where it is, for `ahead` wall seconds at most."""
        reached = self.reached(elapsed)
        if elapsed - reached > self._numbers[0]:
            self._stops.append((reached, elapsed - reached))
            self._numbers[0] = elapsed - reached
        self._numbers[1] = max(self._numbers[1], reached + ahead)

    def elapsed(self, reached: float) -> float:
        """Return how many wall seconds after its start the time was there, as far as this process let it go on."""
        stop = bisect_left(self._stops, (reached - _ROUNDED,))
        return reached + (self._stops[stop - 1][1] if stop else 0.0)
