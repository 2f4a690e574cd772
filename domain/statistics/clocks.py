"""Clocks kept and missed, and claims given back, of the last shifts: folded from the journal in its order.

A clock runs from a dispatch until its result is due. It is kept if the result arrives in time, and missed if the case's
own deadline ends it. Its owner is the carrier, the operators' desk, the bank, or the visiting officer.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar

from domain.calendar import Shift, before, shift_at
from domain.ids import is_deadline_of
from domain.policy.schedule import STOPS
from schemas.casework.cases import Case, StepState
from schemas.casework.events import CaseEvent, FactKind
from schemas.levels import Action, Level

Name = TypeVar("Name")

SHIFTS = 6  # shifts kept: two days
MOST_RETURNED = 2_000  # returned claims kept


class Whose(StrEnum):
    """The owners of clocks."""

    CARRIER = "carrier"
    DESK = "desk"
    OFFICER = "officer"
    BANK = "bank"


class Clock(NamedTuple):
    """The key by which ended clocks are counted. `start`: of the shift in which it ended; `kept`: the result came in
    time; `officer`: the visiting officer, or "".
    """

    start: datetime  # of the shift in which it ended
    division: str
    level: Level
    whose: Whose
    officer: str
    kept: bool


class Out(NamedTuple):
    """A dispatch that waits for its result, and when that is due."""

    attempt: int
    action: Action
    due: datetime | None
    officer: str  # the officer named by the case's last version, or ""


class End(NamedTuple):
    """A clock that an event has ended."""

    step: str
    was: Out
    kept: bool


class Returned(NamedTuple):
    """A case whose claim ended although the case goes on. `itself`: it ended automatically, not by the operator."""

    at: datetime
    case: str
    division: str
    by: str
    itself: bool


@dataclass(slots=True)
class Clocks:
    """Counts ended clocks and claims from events in order; events of a known or older case version are ignored."""

    counted: Counter[Clock] = field(default_factory=Counter)
    returned: deque[Returned] = field(default_factory=lambda: deque(maxlen=MOST_RETURNED))
    claimed: dict[str, datetime] = field(default_factory=dict)  # case -> start of its present claim
    _open: dict[str, tuple[int, dict[str, Out]]] = field(default_factory=dict)  # case -> version, dispatches by step

    def add(self, event: CaseEvent) -> None:
        """Count the clocks that an event ends, and its changes of claims."""
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
        """Yield the counts of the shift that began at `start`, of divisions for which `sees` is true."""
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
    """Return the owner of an action's clock."""
    if action in STOPS:
        return Whose.BANK
    if action is Action.VISIT:
        return Whose.OFFICER
    return Whose.DESK if action is Action.OPERATOR_CALL else Whose.CARRIER


def out_of(case: Case | None) -> dict[str, Out]:
    """Return the dispatches of a case that wait for a result, by step; empty for None."""
    return {
        step.id: Out(step.attempt, step.action, step.due, (case and case.officer) or "")
        for step in (case.steps if case else ())
        if step.state is StepState.SENT
    }


def ends(out: Mapping[str, Out], event: CaseEvent) -> Iterator[End]:
    """Yield the clocks that an event ends. `out`: the case's waiting dispatches just before the event."""
    return ended(out, out_of(event.case), event) if out else iter(())


def ended(out: Mapping[str, Out], now: Mapping[str, Out], event: CaseEvent) -> Iterator[End]:
    """Yield the same as `ends`, given also the dispatches that wait after the event (`now`)."""
    case = event.case
    for name, was in out.items():
        if name in now and now[name].attempt == was.attempt:
            continue
        missed = event.input_kind == "deadline" and is_deadline_of(event.input, case.id, name)
        if missed and case.settled:
            continue  # a settled case no longer waits for it
        late = was.due is not None and event.at > was.due
        yield End(name, was, not (missed or late))


def _officer(event: CaseEvent, step: str, was: Out) -> str:
    """Return who had the visit: the officer who reported on it, else the one whom the case named before."""
    told = (fact.by for fact in event.facts if fact.kind is FactKind.VISIT and fact.step == step and fact.by)
    return next(told, None) or was.officer


class Tally(NamedTuple):
    """Numbers of clocks kept (the result came in time) and missed."""

    kept: int = 0
    missed: int = 0

    @property
    def share(self) -> int | None:
        """The percentage of kept clocks (0 to 100, rounded), or None if there are none."""
        return round(100 * self.kept / sum(self)) if sum(self) else None


def tally(counted: Iterable[tuple[Clock, int]], by: Callable[[Clock], Name]) -> dict[Name, Tally]:
    """Return the numbers of kept and missed clocks, grouped by the result of `by`."""
    found: dict[Name, Tally] = {}
    for clock, n in counted:
        known = found.get(by(clock), Tally())
        found[by(clock)] = Tally(known.kept + n, known.missed) if clock.kept else Tally(known.kept, known.missed + n)
    return found
