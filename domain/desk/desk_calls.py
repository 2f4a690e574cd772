"""The desk's calls to a resident: how many there were, and whether the latest still goes on."""

from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.casework.cases import Case, CaseState
from schemas.levels import NEVER_SENT, Action, OutcomeGround, Result

LONGEST = timedelta(minutes=30)
"""As `talk_within` in the policy: an operator who has not reported by then loses the claim."""


_NO_CALL = NEVER_SENT | {Result.SENT, Result.UNDELIVERED, Result.IN_DOUBT}


class CallsTried(NamedTuple):
    """The calls to a resident so far: how many the system made (`automated`), how those ended (`results`, each kind
    once, in the order of the case), and how many operators made (`by_operators`).
    """

    automated: int
    results: tuple[Result, ...]
    by_operators: int


def calls_tried(case: Case) -> CallsTried:
    """Return the calls to the resident as far as the case shows. Attempts in which nobody's telephone rang are left
    out.
    """
    results = [result for step in case.steps if step.action is Action.ROBOT_CALL for result in step.results]
    rang = [result for result in results if result not in _NO_CALL]
    return CallsTried(len(rang), tuple(dict.fromkeys(rang)), calls_made(case))


def calls_made(case: Case) -> int:
    """Return how many calls operators have made to the resident, as far as the case shows; 0 if none. Results of a step
    that mean that nobody called are left out, so the number can be lower than the attempts of the steps. A resident who
    was dissuaded in a call was called, although the outcome removes the call itself from the case.
    """
    results = [result for step in case.steps if step.action is Action.OPERATOR_CALL for result in step.results]
    called = case.desk_call is not None or case.ground is OutcomeGround.CALL
    return max(sum(result not in _NO_CALL for result in results), int(called))


def call_goes_on(case: Case, now: datetime) -> bool:
    """Return True if the operators' latest call to the resident still goes on: it was answered, and its end is not
    noted.

    A call ends, too, when its operator's claim runs out or is given up, because nobody is left to note its end. The
    case shows that by `returned_from`, or because its state is no longer IN_CONVERSATION. If neither shows it, but the
    call's operator does not have the claim, the call counts as ended 30 minutes after it began. An officer who sets out
    meanwhile changes the state too, but ends no call of an operator who still has the claim.
    """
    call = case.desk_call
    if call is None or not call.goes_on or case.returned_from == call.by:
        return False
    if case.claimed_by != call.by and now >= call.at + LONGEST:
        return False
    plan_over = case.settled or case.state is CaseState.ALREADY_DEFRAUDED  # then a call does not change the state
    officer_goes = case.state is CaseState.VISIT_UNDER_WAY and case.claimed_by == call.by
    return plan_over or officer_goes or case.state is CaseState.IN_CONVERSATION


def with_ended_call(case: Case, now: datetime) -> Case:
    """Return the case without its operator's call (`desk_call`) if that has ended without a noted end (see
    `call_goes_on`), so that the resident may be called again; otherwise the case as it is.
    """
    over = case.desk_call is not None and case.desk_call.goes_on and not call_goes_on(case, now)
    return case.model_copy(update={"desk_call": None}) if over else case
