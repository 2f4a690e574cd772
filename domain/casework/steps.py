"""Steps of a case: plans, dispatches, withdraws and ends them."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Literal

from domain.casework import fatigue, payments
from domain.casework.draft import DecisionBuilder
from domain.casework.holds import holding
from domain.casework.orders import records as orders
from domain.casework.orders import unanswered
from domain.casework.own_account import records as own_holds
from domain.casework.provinces.records import answer_due, hold_end, holding_offer, offer_of_step
from domain.casework.week import records as week
from domain.dispatches.ids import named
from domain.experiments.in_case import arm_of_case, remind_after, worded_by
from domain.policy.schedule import (
    CALLS,
    CONTACTS_NOBODY,
    LATEST,
    OWN_ACCOUNT,
    SMS,
    WEEK_QUESTIONS,
    allowed,
    earliest,
    level_of,
    may_ask_after_week,
    may_remind,
    may_support,
    rule_of,
    weaker,
)
from schemas.casework.cases import WAITING_STEPS, CaseState, Step, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.codes.any_code import AnyCode, BroughtForward, Dispatched
from schemas.codes.danger import DangerSeen
from schemas.codes.own_account import NoOwnHold
from schemas.codes.people import NoReportInTime, TalkBrokenOff
from schemas.codes.plan import (
    FirstContact,
    HeldBack,
    NotShielded,
    OvertakenByStep,
    WaitsForGap,
    WaitsForMorning,
    WaitsForOperator,
)
from schemas.codes.provinces import WaitsForProvince
from schemas.codes.refusals import PlanContacts
from schemas.codes.week import AskedNoMore, RemindedNoMore
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
    """Add a pending step to the case and return it. No fact is recorded.

    `stem`: the id; if it was used before, the version is appended, because ids, and so dispatches, must never repeat.
    In a case from a lost input log, the number of the log is inserted, because ids may have been used unknowingly.
    `due`: postponed to the hours that the policy allows for the action. `contact`: index (from 0) of the trusted
    contact; None: the first, if the action is to a contact.
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
    """Send all pending steps that are due: each becomes SENT, and its dispatch is added to the decision, which the
    caller sends later. A step that may not go out now, for example in quiet hours, gets a later time.

    After an outage many steps are due at once: a step is then skipped if a stronger one is due too, and the others keep
    their least gaps. `backlog`: True if the steps were held back, so that they count as late whatever their due time.
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
    """Send a step out, unless an operator's talk, quiet hours, a hold, an offer to another province, the budget or the
    limit of stops forbids it, or persons must approve it first.

    Return True if the step went out.
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
    if _held_back(draft, step) or fatigue.put_off(draft, step):
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


def _held_back(draft: DecisionBuilder, step: Step) -> bool:
    """Hold the step if a hold applies to it, or until the case's offer to another province is over or quiet hours are
    near, with a fact. Return True if it is held.
    """
    if hold := holding(draft, step):
        draft.change(step, state=StepState.HELD, due=hold.until)
        draft.note(FactKind.HELD, HeldBack(hold.id, hold.reason), step)
    elif offer := holding_offer(draft.case, step, draft.plan, draft.now):
        until = hold_end(draft.case, offer, step, draft.plan, draft.now)
        draft.change(step, state=StepState.HELD, due=until)
        draft.note(FactKind.HELD, WaitsForProvince(offer.province, until), step)
    else:
        return False
    return True


def _may_not_go(draft: DecisionBuilder, step: Step) -> AnyCode | None:
    """Return why a step may not go out, or None: a stop can no longer help, persons have not ordered the hold, or a
    support call would be beside a plan that contacts the resident, or under a policy without a shield; likewise the
    question a week later and a reminder.
    """
    if step.action is Action.SUPPORT_CALL:
        return _may_not_support(draft)
    if step.action in WEEK_QUESTIONS:
        asks = draft.plan.ask_after is not None and may_ask_after_week(draft.case)
        return None if asks else AskedNoMore()
    if step.action is Action.REMINDER:
        return None if may_remind(draft.case) and reminds_after(draft) is not None else RemindedNoMore()
    if step.action is Action.HOLD_OUTGOING:
        return None if own_holds.may_ask_bank(draft.case, step.id) else NoOwnHold()
    asks = step.action in orders.ASKING and step.attempt == 1
    return payments.may_not_ask(draft, step.transfer) if asks else None


def _may_not_support(draft: DecisionBuilder) -> AnyCode | None:
    if draft.rules.policy.shield is None:
        return NotShielded()
    return None if may_support(draft.case) else PlanContacts()


def reminds_after(draft: DecisionBuilder) -> timedelta | None:
    """Return how long after they were dissuaded the resident gets a reminder: by the case's arm of an experiment, or by
    the policy's plan. None if neither has one.
    """
    arm = remind_after(draft.case, draft.rules.policy.experiments)
    return draft.plan.remind_after if arm is None else arm


def unclaim(draft: DecisionBuilder) -> None:
    """End the operator's claim on the case, with a fact UNCLAIMED, and the conversation with the resident, because the
    time to report is over. That time is not checked here.

    If nobody has claimed the case, only a conversation ends that began at least `plan.talk_within` ago, or whose
    beginning is unknown.
    """
    if holder := draft.case.claimed_by:
        draft.set(claimed_by=None, returned_from=holder)
        draft.note(FactKind.UNCLAIMED, NoReportInTime(holder), by=holder)
        leave_conversation(draft, TalkBrokenOff())
    elif draft.case.desk_call is None or draft.case.desk_call.at + draft.plan.talk_within <= draft.now:
        leave_conversation(draft, TalkBrokenOff())


