"""Whether an officer can be at the door in time, and who could be there sooner."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.calendar import local_date
from domain.policy import Policy
from domain.policy.schedule import rule_of
from domain.visits.officers import ELIGIBLE, load_of, on_duty
from domain.visits.tasks import left_at, waiting_step
from domain.visits.travel import drive_between
from schemas.casework.cases import Case
from schemas.casework.inputs import VisitStage
from schemas.people.rosters import Officer, Task, TaskState

_MINUTE = timedelta(minutes=1)


class LateArrival(NamedTuple):
    """A visit that cannot be made in time: the earliest arrival and the time by which it was due (both UTC)."""

    arrives: datetime
    due: datetime

    @property
    def minutes(self) -> int:
        """By how many minutes the arrival is late, a part of a minute counted as one."""
        return -((self.due - self.arrives) // _MINUTE)


class NearerOfficer(NamedTuple):
    """An officer without a visit who can be there sooner; `drive`: their travel time."""

    officer: Officer
    drive: timedelta

    @property
    def minutes(self) -> int:
        """The travel time in minutes."""
        return round(self.drive / _MINUTE)


def late_arrival(task: Task, case: Case, division: str, now: datetime, policy: Policy) -> LateArrival | None:
    """Return the arrival if the officer of a visit cannot be at the door in time; None if they can, if they are there,
    or if the case does not wait for the visit.

    `division`: the code of the place that the officer works from. The officer drives straight there: from the time of
    acceptance if they are on the way, else from `now`. Before the acceptance the time to arrive (the policy's
    `arrive_within`) is counted from `now`.
    """
    step = waiting_step(task, case)
    if step is None or step.due is None or task.stage is VisitStage.ARRIVED:
        return None
    drive = drive_between(division, case.profile.division, local_date(now), policy.visits)
    accepted = task.stage in (VisitStage.ACCEPTED, VisitStage.ON_THE_WAY)
    due = step.due if accepted else now + rule_of(policy.plan, step.id, step.action).arrive_within
    arrives = max(now, (left_at(task) or now) + drive)
    return LateArrival(arrives, due) if arrives > due else None


def nearer_officer(
    officers: Iterable[Officer], case: Case, late: LateArrival, tasks: Iterable[Task], now: datetime, policy: Policy
) -> NearerOfficer | None:
    """Return the officer who would be at the door first if they left at `now`: on duty, permitted at the case's level,
    without an open visit, not asked for this case before, and there before the late arrival. None without one; of
    equals, the lower id.

    `tasks`: all visits given to officers.
    """
    given = list(tasks)
    busy = load_of(given)
    asked = {each.officer for each in given if each.case == case.id and each.state is not TaskState.ENDED}
    today, place = local_date(now), case.profile.division
    free = (
        NearerOfficer(each, drive_between(each.division, place, today, policy.visits))
        for each in officers
        if each.id not in asked and each.id not in busy and each.role in ELIGIBLE[case.level] and on_duty(each, now)
    )
    sooner = (each for each in free if now + each.drive < late.arrives)
    return min(sooner, key=lambda each: (each.drive, each.officer.id), default=None)
