"""An officer's visits: their order, those that are no longer needed, and acts on them that come too late."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf

from domain.calendar import local_date
from domain.dispatches.ids import parse
from domain.policy import Policy
from domain.visits.rounds import Door, Planned, Post, VisitBand, in_order, worth
from domain.visits.travel import distance, drive_between
from schemas.base import Partial
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.people.rosters import Task, TaskState

_BY_DEADLINE = frozenset({VisitBand.AT_THE_DOOR, VisitBand.GRAVE_ON_THE_WAY, VisitBand.GRAVE})
_TO_ARRIVE = frozenset({VisitStage.ACCEPTED, VisitStage.ON_THE_WAY})
_ENDS = Partial(
    {
        VisitStage.REFUSED: TaskState.REFUSED,
        VisitStage.HANDED_OVER: TaskState.REFUSED,
        VisitStage.NOT_AT_HOME: TaskState.ENDED,
        VisitStage.DONE: TaskState.ENDED,
    }
)
_GOING = frozenset({VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.REFUSED, VisitStage.HANDED_OVER})


@dataclass(frozen=True, slots=True)
class Errand:
    """A visit that an officer has to make. `due`: when the case will send another officer, or None; `steps`: the
    distance from the officer's division (see travel.distance), and `drive_time` the travel time; `fits`: True if it can
    be finished before the shift ends, after the earlier visits.
    """

    task: Task
    case: Case
    due: datetime | None
    steps: int
    drive_time: timedelta
    fits: bool


def given(
    dispatch: Dispatch, officer: str, now: datetime, worth_fen: int, place: str | None = None, joins: str | None = None
) -> Task:
    """Return a new task: the visit of a dispatch, given to the officer (an id) at `now`.

    `worth_fen`: the money (fen) that is expected to be lost if another visit is made first. `place`: a keyed hash of
    the address, or None. `joins`: the dispatch id of the visit that it joins, or None.
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
    """The reason why an act on a visit does not count.

    NOT_YOURS: it is not this officer's, or was deleted. OVER: it was refused, handed over or ended before. ANOTHER: the
    case has sent another officer. SETTLED: it is no longer needed. BEHIND: a later stage was reported before.
    """

    NOT_YOURS = "not_yours"
    OVER = "over"
    ANOTHER = "another"
    SETTLED = "settled"
    BEHIND = "behind"


def unwilling(task: Task, dispatch: Dispatch) -> bool:
    """Return True if the task's officer refused to go, or was late for the step of this dispatch.

    An officer whose visit was replaced by another step (for example because the level rose) did nothing wrong, and may
    have nearly arrived.
    """
    late = task.state is TaskState.LATE and parse(task.dispatch).step == dispatch.step
    return late or task.state is TaskState.REFUSED


def conflict(task: Task, case: Case | None, stage: VisitStage) -> Conflict | None:
    """Return the reason why `stage` can no longer be reported for a visit, or None if it can. `case`: None if unknown,
    which counts as SETTLED.

    In this way an officer who is under way learns that the visit is no longer needed. A report from the door counts
    while the case is open, even if another officer was sent meanwhile.
    """
    if task.state in (TaskState.REFUSED, TaskState.ENDED):
        return Conflict.OVER
    if case is None or not case.open:
        return Conflict.SETTLED
    if stage in _GOING and not is_awaited(task, case):
        return Conflict.ANOTHER if task.state is TaskState.LATE and not _plan_over(case) else Conflict.SETTLED
    return Conflict.BEHIND if _is_behind(task.stage, stage) else None


def after_report(task: Task, report: OfficerReport) -> Task:
    """Return the task as it is after an officer's report on it. Stations' gateways and telephones send reports again,
    and may send them in another order than they were made.

    So nothing changes once the visit has ended (refused, handed over, nobody at home, or done), except that one that
    nobody was at home for may still be done; and an earlier stage does not replace a later one: an officer at the door
    stays watched (see check_in.due). An officer from whom the desk has taken the visit (a reason is given) is told so:
    the task is late, not refused. ASSIGNED changes nothing, because the officer has not answered. The first arrival
    begins the time of the check-in, and the first acceptance counts.
    """
    stage, known = report.stage, task.stage
    over = task.state is TaskState.REFUSED or (task.state is TaskState.ENDED and stage is not VisitStage.DONE)
    if over or stage is VisitStage.ASSIGNED:
        return task
    changes: dict[str, object] = {}
    if stage is VisitStage.ACCEPTED and task.accepted_at is None:
        changes["accepted_at"] = report.told_at or report.at
    if not _is_behind(known, stage):
        taken = stage is VisitStage.HANDED_OVER and report.because is not None
        state = TaskState.LATE if taken else _ENDS.get(stage, task.state)
        changes |= {"state": state, "stage": stage, "to": report.to}
        if stage is VisitStage.ARRIVED and known is not stage:
            changes["heard_at"] = report.at
    return task.model_copy(update=changes)


