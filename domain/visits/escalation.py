"""The ladder by which an officer is told of a visit until they accept: push message, text message, call, another
officer, and the watch room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.policy.visits import EscalationRules
from schemas.casework.cases import Case
from schemas.casework.inputs import VisitStage
from schemas.people.alarms import Alarm, AlarmKind
from schemas.people.escalations import Escalation, OfficerRung, RungResult, RungTried
from schemas.people.rosters import Officer, Task, TaskState

CALL_SOON = timedelta(seconds=5)  # after the text message, if no push message went out: both within 10 s (assumed)
_AT_ONCE = timedelta(0)
_WENT = frozenset(
    {VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.ARRIVED, VisitStage.NOT_AT_HOME, VisitStage.DONE}
)


@dataclass(frozen=True, slots=True)
class OfficerReach:
    """The ways to reach an officer: a subscribed device (`push`), and a duty telephone (`phone`)."""

    push: bool
    phone: bool

    @property
    def any(self) -> bool:
        """True if there is any way. Otherwise only the station's gateway tells the officer."""
        return self.push or self.phone


@dataclass(frozen=True, slots=True)
class NextRung:
    """The next way in which an officer is told of a visit, such as a text message or a call (`rung`), and the time from
    which it is used (`due`).
    """

    rung: OfficerRung
    due: datetime


def awaits_acceptance(task: Task) -> bool:
    """Return True if a task waits for its officer's acceptance: it is open, the officer has not reported anything, and
    it did not join another visit.
    """
    return task.state is TaskState.OPEN and task.stage is None and task.joins is None


def was_accepted(task: Task) -> bool:
    """Return True if the officer has accepted the task, or reported a stage that follows acceptance, such as on the
    way.

    A task in the state LATE can be accepted too, if the officer answered after the case asked for another one.
    """
    return task.accepted_at is not None or task.stage in _WENT


def next_rung(escalation: Escalation, rules: EscalationRules, *, succeeded: bool) -> NextRung | None:
    """Return how an officer is told of a visit next, and from which time on; None after the last way. Each way is
    called a rung: push message, text message, call, then another officer and the watch room.

    After a rung that was sent, the next one waits for the time in `rules`; after one that was not sent, it follows at
    once. A text message or call of unknown result counts as sent; a push message does not. Without a sent push message,
    the call follows the text message within seconds. Another officer is asked only once the time of a push message is
    over, because the station's gateway has told the first one too.

    The watch room comes before another officer once `rules.officers` officers have not accepted the visit; otherwise
    after, unless somebody has the visit by then (`succeeded` True). A rung that was begun and has no result is returned
    again, due at once.
    """
    if not escalation.rungs:
        return NextRung(OfficerRung.PUSH, escalation.began)
    last = escalation.rungs[-1]
    if last.result is None:
        return NextRung(last.rung, last.at)
    match last.rung:
        case OfficerRung.PUSH:
            return NextRung(OfficerRung.SMS, last.at + (rules.push if _went_out(last) else _AT_ONCE))
        case OfficerRung.SMS:
            return NextRung(OfficerRung.CALL, last.at + _before_call(escalation.rungs, rules))
        case OfficerRung.CALL:
            due = last.at + (rules.call if _perhaps_out(last) else _AT_ONCE)
            many = escalation.earlier + 1 >= rules.officers
            rung = OfficerRung.WATCH_ROOM if many else OfficerRung.NEXT_OFFICER
            return NextRung(rung, max(due, escalation.began + rules.push))
        case OfficerRung.WATCH_ROOM:
            told = any(each.rung is OfficerRung.NEXT_OFFICER for each in escalation.rungs)
            return None if told else NextRung(OfficerRung.NEXT_OFFICER, last.at)
        case OfficerRung.NEXT_OFFICER:
            told = any(each.rung is OfficerRung.WATCH_ROOM for each in escalation.rungs)
            return None if told or succeeded else NextRung(OfficerRung.WATCH_ROOM, last.at + rules.push)


def not_accepted(task: Task, officer: Officer | None, case: Case | None, now: datetime) -> Alarm:
    """Return the alarm for the watch room that nobody has accepted the visit. Its id is unique for the task. Nothing is
    stored or sent.

    `officer`, `case`: None if unknown.
    """
    return Alarm(
        id=f"not-accepted:{task.dispatch}",
        kind=AlarmKind.NOT_ACCEPTED,
        at=task.at,
        told_at=now,
        officer=task.officer,
        name=officer.name if officer else task.officer,
        area=officer.division if officer else "",
        place=case.profile.division if case else task.division,
        case=task.case,
        dispatch=task.dispatch,
    )


def _went_out(tried: RungTried) -> bool:
    return tried.result is RungResult.SENT


def _perhaps_out(tried: RungTried) -> bool:
    return tried.result in (RungResult.SENT, RungResult.UNKNOWN)


def _before_call(rungs: Sequence[RungTried], rules: EscalationRules) -> timedelta:
    """Return how long the call waits after the text message, the latest of `rungs`."""
    if not _perhaps_out(rungs[-1]):
        return _AT_ONCE
    pushed = any(each.rung is OfficerRung.PUSH and _went_out(each) for each in rungs)
    return rules.sms if pushed else min(CALL_SOON, rules.sms)
