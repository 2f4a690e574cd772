"""Applies the consequences of a result, according to the policy's result tables."""

from collections.abc import Callable
from datetime import datetime, timedelta

from domain.casework.draft import CLOSE, DecisionBuilder
from domain.casework.endings import reopen, reopen_for_talk, settle
from domain.casework.orders.unanswered import answer_came
from domain.casework.own_account.records import hold_of_step
from domain.casework.steps import (
    Ended,
    bring_forward,
    end,
    ensure_action,
    is_current,
    plan_step,
    withdraw,
    wrong_number,
)
from domain.dispatches.validity import ending_of
from domain.payments.accounts import find
from domain.policy.plan import FATES, USED_UP, Word
from domain.policy.schedule import (
    AFTER_PLAN,
    CALLS,
    LIFTS,
    SMS,
    STOPS,
    WEEK_QUESTIONS,
    allowed,
    at_home,
    earliest,
    level_of,
    may_ask_after_week,
    may_remind,
    may_support,
    rule_of,
    words_after,
)
from schemas.base import Partial
from schemas.casework.cases import WAITING_STEPS, CaseState, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.own_account import OwnHoldState
from schemas.codes.any_code import AnyCode, AtFollowUp, AttemptsUsedUp, NotTriedAgain, ReachedAtLast, TriedAgain
from schemas.codes.plan import (
    AcknowledgedEarlierPlan,
    KeyPressed,
    NoFurtherRobotCall,
    NoFurtherSupport,
    NoResultInTime,
    NotReached,
    OtherPlan,
    WrongNumber,
)
from schemas.codes.refusals import CaseClosed, PlanContacts
from schemas.codes.week import AskedNoMore, RemindedNoMore
from schemas.levels import Action, Outcome, OutcomeGround, Result

DAY = timedelta(days=1)
LIFT_AGAIN_MOST = timedelta(hours=6)  # assumed: a bank that does not answer a lift is asked at least four times a day
_ENDS: Partial[Word, Ended] = Partial(
    {
        Word.DONE: StepState.DONE,
        Word.FAILED: StepState.FAILED,
        Word.WITHDRAWN: StepState.WITHDRAWN,
    }
)


def follow(draft: DecisionBuilder, step: Step, result: str, because: AnyCode, *, late: bool = False) -> None:
    """Apply the policy's consequences of a step's result to the case in `draft`: end or repeat the step, and plan or
    withdraw others. A result that the policy's tables do not name changes nothing.

    `result`: its name in the policy's tables: a Result, a visit's stage, or "overdue". `because`: the reason in the
    facts of all changes. `late`: True if the result belongs to an earlier attempt; it may then end a waiting step, but
    not change one that is under way. Once the case is settled or the resident was defrauded, a result only ends its own
    step and causes no further contact, except the result of a follow-up, a support call or the question a week later.
    """
    follows_up = step.action in AFTER_PLAN or (step.action is Action.FOLLOW_UP and draft.case.open)
    over = draft.plan_over and not follows_up
    for word in words_after(draft.plan, step.action, result):
        if word in FATES:
            if not late or (word is Word.DONE and step.state in WAITING_STEPS):
                _own_fate(draft, step, word, because)
        elif word is Word.REACHED or not over:
            _MOVES[word](draft, draft.steps[step.id], because)


def _own_fate(draft: DecisionBuilder, step: Step, word: Word, because: AnyCode) -> None:
    if state := _ENDS.get(word):
        end(draft, step, state, because)
    elif word is not Word.WAIT:
        again(draft, step, word, because)


def again(draft: DecisionBuilder, step: Step, word: Word, because: AnyCode) -> None:
    """Plan another attempt of a step, with a fact; or end it as FAILED if no attempt is left or the case no longer
    needs it.

    `word`: when to try again. RETRY: after a wait that doubles with each failure of the provider; AGAIN, AGAIN_SOON,
    AGAIN_AT_HOME: at the policy's times; any other: now, or after the quiet hours. A step that lifts a stop or hold is
    repeated until the bank answers or the stop or hold has ended. If the attempts are used up, the policy's
    consequences of that are applied too.
    """
    if why := _no_more(draft, step):
        end(draft, step, StepState.FAILED, NotTriedAgain(why))
        return
    used_up = _used_up(draft, step, word)
    if used_up and not _still_to_lift(draft, step):
        end(draft, step, StepState.FAILED, AttemptsUsedUp(step.attempt, because))
        for then in words_after(draft.plan, step.action, USED_UP):
            if then not in FATES:
                _MOVES[then](draft, step, NotReached(step.action))
        return
    contact = step.contact
    if contact is not None and word is not Word.RETRY and level_of(step.id):
        contact = (contact + 1) % max(1, draft.case.profile.contacts)
    due = _lift_later(draft, step) if used_up else _when(draft, step, word)
    answer_came(draft, step)
    draft.change(step, state=StepState.PENDING, attempt=step.attempt + 1, due=due, contact=contact)
    draft.note(FactKind.NOTE, TriedAgain(step.id, because), step)


