"""Clocks kept and missed, and claims: of the last shifts, folded from the journal in its order.

A clock runs from a dispatch until its result is owed. It is kept when the result comes by then; it is missed when the
case's own deadline ends it. Who had the clock: the carrier, the desk of operators, the bank, or the officer who goes.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar

from domain.calendar import Shift, before, shift_at
from domain.policy.schedule import STOPS
from schemas.casework.cases import Case, StepState
from schemas.casework.events import CaseEvent, FactKind
from schemas.levels import Action, Level

Name = TypeVar("Name")

SHIFTS = 6  # that are remembered: two days
MOST_RETURNED = 2_000  # claims given back that are remembered


class Whose(StrEnum):
    """Who has a clock."""

    CARRIER = "carrier"
    DESK = "desk"
    OFFICER = "officer"
    BANK = "bank"


class Clock(NamedTuple):
    """What clocks are counted by. `officer`: who goes, of a visit."""

    start: datetime  # of the shift in which it ended
    division: str
    level: Level
    whose: Whose
    officer: str
    kept: bool


class Out(NamedTuple):
    """A dispatch whose result is owed."""

    attempt: int
    action: Action
    due: datetime | None
    officer: str  # whom the case named when it was seen last


class End(NamedTuple):
    """A clock that an event has ended."""

    step: str
    was: Out
    kept: bool


class Returned(NamedTuple):
    """A case that somebody had and has no more without having ended it. `itself`: nobody gave it back."""

    at: datetime
    case: str
    division: str
    by: str
    itself: bool


@dataclass(slots=True)
class Clocks:
    """Takes events in their order; one of an older version than was seen changes nothing."""

    counted: Counter[Clock] = field(default_factory=Counter)
    returned: deque[Returned] = field(default_factory=lambda: deque(maxlen=MOST_RETURNED))
    claimed: dict[str, datetime] = field(default_factory=dict)  # case -> since when who has it has it
    _open: dict[str, tuple[int, dict[str, Out]]] = field(default_factory=dict)  # case -> version, what is out

    def add(self, event: CaseEvent) -> None:
        """Count what an event ends."""
        case = event.case
        version, out = self._open.get(case.id, (0, {}))
        if case.version <= version:
            return
        for end in ends(out, event):
            self._count(event, shift_at(event.at), end)
        self._claims(event)
        if case.open:
            self._open[case.id] = case.version, out_of(case)
        else:
            self._open.pop(case.id, None)

    def by(self, sees: Callable[[str], bool], start: datetime) -> Iterator[tuple[Clock, int]]:
        """What was counted in a shift, of the divisions that somebody sees."""
        return ((clock, n) for clock, n in self.counted.items() if clock.start == start and sees(clock.division))

    def _count(self, event: CaseEvent, shift: Shift, end: End) -> None:
        case, was = event.case, end.was
        officer = _officer(event, end.step, was) if was.action is Action.VISIT else ""
        clock = Clock(shift.start, case.profile.division, case.level, whose(was.action), officer, end.kept)
        if clock not in self.counted:
            self._forget(shift)
        self.counted[clock] += 1

    def _claims(self, event: CaseEvent) -> None:
        case = event.case
        for fact in event.facts:
            if fact.kind is FactKind.CLAIMED:
                self.claimed[case.id] = event.at
            elif fact.kind is FactKind.UNCLAIMED and fact.by:
                itself = event.input_kind != "operator_report" or case.returned_from is not None
                self.returned.append(Returned(event.at, case.id, case.profile.division, fact.by, itself))
        if case.claimed_by is None or not case.open:
            self.claimed.pop(case.id, None)

    def _forget(self, latest: Shift) -> None:
        oldest = latest
        for _ in range(SHIFTS - 1):
            oldest = before(oldest)
        for clock in [clock for clock in self.counted if clock.start < oldest.start]:
            del self.counted[clock]


def whose(action: Action) -> Whose:
    """Who has the clock of an action."""
    if action in STOPS:
        return Whose.BANK
    if action is Action.VISIT:
        return Whose.OFFICER
    return Whose.DESK if action is Action.OPERATOR_CALL else Whose.CARRIER


def out_of(case: Case | None) -> dict[str, Out]:
    """What is out of a case, by step; nothing where there is none."""
    return {
        step.id: Out(step.attempt, step.action, step.due, (case and case.officer) or "")
        for step in (case.steps if case else ())
        if step.state is StepState.SENT
    }


def ends(out: Mapping[str, Out], event: CaseEvent) -> Iterator[End]:
    """The clocks that an event ends; `out`: what was out of its case just before."""
    case = event.case
    now = out_of(case) if out else {}
    for name, was in out.items():
        if name in now and now[name].attempt == was.attempt:
            continue
        missed = event.input_kind == "deadline" and event.input.startswith(f"d:{case.id}:{name}:")
        if missed and case.settled:
            continue  # nobody waited for it any more
        late = was.due is not None and event.at > was.due
        yield End(name, was, not (missed or late))


def _officer(event: CaseEvent, step: str, was: Out) -> str:
    """Who had the visit: who reported of it, else whom the case named before: a late officer's name is gone from it."""
    told = (fact.by for fact in event.facts if fact.kind is FactKind.VISIT and fact.step == step and fact.by)
    return next(told, None) or was.officer


class Tally(NamedTuple):
    """How many clocks were kept, and missed."""

    kept: int = 0
    missed: int = 0

    @property
    def share(self) -> int | None:
        """Kept of all, per cent; none where there was none."""
        return round(100 * self.kept / sum(self)) if sum(self) else None


def tally(counted: Iterable[tuple[Clock, int]], by: Callable[[Clock], Name]) -> dict[Name, Tally]:
    """Clocks kept and missed, by what `by` says of each."""
    found: dict[Name, Tally] = {}
    for clock, n in counted:
        known = found.get(by(clock), Tally())
        found[by(clock)] = Tally(known.kept + n, known.missed) if clock.kept else Tally(known.kept, known.missed + n)
    return found
