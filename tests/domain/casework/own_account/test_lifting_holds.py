"""A hold on the resident's own account never waits for its end because nobody can lift it any more."""

from datetime import timedelta

import pytest

from domain.casework.orders.objections import may_not_object
from schemas.casework.acts import LowerAct
from schemas.casework.cases import StepState
from schemas.casework.inputs import OwnHoldAnswer
from schemas.casework.own_account import OwnHoldAnswerState, OwnHoldState
from schemas.codes.own_account import NoOwnHold
from schemas.levels import Action, Level, Result
from tests.domain.builders import RESIDENT, Line
from tests.domain.casework.own_account.holdworld import answer, asked, held, hold, lift, ordered

IN_FORCE, REFUSED, LIFTED = OwnHoldAnswerState.IN_FORCE, OwnHoldAnswerState.REFUSED, OwnHoldAnswerState.LIFTED


def lowered() -> Line:
    """A hold whose request is out when its ground goes."""
    line = ordered()
    line.act(LowerAct(level=Level.ORANGE, reason="核实后降级"))
    return line


def test_a_bank_that_does_not_answer_is_asked_to_lift_it_until_it_does() -> None:
    line = held()
    lift(line)
    line.pass_to(timedelta(hours=2))
    first = len(asked(line, Action.LIFT_HOLD))
    line.pass_to(timedelta(days=1))
    assert len(asked(line, Action.LIFT_HOLD)) > first > 3
    assert line.step("lift.1").state in (StepState.PENDING, StepState.SENT)
    answer(line, LIFTED)
    assert hold(line).state is OwnHoldState.LIFTED


def test_a_lift_is_asked_for_at_most_every_six_hours_and_not_after_the_holds_end() -> None:
    line = held()
    lift(line)
    line.pass_to(timedelta(days=40))
    assert hold(line).state is OwnHoldState.ENDED
    assert 100 < len(asked(line, Action.LIFT_HOLD)) < 140
    assert line.step("lift.1").state is StepState.DONE


def test_a_hold_that_the_bank_refused_to_lift_can_be_lifted_and_objected_to_again() -> None:
    line = held()
    lift(line)
    assert may_not_object(line.here, hold(line)) is not None, "the bank is being asked"
    answer(line, REFUSED)
    assert hold(line).state is OwnHoldState.LIFTING
    assert may_not_object(line.here, hold(line)) is None
    lift(line)
    assert len(asked(line, Action.LIFT_HOLD)) == 2
    lift(line)
    assert len(asked(line, Action.LIFT_HOLD)) == 2, "once at a time"


def test_a_request_that_no_bank_got_leaves_nothing_to_lift() -> None:
    line = lowered()
    assert hold(line).state is OwnHoldState.LIFTING
    line.result(Result.NOT_SENT, Action.HOLD_OUTGOING)
    assert (hold(line).state, line.step("lift.1").state) == (OwnHoldState.WITHDRAWN, StepState.WITHDRAWN)


def test_a_request_that_a_bank_may_have_is_still_lifted() -> None:
    line = lowered()
    line.result(Result.SENT, Action.HOLD_OUTGOING)
    assert hold(line).state is OwnHoldState.LIFTING


@pytest.mark.parametrize("state", list(OwnHoldAnswerState))
def test_a_bank_that_answers_a_request_that_was_not_sent_yet_is_not_believed(state: OwnHoldAnswerState) -> None:
    line = ordered()
    sent = line.last(Action.HOLD_OUTGOING)
    line.result(Result.FAILED, Action.HOLD_OUTGOING)
    assert (line.step("own.1").state, line.step("own.1").attempt) == (StepState.PENDING, 2)
    before = line.here.own_holds
    told = OwnHoldAnswer(
        id="early",
        at=line.now,
        resident=RESIDENT,
        case=line.here.id,
        dispatch=sent.id.replace(":1:", ":2:"),
        step=sent.step,
        state=state,
    )
    assert line.give(told).facts[0].what == NoOwnHold()
    assert line.here.own_holds == before


def test_a_bank_that_refuses_the_hold_while_it_is_lifted_has_none() -> None:
    line = lowered()
    answer(line, REFUSED, step="own.1")
    assert (hold(line).state, line.step("lift.1").state) == (OwnHoldState.REFUSED, StepState.DONE)


def test_a_bank_that_confirms_a_hold_that_is_over_is_asked_to_lift_it() -> None:
    refused = ordered()
    answer(refused, REFUSED)
    lifted = held()
    lift(lifted)
    answer(lifted, LIFTED)
    for line in (refused, lifted):
        before = len(asked(line, Action.LIFT_HOLD))
        answer(line, IN_FORCE, step="own.1")
        assert hold(line).state is OwnHoldState.LIFTING
        assert len(asked(line, Action.LIFT_HOLD)) == before + 1
        answer(line, LIFTED)
        assert hold(line).state is OwnHoldState.LIFTED
