"""What an operator's call means for the case."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.carriers.operator_calls import (
    ended_third,
    notes_of,
    result_of_status,
    third_parties_of,
    third_party_state,
)
from domain.casework.grounds import CALLS, ENDED
from schemas.casework.third_parties import ThirdPartyAct, ThirdPartyCallState, ThirdPartyInCall, ThirdPartyKind
from schemas.channels.operator_calls import OperatorCallReport, OperatorCallResult, OperatorCallState


def report(state: str, **more: object) -> OperatorCallReport:
    told = {"call": "c", "case": "r-1", "operator": "wang", "sequence": 1, "state": state, **more}
    return OperatorCallReport.model_validate(told)


def test_a_talk_that_goes_on_is_a_conversation() -> None:
    assert notes_of(report("connected", answered=True)) == ("conversation",)


def test_the_last_report_of_a_talk_says_all_even_if_the_others_were_lost() -> None:
    assert notes_of(report("ended", answered=True, result="answered")) == ("conversation", "conversation_ended")
    assert notes_of(report("ended", answered=True, result="in_doubt")) == ("conversation", "conversation_ended")


@pytest.mark.parametrize(
    ("result", "note"),
    [("busy", "busy"), ("no_answer", "no_answer"), ("wrong_number", "no_answer"), ("out_of_area", "no_answer")],
)
def test_a_resident_who_was_not_reached_is_noted(result: str, note: str) -> None:
    assert notes_of(report("ended", result=result)) == (note,)


@pytest.mark.parametrize("result", ["operator_no_answer", "cancelled", "failed", "in_doubt"])
def test_a_call_that_says_nothing_about_the_resident_is_not_noted(result: str) -> None:
    assert notes_of(report("ended", result=result)) == ()


@pytest.mark.parametrize("state", ["operator_ringing", "ringing"])
def test_nothing_is_noted_while_it_rings(state: str) -> None:
    assert notes_of(report(state)) == ()


@given(st.sampled_from(OperatorCallResult), st.booleans())
def test_every_note_is_one_that_a_case_knows_as_a_call(result: OperatorCallResult, answered: bool) -> None:
    answered = answered or result is OperatorCallResult.ANSWERED
    assert set(notes_of(report("ended", answered=answered, result=result))) <= {*CALLS, ENDED}


@given(st.integers(0, 699), st.none() | st.integers(0, 127), st.booleans())
def test_no_status_is_a_talk(status: int, cause: int | None, gave_up: bool) -> None:
    assert result_of_status(status, cause, gave_up=gave_up) is not OperatorCallResult.ANSWERED


def test_a_phone_that_rang_too_long_was_not_answered() -> None:
    assert result_of_status(487, None, gave_up=True) is OperatorCallResult.NO_ANSWER
    assert result_of_status(0, None, gave_up=True) is OperatorCallResult.FAILED  # the trunk sent nothing
    assert result_of_status(486, None, gave_up=False) is OperatorCallResult.BUSY


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": OperatorCallState.ENDED},
        {"state": "ringing", "result": "busy"},
        {"state": "connected"},
        {"state": "ended", "result": "answered"},
        {"state": "ringing", "sequence": 0},
    ],
)
def test_a_report_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        report(**wrong)


def third(state: str, number: int = 1) -> ThirdPartyInCall:
    return ThirdPartyInCall.model_validate({"number": number, "kind": "bank", "party": "icbc", "state": state})


def talk(*thirds: ThirdPartyInCall) -> OperatorCallReport:
    return report("connected", answered=True, thirds=[each.model_dump() for each in thirds])


def test_a_third_party_who_has_left_had_joined_even_if_that_report_was_lost() -> None:
    found = third_parties_of(talk(third("left"), third("busy", 2), third("ringing", 3)))
    assert [(each.number, each.state.value) for each in found] == [(1, "joined"), (1, "left"), (2, "busy")]
    assert all(isinstance(each, ThirdPartyAct) and each.kind is ThirdPartyKind.BANK for each in found)
    assert third_parties_of(report("ringing")) == []


def test_nobody_stays_in_a_call_that_has_ended() -> None:
    with pytest.raises(ValidationError, match="nobody stays"):
        report("ended", answered=True, result="answered", thirds=[third("joined").model_dump()])
    with pytest.raises(ValidationError, match="only a talk"):
        report("ringing", thirds=[third("busy").model_dump()])
    with pytest.raises(ValidationError, match="not reported to the case"):
        ThirdPartyAct(**third("ringing").model_dump())


@given(st.sampled_from(ThirdPartyCallState))
def test_the_end_of_the_call_changes_only_who_was_in_it(state: ThirdPartyCallState) -> None:
    after = ended_third(third(state)).state
    changed = {ThirdPartyCallState.JOINED: ThirdPartyCallState.LEFT, ThirdPartyCallState.RINGING: "cancelled"}
    assert after == changed.get(state, state)


@given(st.sampled_from(OperatorCallResult))
def test_a_leg_that_was_not_answered_never_took_part(result: OperatorCallResult) -> None:
    took_part = (ThirdPartyCallState.JOINED, ThirdPartyCallState.LEFT)
    assert not third_party_state(result).goes_on
    assert third_party_state(result) not in took_part
