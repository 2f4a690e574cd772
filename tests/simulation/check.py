"""Runs of many seeds, judged: what was broken, how long it took, and the shortest story of what was found."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import process_time
from typing import Any, Self

from tests.simulation.laws.all_laws import LAWS, violations
from tests.simulation.run import Ran, beginning, run
from tests.simulation.schedule import Schedule, drawn
from tests.simulation.shrink import shrunk

NOTED = 20  # failures that a report holds in words
ENDED = "no_worker_ends"  # a worker that ends by itself breaks this law


@dataclass(slots=True)
class Found:
    """A schedule that broke laws."""

    schedule: Schedule
    broken: dict[str, str]  # law -> the first words of it
    story: str

    def told(self) -> dict[str, Any]:
        return {"seed": self.schedule.seed, "broken": self.broken}


@dataclass(slots=True)
class Report:
    """What many schedules came to. Reports of other seeds can be added."""

    schedules: int = 0
    cpu_seconds: float = 0.0
    laws: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    contacts: int = 0
    signals: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    seeds: list[list[int]] = field(default_factory=list)
    orders_enumerated: int = 0
    mutations: dict[str, Any] = field(default_factory=dict)

    def add(self, other: "Report") -> None:
        self.schedules += other.schedules
        self.cpu_seconds += other.cpu_seconds
        self.laws.update(other.laws)
        self.faults.update(other.faults)
        self.contacts += other.contacts
        self.signals += other.signals
        self.failures = (self.failures + other.failures)[:NOTED]
        self.seeds = _joined(self.seeds + other.seeds)
        self.orders_enumerated += other.orders_enumerated
        self.mutations |= other.mutations

    def told(self) -> dict[str, Any]:
        """As it is written to a file."""
        return {
            "schedules": self.schedules,
            "orders_enumerated": self.orders_enumerated,
            "laws": {law: self.laws[law] for law in (*LAWS, ENDED)},
            "mutations": self.mutations,
            "schedules_per_second": round(self.schedules / self.cpu_seconds, 2) if self.cpu_seconds else 0.0,
            "cpu_seconds": round(self.cpu_seconds, 2),
            "signals": self.signals,
            "contacts": self.contacts,
            "faults": dict(sorted(self.faults.items())),
            "seeds": self.seeds,
            "failures": self.failures,
        }

    @classmethod
    def read(cls, told: dict[str, Any]) -> Self:
        """What a file has."""
        plain: dict[str, Any] = {name: told[name] for name in told.keys() & _PLAIN}
        return cls(**plain, laws=Counter(told["laws"]), faults=Counter(told["faults"]))


_PLAIN = {"schedules", "cpu_seconds", "contacts", "signals", "failures", "seeds", "orders_enumerated", "mutations"}


def broken_by(ran: Ran) -> dict[str, str]:
    """The laws that a run broke, each with the first words of it."""
    found: dict[str, str] = {}
    for violation in violations(ran.observed):
        found.setdefault(violation.law, violation.words)
    if ran.failures:
        found[ENDED] = ran.failures[0]
    return found


def judged(schedule: Schedule) -> tuple[Ran, dict[str, str]]:
    """Run a schedule and judge it."""
    ran = run(schedule)
    return ran, broken_by(ran)


def checked(seeds: Iterable[int]) -> tuple[Report, list[Found]]:
    """Run the seeds; the report, and what was found."""
    beginning()
    began, report, failed = process_time(), Report(), list[Found]()
    for seed in seeds:
        schedule = drawn(seed)
        ran, broken = judged(schedule)
        report.schedules += 1
        report.contacts += len(ran.observed.contacts)
        report.signals += len(ran.observed.accepted)
        report.faults.update(step.do for step in schedule.steps)
        report.laws.update(broken.keys())
        report.seeds = _joined([*report.seeds, [seed, seed]])
        if broken:
            failed.append(Found(schedule, broken, ran.story()))
    report.cpu_seconds = process_time() - began
    report.failures = [found.told() for found in failed[:NOTED]]
    return report, failed


def shortest(schedule: Schedule, law: str, tries: int = 400) -> Found:
    """The shortest schedule that breaks the law as this one does, and its story."""
    short = shrunk(schedule, lambda candidate: law in judged(candidate)[1], tries)
    ran, broken = judged(short)
    return Found(short, broken, ran.story())


def _joined(ranges: list[list[int]]) -> list[list[int]]:
    """Ranges of seeds, first and last, put together where they touch."""
    joined: list[list[int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(last, joined[-1][1])
        else:
            joined.append([first, last])
    return joined
