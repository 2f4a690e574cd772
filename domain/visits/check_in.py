"""The safety of officers at the door: when the next check-in is due, and the alarms about them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.identity.divisions import meet
from schemas.casework.cases import Case
from schemas.casework.inputs import VisitStage
from schemas.people.alarms import Alarm, AlarmKind
from schemas.people.rosters import Officer, Task
from schemas.people.tasks import DuressAct

GLANCE = 3  # missed check-ins that a page shows unfolded. Assumed: more would displace the page's own content
_KINDS = (AlarmKind.DURESS, AlarmKind.NOT_ACCEPTED, AlarmKind.CHECK_IN_MISSED)  # by urgency
WITHIN = timedelta(minutes=20)  # from arrival, and from each check-in, to the next one. Assumed; defined only here


def due(task: Task) -> datetime | None:
    """Return when the officer must have checked in as safe, or None if they are not at the door.

    It stays due even if the case no longer needs the visit, until the officer has read that. A visit that joined
    another is covered by that one.
    """
    if task.stage is not VisitStage.ARRIVED or task.heard_at is None or task.joins is not None or task.seen:
        return None
    return task.heard_at + WITHIN


def missed(task: Task, officer: Officer | None, case: Case | None, now: datetime) -> Alarm:
    """Return the alarm for a missed check-in; its id is unique for each check-in.

    `officer`, `case`: None if unknown. Raises ValueError if no check-in of the task is missed at `now`.
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
    """Return the alarm that an officer has triggered. `area`: the officer's own; `case`: of their visit, or None."""
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
    """Return whether the person responsible for `area` sees the alarm: it overlaps the officer's area or present place.

    An officer of the whole province concerns everybody.
    """
    return any(meet(place, area) for place in (alarm.area, alarm.place) if place is not None)


def urgency(alarm: Alarm) -> tuple[int, datetime]:
    """Return the sort key of alarms: duress first, then visits that nobody accepts, then the oldest."""
    return _KINDS.index(alarm.kind), alarm.at


def shown_and_folded(alarms: Iterable[Alarm]) -> tuple[list[Alarm], list[Alarm]]:
    """Return the alarms that a page shows at once, and those folded under a count; each sorted by urgency.

    Shown are all duress alarms, and three others: visits that nobody accepts, then the newest missed check-ins, first
    of officers who have not reported safe since.
    """
    found = sorted(alarms, key=urgency)
    missed_ones = [alarm for alarm in found if alarm.kind is not AlarmKind.DURESS]
    newest = sorted(missed_ones, key=_newest, reverse=True)[:GLANCE]
    folded = [alarm for alarm in missed_ones if alarm not in newest]
    return [alarm for alarm in found if alarm not in folded], folded


def _newest(alarm: Alarm) -> tuple[bool, bool, datetime]:
    return alarm.kind is AlarmKind.NOT_ACCEPTED, alarm.safe_at is None, alarm.at
