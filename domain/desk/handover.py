"""What one shift leaves to the next, found in the cases and stops as they stand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from domain.ids import short_hash
from domain.payments.bank_book import StopLine
from domain.policy.schedule import LATEST
from schemas.casework.cases import Case, Step, StepState, StopState
from schemas.levels import Action, Level

PROMISED = "the resident asked to be called then"  # how casework explains a call that was put off (casework/acts)
_RUNNING = frozenset({StepState.PENDING, StepState.HELD, StepState.SENT})
_CLOCK = "clock."


@dataclass(frozen=True, slots=True)
class Next:
    """A case and the step that comes next of itself; no step: nothing is planned."""

    case: Case
    step: Step | None

    @property
    def due(self) -> datetime:
        return (self.step.due if self.step else None) or LATEST


@dataclass(slots=True)
class Sheet:
    """The sheet of one moment; every list has first what comes first."""

    at: datetime
    until: datetime  # the end of the shift that takes over
    reds: list[Next] = field(default_factory=list)
    promises: list[Next] = field(default_factory=list)  # calls at an hour that the resident named
    held: list[Next] = field(default_factory=list)  # cases with a step that a hold keeps back
    stops: list[StopLine] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        """How many of each."""
        return {
            "reds": len(self.reds),
            "promises": len(self.promises),
            "held": len(self.held),
            "stops": len(self.stops),
        }

    @property
    def digest(self) -> str:
        """By which a printed sheet is known again: the same cases in the same versions give the same."""
        cases = {f"{each.case.id}@{each.case.version}" for each in (*self.reds, *self.promises, *self.held)}
        stops = {f"{line.case}/{line.number}@{line.version}" for line in self.stops}
        return short_hash("hand-over", self.at.isoformat(), *sorted(cases | stops))


def sheet(cases: Iterable[Case], stops: Iterable[StopLine], now: datetime, until: datetime) -> Sheet:
    """Find what is handed over: open reds, promised calls, what holds keep back, stops that run out before `until`."""
    found = Sheet(now, until)
    for case in cases:
        if case.level is Level.RED and not case.settled:
            found.reds.append(Next(case, next_step(case)))
        found.promises += [Next(case, step) for step in case.steps if promised(step)]
        if held := next((step for step in case.steps if step.state is StepState.HELD), None):
            found.held.append(Next(case, held))
    for each in (found.reds, found.promises, found.held):
        each.sort(key=lambda item: (item.due, item.case.id))
    found.stops = ending(stops, until)
    return found


def next_step(case: Case) -> Step | None:
    """The contact that comes next: the live step that is due first, clocks inside the case left out."""
    live = [step for step in case.steps if step.state in _RUNNING and step.due and not step.id.startswith(_CLOCK)]
    return min(live, key=lambda step: (step.due or LATEST, step.id), default=None)


def promised(step: Step) -> bool:
    """Whether a step is a call at an hour that the resident named."""
    waits = step.state in (StepState.PENDING, StepState.HELD)
    return waits and step.action is Action.OPERATOR_CALL and step.because.startswith(PROMISED)


def ending(stops: Iterable[StopLine], until: datetime) -> list[StopLine]:
    """The stops in force that run out before `until`, the first at the head."""
    found = [line for line in stops if line.stop.state is StopState.IN_FORCE and (line.stop.until or LATEST) < until]
    return sorted(found, key=lambda line: (line.stop.until or LATEST, line.case, line.number))
