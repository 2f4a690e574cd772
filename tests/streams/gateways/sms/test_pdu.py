"""SMPP as bytes: what is written, and what a hostile carrier may send."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateways.sms.pdu import (
    Command,
    Pdu,
    PduError,
    ShortMessage,
    delivered,
    message_id,
    message_state,
    query,
    read_pdu,
    submit,
)


def reader(data: bytes) -> asyncio.StreamReader:
    made = asyncio.StreamReader()
    made.feed_data(data)
    made.feed_eof()
    return made


async def test_a_unit_is_read_as_it_was_written() -> None:
    pdu = Pdu(Command.SUBMIT_SM, 7, 0, b"body")
    assert await read_pdu(reader(pdu.encoded())) == pdu
    assert pdu.answer(0x58).encoded().hex() == "00000010800000040000005800000007"


@pytest.mark.parametrize("length", [0, 15, 70_001, 0xFFFF_FFFF])
async def test_an_impossible_length_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(PduError, match="octets"):
        await read_pdu(reader(length.to_bytes(4, "big") + bytes(12)))


def test_a_message_is_written_with_its_sender_and_a_request_for_a_receipt() -> None:
    body = submit(ShortMessage("10690000", "+8610000", b"\x52\x9d", 8, joined=False))
    assert body == b"\0\x03\x0010690000\0\x01\x018610000\0\0\0\0\0\0\x01\x00\x08\x00\x02\x52\x9d"


@pytest.mark.parametrize(
    ("sender", "written"),
    [("Police", b"\x05\0Police\0"), ("+8696110", b"\x01\x018696110\0"), ("106900001234", b"\0\x01106900001234\0")],
)
def test_a_sender_is_a_name_an_international_number_or_a_services(sender: str, written: bytes) -> None:
    assert submit(ShortMessage(sender, "+8610000", b"", 8, joined=False))[1:].startswith(written)


def test_flash_is_told_by_the_coding_or_by_a_parameter_and_a_header_by_the_class() -> None:
    by_coding = submit(ShortMessage("1", "+8610000", b"x", 8, joined=True, flash="data-coding"))
    assert (by_coding[-4], by_coding[-11]) == (0x18, 0x40)
    assert submit(ShortMessage("1", "+8610000", b"x", 8, joined=False, flash="subunit")).endswith(
        b"\x08\0\x01x\x02\x03\0\x01\x01"
    )


def test_a_receipt_is_read_with_its_parameters() -> None:
    body = b"\0\x01\x0186100\0\0\x00106\0\x04\0\0\0\0\0\0\0\0\x05id:77\x04\x27\0\x01\x02\0\x1e\0\x0277"
    found = delivered(body)
    assert (found.kind, found.text, found.parameters) == (0x04, b"id:77", {0x0427: b"\x02", 0x1E: b"77"})


def test_an_id_that_is_not_ascii_is_asked_about_as_the_carrier_wrote_it() -> None:
    assert query(message_id(b"\xe9A1\0"), "10690000") == b"\xe9A1\0\x03\x0010690000\0"


def test_the_answer_to_a_question_has_the_state_after_the_date() -> None:
    assert message_state(b"77\x00260301031200000+\0\x02\0") == 2
    with pytest.raises(PduError):
        message_state(b"77\0date")
    with pytest.raises(PduError):
        message_id(b"7" * 100)


@given(st.binary(max_size=80))
def test_no_delivery_however_broken_raises_another_error(body: bytes) -> None:
    try:
        delivered(body)
    except PduError:
        return
