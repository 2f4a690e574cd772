"""A meter of the machine: when all stood still, how slow work is, and how long the servers wait for a processor.

python -m tests.tools.chaos.judging.stalls FILE      until it is stopped

It ticks each 10 ms. A line tells a kind, when (seconds since 1970), and seconds:
* `stall`: a tick was so much late, and ended then;
* `pace`: a piece of work took so long that takes WORK_SECONDS on a machine with nothing else to do;
* `waited`: since the line before, the processes beside it were ready to run, and waited so long for a processor.
"""

import os
import sys
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import TextIO

TICK = 0.01
STALL = 0.02  # seconds by which a tick must be late
EVERY = 25  # ticks from one look at work and processes to the next
WORK = 40_000  # additions
WORK_SECONDS = 0.0010  # what they take on the machine on which the promised times were judged first
AROUND_SECONDS = 1.0  # so long before and after a moment the pace is asked for
PROCESSES = Path("/proc")

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the machine was, from moment to moment; moments are seconds since 1970, in order.

    `ratios`: how many times as long work took. `waits`: for how long the servers waited since the wait before.
    """

    moments: Sequence[float] = ()
    ratios: Sequence[float] = ()
    waits: Sequence[Span] = ()

    def around(self, since: float, until: float) -> float:
        """The usual ratio of that time, at least 1."""
        first = bisect_left(self.moments, since - AROUND_SECONDS)
        last = bisect_right(self.moments, until + AROUND_SECONDS)
        return max(1.0, median(self.ratios[first:last])) if first < last else 1.0

    def waited(self, since: float, until: float) -> float:
        """How many seconds of that time were waited for a processor: never more than it lasted."""
        first = max(0, bisect_right(self.waits, since, key=itemgetter(0)) - 1)
        total = 0.0
        for (began, _), (ended, seconds) in pairwise(islice(self.waits, first, None)):
            if began >= until:
                break
            total += min(seconds, ended - began) * max(0.0, min(until, ended) - max(since, began)) / (ended - began)
        return total

    @property
    def most_waited(self) -> float:
        """The most that was waited in a second."""
        return max((self.waited(at, at + 1) for at, _ in self.waits[::4]), default=0.0)


class Processes:
    """The processes that were started by the one that started this: the workers, the servers, the observer."""

    def __init__(self) -> None:
        self._parent, self._before = os.getppid(), dict(self._waits(os.getppid()))

    def waited(self) -> float:
        """For how long they waited for a processor since this was asked last, in seconds.

        Of the processes of one program only the thread counts that waited longest, and programs add up: what is due
        passes through a worker, Redis and a broker in turn.
        """
        before, self._before = self._before, dict(self._waits(self._parent))
        longest: defaultdict[str, int] = defaultdict(int)
        for (program, thread), nanoseconds in self._before.items():
            new = nanoseconds - before.get((program, thread), nanoseconds)
            longest[program] = max(longest[program], new)
        return sum(longest.values()) / 1e9

    def _waits(self, parent: int) -> Iterator[tuple[tuple[str, str], int]]:
        """By program and thread: for how many nanoseconds it has waited."""
        for children in (PROCESSES / str(parent) / "task").glob("*/children"):
            for process in _words(children):
                program = " ".join(_words(PROCESSES / process / "comm"))
                for thread in (PROCESSES / process / "task").glob("*/schedstat"):
                    if told := _words(thread):
                        yield (program, str(thread)), int(told[1])


def main() -> None:
    """Tick until killed."""
    processes = Processes()
    with Path(sys.argv[1]).open("w", buffering=1) as book:
        before, ticks = time.monotonic(), 0
        while True:
            time.sleep(TICK)
            now, ticks = time.monotonic(), ticks + 1
            if now - before - TICK > STALL:
                book.write(f"stall {time.time()} {now - before - TICK}\n")
            if ticks % EVERY == 0:
                _work(book)
                book.write(f"waited {time.time()} {processes.waited()}\n")
            before = time.monotonic()


def _work(book: TextIO) -> None:
    began = time.monotonic()
    sum(number for number in range(WORK))
    book.write(f"pace {time.time()} {time.monotonic() - began}\n")


def _words(file: Path) -> list[str]:
    """Nothing of a process that has ended."""
    with suppress(OSError):
        return file.read_text().split()
    return []


def read(file: Path) -> list[Span]:
    """Each stall: when it began and when it ended, in seconds since 1970."""
    return [(ended - length, ended) for ended, length in _lines(file, "stall")]


def pace(file: Path) -> Pace:
    """The machine's pace."""
    lines = list(_lines(file, "pace"))
    waits = list(_lines(file, "waited"))
    return Pace([at for at, _ in lines], [seconds / WORK_SECONDS for _, seconds in lines], waits)


def _lines(file: Path, kind: str) -> Iterator[Span]:
    for line in file.read_text().splitlines():
        name, at, seconds = line.split()
        if name == kind:
            yield float(at), float(seconds)


if __name__ == "__main__":
    main()
