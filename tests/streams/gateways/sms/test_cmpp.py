"""CMPP as bytes: what is written, by the specification's tables, and what a hostile carrier may send."""

import asyncio
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.account import CarrierAccount
from domain.carriers.delivery_receipts import DeliveryReceipt
from domain.carriers.outcome import SubmitAnswer
from domain.carriers.replies import ReplyPart, TelephoneMessage
from schemas.channels.receipts import SmsState
from streams.gateways.sms.cmpp import CmppDialect
from streams.gateways.sms.cmpp_units import CmppCommand, CmppUnit, day_counts, read_unit, stamp
from streams.gateways.sms.dialect import BindError
from streams.gateways.sms.pdu import PduError, ShortMessage
from tests.streams.gateways.sms.wire import carrier_account

NOW = 1_772_334_752.0  # 2026-03-01 03:12:32 UTC
TERMS = {"service_id": "WARN", "msg_level": 3, "fee_code": "5"}


def account(protocol: str, **terms: object) -> CarrierAccount:
    made = carrier_account().model_dump(mode="json")
    return CarrierAccount.model_validate(made | {"protocol": protocol, "system_id": "901234", "cmpp": TERMS | terms})


def dialect(protocol: str, **terms: object) -> CmppDialect:
    return CmppDialect(account(protocol, **terms))


async def read(data: bytes) -> CmppUnit:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await read_unit(reader)


async def test_a_unit_is_read_as_it_was_written() -> None:
    unit = CmppUnit(CmppCommand.ACTIVE_TEST, 7, b"")
    assert unit.encoded().hex() == "0000000c0000000800000007"
    assert await read(unit.encoded()) == unit
    assert dialect("cmpp3").answer(unit).encoded().hex() == "0000000d800000080000000700"


@pytest.mark.parametrize("length", [0, 11, 4_097, 0xFFFF_FFFF])
async def test_an_impossible_length_of_a_unit_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(PduError, match="octets"):
        await read(length.to_bytes(4, "big") + bytes(8))


@pytest.mark.parametrize(("protocol", "version"), [("cmpp2", 0x20), ("cmpp3", 0x30)])
def test_the_login_proves_the_password_and_does_not_show_it(protocol: str, version: int) -> None:
    login = dialect(protocol).login("secret", NOW)
    proof = hashlib.md5(b"901234" + bytes(9) + b"secret" + b"0301111232", usedforsecurity=False).digest()
    assert stamp(NOW) == "0301111232"  # in China
    assert login.body == b"901234" + proof + bytes([version]) + (301111232).to_bytes(4)


@pytest.mark.parametrize("octets", [1, 4])
def test_the_carrier_proves_itself_with_its_status_in_one_octet_or_four(octets: int) -> None:
    login = dialect("cmpp3").login("secret", NOW)
    proof = hashlib.md5(bytes(octets) + login.body[6:22] + b"secret", usedforsecurity=False).digest()
    login.check(CmppUnit(0x8000_0001, 1, bytes(4) + proof + b"\x30"))


def test_a_carrier_that_does_not_know_the_password_is_refused_unless_the_account_allows_it() -> None:
    answer = CmppUnit(0x8000_0001, 1, bytes(4 + 16) + b"\x30")
    with pytest.raises(BindError, match="does not prove"):
        dialect("cmpp3").login("secret", NOW).check(answer)
    dialect("cmpp3", proves_itself=False).login("secret", NOW).check(answer)


@pytest.mark.parametrize("body", [b"\x03" + bytes(17), bytes([0, 0, 0, 3]) + bytes(17), b"", bytes(30)])
def test_a_refused_login_is_told_with_its_status_in_either_version(body: bytes) -> None:
    for protocol in ("cmpp2", "cmpp3"):
        with pytest.raises(BindError):
            dialect(protocol).login("secret", NOW).check(CmppUnit(0x8000_0001, 1, body))


