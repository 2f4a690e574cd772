"""The safety of officers at the door: when the next check-in is due, and the alarms that are raised for them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.identity.divisions import meet
from schemas.casework.cases import Case
from schemas.casework.inputs import VisitStage
from schemas.people.alarms import Alarm, AlarmKind
from schemas.people.rosters import Officer, Task
from schemas.people.tasks import DuressAct

GLANCE = 3  # missed check-ins that a page shows without being asked. Assumed: more push the page's own work off it
WITHIN = timedelta(minutes=20)  # from arriving, and from each check-in, to the next one. Assumed; this is the one place


def due(task: Task) -> datetime | None:
    """When the officer must have said that he is safe; none while he is not at the door.

    Whether the case still waits for him is no matter: he is there. Who has read that it does not is on his way back.
    One that joined another's visit is part of that one.
    """
    if task.stage is not VisitStage.ARRIVED or task.heard_at is None or task.joins is not None or task.seen:
        return None
    return task.heard_at + WITHIN


def missed(task: Task, officer: Officer | None, case: Case | None, now: datetime) -> Alarm:
    """The alarm for a check-in that was not made in time. One for each check-in, by its id.

    Raises ValueError while none is missed.
    """
    at = due(task)
    if at is None or now < at:
        raise ValueError(f"no check-in of {task.dispatch} is missed")
    return Alarm(
        id=f"check-in:{task.dispatch}:{round(at.timestamp() * 1000)}",
        kind=AlarmKind.CHECK_IN_MISSED,
        at=at,
        told_at=now,
        officer=task.officer,
        name=officer.name if officer else task.officer,
        area=officer.division if officer else "",
        place=case.profile.division if case else None,
        case=case.id if case else None,
        dispatch=task.dispatch,
    )


def duress(act: DuressAct, officer: str, name: str, area: str, case: Case | None, now: datetime) -> Alarm:
    """The alarm that an officer has pressed. `area`: where he works from; `case`: of the visit he is on."""
    return Alarm(
        id=f"duress:{act.id}",
        kind=AlarmKind.DURESS,
        at=min(act.at, now),
        told_at=now,
        officer=officer,
        name=name,
        area=area,
        place=case.profile.division if case else None,
        case=case.id if case else None,
        dispatch=act.dispatch if case else None,
        silent=act.silent,
    )


def concerns(area: str, alarm: Alarm) -> bool:
    """Whether who is responsible for `area` sees the alarm: rather one too many than none.

    That is where the officer works from, and where he is; an officer of the whole province is everybody's.
    """
    return any(meet(place, area) for place in (alarm.area, alarm.place) if place is not None)


def urgency(alarm: Alarm) -> tuple[bool, datetime]:
    """For sorting: duress first, then the oldest."""
    return alarm.kind is not AlarmKind.DURESS, alarm.at


def at_a_glance(alarms: Iterable[Alarm]) -> tuple[list[Alarm], list[Alarm]]:
    """What a page shows at once, and what it folds under a count; each by urgency.

    Every duress alarm is shown, and of the missed check-ins the newest, of officers who have not told since that they
    are safe first: what has stood there for long has been seen.
    """
    found = sorted(alarms, key=urgency)
    missed_ones = [alarm for alarm in found if alarm.kind is not AlarmKind.DURESS]
    newest = sorted(missed_ones, key=lambda alarm: (alarm.safe_at is None, alarm.at), reverse=True)[:GLANCE]
    folded = [alarm for alarm in missed_ones if alarm not in newest]
    return [alarm for alarm in found if alarm not in folded], folded
