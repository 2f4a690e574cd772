"""The pace of a demo's time: its driver writes how far time may run to a file that all processes of the demo read.

Without it, a busy machine makes everything late. With it, time stands still unless the driver lets it go on, even if
the driver hangs.
"""

import mmap
import struct
from bisect import bisect_left
from pathlib import Path
from typing import Self

_FORMAT = "dd"
_ROUNDED = 1e-6  # seconds: the resolution of a datetime


class PaceFile:
    """A file with two numbers of wall-clock seconds: how long time has stood still, and how far it may run from its
    start. Without a path, they are kept in memory only.
    """

    def __init__(self, path: Path | None = None, numbers: "memoryview[float] | None" = None) -> None:
        self.path = path
        self._numbers = memoryview(bytearray(struct.calcsize(_FORMAT))).cast("d") if numbers is None else numbers
        self._stops: list[tuple[float, float]] = []  # (time reached, total standstill after it), in seconds

    @classmethod
    def begun(cls, path: Path) -> Self:
        """Create or overwrite the file and return its pace: time stays at its start until `let_go_on`. Raises OSError
        if the file cannot be written.
        """
        path.write_bytes(struct.pack(_FORMAT, 0.0, 0.0))
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the pace of a file. Raises OSError if there is none, and ValueError if it is empty."""
        with path.open("r+b") as file:
            numbers = memoryview(mmap.mmap(file.fileno(), struct.calcsize(_FORMAT))).cast("d")
        return cls(path, numbers)

    @property
    def stood_still(self) -> float:
        """For how many wall-clock seconds time has stood still in all, up to the last time that it was
        started again.
        """
        return self._numbers[0]

    def reached(self, elapsed: float) -> float:
        """Return how far time has run, in wall-clock seconds, `elapsed` wall-clock seconds after its start."""
        most = self._numbers[1]  # read first and written last, so that no reader ever goes too far
        return min(most, elapsed - self._numbers[0])

    def let_go_on(self, elapsed: float, ahead: float) -> None:
        """Let time run from where it is for at most `ahead` wall-clock seconds. `elapsed`: seconds since its start."""
        reached = self.reached(elapsed)
        if elapsed - reached > self._numbers[0]:
            self._stops.append((reached, elapsed - reached))
            self._numbers[0] = elapsed - reached
        self._numbers[1] = max(self._numbers[1], reached + ahead)

    def elapsed(self, reached: float) -> float:
        """Return how many wall-clock seconds after its start time had run as far as `reached`, including standstills.

        Known only in the process that called `let_go_on`.
        """
        stop = bisect_left(self._stops, (reached - _ROUNDED,))
        return reached + (self._stops[stop - 1][1] if stop else 0.0)
