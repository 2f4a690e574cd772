"""The pace of a demo's time: its driver writes how far time may run to a file that all processes of the demo read.

On a busy machine, all steps would otherwise be late. With the file, time stops whenever the driver does not extend
it, even if the driver hangs.
"""

import mmap
import struct
from bisect import bisect_left
from pathlib import Path
from typing import Self

_FORMAT = "dd"
_ROUNDED = 1e-6  # seconds: the resolution of a datetime


class PaceFile:
    """The pace of a demo's time, two numbers of wall-clock seconds: for how long time has stood still so far, and how
    far it may run from its start.

    Stored in the file `path`, which all processes share; without a path, only in this object.
    """

    def __init__(self, path: Path | None = None, numbers: "memoryview[float] | None" = None) -> None:
        self.path = path
        self._numbers = memoryview(bytearray(struct.calcsize(_FORMAT))).cast("d") if numbers is None else numbers
        self._stops: list[tuple[float, float]] = []  # (time reached, total standstill after it), in seconds

    @classmethod
    def begun(cls, path: Path) -> Self:
        """Create or overwrite the file, and return its pace: time stays at its start until `let_go_on`.

        Raises OSError if the file cannot be written.
        """
        path.write_bytes(struct.pack(_FORMAT, 0.0, 0.0))
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the pace in an existing file: a view of it, which shows at once what another process writes.

        Raises OSError if the file is missing or may not be written, and ValueError if it is shorter than 16 bytes.
        """
        with path.open("r+b") as file:
            numbers = memoryview(mmap.mmap(file.fileno(), struct.calcsize(_FORMAT))).cast("d")
        return cls(path, numbers)

    @property
    def stood_still(self) -> float:
        """The wall-clock seconds for which time has stood still so far, without the current standstill."""
        return self._numbers[0]

    def reached(self, elapsed: float) -> float:
        """Return how far time has run, in wall-clock seconds without standstills: at most as far as it may run.

        `elapsed`: wall-clock seconds since its start.
        """
        most = self._numbers[1]  # read first and written last, so that no reader ever goes too far
        return min(most, elapsed - self._numbers[0])

    def let_go_on(self, elapsed: float, ahead: float) -> None:
        """Permit time to run on: from where it is now for `ahead` wall-clock seconds, then it stands still. An earlier
        call that permits more stays in effect. All processes that share the file see the change at once.

        `elapsed`: wall-clock seconds since this time began to run, including those for which it stood still.
        """
        reached = self.reached(elapsed)
        if elapsed - reached > self._numbers[0]:
            self._stops.append((reached, elapsed - reached))
            self._numbers[0] = elapsed - reached
        self._numbers[1] = max(self._numbers[1], reached + ahead)

    def elapsed(self, reached: float) -> float:
        """Return the wall-clock seconds, standstills included, from the start until time had run for `reached` seconds
        without them.

        Right only in the process that calls `let_go_on`: other processes do not know when time stood still, and return
        too little.
        """
        stop = bisect_left(self._stops, (reached - _ROUNDED,))
        return reached + (self._stops[stop - 1][1] if stop else 0.0)
