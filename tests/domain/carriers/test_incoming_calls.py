"""Who may wait, who is rung, and whom the centre owes a call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.incoming_calls import (
    CallAdmission,
    FreeOperator,
    IncomingCaller,
    QueueLimits,
    RingResult,
    admission,
    caller_of,
    is_away,
    next_operator,
    owes_call_back,
    ring_result,
)
from schemas.channels.incoming_calls import IncomingCallResult
from schemas.channels.operator_calls import CallEnder, OperatorCallResult

LIMITS = QueueLimits(waiting=2, concurrent=4, per_caller=2, withheld=1)
A, B = "+8619900001201", "+8619900001202"
OF_A, OF_B, WITHHELD = IncomingCaller(A), IncomingCaller(B), IncomingCaller("")


@pytest.mark.parametrize(
    ("asserted", "sender", "number"),
    [
        ([], "sip:19900001234@x;user=phone", "+8619900001234"),
        ([], "sip:+8619900001234@x", "+8619900001234"),
        (['"a" <sip:anonymous@x>, <tel:+8619900001234>'], "sip:anonymous@anonymous.invalid", "+8619900001234"),
        (["<sip:+8619900001234@x>"], "sip:19900009999@x", "+8619900001234"),
        (["<sip:anonymous@x>"], "sip:19900009999@x", ""),
        ([], "sip:anonymous@anonymous.invalid", ""),
        ([], "sip:110@x", ""),
        ([], "", ""),
        (['"tel:+8619900005555 x" <sip:+8619900001234@x>'], "", "+8619900001234"),  # a name is no address
        (['"a\\" <tel:+8619900005555>, \\"" <sip:+8619900001234@x>'], "", "+8619900001234"),
        (["tel:+8619900005555 <sip:+8619900001234@x>"], "", "+8619900001234"),
        (["<sip:anonymous@anonymous.invalid;u=tel:+8619900005555>"], "sip:19900001234@x", ""),
        (["<sip:anonymous@anonymous.invalid>;u=tel:+8619900005555"], "", ""),
        (["<sip:+8619900001234;phone-context=x@y>"], "", "+8619900001234"),
        (["tel:+8619900001234;cpc=ordinary"], "", "+8619900001234"),
        (["<sip:a@b>", "<tel:+8619900001234>"], "", "+8619900001234"),
        (['"a <tel:+8619900005555>'], "", ""),  # cannot be read
        (["<sip:+8619900001234@x> <tel:+8619900005555>"], "", ""),
        ([], "sip:anonymous@x;u=tel:+8619900005555", ""),
        ([], "sip:+49123456789012@x", "+49123456789012"),
        ([], "sip:+4912345678901234@x", ""),  # 16 digits: no report may have it
    ],
)
def test_the_number_of_a_caller_is_the_one_that_the_network_vouches_for(
    asserted: list[str], sender: str, number: str
) -> None:
    assert caller_of(asserted, sender) == IncomingCaller(number, vouched=bool(number and asserted))


def test_a_trunk_that_verifies_the_sender_vouches_for_it() -> None:
    assert caller_of([], "sip:19900001201@x", sender_is_vouched=True) == IncomingCaller(A, vouched=True)
    assert caller_of([], "sip:anonymous@x", sender_is_vouched=True) == WITHHELD
    assert caller_of(["<sip:anonymous@x>"], "sip:19900001201@x", sender_is_vouched=True) == WITHHELD


@given(st.text(max_size=200), st.lists(st.text(max_size=100), max_size=3))
def test_a_number_is_always_one_that_can_be_called_or_none(sender: str, asserted: list[str]) -> None:
    number = caller_of(asserted, sender).number
    assert number == "" or (number.startswith("+") and number[1:].isdigit())


def test_a_caller_waits_while_there_is_room_and_hears_a_sentence_after_that() -> None:
    assert admission(OF_A, [], 0, LIMITS) is CallAdmission.QUEUED
    assert admission(OF_A, [B], 1, LIMITS) is CallAdmission.QUEUED
    assert admission(OF_A, [B, B], 2, LIMITS) is CallAdmission.SPOKEN_TO
    assert admission(OF_A, ["", B, B, "+1"], 2, LIMITS) is CallAdmission.FULL


def test_one_caller_cannot_take_all_lines_nor_can_those_without_a_number() -> None:
    assert admission(OF_A, [A, A], 0, LIMITS) is CallAdmission.TOO_MANY
    assert admission(OF_B, [A, A], 0, LIMITS) is CallAdmission.QUEUED
    assert admission(WITHHELD, [""], 0, LIMITS) is CallAdmission.TOO_MANY
    assert admission(WITHHELD, [A], 0, LIMITS) is CallAdmission.QUEUED


def test_a_flood_of_invented_numbers_does_not_stop_callers_for_whom_the_network_vouches() -> None:
    assert admission(OF_A, [], 0, LIMITS, too_fast=True) is CallAdmission.TOO_FAST
    assert admission(WITHHELD, [], 0, LIMITS, too_fast=True) is CallAdmission.TOO_FAST
    assert admission(IncomingCaller(A, vouched=True), [], 0, LIMITS, too_fast=True) is CallAdmission.QUEUED


def test_the_operator_who_was_idle_for_longest_is_rung() -> None:
    assert next_operator([]) is None
    assert next_operator([FreeOperator("li", 5.0), FreeOperator("wang", 3.0)]) == "wang"
    assert next_operator([FreeOperator("wang", 3.0), FreeOperator("li", 3.0)]) == "li"


def test_an_operator_is_away_after_three_calls_in_vain() -> None:
    assert [is_away(count) for count in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(
    ("result", "rang", "found"),
    [
        (OperatorCallResult.NO_ANSWER, True, RingResult.MISSED),
        (OperatorCallResult.REFUSED, True, RingResult.MISSED),
        (OperatorCallResult.NO_ANSWER, False, RingResult.FAULT),  # a silent exchange, or no telephone registered
        (OperatorCallResult.REFUSED, False, RingResult.FAULT),
        (OperatorCallResult.BUSY, False, RingResult.BUSY),
        (OperatorCallResult.BUSY, True, RingResult.BUSY),
        (OperatorCallResult.WRONG_NUMBER, True, RingResult.FAULT),
        (OperatorCallResult.FAILED, True, RingResult.FAULT),
    ],
)
def test_only_a_telephone_that_rang_says_that_its_operator_is_away(
    result: OperatorCallResult, rang: bool, found: RingResult
) -> None:
    assert ring_result(result, rang=rang) is found


@pytest.mark.parametrize("result", IncomingCallResult)
def test_whoever_did_not_talk_is_called_back_if_the_number_is_known(result: IncomingCallResult) -> None:
    assert owes_call_back(result, OF_A, was_taken=True) is (result is not IncomingCallResult.ANSWERED)
    assert not owes_call_back(result, WITHHELD, was_taken=True)


def test_a_talk_that_the_gateway_has_cut_off_is_called_back() -> None:
    ends = {
        by: owes_call_back(IncomingCallResult.ANSWERED, OF_A, was_taken=True, ended_by=by) for by in (None, *CallEnder)
    }
    assert [by for by, owed in ends.items() if owed] == [CallEnder.GATEWAY]


@pytest.mark.parametrize("result", [IncomingCallResult.ABANDONED, IncomingCallResult.NO_SOUND])
def test_a_call_that_ended_before_it_was_taken_counts_only_if_the_network_vouches_for_its_number(
    result: IncomingCallResult,
) -> None:
    assert not owes_call_back(result, OF_A, was_taken=False)
    assert owes_call_back(result, IncomingCaller(A, vouched=True), was_taken=False)
