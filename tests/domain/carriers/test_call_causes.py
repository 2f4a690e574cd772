"""Cause codes have the meaning that their standards give them, and unknown ones have none."""

import pytest

from domain.carriers.call_causes import end_by_asterisk, end_by_freeswitch, end_by_q850, end_by_sip
from domain.carriers.voice import without_answer
from schemas.channels.receipts import CallState
from schemas.risk.signals import CallEnd

CAUSES = [cause for cause in range(128) if end_by_q850(cause) is not None]


@pytest.mark.parametrize(
    ("cause", "ended"),
    [(1, "wrong_number"), (16, "cancelled"), (17, "busy"), (19, "no_answer"), (20, "out_of_area"), (21, "refused")],
)
def test_a_cause_of_q850_says_why_nobody_answered(cause: int, ended: str) -> None:
    assert end_by_q850(cause) == ended


@pytest.mark.parametrize("cause", [0, 10, 15, 32, 126, 128, -1])
def test_a_number_that_q850_does_not_define_has_no_meaning(cause: int) -> None:
    assert end_by_q850(cause) is None


def test_every_cause_that_the_automated_calls_know_means_the_same_here() -> None:
    other = {CallState.FAILED: CallEnd.FAILED, CallState.NO_ANSWER: CallEnd.NO_ANSWER}
    for cause in CAUSES:
        said = without_answer(503, cause).state
        assert end_by_q850(cause) == other.get(said, said.value) or cause == 16, cause


@pytest.mark.parametrize(
    ("status", "ended"),
    [(404, "wrong_number"), (480, "no_answer"), (486, "busy"), (487, "cancelled"), (603, "refused"), (503, "failed")],
)
def test_a_final_sip_status_says_why_nobody_answered(status: int, ended: str) -> None:
    assert end_by_sip(status) == ended


@pytest.mark.parametrize("status", [0, 100, 180, 200, 299, 700, 4040])
def test_a_sip_status_that_refuses_no_call_has_no_meaning(status: int) -> None:
    assert end_by_sip(status) is None


@pytest.mark.parametrize(
    ("disposition", "ended"),
    [
        ("ANSWERED", "answered"),
        ("NO ANSWER", "no_answer"),
        ("BUSY", "busy"),
        ("CONGESTION", "failed"),
        ("busy", "busy"),
    ],
)
def test_asterisks_disposition_says_how_a_call_ended(disposition: str, ended: str) -> None:
    assert end_by_asterisk(disposition) == ended


@pytest.mark.parametrize("disposition", ["UNKNOWN", "", "NOANSWER", "ANSWERED "])
def test_asterisks_other_words_have_no_meaning(disposition: str) -> None:
    assert end_by_asterisk(disposition) is None


@pytest.mark.parametrize(
    ("cause", "ended"),
    [
        ("UNALLOCATED_NUMBER", "wrong_number"),
        ("NORMAL_CLEARING", "cancelled"),
        ("ORIGINATOR_CANCEL", "cancelled"),
        ("NO_USER_RESPONSE", "no_answer"),
        ("USER_NOT_REGISTERED", "out_of_area"),
        ("CALL_REJECTED", "refused"),
        ("GATEWAY_DOWN", "failed"),
    ],
)
def test_freeswitchs_hangup_cause_says_why_nobody_answered(cause: str, ended: str) -> None:
    assert end_by_freeswitch(cause) == ended


@pytest.mark.parametrize("cause", ["", "NONE", "user_busy", "SOMETHING_NEW"])
def test_freeswitchs_other_names_have_no_meaning(cause: str) -> None:
    assert end_by_freeswitch(cause) is None


def test_a_telephone_that_rang_was_reached_and_one_that_could_not_ring_was_not() -> None:
    assert {end for end in CallEnd if not end.reached} == {"busy", "wrong_number", "out_of_area", "failed"}
