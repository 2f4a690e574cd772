"""What the rounds came to: counted, written after each, and told in words where one failed."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from schemas.levels import Result
from tests.tools.chaos.faults import KINDS
from tests.tools.chaos.judging.all_laws import LAWS, Broken
from tests.tools.chaos.judging.late import recoveries
from tests.tools.chaos.plan import Plan
from tests.tools.chaos.round import Outcome

BROKEN = (*(law for law in LAWS if law), "money_twice_fen")
COUNTED = (
    "accepted",
    "alerts",
    "contacts",
    "contacts_in_doubt",
    "requests_past_lease",
    "put_aside",
    "rounds_failed",
    *BROKEN,
)
MOST = 5  # of what broke one law in a round: the rest is like it


@dataclass(slots=True)
class Report:
    """All rounds so far. `failures`: a round that broke a law, or could not be played to its end.

    `before`: the seconds of earlier runs. `faults`: those that struck; `missed`: those that came to nothing.
    `recovered`: by kind, the longest from a fault's end to the last consequence that it held up, in seconds.
    """

    began: float = field(default_factory=time.monotonic)
    before: float = 0.0
    rounds: int = 0
    seeds: list[int] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    recovered: dict[str, float] = field(default_factory=dict)
    most_waited: float = 0.0  # for a processor, in a second
    counts: Counter[str] = field(default_factory=Counter)
    mutations_caught: int | None = None
    failures: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path) -> Self:
        """What an earlier run has written there, to be added to; an empty report when there is no such file."""
        if not file.exists():
            return cls()
        told = orjson.loads(file.read_bytes())
        return cls(
            before=told["seconds"],
            rounds=told["rounds"],
            seeds=told["seeds"],
            faults=Counter(told["faults"]),
            missed=Counter(told["faults_missed"]),
            recovered=told["longest_recovery_by_fault"],
            most_waited=told["most_waited_in_a_second"],
            counts=Counter({name: told.get(name, 0) for name in COUNTED}),
            mutations_caught=told["mutations_caught"],
            failures=told["failures"],
        )

    def played(self, outcome: Outcome) -> str:
        """Take a round in; returns a line that tells of it."""
        self._count(outcome.plan)
        found = counted(outcome)
        self.counts.update(found)
        for window in outcome.books.windows:
            (self.faults if window.struck else self.missed)[window.kind] += 1
        for kind, seconds in recoveries(outcome.books).items():
            self.recovered[kind] = round(max(seconds, self.recovered.get(kind, 0.0)), 2)
        self.most_waited = round(max(self.most_waited, outcome.books.pace.most_waited), 2)
        if outcome.broken:
            self._failed(outcome.plan, told(outcome.broken), outcome)
        figures = "  ".join(f"{name} {value}" for name, value in found.items() if value)
        return f"{_head(outcome.plan)}  {outcome.seconds:.1f} s  {figures}" + ("  FAILED" if outcome.broken else "")

    def ended(self, plan: Plan, error: BaseException) -> str:
        """Take in a round that could not be played to its end; returns a line that tells of it."""
        self._count(plan)
        self._failed(plan, [f"the round ended with {type(error).__name__}: {error}"])
        return f"{_head(plan)}  FAILED: {type(error).__name__}: {error}"

    def write(self, file: Path) -> None:
        """Write all of it, whole or not at all."""
        made = file.with_name(f"{file.name}.new")
        made.write_bytes(orjson.dumps(self.as_dict(), option=orjson.OPT_INDENT_2))
        made.replace(file)

    def as_dict(self) -> dict[str, Any]:
        """As it is written. `mutations_caught` is none when they were not run."""
        return {
            "rounds": self.rounds,
            "faults": {kind: self.faults[kind] for kind in KINDS},
            "faults_missed": dict(self.missed),
            **{name: self.counts[name] for name in COUNTED},
            "longest_recovery_seconds": max(self.recovered.values(), default=0.0),
            "longest_recovery_by_fault": self.recovered,
            "most_waited_in_a_second": self.most_waited,
            "mutations_caught": self.mutations_caught,
            "seeds": self.seeds,
            "seconds": round(self.before + time.monotonic() - self.began, 1),
            "failures": self.failures,
        }

    def _count(self, plan: Plan) -> None:
        self.rounds += 1
        self.seeds.append(plan.seed)

    def _failed(self, plan: Plan, what: list[str], outcome: Outcome | None = None) -> None:
        self.counts["rounds_failed"] += 1
        self.failures.append({"seed": plan.seed, "faults": moments(plan, outcome), "what": what})


def told(broken: list[Broken]) -> list[str]:
    """What broke, in words: of each law the first, and how many more there are."""
    by_law: dict[str, list[str]] = {}
    for each in broken:
        by_law.setdefault(each.law or "books", []).append(each.words)
    return [
        words
        for law, all_words in by_law.items()
        for words in (
            *(f"{law}: {words}" for words in all_words[:MOST]),
            *([f"{law}: ... and {len(all_words) - MOST} more"] if len(all_words) > MOST else []),
        )
    ]


def counted(outcome: Outcome) -> dict[str, int]:
    """A round in figures."""
    books = outcome.books
    laws: Counter[str] = Counter()
    for each in outcome.broken:
        laws[each.law] += each.amount
    return {
        "accepted": books.accepted.total(),
        "alerts": len({each.what.id for each in books.seen.inputs if each.what.kind == "alert"}),
        "contacts": len(books.contacts),
        "contacts_in_doubt": sum(Result.IN_DOUBT in results for results in books.seen.reports.values()),
        "requests_past_lease": len(books.delayed),
        "put_aside": len(books.seen.put_aside),
        **{law: laws[law] for law in BROKEN},
    }


def moments(plan: Plan, outcome: Outcome | None) -> list[str]:
    """The faults of a round, and when each was there: wall seconds since the province's first signal."""
    if outcome is None:
        return [f"{stroke.kind} at {stroke.at} s" for stroke in plan.strokes]
    start = outcome.books.clock.wall_start
    return [
        f"{w.kind} {w.began - start:.1f} to {w.ended - start:.1f} s{'' if w.struck else ', and struck nothing'}"
        for w in outcome.books.windows
    ]


def _head(plan: Plan) -> str:
    struck = ", ".join(f"{stroke.kind} at {stroke.at}" for stroke in plan.strokes)
    return f"seed {plan.seed}  {plan.house.value}, {plan.workers} workers  {struck}"
