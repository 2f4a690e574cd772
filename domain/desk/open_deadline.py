"""The deadline that a case's page and its row in the queue count down to, and the act that answers it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.casework.draft import is_clock
from domain.casework.grounds import known_ground
from domain.casework.orders.records import UNCONFIRMED, order_of
from domain.casework.orders.unanswered import UNANSWERED
from domain.payments.accounts import asked_most, find
from schemas.casework.cases import LIVE_STEPS, WAITING_STEPS, Case, Step, StepState
from schemas.levels import Action

EXPIRES_WITHIN = timedelta(minutes=1)
"""A deadline is about to expire from this time before it on: pages show it in red (console/web/static/clock.js)."""

NEXT_SHOWN = 2
"""How many of the next steps the page shows at least; each takes a line of its first screen."""

_BY_PEOPLE = frozenset({Action.OPERATOR_CALL, Action.VISIT})


class OpenDeadline(NamedTuple):
    """An open deadline of a case, in UTC. `step`: the unfinished step that is due then; None: a stop in force ends."""

    at: datetime
    step: Step | None


def deadline(case: Case) -> OpenDeadline | None:
    """Return the nearest open deadline of a case, overdue or not, or None without any.

    Deadlines are the due times of the unfinished steps, the times by which automatic orders must be confirmed, and the
    ends of stops in force. Timers that only remind do not count, nor do steps that will not go out (`goes_no_more`).
    """
    due = [(at, step.id, step) for step in case.steps if (at := _falls_due(case, step)) is not None]
    found = [OpenDeadline(at, step) for at, _, step in sorted(due, key=lambda each: each[:2])]
    stops = [payment.stop for payment in (*case.payments, *case.traced) if payment.stop is not None]
    found += [OpenDeadline(stop.until, None) for stop in stops if stop.state.open and stop.until is not None]
    return min(found, key=lambda each: each.at, default=None)  # of the same moment, a step


class ComingSteps(NamedTuple):
    """The live steps of a case that have a due time, the earliest first. `later`: those that the page folds away."""

    shown: list[Step]
    later: list[Step]


class MainAct(StrEnum):
    """What a case's page offers first, as its one solid button. CALL: call the resident; NONE: somebody else has the
    case, so no act stands out.
    """

    CLAIM = "claim"
    CALL = "call"
    STOP = "stop"
    TELL_CONTACT = "tell_contact"
    RECORD_RESULT = "record_result"
    NEXT_CASE = "next_case"
    NONE = "none"


def own_deadline(case: Case, login: str) -> OpenDeadline | None:
    """Return the deadline for the person `login`: while they have claimed the case and must call the resident, that of
    their call; otherwise the nearest deadline.
    """
    own = operator_deadline(case) if case.claimed_by == login else None
    return own or deadline(case)


def operator_deadline(case: Case) -> OpenDeadline | None:
    """Return the deadline of the nearest call that an operator must make, whoever has claimed the case; None without
    one.
    """
    calls = (
        OpenDeadline(step.due, step)
        for step in case.steps
        if step.action is Action.OPERATOR_CALL and step.state in LIVE_STEPS and step.due is not None
    )
    return min(calls, key=lambda each: each.at, default=None)


def sooner_deadline(case: Case, login: str) -> OpenDeadline | None:
    """Return the nearest deadline of a case, overdue or not, if it is earlier than the one that counts for the person
    `login` (`own_deadline`); otherwise None.
    """
    nearest, own = deadline(case), own_deadline(case, login)
    return nearest if nearest is not None and own is not None and nearest.at < own.at else None


def coming_steps(case: Case) -> ComingSteps:
    """Return a case's live steps that have a due time, internal timers included, the earliest first; those that will
    not go out (`goes_no_more`) come last. The first NEXT_SHOWN of them are shown, and all that are out and wait for a
    result: somebody on the way to the door is never folded away.
    """
    live = [step for step in case.steps if step.state in LIVE_STEPS and step.due is not None]
    steps = sorted(live, key=lambda step: (goes_no_more(case, step), step.due, step.id))
    shown = [step for place, step in enumerate(steps) if place < NEXT_SHOWN or step.state is StepState.SENT]
    return ComingSteps(shown, [step for step in steps if step not in shown])


def goes_no_more(case: Case, step: Step) -> bool:
    """Return True if a stop-payment that waits will be skipped when it is due, because the bank of its account has been
    asked as often as it may be: no time runs for it.
    """
    first = step.action is Action.STOP_PAYMENT and step.state in WAITING_STEPS and step.attempt <= 1
    payment = find(case, step.transfer) if first and not is_clock(step) else None
    return payment is not None and asked_most(case, payment)


def main_act(case: Case, login: str, *, may_stop: bool) -> MainAct:
    """Return the act that stands out on the case's page for the operator or supervisor `login`.

    While they have claimed the case, it answers the nearest deadline: if that is of a step that has not gone out yet, a
    stop-payment that they may ask for (`may_stop`) or a call to a trusted contact. Every other deadline is answered by
    the call to the resident, and after a talk or a visit all are, by recording the result: but while the plan's
    stop-payment waits and can be asked for, this comes before the result, because the money can still leave.
    """
    if not case.open:
        return MainAct.NEXT_CASE
    if case.claimed_by == login:
        nearest = sooner_deadline(case, login) or own_deadline(case, login)
        if known_ground(case):
            return MainAct.STOP if may_stop and _stop_waits(case) else MainAct.RECORD_RESULT
        return _answer_to(nearest, may_stop)
    if case.settled:
        return MainAct.NEXT_CASE
    return MainAct.CLAIM if case.claimed_by is None else MainAct.NONE


def _stop_waits(case: Case) -> bool:
    return any(step.action is Action.STOP_PAYMENT and step.state is StepState.PENDING for step in case.steps)


def _answer_to(nearest: OpenDeadline | None, may_stop: bool) -> MainAct:
    step = nearest.step if nearest else None
    if step is None or step.state is not StepState.PENDING:
        return MainAct.CALL
    if step.action is Action.STOP_PAYMENT and may_stop:
        return MainAct.STOP
    told = step.action is Action.CONTACT_CALL and step.contact is not None
    return MainAct.TELL_CONTACT if told else MainAct.CALL


def expires_soon(nearest: OpenDeadline | None, now: datetime) -> bool:
    """Return True if a case's nearest deadline (`deadline`) is overdue or expires within a minute after `now`; False
    without one (None).
    """
    return nearest is not None and nearest.at < now + EXPIRES_WITHIN


def expiring_step(case: Case, now: datetime) -> OpenDeadline | None:
    """Return the nearest deadline that expires within a minute and that a person must meet: a call or a visit that is
    out, or the decision on a stop order. None without one.
    """
    due = (OpenDeadline(at, step) for step in case.steps if _of_a_person(step) and (at := _falls_due(case, step)))
    soon = (each for each in due if now <= each.at < now + EXPIRES_WITHIN)
    return min(soon, key=lambda each: each.at, default=None)


def _of_a_person(step: Step) -> bool:
    out = step.state is StepState.SENT and step.action in _BY_PEOPLE
    return out or step.state is StepState.PROPOSED or step.id.startswith(UNCONFIRMED)


def _falls_due(case: Case, step: Step) -> datetime | None:
    """Return when a step falls due; None if it has ended, will not go out, or is a timer that only reminds or asks a
    bank.
    """
    if step.state not in LIVE_STEPS or step.id.startswith(UNANSWERED) or goes_no_more(case, step):
        return None
    if step.id.startswith(UNCONFIRMED):
        order = order_of(case, step.id.removeprefix(UNCONFIRMED))
        return order.confirm_by if order is not None else None
    return None if is_clock(step) and step.action is Action.STOP_AGAIN else step.due
