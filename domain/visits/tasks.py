"""An officer's visits: their order, which are no longer needed, and which acts on them come too late."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.calendar import local_date
from domain.dispatches.ids import parse
from domain.policy import Policy
from domain.visits.rounds import Door, Planned, Post, VisitBand, in_order, worth
from domain.visits.travel import distance
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.casework.events import Dispatch
from schemas.casework.inputs import VisitStage
from schemas.people.rosters import Task, TaskState

_GOING = frozenset({VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.REFUSED, VisitStage.HANDED_OVER})


@dataclass(frozen=True, slots=True)
class Errand:
    """A visit to be made.

    `due`: when the case will send another officer, or None; `steps`: distance from the officer's division (0 the same
    street, 1 county, 4 prefecture, 12 another prefecture); `fits`: whether it can be finished before the shift ends,
    after the earlier visits.
    """

    task: Task
    case: Case
    due: datetime | None
    steps: int
    fits: bool


def given(
    dispatch: Dispatch, officer: str, now: datetime, worth_fen: int, place: str | None = None, joins: str | None = None
) -> Task:
    """Return a new task: the dispatch's visit, given to the officer (an id) at `now`.

    `worth_fen`: the money, in fen, that is expected to be lost by the delay if another visit is made first; `place`: a
    keyed hash of the address; `joins`: the dispatch id of the visit that it joins, or None.
    """
    return Task(
        dispatch=dispatch.id,
        case=dispatch.case,
        resident=dispatch.resident,
        officer=officer,
        at=now,
        level=dispatch.level,
        division=dispatch.division,
        worth_fen=worth_fen,
        place=place,
        joins=joins,
    )


class Conflict(StrEnum):
    """Why an act on a visit does not count.

    NOT_YOURS: not this officer's, or deleted; OVER: refused, handed over or ended before; ANOTHER: the case has sent
    another officer; SETTLED: no longer needed; BEHIND: a later stage was reported before.
    """

    NOT_YOURS = "not_yours"
    OVER = "over"
    ANOTHER = "another"
    SETTLED = "settled"
    BEHIND = "behind"


def conflict(task: Task, case: Case | None, stage: VisitStage) -> Conflict | None:
    """Return why `stage` can no longer be reported for a visit, or None if it can.

    An officer on the way is told if the visit is no longer needed. What happened at the door counts while the case is
    open, even if another officer was sent meanwhile.
    """
    if task.state in (TaskState.REFUSED, TaskState.ENDED):
        return Conflict.OVER
    if case is None or not case.open:
        return Conflict.SETTLED
    if stage in _GOING and not is_awaited(task, case):
        return Conflict.ANOTHER if task.state is TaskState.LATE and not _plan_over(case) else Conflict.SETTLED
    told, known = stage.distance, task.stage.distance if task.stage else None
    return Conflict.BEHIND if told is not None and known is not None and told < known else None


def is_awaited(task: Task, case: Case) -> bool:
    """Return whether the case still waits for this visit, also of a dissuaded resident, until it is recalled."""
    return task.state is TaskState.OPEN and case.open and _step(task, case) is not None


def to_be_made(task: Task, case: Case) -> bool:
    """Return whether the officer still makes the visit: they are at the door, or the case waits for it."""
    return case.open and (task.stage is VisitStage.ARRIVED or is_awaited(task, case))


def sort_out(
    mine: Iterable[tuple[Task, Case | None]], post: Post, now: datetime, policy: Policy
) -> tuple[list[Errand], list[Task]]:
    """Return an officer's visits in the order of the round, and withdrawn ones that they have not seen yet, the
    earliest first. `mine`: all their tasks, each with its case (None: unknown); `post`: the officer's.

    A visit that joined another is part of it while that one is to be made, and then a separate visit. An officer at the
    door finishes the visit in any case.
    """
    to_make, gone = dict[str, tuple[Task, Case]](), []
    for task, case in sorted(mine, key=lambda each: each[0].joins is not None):  # visits that others may join first
        if task.joins in to_make or task.state in (TaskState.REFUSED, TaskState.ENDED):
            continue
        if case is not None and to_be_made(task, case):
            to_make[task.dispatch] = task, case
        elif not task.seen and task.joins is None:
            gone.append(task)
    doors = [_door(task, case, policy) for task, case in to_make.values()]
    planned = in_order(doors, post, now, policy.visits)
    errands = [_errand(*to_make[each.door.dispatch], each, post, now) for each in planned]
    return errands, sorted(gone, key=lambda task: task.at)


def act_time(said: datetime, given: datetime, now: datetime) -> datetime:
    """Return the time of an act as the device reported it (`said`), limited to between the task's start (`given`) and
    `now`.

    A device's clock may be wrong by any amount.
    """
    return max(min(said, now), min(given, now))


def _door(task: Task, case: Case, policy: Policy) -> Door:
    """Return the visit as a Door, with the level, division and worth that its case has now."""
    return Door(task.dispatch, case.level, case.profile.division, worth(case, policy), task.at, task.stage)


def _errand(task: Task, case: Case, planned: Planned, post: Post, now: datetime) -> Errand:
    step = _step(task, case)
    steps = distance(post.division, case.profile.division, local_date(now))
    fits = planned.turn is VisitBand.AT_THE_DOOR or post.until is None or planned.leaves <= post.until
    return Errand(task, case, step.due if step else None, steps, fits)


def _plan_over(case: Case) -> bool:
    return case.settled or case.state is CaseState.ALREADY_DEFRAUDED


def _step(task: Task, case: Case) -> Step | None:
    """Return the case's step that waits for this visit, or None."""
    name = parse(task.dispatch)
    waiting = (step for step in case.steps if step.id == name.step and step.attempt == name.attempt)
    return next((step for step in waiting if step.state is StepState.SENT), None)
