"""Counts of clocks that were kept and missed, and of claims given back, in the last shifts; from the journal, in order.

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
MOST_CLOSED = 10_000  # closed cases whose version is kept: an event repeated in the journal follows soon


class ResponsibleParty(StrEnum):
    """The party that must act before a dispatch's time limit ends: the carrier, the operators' desk, the visiting
    officer, or the bank.
    """

    CARRIER = "carrier"
    DESK = "desk"
    OFFICER = "officer"
    BANK = "bank"


class Clock(NamedTuple):
    """The key under which ended time limits of dispatches are counted.

    A clock begins with a dispatch. It ends when the result arrives (`kept` is True), or when the time limit passes
    without one (`kept` is False). `start`: the start of the shift in which it ended; `responsible`: the party that had
    to act; `officer`: the visiting officer's id, or "" if the dispatch is no visit.
    """

    start: datetime  # of the shift in which it ended
    division: str
    level: Level
    responsible: ResponsibleParty
    officer: str
    kept: bool


class WaitingDispatch(NamedTuple):
    """A dispatch that waits for its result: its attempt and action, the time at which the result is due (`due`; None:
    no limit), and the officer whom the case named last, or "".
    """

    attempt: int
    action: Action
    due: datetime | None
    officer: str  # the officer named by the case's last version, or ""


class EndedClock(NamedTuple):
    """A clock (the time from a dispatch until its result is due) that an event has ended: the step's id, and the
    dispatch that waited. `kept`: True if the result came in time.
    """

    step: str
    was: WaitingDispatch
    kept: bool


class Returned(NamedTuple):
    """A claim that ended at `at` although its case goes on. `by`: the operator's login; `division`: the code of the
    resident's division. `itself`: True if the claim ended automatically, False if the operator ended it.
    """

    at: datetime
    case: str
    division: str
    by: str
    itself: bool


@dataclass(slots=True)
class Clocks:
    """Counts ended clocks and claims from the events of the journal, which must be added in order.

    An event with a known or older version of its case is ignored, unless the case was closed before the 10,000 that
    were closed last. `counted`: numbers by key, of the last six shifts. `returned`: the latest 2,000 claims given back.
    `claimed`: start of the present claim, by case id.
    """

    counted: Counter[Clock] = field(default_factory=Counter)
    returned: deque[Returned] = field(default_factory=lambda: deque(maxlen=MOST_RETURNED))
    claimed: dict[str, datetime] = field(default_factory=dict)  # case -> start of its present claim
    # case -> version, dispatches by step
    _open: dict[str, tuple[int, dict[str, WaitingDispatch]]] = field(default_factory=dict)
    _closed: dict[str, int] = field(default_factory=dict)  # case -> version, the case closed last at the end

    def add(self, event: CaseEvent) -> None:
        """Add an event, in place: count the dispatches whose wait for a result it ends, and note the claims that it
        begins or ends. Events must come in the order of the journal. An event with a known or older version of its case
        is ignored, unless the case was closed before the 10,000 that were closed last.
        """
        case = event.case
        version, out = self._open.get(case.id) or (self._closed.get(case.id, 0), {})
        if case.version <= version:
            return
        for end in ends(out, event):
            self._count(event, shift_at(event.at), end)
        self._claims(event)
        if case.open:
            self._open[case.id] = case.version, waiting_dispatches(case)
        else:
            self._close(case)

    def by(self, sees: Callable[[str], bool], start: datetime) -> Iterator[tuple[Clock, int]]:
        """Yield (clock, number of such clocks) of the shift that began at `start`, in no particular order, for the
        divisions for which `sees` returns True.
        """
        return ((clock, n) for clock, n in self.counted.items() if clock.start == start and sees(clock.division))

    def _close(self, case: Case) -> None:
        self._open.pop(case.id, None)
        self._closed.pop(case.id, None)
        self._closed[case.id] = case.version
        if len(self._closed) > MOST_CLOSED:
            del self._closed[next(iter(self._closed))]

    def _count(self, event: CaseEvent, shift: Shift, end: EndedClock) -> None:
        case, was = event.case, end.was
        officer = _officer(event, end.step, was) if was.action is Action.VISIT else ""
        clock = Clock(shift.start, case.profile.division, case.level, responsible_for(was.action), officer, end.kept)
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


def responsible_for(action: Action) -> ResponsibleParty:
    """Return the party that must act before the time limit of an action ends: the bank for actions that a bank carries
    out, the officer for visits, the desk for operators' calls, else the carrier.
    """
    if action in STOPS:
        return ResponsibleParty.BANK
    if action is Action.VISIT:
        return ResponsibleParty.OFFICER
    return ResponsibleParty.DESK if action is Action.OPERATOR_CALL else ResponsibleParty.CARRIER


def waiting_dispatches(case: Case | None) -> dict[str, WaitingDispatch]:
    """Return the dispatches of a case that wait for a result, by step id: those of its steps in the state SENT. Empty
    if `case` is None.
    """
    return {
        step.id: WaitingDispatch(step.attempt, step.action, step.due, (case and case.officer) or "")
        for step in (case.steps if case else ())
        if step.state is StepState.SENT
    }


def ends(out: Mapping[str, WaitingDispatch], event: CaseEvent) -> Iterator[EndedClock]:
    """Yield an EndedClock for each dispatch that waited for its result before the event and no longer waits after it.
    `out`: the dispatches of the case that waited just before the event, by step id.

    A dispatch whose deadline passes when the case is settled is left out.
    """
    return ended(out, waiting_dispatches(event.case), event) if out else iter(())


def ended(
    out: Mapping[str, WaitingDispatch], now: Mapping[str, WaitingDispatch], event: CaseEvent
) -> Iterator[EndedClock]:
    """Yield an EndedClock for each dispatch that no longer waits for its result after the event: it is in `out`
    (waiting just before the event) and not, with the same attempt, in `now` (waiting just after it). Both are by step
    id.

    A dispatch whose deadline passes when the case is settled is left out.
    """
    case = event.case
    for name, was in out.items():
        if name in now and now[name].attempt == was.attempt:
            continue
        missed = event.input_kind == "deadline" and is_deadline_of(event.input, case.id, name)
        if missed and case.settled:
            continue  # a settled case no longer waits for it
        late = was.due is not None and event.at > was.due
        yield EndedClock(name, was, not (missed or late))


def _officer(event: CaseEvent, step: str, was: WaitingDispatch) -> str:
    """Return who had the visit: the officer who reported on it, else the one whom the case named before."""
    told = (fact.by for fact in event.facts if fact.kind is FactKind.VISIT and fact.step == step and fact.by)
    return next(told, None) or was.officer


class Tally(NamedTuple):
    """How many results of dispatches came in time (`kept`), and how many did not (`missed`)."""

    kept: int = 0
    missed: int = 0

    @property
    def share(self) -> int | None:
        """The percentage of kept clocks (0 to 100, rounded), or None if there are none."""
        return round(100 * self.kept / sum(self)) if sum(self) else None


def tally(counted: Iterable[tuple[Clock, int]], by: Callable[[Clock], Name]) -> dict[Name, Tally]:
    """Return how many results came in time and how many did not, by the group that `by` returns for a clock. `counted`:
    pairs of a clock and the number of such clocks.
    """
    found: dict[Name, Tally] = {}
    for clock, n in counted:
        known = found.get(by(clock), Tally())
        found[by(clock)] = Tally(known.kept + n, known.missed) if clock.kept else Tally(known.kept, known.missed + n)
    return found


def by_people(tallies: Mapping[ResponsibleParty, Tally]) -> Tally:
    """Return the sum over the parties that are people of the centre or the police: operators and visiting officers.

    Carriers and banks answer by machine, nearly always in time: with them, a share hides what people missed.
    """
    found = [tallies.get(party, Tally()) for party in (ResponsibleParty.DESK, ResponsibleParty.OFFICER)]
    return Tally(sum(each.kept for each in found), sum(each.missed for each in found))
