"""The book of a run: each input counted by kind and outcome, its time, and whether anything leaked."""

import logging
import resource
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from prometheus_client import generate_latest

from tests.tools.fuzz.mutations import MARKERS

HANG_SECONDS = 1.0  # of CPU: an input that takes longer is counted as a hang
SHOWN = 40  # faults that are told in full
LONGEST = 20_000  # characters of a refusal: what a person may be given to read; of a batch each item has its own line


class Outcome(StrEnum):
    """What becomes of an input: there is no fourth thing."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEAD_LETTER = "dead letter"


class Came(NamedTuple):
    """What came of an input, and what was said about it."""

    outcome: Outcome
    said: str = ""


Take = Callable[[bytes], Came]


@dataclass
class Book:
    """Counts; `faults` are what fails a run, each with the kind and number by which it is made again."""

    counts: dict[str, Counter[str]] = field(default_factory=partial(defaultdict, Counter))
    worst: dict[str, tuple[float, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    crashes: int = 0
    hangs: int = 0
    leaks: int = 0

    def run(self, kind: str, name: object, take: Take, data: bytes) -> None:
        """Give an input to a door, and note what came of it."""
        began = time.thread_time()
        try:
            came = take(data)
        except Exception:  # whatever a door lets out is what is looked for
            self.crashed(kind, name, traceback.format_exc(limit=-6))
            return
        finally:
            self.took(kind, name, time.thread_time() - began)
        self.note(kind, name, came)

    def note(self, kind: str, name: object, came: Came) -> None:
        """Count an outcome, and look at what was said."""
        self.counts[kind][came.outcome] += 1
        if came.outcome is not Outcome.ACCEPTED and (why := unfit(came.said)):
            self.leaks += 1
            self.fault(f"{kind}/{name}: {why}: {came.said[:300]!r}")

    def took(self, kind: str, name: object, seconds: float) -> None:
        if seconds > self.worst.get(kind, (0.0, ""))[0]:
            self.worst[kind] = (seconds, str(name))
        if seconds > HANG_SECONDS:
            self.hangs += 1
            self.fault(f"{kind}/{name}: took {seconds:.2f} s")

    def crashed(self, kind: str, name: object, what: str) -> None:
        self.crashes += 1
        self.counts[kind]["crash"] += 1
        self.fault(f"{kind}/{name}: {what}")

    def fault(self, text: str) -> None:
        if len(self.faults) < SHOWN:
            self.faults.append(text)

    def look_at_metrics(self) -> None:
        """Nothing of a person may be in a metric."""
        shown = generate_latest().decode()
        for marker in MARKERS:
            if marker in shown:
                self.leaks += 1
                self.fault(f"metrics: {marker} is in them")

    def add(self, other: "Book") -> None:
        """Take in what another process has found."""
        for kind, counts in other.counts.items():
            self.counts[kind].update(counts)
        for kind, worst in other.worst.items():
            self.worst[kind] = max(worst, self.worst.get(kind, worst))
        self.crashes, self.hangs, self.leaks = (
            self.crashes + other.crashes,
            self.hangs + other.hangs,
            self.leaks + other.leaks,
        )
        for fault in other.faults:
            self.fault(fault)

    @property
    def inputs(self) -> int:
        return sum(sum(counts.values()) for counts in self.counts.values())


def unfit(said: str) -> str | None:
    """What is wrong with a refusal's text; none when it can be given to whoever sent the input."""
    if not said.strip():
        return "refused without a reason"
    if "Traceback" in said or 'File "' in said:
        return "a traceback"
    if (longest := max(map(len, said.splitlines()))) > LONGEST:
        return f"a refusal of {longest} characters"
    return next((f"{marker} is in the refusal" for marker in MARKERS if marker in said), None)


class LogWatch(logging.Handler):
    """Listens to all logs for what must not be in them."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage() + (traceback.format_exc() if record.exc_info else "")
        if any(marker in text for marker in MARKERS):
            self._book.leaks += 1
            self._book.fault(f"log of {record.name}: {text[:300]!r}")


def peak_mb() -> float:
    """The most memory this process ever had, in MB (Linux tells kilobytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
