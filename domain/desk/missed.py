"""Who is not being warned now, of the cases as they stand."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.policy.schedule import STOPS
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.levels import NEVER_SENT, Action, Channel, Level, Result

SHOWN = 5  # case ids that are named
_SAFE = (CaseState.DISSUADED, CaseState.FALSE_ALARM, CaseState.CLOSED, CaseState.ALREADY_DEFRAUDED)
_NOTHING_CAME = NEVER_SENT | {Result.IN_DOUBT}


@dataclass(slots=True)
class Missed:
    """What is found in open cases, one after the other; cases are named by their ids, a few of each kind.

    `grace`: how late a deadline may be acted on.
    """

    now: datetime
    grace: timedelta
    open: int = 0
    overdue: Counter[Level] = field(default_factory=Counter)
    oldest: datetime | None = None  # of the overdue
    awaited: Counter[Channel] = field(default_factory=Counter)  # dispatches whose result is owed
    held: Counter[Level] = field(default_factory=Counter)  # steps that a hold keeps back
    red: list[str] = field(default_factory=list)  # whose first contact nobody has taken in its time

    def add(self, case: Case) -> None:
        """Look at one case."""
        self.open += case.open
        for step in case.steps:
            if step.state is StepState.HELD:
                self.held[case.level] += 1
            if step.state in (StepState.PENDING, StepState.HELD, StepState.SENT) and self._late(step):
                self._overdue(case, step)
        if self.first_contact_missed(case):
            self.red.append(case.id)

    def first_contact_missed(self, case: Case) -> bool:
        """Whether a red case's first contact is past its clock: tried in vain, or not tried in its time."""
        if case.level is not Level.RED or case.state in _SAFE:
            return False
        contacts = [step for step in case.steps if step.id.startswith("red.") and step.action not in STOPS]
        if any(map(_taken, contacts)):
            return False
        return any(step.attempt > 1 or step.results or self._late(step) for step in contacts)

    def _late(self, step: Step) -> bool:
        return step.due is not None and self.now - step.due > self.grace

    def _overdue(self, case: Case, step: Step) -> None:
        self.overdue[case.level] += 1
        if step.due is not None:
            self.oldest = min(self.oldest or step.due, step.due)
        if step.state is StepState.SENT:
            self.awaited[step.action.channel] += 1


def _taken(step: Step) -> bool:
    """Whether somebody took the contact: a carrier, a station, or an operator who has called."""
    nothing = _NOTHING_CAME | {Result.SENT} if step.action is Action.OPERATOR_CALL else _NOTHING_CAME
    return bool(set(step.results) - nothing)
