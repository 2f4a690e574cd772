"""An officer's visits: which come first, which are no longer asked for, and which acts on them come too late."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from domain.dispatch_ids import parse
from domain.officers import distance
from schemas.cases import Case, CaseState, Step, StepState
from schemas.inputs import VisitStage
from schemas.rosters import Task, TaskState

_NEVER = datetime.max.replace(tzinfo=UTC)
_GOING = frozenset({VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.REFUSED, VisitStage.HANDED_OVER})
_STAGES = (VisitStage.ASSIGNED, VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.ARRIVED)


@dataclass(frozen=True, slots=True)
class Errand:
    """A visit to be made. `due`: when the case sends the next one; `steps`: how far it is (domain/officers)."""

    task: Task
    case: Case
    due: datetime | None
    steps: int
    where: str


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


def sort_out(mine: Iterable[tuple[Task, Case | None]], division: str, now: datetime) -> tuple[list[Errand], list[Task]]:
    """What an officer has to do, the most urgent first, and visits no longer asked for, which he has not seen yet.

    Urgent is by level, then by the time the case waits, then by the way. One that joined another's is part of that
    one. Who stands at the door finishes his visit, whatever became of it meanwhile.
    """
    errands, gone = [], []
    for task, case in mine:
        if task.joins is not None or task.state in (TaskState.REFUSED, TaskState.ENDED):
            continue
        if case is not None and case.open and (task.stage is VisitStage.ARRIVED or stands(task, case)):
            errands.append(_errand(task, case, division, now))
        elif not task.seen:
            gone.append(task)
    return sorted(errands, key=_urgency), sorted(gone, key=lambda task: task.at)


def act_time(said: datetime, given: datetime, now: datetime) -> datetime:
    """When an act was done: as the device says, where that can be.

    Not in the future, and not before the task was given: a device's clock may be wrong by any amount.
    """
    return max(min(said, now), min(given, now))


def _errand(task: Task, case: Case, division: str, now: datetime) -> Errand:
    step = _step(task, case)
    steps, where = distance(division, case.profile.division, now.date())
    return Errand(task, case, step.due if step else None, steps, where)


def _urgency(errand: Errand) -> tuple[int, datetime, int, str]:
    return -errand.case.level.rank, errand.due or _NEVER, errand.steps, errand.task.dispatch


def _plan_over(case: Case) -> bool:
    return case.settled or case.state is CaseState.ALREADY_DEFRAUDED


def _step(task: Task, case: Case) -> Step | None:
    """The case's step that waits for this visit."""
    name = parse(task.dispatch)
    waiting = (step for step in case.steps if step.id == name.step and step.attempt == name.attempt)
    return next((step for step in waiting if step.state is StepState.SENT), None)
