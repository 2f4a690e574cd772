"""Counts, from the open cases, the warnings and results that are late."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.policy.schedule import CONTACTS_NOBODY
from schemas.casework.cases import LIVE_STEPS, SETTLED_STATES, Case, CaseState, Step, StepState
from schemas.levels import NEVER_SENT, Action, Channel, Level, Result

SHOWN = 5  # case ids that are listed
_SAFE = SETTLED_STATES | {CaseState.ALREADY_DEFRAUDED}
_NOTHING_CAME = NEVER_SENT | {Result.IN_DOUBT}


@dataclass(slots=True)
class Missed:
    """Counts of late steps in open cases at `now`. `add` takes one case after the other.

    `grace`: a step counts as overdue only if it is later than this. `open`: number of open cases. `overdue`, `held`:
    numbers of steps by level, internal timers included. `oldest`: the due time of the oldest overdue step, None without
    one. `awaited`: numbers of dispatches whose result is overdue, by channel. `red`: ids of red cases whose first
    contact is late.
    """

    now: datetime
    grace: timedelta
    open: int = 0
    overdue: Counter[Level] = field(default_factory=Counter)
    oldest: datetime | None = None
    awaited: Counter[Channel] = field(default_factory=Counter)
    held: Counter[Level] = field(default_factory=Counter)
    red: list[str] = field(default_factory=list)

    def add(self, case: Case) -> None:
        """Add a case, open or closed, to the counts of this object. Only an open one counts in `open`."""
        self.open += case.open
        for step in case.steps:
            if step.state is StepState.HELD:
                self.held[case.level] += 1
            if step.state in LIVE_STEPS and self._late(step):
                self._overdue(case, step)
        if self.first_contact_missed(case):
            self.red.append(case.id)

    def first_contact_missed(self, case: Case) -> bool:
        """Return True if the first contact of a red case is late: no carrier, police station or operator has accepted
        any contact of the red plan, and one of them was tried without success or is overdue by more than `grace`.

        False for other levels, and if the resident is dissuaded, cleared or already defrauded, or the case is handed
        over or closed.
        """
        if case.level is not Level.RED or case.state in _SAFE:
            return False
        contacts = [step for step in case.steps if step.id.startswith("red.") and step.action not in CONTACTS_NOBODY]
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
    """Return True if the contact was accepted: by a carrier or a station, or by an operator who has called."""
    nothing = _NOTHING_CAME | {Result.SENT} if step.action is Action.OPERATOR_CALL else _NOTHING_CAME
    return bool(set(step.results) - nothing)
