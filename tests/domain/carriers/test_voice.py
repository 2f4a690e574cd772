"""The result of an automated call, the guess about mailboxes, and the choice of recordings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.voice import (
    Heard,
    after_answer,
    after_hangup,
    offered_keys,
    q850_cause,
    ring_timeout,
    without_answer,
)
from domain.carriers.voice_mailbox import Answerer, HeardTalk, MailboxRules, SoundFrame, who_answered, who_talked
from domain.carriers.voice_phrases import recordings_of, spelled
from schemas.channels.receipts import CallState

LOUD, QUIET, BEEP = SoundFrame(2000.0), SoundFrame(5.0), SoundFrame(3000.0, tone=True)
RULES = MailboxRules()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (486, CallState.BUSY),
        (600, CallState.BUSY),
        (480, CallState.NO_ANSWER),
        (408, CallState.NO_ANSWER),
        (603, CallState.REFUSED),
        (404, CallState.WRONG_NUMBER),
        (604, CallState.WRONG_NUMBER),
        (403, CallState.FAILED),
        (503, CallState.FAILED),
    ],
)
def test_a_final_status_is_a_result_of_the_plan(status: int, state: CallState) -> None:
    assert without_answer(status).state is state


def test_the_cause_says_that_a_phone_is_out_of_area_where_the_status_says_no_answer() -> None:
    assert without_answer(480, q850_cause('Q.850;cause=20;text="absent"')).state is CallState.OUT_OF_AREA
    assert without_answer(503, q850_cause("q.850 ; cause=17")).state is CallState.BUSY
    assert q850_cause("SIP;cause=200") is None


def test_a_cause_without_a_meaning_for_the_person_leaves_the_status() -> None:
    assert without_answer(486, 16).state is CallState.BUSY


@given(st.integers(100, 699), st.none() | st.integers(0, 127))
def test_every_ending_without_an_answer_is_a_result_other_than_answered(status: int, cause: int | None) -> None:
    ending = without_answer(status, cause)
    assert ending.state not in (CallState.ANSWERED, CallState.VOICEMAIL)
    assert ending.key is None


def test_a_key_counts_even_if_a_machine_seemed_to_answer() -> None:
    ending = after_answer(Heard("2", mailbox=True, seconds=8, played=0, hung_up=False))
    assert (ending.state, ending.key) == (CallState.ANSWERED, "2")


def test_a_mailbox_that_presses_no_key_is_voicemail() -> None:
    assert after_answer(Heard(None, mailbox=True, seconds=30, played=1, hung_up=True)).state is CallState.VOICEMAIL


def test_a_call_that_was_cut_off_says_after_how_many_seconds() -> None:
    ending = after_answer(Heard(None, mailbox=False, seconds=12.4, played=0, hung_up=True))
    assert ending.detail == "cut off after 12 s, message played 0 times"
    assert ring_timeout(45).detail == "rang for 45 s"


def test_only_the_keys_that_messages_name_are_offered() -> None:
    assert offered_keys("raaaaaaaaaaaaaaaa-1:red.call:1:phone") == {"1", "2", "9"}
    assert offered_keys("d1") == {"1", "2", "9"}


def test_the_question_a_week_later_offers_a_third_answer() -> None:
    assert offered_keys("raaaaaaaaaaaaaaaa-1:week.week_call:1:phone") == {"1", "2", "3", "9"}


def test_a_short_greeting_and_a_pause_are_a_person() -> None:
    assert who_answered([LOUD] * 30 + [QUIET] * 41, RULES) is Answerer.PERSON
    assert who_answered([LOUD] * 30 + [QUIET] * 30, RULES) is Answerer.UNDECIDED


def test_silence_at_first_is_taken_for_a_person_who_waits() -> None:
    assert who_answered([QUIET] * 101, RULES) is Answerer.PERSON


def test_somebody_who_speaks_on_is_a_mailbox() -> None:
    assert who_answered(([LOUD] * 20 + [QUIET] * 10) * 8, RULES) is Answerer.MAILBOX


def test_a_beep_is_a_mailbox_and_a_shorter_tone_is_not() -> None:
    assert who_answered([QUIET] * 20 + [BEEP] * 11, RULES) is Answerer.MAILBOX
    assert who_answered([QUIET] * 20 + [BEEP] * 5, RULES) is Answerer.UNDECIDED


PHRASES = {"尾号": "tail.wav", "的机主": "owner.wav", "请拨打96110": "call.wav"} | {
    digit: f"{digit}.wav" for digit in "0123456789"
}


def test_a_message_is_said_by_phrases_and_digits_in_its_order() -> None:
    found = recordings_of("尾号1203的机主，请拨打96110。", PHRASES)
    assert found == ("tail.wav", "1.wav", "2.wav", "0.wav", "3.wav", "owner.wav", "call.wav")


def test_a_message_with_one_word_that_is_not_recorded_is_not_said_by_recordings() -> None:
    assert recordings_of("尾号1203的机主，请立即拨打96110。", PHRASES) is None
    assert recordings_of("", PHRASES) is None


def test_a_shorter_phrase_does_not_hide_a_choice_that_says_all() -> None:
    assert recordings_of("abcd", {"abc": "1", "ab": "2", "cd": "3"}) == ("2", "3")


@given(st.lists(st.sampled_from(sorted(PHRASES)), min_size=1, max_size=12))
def test_what_is_joined_from_phrases_is_always_found_with_no_more_files(parts: list[str]) -> None:
    found = recordings_of("，".join(parts), PHRASES)
    assert found is not None
    assert len(found) <= len(parts)


def test_a_synthesiser_gets_codes_digit_by_digit() -> None:
    assert spelled("核验码507890，请按1") == "核验码5 0 7 8 9 0，请按1"


@pytest.mark.parametrize(
    ("cause", "status", "state"),
    [
        (17, None, CallState.BUSY),
        (19, None, CallState.NO_ANSWER),
        (21, None, CallState.REFUSED),
        (1, None, CallState.WRONG_NUMBER),
        (20, None, CallState.OUT_OF_AREA),
        (16, None, CallState.FAILED),
        (0, None, CallState.FAILED),
        (21, 603, CallState.REFUSED),
        (127, 607, CallState.REFUSED),  # a cause without a meaning leaves the status
        (20, 480, CallState.OUT_OF_AREA),  # the network's own cause, in a Reason header
        (17, 200, CallState.BUSY),  # no status of a failure
    ],
)
def test_an_exchange_reports_the_ending_by_its_cause(cause: int, status: int | None, state: CallState) -> None:
    assert after_hangup(cause, status).state is state


@pytest.mark.parametrize(("cause", "status"), [(21, 401), (21, 403), (21, 407), (19, 483), (27, 502)])
def test_a_cause_that_the_exchange_derived_from_a_fault_of_the_trunk_says_nothing_about_the_person(
    cause: int, status: int
) -> None:
    assert after_hangup(cause, status).state is CallState.FAILED


@pytest.mark.parametrize("status", [None, 408])
def test_a_trunk_that_sends_nothing_is_a_failure_and_a_telephone_that_rang_has_no_answer(status: int | None) -> None:
    assert after_hangup(18, status, rang=False).state is CallState.FAILED
    assert after_hangup(18, status, rang=True).state is CallState.NO_ANSWER
    assert after_hangup(18, 480, rang=False).state is CallState.NO_ANSWER  # the network's own answer
    assert ring_timeout(20, rang=False).detail == "no answer in 20 s"


@given(st.integers(0, 1000), st.none() | st.integers(0, 1000))
def test_every_hangup_before_the_answer_is_a_result_other_than_answered(cause: int, status: int | None) -> None:
    assert after_hangup(cause, status).state not in (CallState.ANSWERED, CallState.VOICEMAIL)


def test_talk_without_a_pause_is_a_mailbox_only_when_a_greeting_would_have_been_over() -> None:
    talk = HeardTalk(began=0.5)
    assert who_talked(talk, 3.5, RULES) is Answerer.UNDECIDED  # 0.5 s, 2.2 s of greeting, 0.8 s of pause
    assert who_talked(talk, 3.6, RULES) is Answerer.MAILBOX


def test_a_pause_after_a_short_greeting_or_silence_at_first_is_a_person() -> None:
    assert who_talked(HeardTalk(0.5, 2.1), 2.1, RULES) is Answerer.PERSON
    assert who_talked(HeardTalk(), 1.9, RULES) is Answerer.UNDECIDED
    assert who_talked(HeardTalk(), 2.0, RULES) is Answerer.PERSON


def test_a_pause_that_comes_late_does_not_make_a_long_greeting_a_persons() -> None:
    assert who_talked(HeardTalk(0.5, 6.0), 6.0, RULES) is Answerer.MAILBOX


@given(st.floats(0, 2), st.none() | st.floats(0, 20))
def test_who_talked_is_decided_within_five_seconds(began: float, paused: float | None) -> None:
    assert who_talked(HeardTalk(began, paused), 5.1, RULES) is not Answerer.UNDECIDED
