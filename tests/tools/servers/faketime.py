"""A machine's clock that a test sets: libfaketime gives it to the processes that are started with it, to no other."""

from pathlib import Path

from tests.tools.servers.process import MissingError, need

LIBRARIES = Path("/usr/lib")
LIBRARY = "*/faketime/libfaketimeMT.so.1"
GIL_MS = "5"
"""What each timed wait on a condition lasts. Where it leaves the monotonic clock alone, libfaketime 0.9.10 reckons that
clock's waits wrong: a thread that waits for Python's lock spins. Python waits so for nothing else, 5 ms at a time
(sys.getswitchinterval)."""


class MachineClock:
    """Shows the time of day, ahead by what it was set; a process sees that within a second."""

    def __init__(self, folder: Path) -> None:
        need("faketime")
        library = next(LIBRARIES.glob(LIBRARY), None)
        if library is None:
            raise MissingError(f"no {LIBRARIES}/{LIBRARY}: apt-get install faketime")
        self._file = folder / "machine-clock"
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # no more than setting a clock does
            "FAKETIME_WAIT_MS": GIL_MS,
        }
        self.set(0)

    def set(self, ahead: float) -> None:
        """Let it show so many seconds more than the time of day; less when negative."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead:+.3f}\n")
        new.rename(self._file)
