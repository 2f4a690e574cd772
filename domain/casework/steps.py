"""Steps: planned, due, dispatched, retried, ended."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Literal

from domain.casework import fatigue, payments
from domain.casework.draft import DecisionBuilder
from domain.casework.holds import holding
from domain.casework.orders import records as orders
from domain.casework.own_account import records as own_holds
from domain.dispatches.ids import named
from domain.policy.schedule import CALLS, LATEST, OWN_ACCOUNT, SMS, STOPS, allowed, earliest, level_of, rule_of, weaker
from schemas.casework.cases import WAITING_STEPS, CaseState, Step, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.codes.any_code import AnyCode, BroughtForward, Dispatched
from schemas.codes.danger import DangerSeen
from schemas.codes.own_account import NoOwnHold
from schemas.codes.people import NoReportInTime
from schemas.codes.plan import (
    FirstContact,
    HeldBack,
    OvertakenByStep,
    WaitsForGap,
    WaitsForMorning,
    WaitsForOperator,
)
from schemas.codes.refusals import RefusalCode
from schemas.levels import Action, Result

Ended = Literal[StepState.DONE, StepState.FAILED, StepState.WITHDRAWN, StepState.SKIPPED]
_ENDED: dict[Ended, FactKind] = {
    StepState.DONE: FactKind.STEP_DONE,
    StepState.FAILED: FactKind.STEP_FAILED,
    StepState.WITHDRAWN: FactKind.WITHDRAWN,
    StepState.SKIPPED: FactKind.SKIPPED,
}


def plan_step(
    draft: DecisionBuilder,
    stem: str,
    action: Action,
    due: datetime,
    because: AnyCode | None = None,
    *,
    transfer: str | None = None,
    contact: int | None = None,
) -> Step:
    """Add a pending step and return it. `stem`: its id; `contact`: index of the trusted contact (None: the first, if
    the action is to one). Its due time may be later than `due`, as the policy's hours for the action allow.

    If its id was used before, the version is appended: ids, and so dispatches, never repeat. In a case from a lost log,
    ids may have been used without our knowledge: the number of the log is added.
    """
    if draft.outlived:
        stem = f"{stem}.l{draft.rules.logs}"
    name = stem if stem not in draft.steps else f"{stem}.{draft.version}"
    if action.to_contact and contact is None:
        contact = 0
    step = Step(
        id=name,
        action=action,
        state=StepState.PENDING,
        due=earliest(due, draft.case, draft.plan, rule_of(draft.plan, name, action)),
        because=because,
        transfer=transfer,
        contact=contact,
    )
    return draft.change(step)


def run_due(draft: DecisionBuilder, *, backlog: bool = False) -> None:
    """Send out all pending steps that are due. `backlog`: they were held back, so their lateness does not matter.

    After an outage many steps are due at once: those with a stronger one among them are skipped, and the others keep
    their least gaps. A step that may not go out now, because of a hold, quiet hours or the budget, say, waits.
    """
    ready = [step for step in draft.live() if step.state is StepState.PENDING and step.due and step.due <= draft.now]
    gap = timedelta(0)
    for step in sorted(ready, key=_due):
        rule = rule_of(draft.plan, step.id, step.action)
        late = backlog or step.wanted is not None or draft.now - _due(step) > max(rule.least_gap, timedelta(seconds=5))
        if late and (stronger := _stronger(step, ready)):
            end(draft, step, StepState.SKIPPED, OvertakenByStep(stronger.id))
            continue
        if not gap or not rule.least_gap:
            gap += rule.least_gap if _fall_due(draft, step) else timedelta(0)
        else:
            due = draft.now + gap
            draft.change(step, due=due)
            draft.note(FactKind.NOTE, WaitsForGap(step.id), step)
            gap += rule.least_gap


def _due(step: Step) -> datetime:
    return step.due or LATEST


def _stronger(step: Step, ready: Iterable[Step]) -> Step | None:
    return next((other for other in ready if weaker(step.action, other.action)), None)


def _fall_due(draft: DecisionBuilder, step: Step) -> bool:
    """Send a step out, unless an operator's talk, quiet hours, a hold, the budget or the limit of stops forbids it, or
    persons must approve it first.

    Returns whether it went out.
    """
    if draft.case.claimed_by and step.action is Action.ROBOT_CALL:
        draft.change(step, due=draft.now + draft.plan.talk_within)
        draft.note(FactKind.NOTE, WaitsForOperator(step.id, draft.case.claimed_by), step)
        return False
    open_at = allowed(draft.now, draft.plan, draft.level, step.action)
    if open_at > draft.now:
        draft.change(step, due=open_at)
        draft.note(FactKind.NOTE, WaitsForMorning(step.id), step)
        return False
    if hold := holding(draft, step):
        draft.change(step, state=StepState.HELD, due=hold.until)
        draft.note(FactKind.HELD, HeldBack(hold.id, hold.reason), step)
        return False
    if fatigue.put_off(draft, step):
        return False
    if why := _may_not_go(draft, step):
        end(draft, step, StepState.SKIPPED, why)
        return False
    if orders.must_wait(draft, step):
        return False
    if step.action is Action.OPERATOR_CALL:
        unclaim(draft)
    _dispatch(draft, step)
    return True


def _may_not_go(draft: DecisionBuilder, step: Step) -> RefusalCode | None:
    """Return why a bank may not be asked, or None: a stop can no longer help, or persons have not ordered the hold."""
    if step.action is Action.HOLD_OUTGOING:
        return None if own_holds.may_ask_bank(draft.case, step.id) else NoOwnHold()
    asks = step.action in orders.ASKING and step.attempt == 1
    return payments.may_not_ask(draft, step.transfer) if asks else None


def unclaim(draft: DecisionBuilder) -> None:
    """End the claim of an operator who has not reported in time; no effect if nobody has claimed the case."""
    if holder := draft.case.claimed_by:
        draft.set(claimed_by=None, returned_from=holder)
        draft.note(FactKind.UNCLAIMED, NoReportInTime(holder), by=holder)


def _dispatch(draft: DecisionBuilder, step: Step) -> None:
    rule = rule_of(draft.plan, step.id, step.action)
    owed = draft.now + rule.result_within
    payments.asked(draft, step)
    fatigue.spend(draft, step)
    sent = draft.change(step, state=StepState.SENT, due=owed, not_after=owed, wanted=None)
    case, because = draft.case, step.because or DangerSeen(tuple(draft.case.danger.reasons[:3]))
    draft.dispatches.append(
        Dispatch(
            id=named(case.id, step.id, step.attempt, step.action.channel),
            case=case.id,
            resident=case.resident,
            step=step.id,
            attempt=step.attempt,
            action=step.action,
            level=case.level,
            at=draft.now,
            due=_due(step),
            not_after=sent.due,
            language=case.profile.language,
            scam_type=case.danger.scam_type,
            campaign=case.danger.campaign,
            contact=step.contact,
            payment=payments.find(case, step.transfer),
            own_hold=own_holds.hold_of_step(case, step.id) if step.action in OWN_ACCOUNT else None,
            division=case.profile.division,
            because=because,
            signal_at=draft.signal_at,
        )
    )
    draft.note(FactKind.DISPATCHED, Dispatched(step.action, step.attempt, because), step)
    if case.state is CaseState.RAISED and step.action not in STOPS:
        draft.enter(CaseState.CONTACTING, FirstContact())


def end(draft: DecisionBuilder, step: Step, state: Ended, why: AnyCode, kind: FactKind | None = None) -> None:
    """End a step as done, failed, withdrawn or skipped (`state`), and record it with the reason.

    `kind`: of the fact; None for the state's own.
    """
    payments.not_asked(draft, step)
    orders.withdrawn(draft, step)
    own_holds.request_ended(draft, step, state)
    draft.change(step, state=state, due=None, wanted=None)
    draft.note(kind or _ENDED[state], why, step)


def withdraw(draft: DecisionBuilder, steps: Iterable[Step], why: AnyCode) -> None:
    """Withdraw steps that are not out yet. One that is out keeps its deadline; a channel that has not sent it checks
    first.
    """
    for step in steps:
        if step.state in WAITING_STEPS:
            end(draft, step, StepState.WITHDRAWN, why)


def bring_forward(draft: DecisionBuilder, actions: Collection[Action], because: AnyCode, *, attempts: int = 99) -> bool:
    """Make the first pending step of these actions due now, or after the quiet hours. Returns whether there was one.

    Steps with more than `attempts` attempts keep their time. If operators' calls are among the actions and an operator
    has claimed the case, nothing changes and True is returned.
    """
    if draft.case.claimed_by and Action.OPERATOR_CALL in actions:
        return True
    waiting = [step for step in draft.live(*actions) if step.state is StepState.PENDING and step.attempt <= attempts]
    for step in sorted(waiting, key=_due)[:1]:
        due = allowed(draft.now, draft.plan, draft.level, step.action)
        if _due(step) > due:
            draft.change(step, due=due, because=because)
            draft.note(FactKind.NOTE, BroughtForward(step.id, because), step)
        return True
    return False


def ask(draft: DecisionBuilder, name: str, action: Action, because: AnyCode) -> None:
    """Make sure that a requested action is taken: brings a waiting step forward, else plans one, unless one is out or
    held.

    A call waits while an operator has the case, until they give it back or do not report in time.
    """
    live = draft.live(action)
    if (live and bring_forward(draft, [action], because)) or any(step.state is not StepState.PENDING for step in live):
        return
    taken = draft.case.claimed_by is not None and action is Action.OPERATOR_CALL
    due = draft.now + draft.plan.talk_within if taken else draft.now
    plan_step(draft, f"asked.{name}", action, due, because)


def is_current(draft: DecisionBuilder, step: Step) -> bool:
    """Return whether a step belongs to the running plan: not to a lower level, nor to a round before a reopening."""
    level = level_of(step.id)
    if level is None:
        return True
    stem = ".".join(step.id.split(".")[:2])
    rounds = [other.id for other in draft.steps.values() if f"{other.id}.".startswith(f"{stem}.")]
    return level.rank >= draft.case.level.rank and rounds[-1:] == [step.id]


def wrong_number(draft: DecisionBuilder) -> bool:
    """Return whether the running plan has found the resident's number to be wrong."""
    return any(
        Result.WRONG_NUMBER in step.results and is_current(draft, step)
        for step in draft.steps.values()
        if step.action in CALLS | SMS
    )