def after_check_in(task: Task, at: datetime) -> Task:
    """Return the task after its officer reported at `at` to be safe: unchanged unless the officer has arrived."""
    if task.stage is not VisitStage.ARRIVED:
        return task
    return task.model_copy(update={"heard_at": max(at, task.heard_at or at)})


def after_seen(task: Task) -> Task:
    """Return the task after its officer has read that it was withdrawn: an open one has ended; a late one stays so."""
    state = TaskState.ENDED if task.state is TaskState.OPEN else task.state
    return task.model_copy(update={"state": state, "seen": True})


def as_late(task: Task) -> Task:
    """Return the task as late, because its case sends another officer: unchanged unless it is open."""
    return task.model_copy(update={"state": TaskState.LATE}) if task.state is TaskState.OPEN else task


def is_awaited(task: Task, case: Case) -> bool:
    """Return True if the case still waits for this visit: the task is open, the case is open, and the case's step waits
    for the result of this attempt. A dissuaded resident's case waits until the visit is recalled.
    """
    return task.state is TaskState.OPEN and case.open and waiting_step(task, case) is not None


def waiting_step(task: Task, case: Case) -> Step | None:
    """Return the case's step that waits for this visit, or None."""
    name = parse(task.dispatch)
    waiting = (step for step in case.steps if step.id == name.step and step.attempt == name.attempt)
    return next((step for step in waiting if step.state is StepState.SENT), None)


def to_be_made(task: Task, case: Case) -> bool:
    """Return True if the officer still makes the visit: the case is open, and the officer is at the door or the case
    waits for the visit.
    """
    return case.open and (task.stage is VisitStage.ARRIVED or is_awaited(task, case))


def sort_out(
    mine: Iterable[tuple[Task, Case | None]], post: Post, now: datetime, policy: Policy
) -> tuple[list[Errand], list[Task]]:
    """Return (visits to make, withdrawn visits that the officer has not seen). The latter are those that the case no
    longer needs, the earliest first.

    The visits to make are in the order of the round; of those at the door, and of those of the gravest levels, the
    nearest deadline comes first. `mine`: all tasks of the officer, each with its case (None: unknown). `post`: the
    officer's. A visit that joined another is left out while that one is to be made; afterwards it is a separate visit.
    An officer at the door finishes the visit as long as the case is open.
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
    planned = list(in_order(doors, post, now, policy.visits))
    found = [(_errand(*to_make[each.door.dispatch], each, post, now, policy), each.turn) for each in planned]
    errands = [errand for errand, _ in sorted(found, key=_place)]
    return errands, sorted(gone, key=lambda task: task.at)


def given_instead(task: Task, errands: Iterable[Errand]) -> Task | None:
    """Return the officer's task for the same case as a withdrawn visit (`task`), which the officer got later; None if
    no errand is for that case. `errands`: the officer's visits to make.
    """
    return next((errand.task for errand in errands if errand.case.id == task.case), None)


def leave_by(errand: Errand) -> datetime | None:
    """Return the time (UTC) at which the officer must leave their division to be at the door by the deadline; it may
    have passed.

    None if there is no deadline for the arrival: the case sends nobody else, the visit is not accepted yet, or the
    officer is at the door.
    """
    if errand.due is None or errand.task.stage not in _TO_ARRIVE:
        return None
    return errand.due - errand.drive_time


def left_at(task: Task) -> datetime | None:
    """Return the time (UTC) at which an officer accepted the visit, if the officer's latest report is "on the way": the
    officer cannot have left earlier. None for any other latest report.
    """
    return task.accepted_at if task.stage is VisitStage.ON_THE_WAY else None


def act_time(said: datetime, given: datetime, now: datetime) -> datetime:
    """Return the time of an act: the device's time (`said`), limited to between the task's start (`given`) and `now`.

    A device's clock may be wrong by any amount.
    """
    return max(min(said, now), min(given, now))


def _place(planned: tuple[Errand, VisitBand]) -> tuple[VisitBand, float]:
    errand, turn = planned
    due = errand.due.timestamp() if errand.due else inf
    return turn, due if turn in _BY_DEADLINE else 0.0


def _door(task: Task, case: Case, policy: Policy) -> Door:
    """Return the visit as a Door, with the level, division and worth that its case has now."""
    return Door(task.dispatch, case.level, case.profile.division, worth(case, policy), task.at, task.stage)


def _errand(task: Task, case: Case, planned: Planned, post: Post, now: datetime, policy: Policy) -> Errand:
    step = waiting_step(task, case)
    way, today = (post.division, case.profile.division), local_date(now)
    fits = planned.turn is VisitBand.AT_THE_DOOR or post.until is None or planned.leaves <= post.until
    due = step.due if step else None
    return Errand(task, case, due, distance(*way, today), drive_between(*way, today, policy.visits), fits)


def _is_behind(known: VisitStage | None, stage: VisitStage) -> bool:
    """Return True if `stage` is earlier than the stage that is known (None: none is)."""
    before, told = known.distance if known else None, stage.distance
    return before is not None and told is not None and told < before


def _plan_over(case: Case) -> bool:
    return case.settled or case.state is CaseState.ALREADY_DEFRAUDED
