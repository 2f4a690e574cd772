"""How often the desk called, and whether its call goes on when its operator has not said that it ended."""

from datetime import timedelta

import pytest

from domain.desk.desk_calls import LONGEST, CallsTried, call_goes_on, calls_made, calls_tried, with_ended_call
from schemas.casework.cases import Case, CaseState, DeskCall, Step, StepState
from schemas.levels import Action, CallResult, Level, OutcomeGround, Result
from tests.domain.builders import NOON
from tests.domain.casework.test_triage import case

MINUTE = timedelta(minutes=1)


def talking(**more: object) -> Case:
    """A case in which "op1", who has claimed it, has talked since noon."""
    call = DeskCall(result=CallResult.ANSWERED, at=NOON, by="op1")
    given = {"desk_call": call, "claimed_by": "op1", "state": CaseState.IN_CONVERSATION, **more}
    return case(Level.RED, **given)  # type: ignore[arg-type]  # as the builder's


def test_a_call_goes_on_until_its_end_is_noted() -> None:
    given = talking()
    assert call_goes_on(given, NOON + 2 * LONGEST), "its operator still has the case"
    assert given.desk_call is not None
    ended = given.desk_call.model_copy(update={"ended_at": NOON + MINUTE})
    assert not call_goes_on(talking(desk_call=ended), NOON + MINUTE)
    busy = DeskCall(result=CallResult.BUSY, at=NOON, by="op1")
    assert not call_goes_on(talking(desk_call=busy), NOON)
    assert not call_goes_on(talking(desk_call=None), NOON)


def test_a_claim_that_ran_out_or_was_given_up_ends_the_call() -> None:
    assert not call_goes_on(talking(claimed_by=None, returned_from="op1"), NOON + MINUTE)
    assert not call_goes_on(talking(claimed_by=None, state=CaseState.CONTACTING), NOON + MINUTE)


def test_after_another_claim_a_call_ends_when_it_is_as_old_as_a_claim_lasts() -> None:
    other = talking(claimed_by="op2")
    assert call_goes_on(other, NOON + LONGEST - MINUTE), "a second person may talk on a case of another"
    assert not call_goes_on(other, NOON + LONGEST)


def test_an_officer_who_sets_out_ends_no_talk_of_the_operator_who_has_the_case() -> None:
    assert call_goes_on(talking(state=CaseState.VISIT_UNDER_WAY), NOON + MINUTE)
    assert not call_goes_on(talking(state=CaseState.VISIT_UNDER_WAY, claimed_by=None), NOON + MINUTE)


def test_a_talk_after_the_outcome_goes_on_in_the_state_of_the_case() -> None:
    assert call_goes_on(talking(state=CaseState.ALREADY_DEFRAUDED), NOON + MINUTE)


def test_a_resident_whose_call_ended_with_the_claim_may_be_called_again() -> None:
    stale = talking(claimed_by=None, returned_from="op1")
    assert with_ended_call(stale, NOON + MINUTE).desk_call is None
    assert with_ended_call(talking(), NOON + MINUTE) == talking()


@pytest.mark.parametrize(
    ("results", "calls"),
    [
        ([], 0),
        ([Result.SENT, Result.NOT_SENT, Result.FAILED, Result.IN_DOUBT], 0),
        ([Result.SENT, Result.BUSY, Result.SENT, Result.HUNG_UP], 2),
    ],
)
def test_the_calls_are_counted_by_their_results_and_not_by_the_attempts_of_the_step(
    results: list[Result], calls: int
) -> None:
    asked = Step(
        id="red.operator", action=Action.OPERATOR_CALL, state=StepState.SENT, due=NOON, attempt=3, results=results
    )
    robot = Step(id="red.robot", action=Action.ROBOT_CALL, state=StepState.DONE, due=None, results=[Result.HUNG_UP])
    assert calls_made(case(Level.RED, steps=[asked, robot])) == calls
    busy = DeskCall(result=CallResult.BUSY, at=NOON, by="op1")
    assert calls_made(case(Level.RED, steps=[asked, robot], desk_call=busy)) == max(1, calls)


def test_the_systems_calls_and_the_operators_are_counted_apart_with_how_the_systems_ended() -> None:
    results = [Result.SENT, Result.NO_ANSWER, Result.REFUSED, Result.NO_ANSWER]
    robot = Step(id="red.robot", action=Action.ROBOT_CALL, state=StepState.DONE, due=None, results=results)
    assert calls_tried(case(Level.RED, steps=[robot])) == CallsTried(3, (Result.NO_ANSWER, Result.REFUSED), 0)
    call = DeskCall(result=CallResult.BUSY, at=NOON, by="op1")
    assert calls_tried(case(Level.RED, steps=[], desk_call=call)) == CallsTried(0, (), 1)


def test_a_resident_who_was_dissuaded_in_a_call_was_called() -> None:
    assert calls_made(case(Level.RED, steps=[], ground=OutcomeGround.CALL)) == 1
    assert calls_made(case(Level.RED, steps=[], ground=OutcomeGround.VISIT)) == 0
