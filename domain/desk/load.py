"""The load of a warning centre: its open cases by level, and where they are."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from schemas.casework.cases import Case, StepState
from schemas.levels import Level

_RUNNING = frozenset({StepState.PENDING, StepState.HELD, StepState.SENT})


@dataclass(slots=True)
class Load:
    """Cases by level. `waiting`: for an operator, and nobody has them; `overdue`: with a clock that has run out."""

    open: Counter[Level] = field(default_factory=Counter)
    waiting: Counter[Level] = field(default_factory=Counter)
    overdue: Counter[Level] = field(default_factory=Counter)
    claimed: Counter[Level] = field(default_factory=Counter)
    places: Counter[tuple[str, Level]] = field(default_factory=Counter)  # by six digits of the division

    def area(self, begins: str) -> dict[Level, int]:
        """Open cases by level in the divisions that begin so."""
        found = dict.fromkeys(reversed(Level), 0)
        for (division, level), n in self.places.items():
            if division.startswith(begins):
                found[level] += n
        return found


def load_of(cases: Iterable[tuple[Case, bool]], now: datetime) -> Load:
    """Count open cases; with each whether it waits for an operator (or has one)."""
    load = Load()
    for case, waits in cases:
        load.open[case.level] += 1
        load.places[case.profile.division[:6], case.level] += 1
        load.claimed[case.level] += case.claimed_by is not None
        load.waiting[case.level] += waits and case.claimed_by is None
        load.overdue[case.level] += overdue(case, now)
    return load


def overdue(case: Case, now: datetime) -> bool:
    """Whether a clock of the case has run out and nothing has come of it."""
    return any(step.state in _RUNNING and step.due is not None and step.due < now for step in case.steps)


def heat(number: int, most: int) -> int:
    """How strongly a place is coloured, 0 (none) to 4, beside the one with the most."""
    return 0 if number == 0 else min(4, 1 + 4 * (number - 1) // max(1, most))
