"""Applies the result of a contact, or its absence, to a case."""

from domain.casework import fatigue
from domain.casework.draft import DecisionBuilder, is_clock
from domain.casework.follow import follow, machine_calls_instead
from domain.casework.orders.unanswered import questions_about
from domain.casework.own_account.lifting import never_got
from domain.casework.provinces.offers import province_result
from domain.casework.steps import bring_forward, end, is_current, withdraw
from domain.casework.week.records import note_answer
from domain.policy.plan import OVERDUE
from domain.policy.schedule import CALLS
from schemas.casework.cases import Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import ContactResult
from schemas.codes.any_code import AnyCode, LateResult, ResultNoted
from schemas.codes.people import NumberNotResidents
from schemas.codes.plan import (
    BusyDuringCall,
    BusyInARow,
    NoResultInTime,
    OfficerInstead,
    ResultCame,
)
from schemas.levels import NEVER_SENT, WEEK_ANSWERS, Action, Result

# Results that matter however late they come. A late "busy" does not.
_NEVER_TOO_LATE = frozenset(
    {Result.DELIVERED, Result.ACKNOWLEDGED, Result.WANTS_OPERATOR, Result.HUNG_UP, Result.WRONG_NUMBER, *WEEK_ANSWERS}
)
_NO_CONTACT = NEVER_SENT | {Result.SENT, Result.IN_DOUBT}


def contact_result(draft: DecisionBuilder, given: ContactResult) -> None:
    """Record the result of a dispatch in the case, with a fact, and apply the policy's consequences. A result of an
    earlier attempt has consequences only if it can never be too late, such as a resident's answer.

    No effect if the result is known, if the case does not have the step or the attempt, or if the attempt still waits
    to be sent or ended before: nobody can have received it, whatever a provider says.
    """
    step = draft.steps.get(given.step)
    if step is None or is_clock(step) or not _went_out(step, given.attempt):
        return
    if step.action is Action.HAND_OVER:
        province_result(draft, step, given)
        return
    awaited = step.state is StepState.SENT and step.attempt == given.attempt
    if _known(step, given, awaited=awaited):
        return
    step = draft.change(step, results=[*step.results, given.result])
    note_answer(draft, step, given.result)
    because = ResultCame(given.result)
    noted = (ResultNoted if awaited else LateResult)(step.action, given.attempt, given.result, given.why)
    draft.note(FactKind.RESULT, noted, step, result=given.result)
    _mark_wrong_number(draft, step, given.result)
    if given.result in NEVER_SENT:
        fatigue.uncount_contact(draft, step, given.attempt)
        never_got(draft, step)
        withdraw(draft, questions_about(draft, step, given.attempt), because)  # the bank has nothing to answer about
    if awaited:
        _awaited_result(draft, step, given.result)
    elif given.result in _NEVER_TOO_LATE:
        follow(draft, step, given.result, because, late=True)


def _awaited_result(draft: DecisionBuilder, step: Step, result: Result) -> None:
    """Apply the policy's consequences of the result of a step that waits for one, unless the result is evidence of a
    scammer on the line, or the machine makes a call that no operator got.
    """
    if _busy(draft, step, result):
        _no_further_call(draft, draft.steps[step.id])
    elif not _never_on_desk(draft, step, result) or not machine_calls_instead(draft, draft.steps[step.id]):
        follow(draft, draft.steps[step.id], _as_policy_says(draft, step, result), ResultCame(result))


def _mark_wrong_number(draft: DecisionBuilder, step: Step, result: Result) -> None:
    """Mark the case, with a fact, if a contact shows that the resident's number is wrong. Key 9 says so too, and a
    scammer who holds the resident's telephone can press it: a person must reach the resident in another way.
    """
    if result is Result.WRONG_NUMBER and not step.action.to_contact:
        draft.set(wrong_number_at=draft.now)
        draft.note(FactKind.EVIDENCE, NumberNotResidents(step.action), step)


def _went_out(step: Step, attempt: int) -> bool:
    """Return False if the step's attempt was not sent. The answers to a hand-over that waits are judged by its
    offers.
    """
    return attempt <= (step.attempt if step.action is Action.HAND_OVER else step.attempts_sent)


def _known(step: Step, given: ContactResult, *, awaited: bool) -> bool:
    """Return True if the result was reported before, because each attempt has each result once. A result that ends an
    attempt is always new.
    """
    told = step.results.count(given.result) >= given.attempt
    return told and (given.result is Result.SENT or not awaited)


def overdue(draft: DecisionBuilder, step: Step) -> None:
    """Apply the policy's consequences of a sent step whose result did not come in time. A step that would go on waiting
    by the policy ends as FAILED.
    """
    follow(draft, step, OVERDUE, NoResultInTime())
    if draft.steps[step.id].state is StepState.SENT:  # the policy would wait for ever
        end(draft, step, StepState.FAILED, NoResultInTime())


def _as_policy_says(draft: DecisionBuilder, step: Step, result: Result) -> str:
    """Return the result's name in the policy's tables.

    A dispatch that was not sent because it was too late counts as overdue: its own deadline would only say so later.
    """
    if result is Result.IN_DOUBT:
        return OVERDUE if draft.level.in_doubt == "again" else Result.SENT
    return OVERDUE if _too_late(draft, step, result) else result


def _too_late(draft: DecisionBuilder, step: Step, result: Result) -> bool:
    return result is Result.NOT_SENT and step.not_after is not None and draft.now >= step.not_after


def _never_on_desk(draft: DecisionBuilder, step: Step, result: Result) -> bool:
    """Return True if an operator's call came too late to the desk, and no operator has the case."""
    late = step.action is Action.OPERATOR_CALL and _too_late(draft, step, result)
    return late and draft.case.claimed_by is None


def _busy(draft: DecisionBuilder, step: Step, result: Result) -> bool:
    """Treat a line that stays busy as evidence, and bring a visit forward: in the Lanzhou case, the scammer kept the
    line busy. Return True if the visit replaces this automated call.

    No effect while an operator has the case, because the operator may be the one on the line.
    """
    if result is not Result.BUSY or step.action not in CALLS or draft.plan_over or draft.case.claimed_by:
        return False
    calls = [other for other in draft.steps.values() if other.action in CALLS and is_current(draft, other)]
    run = sum(_run_of_busy(other.results) for other in calls)
    why: AnyCode
    if draft.case.danger.call_since is not None:
        why = BusyDuringCall()
    elif run >= draft.plan.busy_in_a_row:
        why = BusyInARow(run)
    else:
        return False
    draft.note(FactKind.EVIDENCE, why, step)
    bring_forward(draft, [Action.VISIT], why)
    return step.action is Action.ROBOT_CALL and bool(draft.live(Action.VISIT))


def _no_further_call(draft: DecisionBuilder, step: Step) -> None:
    """End the automated calls: they would only show the scammer that somebody is trying. An operator may still call."""
    why = OfficerInstead()
    end(draft, step, StepState.FAILED, why)
    withdraw(draft, draft.live(Action.ROBOT_CALL), why)


def _run_of_busy(results: list[Result]) -> int:
    run = 0
    for result in reversed([result for result in results if result not in _NO_CONTACT]):
        if result is not Result.BUSY:
            break
        run += 1
    return run