def test_a_message_of_version_2_has_the_fields_of_its_table() -> None:
    body = dialect("cmpp2").submit(ShortMessage("10690000", "+86100000001", b"\x52\x9d", 8, joined=False))
    assert body == (
        bytes(8) + b"\x01\x01\x01\x03" + b"WARN".ljust(10, b"\0") + b"\x02" + bytes(21) + b"\0\0\x08" + b"901234"
        b"01000005" + bytes(34) + b"10690000".ljust(21, b"\0") + b"\x01" + b"100000001".ljust(21, b"\0")
        + b"\x02\x52\x9d" + bytes(8)
    )  # fmt: skip
    assert len(body) == 126 + 21 + 2


def test_a_message_of_version_3_has_longer_numbers_with_their_types() -> None:
    body = dialect("cmpp3", msg_src="777", national_numbers=False).submit(
        ShortMessage("10690000", "+86100000001", b"\5\0\3\1\2\1x", 15, joined=True, flash="")
    )
    assert body == (
        bytes(8) + b"\x01\x01\x01\x03" + b"WARN".ljust(10, b"\0") + b"\x02" + bytes(32) + b"\0\0\x01\x0f" + b"777\0\0\0"
        b"01000005" + bytes(34) + b"10690000".ljust(21, b"\0") + b"\x01" + b"86100000001".ljust(32, b"\0") + b"\0"
        + b"\x07\5\0\3\1\2\1x" + bytes(20)
    )  # fmt: skip


def test_a_flash_message_is_told_by_its_coding_and_a_text_of_gsm_is_refused() -> None:
    flash = ShortMessage("1", "+86100000001", b"", 8, joined=False, flash="data-coding")
    assert dialect("cmpp2").submit(flash)[8 + 4 + 10 + 1 + 21 + 2] == 0x18
    with pytest.raises(ValueError, match="GSM"):
        dialect("cmpp2").submit(ShortMessage("1", "+86100000001", b"x", 0, joined=False))
    with pytest.raises(ValueError, match="140 at most"):
        dialect("cmpp2").submit(ShortMessage("1", "+86100000001", b"x" * 141, 8, joined=False))


@pytest.mark.parametrize(
    ("result", "meaning"),
    [
        (0, SubmitAnswer.TAKEN),
        (8, SubmitAnswer.LATER),
        (3, SubmitAnswer.LATER),
        (10, SubmitAnswer.ELSEWHERE),
        (13, SubmitAnswer.REFUSED),
        (99, SubmitAnswer.REFUSED),
    ],
)
def test_the_answer_to_a_message_has_its_id_and_a_result(result: int, meaning: SubmitAnswer) -> None:
    for protocol, octets in (("cmpp2", 1), ("cmpp3", 4)):
        answer = CmppUnit(0x8000_0004, 1, bytes.fromhex("00112233445566ff") + result.to_bytes(octets))
        assert dialect(protocol).submitted(answer) is meaning
        assert dialect(protocol).carrier_id(answer) == "00112233445566FF"


def delivery(protocol: str, content: bytes, *, coding: int = 8, header: int = 0, report: int = 0) -> CmppUnit:
    """Return a CMPP_DELIVER from the telephone 100000001."""
    number, kind, tail = (21, b"", 8) if protocol == "cmpp2" else (32, b"\0", 20)
    head = bytes.fromhex("0102030405060708") + b"1069000012".ljust(21, b"\0") + b"WARN".ljust(10, b"\0")
    phone = b"100000001".ljust(number, b"\0") + kind
    body = head + bytes([0, header, coding]) + phone + bytes([report, len(content)]) + content + bytes(tail)
    return CmppUnit(CmppCommand.DELIVER, 9, body)


