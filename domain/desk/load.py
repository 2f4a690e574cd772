"""The workload of an anti-fraud centre: its open cases by level."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from domain.casework import grounds
from schemas.casework.cases import LIVE_STEPS, Case, Step
from schemas.levels import Level


class Handling(StrEnum):
    """Who handles an open case. Each case is in one of these states, the first that applies.

    WAITING: an operator must call, and nobody has claimed the case. OPERATOR: an operator has claimed it. OFFICER: an
    officer alone, who was sent. AUTOMATIC: the plan goes on without people.
    """

    WAITING = "waiting"
    OPERATOR = "operator"
    OFFICER = "officer"
    AUTOMATIC = "automatic"


@dataclass(slots=True)
class Load:
    """Numbers of open cases by level.

    `waiting`, `claimed`, `officers`, `automatic`: by who handles them (see Handling); their sum is `open`. `visits`:
    cases with an officer on the way (see `visits_under_way`), whoever handles them besides. `overdue`: cases with a
    step past its due time.
    """

    open: Counter[Level] = field(default_factory=Counter)
    waiting: Counter[Level] = field(default_factory=Counter)
    overdue: Counter[Level] = field(default_factory=Counter)
    claimed: Counter[Level] = field(default_factory=Counter)
    officers: Counter[Level] = field(default_factory=Counter)
    automatic: Counter[Level] = field(default_factory=Counter)
    visits: Counter[Level] = field(default_factory=Counter)


class Staffing(NamedTuple):
    """Numbers of operators: `on_duty`, and of these those who have claimed no case (`free`)."""

    on_duty: int
    free: int


def staffing_of(claims: Iterable[int]) -> Staffing:
    """Return the numbers of operators. `claims`: for each operator on duty, the number of cases claimed."""
    counts = list(claims)
    return Staffing(len(counts), counts.count(0))


def visits_under_way(cases: Iterable[Case]) -> list[Case]:
    """Return the cases to which an officer is on the way: a visit was sent out, and its result was not reported yet.

    The overview's table, its list of officers and the queue's filter all count by this.
    """
    return [case for case in cases if grounds.on_the_way(case)]


def visits_by_officer(cases: Iterable[Case]) -> Counter[str]:
    """Return the number of visits under way of each officer, by id; those that no officer has yet under ""."""
    return Counter(case.officer or "" for case in visits_under_way(cases))


def load_of(cases: Iterable[tuple[Case, bool]], now: datetime) -> Load:
    """Return the numbers of open cases by level: all, by who handles them, with visits under way, and overdue. `cases`:
    each open case, with True if an operator must call.
    """
    load = Load()
    by_handling = {
        Handling.WAITING: load.waiting,
        Handling.OPERATOR: load.claimed,
        Handling.OFFICER: load.officers,
        Handling.AUTOMATIC: load.automatic,
    }
    given = list(cases)
    for case, waits in given:
        load.open[case.level] += 1
        by_handling[handling(case, waits=waits)][case.level] += 1
        load.overdue[case.level] += overdue(case, now)
    load.visits.update(case.level for case in visits_under_way(case for case, _ in given))
    return load


def handling(case: Case, *, waits: bool) -> Handling:
    """Return who handles an open case: OPERATOR if one has claimed it; else WAITING if an operator must call (`waits`);
    else OFFICER if one was sent; else AUTOMATIC.
    """
    if case.claimed_by is not None:
        return Handling.OPERATOR
    if waits:
        return Handling.WAITING
    return Handling.OFFICER if grounds.on_the_way(case) else Handling.AUTOMATIC


def overdue(case: Case, now: datetime) -> bool:
    """Return True if the case has an unfinished step that was due before `now`. Internal timers, which are never sent,
    count too.
    """
    return bool(late_steps(case, now))


def late_steps(case: Case, now: datetime) -> list[Step]:
    """Return the unfinished steps of the case that were due before `now`, in the case's order. Internal timers, which
    are never sent, are included.
    """
    return [step for step in case.steps if step.state in LIVE_STEPS and step.due is not None and step.due < now]
