"""The workload of an anti-fraud centre: its open cases by level."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from schemas.casework.cases import LIVE_STEPS, Case, Step
from schemas.levels import Level


@dataclass(slots=True)
class Load:
    """Numbers of open cases by level.

    `waiting`: those that wait for an operator and are unclaimed; `overdue`: with a step past its due time; `claimed`:
    by an operator.
    """

    open: Counter[Level] = field(default_factory=Counter)
    waiting: Counter[Level] = field(default_factory=Counter)
    overdue: Counter[Level] = field(default_factory=Counter)
    claimed: Counter[Level] = field(default_factory=Counter)


def load_of(cases: Iterable[tuple[Case, bool]], now: datetime) -> Load:
    """Return the numbers of the given open cases. Each comes with whether an operator must call."""
    load = Load()
    for case, waits in cases:
        load.open[case.level] += 1
        load.claimed[case.level] += case.claimed_by is not None
        load.waiting[case.level] += waits and case.claimed_by is None
        load.overdue[case.level] += overdue(case, now)
    return load


def overdue(case: Case, now: datetime) -> bool:
    """Return whether a pending, held or sent step of the case is past its due time."""
    return bool(late_steps(case, now))


def late_steps(case: Case, now: datetime) -> list[Step]:
    """Return the pending, held and sent steps of the case whose due time is before `now`, in the case's order."""
    return [step for step in case.steps if step.state in LIVE_STEPS and step.due is not None and step.due < now]
