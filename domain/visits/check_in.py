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
    """Return the time by which the officer must check in as safe: 20 minutes after the arrival or the last check-in.

    Return None if no check-in is due: the officer is not at the door, the visit joined another one, which covers it, or
    the officer has read that the case no longer needs the visit.
    """
    if task.stage is not VisitStage.ARRIVED or task.heard_at is None or task.joins is not None or task.seen:
        return None
    return task.heard_at + WITHIN


def missed(task: Task, officer: Officer | None, case: Case | None, now: datetime) -> Alarm:
    """Return the alarm for a task whose officer did not check in as safe in time. Its time is the one at which the
    check-in was due, and its id is unique for each check-in. Nothing is stored or sent.

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
    """Return the alarm that an officer has triggered, at the time of the act but not after `now`. Nothing is stored or
    sent. `officer`, `name`: the officer's id and name; `area`: the code of the officer's division; `case`: of their
    present visit, or None.
    """
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
    """Return True if the person responsible for `area` (a division code; "": the whole province) must see the alarm:
    `area` overlaps the officer's area or the place of the visit.

    An alarm of an officer whose area is the whole province concerns everybody.
    """
    return any(meet(place, area) for place in (alarm.area, alarm.place) if place is not None)


def urgency(alarm: Alarm) -> tuple[int, datetime]:
    """Return the sort key of an alarm: first duress, then visits that nobody accepts, then missed check-ins; each the
    oldest first.
    """
    return _KINDS.index(alarm.kind), alarm.at


def shown_and_folded(alarms: Iterable[Alarm]) -> tuple[list[Alarm], list[Alarm]]:
    """Return (alarms that a page shows at once, alarms folded under a count), each sorted by urgency.

    Shown are all duress alarms and at most three others: first visits that nobody accepts, then missed check-ins of
    officers who have not reported safe since, then other missed check-ins; within each of these, the newest are chosen.
    """
    found = sorted(alarms, key=urgency)
    missed_ones = [alarm for alarm in found if alarm.kind is not AlarmKind.DURESS]
    newest = sorted(missed_ones, key=_newest, reverse=True)[:GLANCE]
    folded = [alarm for alarm in missed_ones if alarm not in newest]
    return [alarm for alarm in found if alarm not in folded], folded


def _newest(alarm: Alarm) -> tuple[bool, bool, datetime]:
    return alarm.kind is AlarmKind.NOT_ACCEPTED, alarm.safe_at is None, alarm.at
