"""A stall meter: a process that ticks each 10 ms, and writes down when the whole machine stood still.

python -m tests.chaos.stalls FILE      until it is stopped

A line a stall: when it ended (seconds since 1970), and its length.
"""

import sys
import time
from pathlib import Path

TICK = 0.01
STALL = 0.02  # seconds by which a tick must be late


def main() -> None:
    """Tick until killed."""
    with Path(sys.argv[1]).open("w", buffering=1) as book:
        before = time.monotonic()
        while True:
            time.sleep(TICK)
            now = time.monotonic()
            if now - before - TICK > STALL:
                book.write(f"{time.time()} {now - before - TICK}\n")
            before = now


def read(file: Path) -> list[tuple[float, float]]:
    """Each stall: when it began and when it ended, in seconds since 1970."""
    stalls = (line.split() for line in file.read_text().splitlines())
    return [(float(ended) - float(length), float(ended)) for ended, length in stalls]


if __name__ == "__main__":
    main()
