"""An officer's visits: which come first, which are no longer asked for, and which acts on them come too late."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.dispatches.ids import parse
from domain.policy import Policy
from domain.visits.rounds import Door, Planned, Post, VisitBand, in_order, worth
from domain.visits.travel import distance
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.casework.events import Dispatch
from schemas.casework.inputs import VisitStage
from schemas.people.rosters import Task, TaskState

_GOING = frozenset({VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.REFUSED, VisitStage.HANDED_OVER})
_STAGES = (VisitStage.ASSIGNED, VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.ARRIVED)


@dataclass(frozen=True, slots=True)
class Errand:
    """A visit to be made. `due`: when the case sends the next one; `steps`: how far it is from his post
    (domain/visits/travel).

    `fits`: whether he can be done before his shift ends, with those that he makes before.
    """

    task: Task
    case: Case
    due: datetime | None
    steps: int
    where: str
    fits: bool


def given(
    dispatch: Dispatch, officer: str, now: datetime, worth_fen: int, place: str | None = None, joins: str | None = None
) -> Task:
    """A visit as it is given to an officer. `worth_fen`: see domain/visits/rounds; `joins`: the visit it is part of."""
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
    """Why an act on a visit does not count."""

    NOT_YOURS = "not_yours"  # never his, or forgotten
    OVER = "over"  # refused, handed over or ended before
    ANOTHER = "another"  # the case did not wait, and has sent another
    SETTLED = "settled"  # nobody needs to go any more
    BEHIND = "behind"  # a later stage was told before


def conflict(task: Task, case: Case | None, stage: VisitStage) -> Conflict | None:
    """Why `stage` can no longer be told of a visit; none when it can.

    Who is on his way is told that he need not go. What happened at the door counts for as long as the case is open,
    also where another was sent meanwhile.
    """
    if task.state in (TaskState.REFUSED, TaskState.ENDED):
        return Conflict.OVER
    if case is None or not case.open:
        return Conflict.SETTLED
    if stage in _GOING and not stands(task, case):
        return Conflict.ANOTHER if task.state is TaskState.LATE and not _plan_over(case) else Conflict.SETTLED
    if stage in _STAGES and task.stage in _STAGES and _STAGES.index(stage) < _STAGES.index(task.stage):
        return Conflict.BEHIND
    return None


def stands(task: Task, case: Case) -> bool:
    """Whether the case still waits for this very visit."""
    return task.state is TaskState.OPEN and not _plan_over(case) and _step(task, case) is not None


def to_be_made(task: Task, case: Case) -> bool:
    """Whether its officer still makes the visit: he stands at the door, or the case waits for it."""
    return case.open and (task.stage is VisitStage.ARRIVED or stands(task, case))


def sort_out(
    mine: Iterable[tuple[Task, Case | None]], post: Post, now: datetime, policy: Policy
) -> tuple[list[Errand], list[Task]]:
    """What an officer has to do, in the order of his round, and visits no longer asked for, which he has not seen yet.

    One that joined another's is part of that one for as long as that one is to be made; then it is a visit of its own.
    Who stands at the door finishes his visit, whatever became of it meanwhile.
    """
    to_make, gone = dict[str, tuple[Task, Case]](), []
    for task, case in sorted(mine, key=lambda each: each[0].joins is not None):  # those that may be joined come first
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
    """When an act was done: as the device says, where that can be.

    Not in the future, and not before the task was given: a device's clock may be wrong by any amount.
    """
    return max(min(said, now), min(given, now))


def _door(task: Task, case: Case, policy: Policy) -> Door:
    """A visit as the case stands now."""
    return Door(task.dispatch, case.level, case.profile.division, worth(case, policy), task.at, task.stage)


def _errand(task: Task, case: Case, planned: Planned, post: Post, now: datetime) -> Errand:
    step = _step(task, case)
    steps, where = distance(post.division, case.profile.division, now.date())
    fits = planned.turn is VisitBand.AT_THE_DOOR or post.until is None or planned.leaves <= post.until
    return Errand(task, case, step.due if step else None, steps, where, fits)


def _plan_over(case: Case) -> bool:
    return case.settled or case.state is CaseState.ALREADY_DEFRAUDED


def _step(task: Task, case: Case) -> Step | None:
    """The case's step that waits for this visit."""
    name = parse(task.dispatch)
    waiting = (step for step in case.steps if step.id == name.step and step.attempt == name.attempt)
    return next((step for step in waiting if step.state is StepState.SENT), None)
