"""Delivery receipts in the spellings that carriers use."""

import pytest

from domain.carriers.delivery_receipts import DeliveryReceipt, IdNotation, answer_key, query_result, read_receipt
from schemas.channels.receipts import SmsState

SAME = IdNotation.SAME
STANDARD = b"id:%s sub:001 dlvrd:001 submit date:2603010312 done date:2603010312 stat:%s err:000 text:x"


def read(
    text: bytes, parameters: dict[int, bytes] | None = None, notation: IdNotation = SAME
) -> DeliveryReceipt | None:
    return read_receipt(text, parameters or {}, notation)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (b"DELIVRD", SmsState.DELIVERED),
        (b"delivered", SmsState.DELIVERED),
        (b"UNDELIV", SmsState.UNDELIVERED),
        (b"EXPIRED", SmsState.UNDELIVERED),
        (b"DELETED", SmsState.UNDELIVERED),
        (b"REJECTD", SmsState.UNDELIVERED),
        (b"FAILED", SmsState.UNDELIVERED),
        (b"MK:0001", SmsState.UNDELIVERED),
        (b"DB:0141", SmsState.UNDELIVERED),
        (b"ACCEPTD", None),
        (b"ENROUTE", None),
        (b"UNKNOWN", None),
        (b"SOMETHING", None),
    ],
)
def test_each_usual_state_is_understood_and_a_strange_one_is_not_final(word: bytes, state: SmsState | None) -> None:
    found = read(STANDARD % (b"abc1", word))
    assert found is not None
    assert (found.message, found.state, found.word) == ("ABC1", state, word.decode().upper())


@pytest.mark.parametrize(
    "text",
    [
        b"ID:77 Stat:DELIVRD",
        b"id=77&stat=DELIVRD",
        b'id: "77", status: "DELIVRD"',
        "id:77 stat:DELIVRD".encode("utf-16-be"),
        b"sub:001 dlvrd:001 stat:DELIVRD err:000 id:77",
    ],
)
def test_spellings_of_the_text_differ(text: bytes) -> None:
    assert read(text) == DeliveryReceipt("77", SmsState.DELIVERED, "DELIVRD")


def test_the_parameters_count_before_a_text_that_is_cut_off() -> None:
    found = read(b"id:7", {0x001E: b"77\0", 0x0427: b"\x05"})
    assert found == DeliveryReceipt("77", SmsState.UNDELIVERED, "STATE5")


def test_the_text_may_be_in_the_payload() -> None:
    assert read(b"", {0x0424: b"id:77 stat:DELIVRD"}) == DeliveryReceipt("77", SmsState.DELIVERED, "DELIVRD")


def test_without_an_id_or_a_state_it_is_no_receipt() -> None:
    assert read(b"hello") is None
    assert read(b"id:77") is None
    assert read(b"stat:DELIVRD") is None
    assert read(b"id:" + b"9" * 100 + b" stat:DELIVRD", {0x001E: b"9" * 100}) is None


@pytest.mark.parametrize(
    ("answer", "receipt", "notation"),
    [
        ("00ff", b"255", IdNotation.DECIMAL_OF_HEX),
        ("255", b"00FF", IdNotation.HEX_OF_DECIMAL),
        ("a1b2", b"A1B2", IdNotation.SAME),
    ],
)
def test_an_id_may_be_written_otherwise_in_the_receipt(answer: str, receipt: bytes, notation: IdNotation) -> None:
    found = read(STANDARD % (receipt, b"DELIVRD"), notation=notation)
    assert found is not None
    assert found.message == answer_key(answer, notation)


def test_an_answer_to_a_question_is_final_or_not() -> None:
    assert query_result(2) is SmsState.DELIVERED
    assert query_result(5) is SmsState.UNDELIVERED
    assert query_result(1) is None