def machine_calls_instead(draft: DecisionBuilder, step: Step) -> bool:
    """Make the plan's automated call now, with facts, if `step` is an operator's call in its place, by an experiment's
    arm, that nobody has taken in time: an arm never costs the resident a call of the plan. Return True if so; False,
    without effect, for any other step, and once the plan is over.
    """
    level, name = level_of(step.id), step.id.split(".")[1] if "." in step.id else ""
    rule = draft.plan.levels[level].steps.get(name) if level else None
    replaced = step.action is Action.OPERATOR_CALL and rule is not None and rule.action is Action.ROBOT_CALL
    if level is None or not replaced or _no_more(draft, step):
        return False
    end(draft, step, StepState.SKIPPED, NoResultInTime())
    plan_step(draft, f"{level.value}.{name}", Action.ROBOT_CALL, draft.now, NoResultInTime())
    return True


def _used_up(draft: DecisionBuilder, step: Step, word: Word) -> bool:
    """Return True if no attempt is left. Failures of the provider do not count as attempts; they have their
    own limit.
    """
    failures = step.results.count(Result.FAILED)
    if word is Word.RETRY:
        # A visit also fails while nobody is on duty: keep trying for a day, until the next shift.
        a_day = DAY // max(draft.plan.retry_most, timedelta(minutes=1)) if step.action is Action.VISIT else 0
        return failures > max(draft.plan.retries, a_day)
    each = draft.case.profile.contacts if step.action.to_contact and level_of(step.id) else 1
    return step.attempt - failures >= rule_of(draft.plan, step.id, step.action).attempts * max(1, each)


def _still_to_lift(draft: DecisionBuilder, step: Step) -> bool:
    """Return True if a step lifts a stop or a hold that the bank may still have: it is asked until it answers, or until
    the time of the stop or hold is over. A stop that no bank has confirmed counts as long as a stop lasts at most.
    """
    if step.action is Action.LIFT_HOLD:
        hold = hold_of_step(draft.case, step.id)
        return hold is not None and hold.state is OwnHoldState.LIFTING and (hold.until or draft.now) > draft.now
    payment = find(draft.case, step.transfer)
    if step.action is not Action.STOP_RELEASE or payment is None or payment.stop is None:
        return False
    if payment.stop.until is not None:
        return payment.stop.state.open and payment.stop.until > draft.now
    further = step.attempt - draft.plan.stop.attempts
    return payment.stop.state.open and further < draft.plan.stop.lasts // LIFT_AGAIN_MOST


def _lift_later(draft: DecisionBuilder, step: Step) -> datetime:
    """Return when a bank is asked again to lift what it holds, after the policy's attempts: after twice the time each
    time, up to LIFT_AGAIN_MOST.
    """
    further = max(0, step.attempt - draft.plan.stop.attempts)
    return draft.after(min(LIFT_AGAIN_MOST, draft.plan.stop.again * 2 ** min(further + 1, 20)))


def _when(draft: DecisionBuilder, step: Step, word: Word) -> datetime:
    rule, plan, now = rule_of(draft.plan, step.id, step.action), draft.plan, draft.now
    if word is Word.RETRY:
        failures = max(1, step.results.count(Result.FAILED))
        due = now + min(plan.retry_most, plan.retry * 2 ** min(failures - 1, 20))
    elif word is Word.AGAIN_AT_HOME:
        due = at_home(now + rule.again, plan)
    elif word is Word.AGAIN:
        due = earliest(now + rule.again, draft.case, plan, rule)
    else:
        due = now + plan.soon if word is Word.AGAIN_SOON else now
    return allowed(due, plan, draft.level, step.action)