def leave_conversation(draft: DecisionBuilder, why: AnyCode) -> None:
    """Change the state IN_CONVERSATION to CONTACTING, with a fact and the reason `why`; other states stay.

    Whatever ends an operator's claim must call this: nobody is left who would note the end of the conversation, and the
    case would go on showing a talk that nobody has.
    """
    if draft.case.state is CaseState.IN_CONVERSATION:
        draft.enter(CaseState.CONTACTING, why)


def _dispatch(draft: DecisionBuilder, step: Step) -> None:
    rule = rule_of(draft.plan, step.id, step.action)
    owed = answer_due(draft.case, step) or draft.now + rule.result_within
    payments.asked(draft, step)
    unanswered.await_answer(draft, step)
    fatigue.count_contact(draft, step)
    week.note_question(draft, step)
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
            payment=orders.payment_as_approved(case, step),
            about=unanswered.request_asked_about(draft, step),
            arm=worded_by(arm_of_case(case, draft.rules.policy.experiments, draft.now), step.action),
            own_hold=own_holds.hold_of_step(case, step.id) if step.action in OWN_ACCOUNT else None,
            offer=offer_of_step(case, step.id) if step.action is Action.HAND_OVER else None,
            division=case.profile.division,
            because=because,
            signal_at=draft.signal_at,
        )
    )
    draft.note(FactKind.DISPATCHED, Dispatched(step.action, step.attempt, because), step)
    if case.state is CaseState.RAISED and step.action not in CONTACTS_NOBODY:
        draft.enter(CaseState.CONTACTING, FirstContact())


def end(draft: DecisionBuilder, step: Step, state: Ended, why: AnyCode, kind: FactKind | None = None) -> None:
    """End a step as done, failed, withdrawn or skipped (`state`), with a fact and the reason `why`.

    Its order is withdrawn if no bank has got it, and its hold ends or becomes unconfirmed. An attempt that was not made
    yet is not counted, so that nothing that was not sent can be answered. `kind`: the kind of the fact; None:
    STEP_DONE, STEP_FAILED, WITHDRAWN or SKIPPED, by `state`.
    """
    payments.not_asked(draft, step)
    orders.withdrawn(draft, step, answered=state in (StepState.DONE, StepState.FAILED))
    unanswered.answer_came(draft, step)
    own_holds.request_ended(draft, step, state)
    week.note_end(draft, step, state)
    draft.change(step, state=state, due=None, wanted=None, attempt=step.attempts_sent)
    draft.note(kind or _ENDED[state], why, step)


def withdraw(draft: DecisionBuilder, steps: Iterable[Step], why: AnyCode) -> None:
    """End those of `steps` that are not sent yet as WITHDRAWN, each with a fact. A sent step stays as it is and keeps
    its deadline.
    """
    for step in steps:
        if step.state in WAITING_STEPS:
            end(draft, step, StepState.WITHDRAWN, why)


def bring_forward(draft: DecisionBuilder, actions: Collection[Action], because: AnyCode, *, attempts: int = 99) -> bool:
    """Make the first pending step of these actions due now, or after the quiet hours, with a fact if its time changes.
    Return True if there was one, even if it was due already; else False.

    Steps at a later attempt than `attempts` keep their time. If operators' calls are among the actions and an operator
    has claimed the case, nothing changes, and True is returned.
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


def ensure_action(draft: DecisionBuilder, name: str, action: Action, because: AnyCode) -> None:
    """Make sure that a requested action is taken soon: bring a waiting step with this action forward, or plan a step if
    none is unfinished. No effect if one has been sent, is held, or waits for persons' approval.

    `name`: of the requested step in the policy (`plan.asked`). While an operator has claimed the case, a new call is
    due only when their time to report (`plan.talk_within`) is over.
    """
    live = draft.live(action)
    if (live and bring_forward(draft, [action], because)) or any(step.state is not StepState.PENDING for step in live):
        return
    taken = draft.case.claimed_by is not None and action is Action.OPERATOR_CALL
    due = draft.now + draft.plan.talk_within if taken else draft.now
    plan_step(draft, f"asked.{name}", action, due, because)


def is_current(draft: DecisionBuilder, step: Step) -> bool:
    """Return True if a step belongs to the running plan: its level is not below the case's, and it is the latest step
    of its name, not one from before a reopening. Always True for a step that belongs to no level.
    """
    level = level_of(step.id)
    if level is None:
        return True
    stem = ".".join(step.id.split(".")[:2])
    rounds = [other.id for other in draft.steps.values() if f"{other.id}.".startswith(f"{stem}.")]
    return level.rank >= draft.case.level.rank and rounds[-1:] == [step.id]


def wrong_number(draft: DecisionBuilder) -> bool:
    """Return True if a call or SMS of the running plan has shown that the resident's number is wrong."""
    return any(
        Result.WRONG_NUMBER in step.results and is_current(draft, step)
        for step in draft.steps.values()
        if step.action in CALLS | SMS
    )
