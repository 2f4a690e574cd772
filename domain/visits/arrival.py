"""Whether an officer can be at the door in time, and who could be there sooner."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
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


def nearer_officers(
    officers: Iterable[Officer],
    late: Mapping[str, tuple[Case, LateArrival]],
    tasks: Iterable[Task],
    now: datetime,
    policy: Policy,
) -> dict[str, NearerOfficer]:
    """Return by case id the officer who would be at the door first if they left at `now`: on duty, permitted at the
    case's level, without an open visit, not asked for this case before, and there before the late arrival. A case
    without one is left out; of equals, the lower id is chosen.

    `late`: by case id, the cases whose visits cannot be made in time; `tasks`: all visits given to officers.
    """
    given = list(tasks)
    busy, today = load_of(given), local_date(now)
    free: defaultdict[str, list[Officer]] = defaultdict(list)  # by place: hundreds of officers share few
    for each in sorted(officers, key=lambda each: each.id):
        if each.id not in busy and on_duty(each, now):
            free[each.division].append(each)
    asked = {(each.case, each.officer) for each in given if each.state is not TaskState.ENDED}

    @cache
    def drive(division: str, place: str) -> timedelta:
        return drive_between(division, place, today, policy.visits)

    def nearer(case: Case, arrival: LateArrival) -> NearerOfficer | None:
        able = (next((each for each in here if may_go(each, case)), None) for here in free.values())
        ways = ((drive(each.division, case.profile.division), each.id, each) for each in able if each is not None)
        way, _, officer = min(ways, default=(timedelta.max, "", None))
        if officer is None or way >= arrival.arrives - now:
            return None
        return NearerOfficer(officer, way)

    def may_go(officer: Officer, case: Case) -> bool:
        return officer.role in ELIGIBLE[case.level] and (case.id, officer.id) not in asked

    found = {name: nearer(case, arrival) for name, (case, arrival) in late.items()}
    return {name: one for name, one in found.items() if one is not None}
