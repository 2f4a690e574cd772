"""The hand-over sheet of a shift, compiled from the current cases and stop-payments."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from domain.desk.open_deadline import goes_no_more
from domain.ids import short_hash
from domain.payments.bank_book import StopLine
from domain.policy.schedule import LATEST
from schemas.casework.cases import LIVE_STEPS, Case, Step, StepState
from schemas.codes.people import CallPromised
from schemas.levels import Action, Level

_CLOCK = "clock."


@dataclass(frozen=True, slots=True)
class Next:
    """An entry of the hand-over sheet: a case and one of its steps.

    `step`: in `reds`, the step due first, or None if nothing is planned; in `promises`, the promised call; in `held`,
    the first step that an outreach hold, or an offer to another province, holds back.
    """

    case: Case
    step: Step | None

    @property
    def due(self) -> datetime:
        """The due time of the step; 2099-12-30 (LATEST) if there is no step or it has no due time."""
        return (self.step.due if self.step else None) or LATEST


@dataclass(slots=True)
class Sheet:
    """The hand-over sheet of the moment `at`. Every list is sorted by time, the earliest first.

    `until`: the end of the next shift. `reds`: unsettled red cases. `promises`: calls at a time that the resident asked
    for. `held`: cases with a step that an outreach hold, or an offer to another province, holds back. `stops`:
    stop-payments in force that end before `until`.
    """

    at: datetime
    until: datetime
    reds: list[Next] = field(default_factory=list)
    promises: list[Next] = field(default_factory=list)
    held: list[Next] = field(default_factory=list)
    stops: list[StopLine] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        """The number of entries in each list of the sheet, by the list's name: reds, promises, held, stops."""
        return {
            "reds": len(self.reds),
            "promises": len(self.promises),
            "held": len(self.held),
            "stops": len(self.stops),
        }

    @property
    def digest(self) -> str:
        """A hash (20 hex digits) that identifies a printed sheet.

        The same moment with the same cases and stops in the same versions gives the same hash.
        """
        cases = {f"{each.case.id}@{each.case.version}" for each in (*self.reds, *self.promises, *self.held)}
        stops = {f"{line.case}/{line.number}@{line.version}" for line in self.stops}
        return short_hash("hand-over", self.at.isoformat(), *sorted(cases | stops))


def sheet(cases: Iterable[Case], stops: Iterable[StopLine], now: datetime, until: datetime) -> Sheet:
    """Return the hand-over sheet of `now`: unsettled red cases, promised calls, cases with a held step, and stops in
    force that end before `until`.

    `cases`: the open cases; closed ones are not filtered out here. `until`: the end of the next shift.
    """
    found = Sheet(now, until)
    for case in cases:
        if case.level is Level.RED and not case.settled:
            found.reds.append(Next(case, next_step(case)))
        found.promises += [Next(case, step) for step in case.steps if promised(step)]
        if held := next((step for step in case.steps if _is_held(case, step)), None):
            found.held.append(Next(case, held))
    for each in (found.reds, found.promises, found.held):
        each.sort(key=lambda item: (item.due, item.case.id))
    found.stops = ending(stops, until)
    return found


def next_step(case: Case) -> Step | None:
    """Return the case's unfinished step (pending, held, proposed or sent) that is due first, or None. Internal
    timers, steps without a due time and those that will not go out (`goes_no_more`) are left out.
    """
    live = [
        step
        for step in case.steps
        if step.state in LIVE_STEPS and step.due and not step.id.startswith(_CLOCK) and not goes_no_more(case, step)
    ]
    return min(live, key=lambda step: (step.due or LATEST, step.id), default=None)


def _is_held(case: Case, step: Step) -> bool:
    return step.state is StepState.HELD and not goes_no_more(case, step)


def promised(step: Step) -> bool:
    """Return True if a step is an operator's call at a time that the resident asked for, and it has not been made yet
    (it is PENDING or HELD).
    """
    waits = step.state in (StepState.PENDING, StepState.HELD)
    return waits and step.action is Action.OPERATOR_CALL and isinstance(step.because, CallPromised)


def ending(stops: Iterable[StopLine], until: datetime) -> list[StopLine]:
    """Return the stops in force that end before `until`, the earliest first."""
    found = [line for line in stops if line.stop.until is not None and line.stop.until < until]
    return sorted(found, key=lambda line: (line.stop.until or LATEST, line.case, line.number))