def _no_more(draft: DecisionBuilder, step: Step) -> AnyCode | None:
    """Return why a step is not tried again, or None if it may be."""
    if step.action in LIFTS:
        return None
    if step.action in STOPS:
        return ending_of(draft.case) if draft.case.settled else None
    if step.action is Action.FOLLOW_UP:
        return None if draft.case.open else CaseClosed()
    if step.action in AFTER_PLAN:
        return _no_more_after_plan(draft, step)
    if draft.plan_over:
        return ending_of(draft.case)
    if not is_current(draft, step):
        return OtherPlan()
    if step.action in CALLS | SMS and wrong_number(draft):
        return WrongNumber()
    return None


def _no_more_after_plan(draft: DecisionBuilder, step: Step) -> AnyCode | None:
    if step.action in WEEK_QUESTIONS:
        return None if may_ask_after_week(draft.case) else AskedNoMore()
    if step.action is Action.REMINDER:
        return None if may_remind(draft.case) else RemindedNoMore()
    return None if may_support(draft.case) else PlanContacts()


def _reached(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    """Record that a warning reached the resident. If the case was unreachable, plan an operator's call, if the level
    has one.
    """
    draft.reached(step.action)
    if draft.case.state is CaseState.UNREACHABLE:
        draft.steps.pop(CLOSE, None)
        draft.set(outcome=None)
        draft.enter(CaseState.CONTACTING, ReachedAtLast(because))
        if any(rule.action is Action.OPERATOR_CALL for rule in draft.level.steps.values()):
            ensure_action(draft, "operator", Action.OPERATOR_CALL, ReachedAtLast(because))


def _acknowledged(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    """Apply a key press of acknowledgement as the level says; none for a step of an earlier plan."""
    if draft.plan_over:
        return
    if not is_current(draft, step) or level_of(step.id) not in (None, draft.case.level):
        draft.note(FactKind.NOTE, AcknowledgedEarlierPlan(), step)
    elif draft.level.acknowledged == "dissuaded":
        settle(draft, Outcome.DISSUADED, KeyPressed(), OutcomeGround.KEY)
    elif draft.level.acknowledged == "no_robot":
        withdraw(draft, draft.live(Action.ROBOT_CALL), NoFurtherRobotCall())


def _call(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    robots = [other for other in draft.steps.values() if other.action is Action.ROBOT_CALL and is_current(draft, other)]
    bring_forward(draft, [Action.ROBOT_CALL if robots else Action.OPERATOR_CALL], because, attempts=1)


def _no_calls(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    withdraw(draft, draft.live(*CALLS), WrongNumber())


def _no_sms(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    withdraw(draft, draft.live(*SMS), WrongNumber())


def _no_support(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    withdraw(draft, draft.live(Action.SUPPORT_CALL), NoFurtherSupport())


def _reopen(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    if draft.plan_over and step.action in AFTER_PLAN:
        reopen_for_talk(draft, AtFollowUp(because))
    elif draft.plan_over:
        reopen(draft, AtFollowUp(because), draft.case.level)


def _forward(*actions: Action) -> Callable[[DecisionBuilder, Step, AnyCode], None]:
    def move(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
        bring_forward(draft, actions, because)

    return move


def _ask_operator(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    ensure_action(draft, "operator", Action.OPERATOR_CALL, because)


def _no_move(draft: DecisionBuilder, step: Step, because: AnyCode) -> None:
    """Do nothing: the word only determines the step's own fate."""


_MOVES: dict[Word, Callable[[DecisionBuilder, Step, AnyCode], None]] = {
    Word.REACHED: _reached,
    Word.ACKNOWLEDGED: _acknowledged,
    Word.SMS: _forward(*SMS),
    Word.CALL: _call,
    Word.OPERATOR: _forward(Action.OPERATOR_CALL),
    Word.VISIT: _forward(Action.VISIT),
    Word.CONTACT: _forward(Action.CONTACT_SMS, Action.CONTACT_CALL),
    Word.ASK_OPERATOR: _ask_operator,
    Word.NO_CALLS: _no_calls,
    Word.NO_SMS: _no_sms,
    Word.NO_SUPPORT: _no_support,
    Word.REOPEN: _reopen,
    **dict.fromkeys(FATES, _no_move),
}