@pytest.mark.parametrize(
    ("stat", "state", "word"),
    [
        (b"DELIVRD", SmsState.DELIVERED, "DELIVRD"),
        (b"EXPIRED", SmsState.UNDELIVERED, "EXPIRED"),
        (b"DELETED", SmsState.UNDELIVERED, "DELETED"),
        (b"UNDELIV", SmsState.UNDELIVERED, "UNDELIV"),
        (b"REJECTD", SmsState.UNDELIVERED, "REJECTD"),
        (b"ACCEPTD", None, "ACCEPTD"),
        (b"UNKNOWN", None, "UNKNOWN"),
        (b"MA:0053", SmsState.UNDELIVERED, "MA:0053"),
        (b"MK:00AB", SmsState.UNDELIVERED, "MK:00AB"),
        (b"DB:9\0\0\0", SmsState.UNDELIVERED, "DB:9"),
        (b"\xff\x00\x0a    ", None, "EMPTY"),
    ],
)
def test_a_status_report_is_read_in_both_versions(stat: bytes, state: SmsState | None, word: str) -> None:
    for protocol, number in (("cmpp2", 21), ("cmpp3", 32)):
        content = bytes.fromhex("00112233445566ff") + stat + b"2603010312" * 2 + bytes(number + 4)
        found = dialect(protocol).delivery(delivery(protocol, content, report=1))
        assert found == DeliveryReceipt("00112233445566FF", state, word)


def test_a_report_that_is_cut_off_is_none() -> None:
    assert dialect("cmpp2").delivery(delivery("cmpp2", bytes(14), report=1)) is None


def test_a_reply_is_read_with_its_coding_and_its_part_of_a_long_one() -> None:
    for protocol in ("cmpp2", "cmpp3"):
        gbk = dialect(protocol).delivery(delivery(protocol, "退订".encode("gbk"), coding=15))
        assert gbk == TelephoneMessage("0102030405060708", "100000001", "1069000012", "退订")
        content = bytes([5, 0, 3, 7, 2, 1]) + "안녕".encode("utf-16-be")
        part = dialect(protocol).delivery(delivery(protocol, content, header=1))
        assert part == TelephoneMessage("0102030405060708", "100000001", "1069000012", "안녕", ReplyPart(7, 2, 1))


def test_a_delivery_is_answered_with_its_id_and_one_that_is_not_stored_as_too_much() -> None:
    asked = delivery("cmpp2", b"")
    assert dialect("cmpp2").answer(asked).encoded().hex() == "0000001580000005000000090102030405060708" + "00"
    assert dialect("cmpp3").answer(asked, stored=False).encoded().hex().endswith("0102030405060708" + "00000008")


def test_the_figures_of_a_day_are_asked_for_and_read() -> None:
    assert dialect("cmpp3").day_question(NOW) == b"20260301" + bytes(19)
    body = b"20260301" + bytes(11) + b"".join(each.to_bytes(4) for each in range(1, 9))
    assert dialect("cmpp3").day_figures(CmppUnit(0x8000_0006, 1, body))["delivered"] == 3
    with pytest.raises(PduError):
        day_counts(body[:-1])


@given(st.binary(max_size=200), st.sampled_from(["cmpp2", "cmpp3"]))
def test_no_unit_however_broken_raises_another_error(body: bytes, protocol: str) -> None:
    made = dialect(protocol)
    unit = CmppUnit(CmppCommand.DELIVER, 1, body)
    assert made.answer(unit).sequence == 1
    for reading in (made.delivery, made.submitted, made.carrier_id, made.day_figures):
        try:
            reading(unit)
        except PduError:
            continue


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"system_id": "9012345"}, "6 characters"),
        ({"sender": "Police"}, "digits"),
        ({"gsm7": True}, "no gsm7"),
        ({"flash": "subunit"}, "no gsm7"),
        ({"receipt_ids": "decimal-of-hex"}, "no gsm7"),
        ({"protocol": "smpp"}, 'is for protocol = "cmpp2"'),
    ],
)
def test_what_the_protocol_does_not_have_is_refused_in_the_configuration(
    changed: dict[str, object], words: str
) -> None:
    made = account("cmpp3").model_dump(mode="json")
    with pytest.raises(ValueError, match=words):
        CarrierAccount.model_validate(made | changed)
