"""Call records of 3GPP, encoded by pycrate's modules of the whole specification and by hand, are read as calls."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.carriers.call_causes import end_by_q850
from domain.carriers.charging_fields import (
    address_number,
    charging_number,
    charging_time,
    end_by_gsm,
    end_by_reasons,
)
from streams.intake.formats import Options, format_of
from streams.intake.formats.charging.ber import BerError, element
from streams.intake.formats.rows import RowError
from tests.streams.intake.calls.charging_file import BY_HAND, CALLS, IMS, RECORDS, row
from tests.streams.intake.calls.exchange_records import calls
from tests.tools.charging_asn1 import FOLDER, compiled
from tests.tools.charging_records import KEPT

AT = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
A, B = "+8614200000009", "+8614200000001"
OPTIONS = Options(calls=calls("3gpp"))
EXCHANGE = "9168310400000000"


def read(content: bytes) -> dict[str, Any]:
    item = format_of("3gpp", OPTIONS).open(b"", OPTIONS)(content, "0-1")
    assert isinstance(item, dict)
    return item


@pytest.mark.parametrize(
    ("content", "own", "caller", "seconds", "ended"),
    [
        (row(RECORDS["mo"]), f"{EXCHANGE}-0102030405-20260301-1", A, 120, "answered"),
        (row(RECORDS["mo_busy"], release=3), f"{EXCHANGE}-0a0b0c-20260301T031200-1", A, 0, "busy"),
        (row(RECORDS["mt"]), f"{EXCHANGE}-0a0b0d-20260301T031200", "+85200000000", 0, "busy"),
        (row(BY_HAND), "9143-0a0e-20260301T031200", A, 120, "answered"),
        (row(RECORDS["s_cscf"], IMS), b"icid-0001".hex(), A, 120, "answered"),
        (row(RECORDS["as_absent"], IMS), b"icid-0002".hex(), A, 0, "out_of_area"),
    ],
)
def test_a_record_is_read_as_a_call(content: bytes, own: str, caller: str, seconds: int, ended: str) -> None:
    found = read(content)
    assert found == {
        "kind": "call",
        "source": "carrier-a",
        "id": own,
        "at": AT,
        "caller": caller,
        "called": B,
        "seconds": seconds,
        "number_class": "overseas" if caller.startswith("+852") else "ordinary",
        "ended": ended,
    }


def test_the_records_of_both_subscribers_of_a_call_have_one_id() -> None:
    reference = bytes.fromhex("9f2105 0102030405 9f2208") + bytes.fromhex(EXCHANGE)  # [33], [34] of an MTCallRecord
    body = RECORDS["mt"][2:] + reference + bytes.fromhex("9e0101")  # and its sequence number [30]
    assert read(row(bytes((0xA1, len(body))) + body))["id"] == read(row(RECORDS["mo"]))["id"]


def test_a_record_may_have_indefinite_lengths_and_unknown_fields() -> None:
    unknown = bytes.fromhex("bf8100 80 0403aabbcc 0000 9f8101 01 ff")
    body = BY_HAND[2:] + unknown
    assert read(row(b"\xa1\x80" + body + b"\0\0")) == read(row(BY_HAND))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (row(RECORDS["mo_sms"]), "record_type: no call: read are moCallRecord"),
        (row(RECORDS["mo"], IMS), "record_type: record header: another specification"),
        (row(RECORDS["s_cscf"], CALLS), "record_type: record header: another specification"),
        (row(RECORDS["mo"], 7), "record_type: record header: another specification"),
        (row(RECORDS["mo"], form=2), "encoding: record header: not in BER"),
        (row(BY_HAND)[:-1], "damaged: the record ends at byte 76 by its header, and 75 bytes are there"),
        (row(BY_HAND) + b"\0", "damaged: the record ends at byte 76"),
        (b"\0", "damaged: the record has no header"),
        (row(b""), "encoding: not BER: cut off at byte 0"),
        (row(BY_HAND + b"\0"), "encoding: not BER: 1 bytes follow the record"),
        (row(BY_HAND[:2] + BY_HAND[5:]), "encoding: not BER: the length at byte 0 says more bytes"),
        (row(BY_HAND.replace(b"\x9d\x02", b"\x9d\x82")), "encoding: not BER: "),
        (row(BY_HAND.replace(bytes.fromhex("2b0800"), bytes.fromhex("2a0800"))), "time_invalid: seizureTime: not a"),
        (row(BY_HAND.replace(bytes.fromhex("260301"), bytes.fromhex("261301"))), "time_invalid: seizureTime: month"),
        (row(BY_HAND.replace(bytes.fromhex("260301"), bytes.fromhex("26030a"))), "time_invalid: seizureTime: a time"),
        (row(BY_HAND.replace(bytes.fromhex("960200"), bytes.fromhex("960270"))), ""),
        (row(BY_HAND.replace(bytes.fromhex("96020078"), bytes.fromhex("9602ffff"))), "seconds_invalid: not between"),
        (row(BY_HAND.replace(b"\x96\x02", b"\x97\x02")), "encoding: mtCallRecord: a field does not have its type"),
        (row(BY_HAND.replace(b"\x83\x08", b"\x82\x08")), "number_missing: servedMSISDN: empty"),
        (row(RECORDS["s_cscf"].replace(b"INVITE", b"NOTIFY"), IMS), "record_type: sIP-Method: not INVITE"),
        (row(RECORDS["s_cscf"].replace(b"\x93\x09icid", b"\x94\x09icid"), IMS), "id_missing: iMS-Charging-Identifier"),
        (row(RECORDS["as_absent"].replace(b"cause=20", b"cause=0 ").replace(b"cause=486", b"cause=0  ").replace(
            b"\x97\x03486", b"\x97\x03100"), IMS), "end_unknown: listOfReasonHeader"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_read_is_refused_with_a_code(content: bytes, why: str) -> None:
    if not why:
        assert read(content)["seconds"] == 0x7078
        return
    with pytest.raises(RowError) as refused:
        read(content)
    assert str(refused.value).startswith(why)


@pytest.mark.parametrize(
    ("octets", "number"),
    [
        ("91684102000000f1", "+8614200000001"),
        ("a1341800000000", "0438100000000"),
        ("a14102000000f1", "14200000001"),
        ("81181543", "815134"),
        ("1183580200", "+852000"),
        ("1180", ""),
        ("81", ""),
        ("", ""),
        ("81bac1", "*#1a"),
    ],
)
def test_a_number_is_read_by_its_type_and_half_bytes(octets: str, number: str) -> None:
    assert charging_number(bytes.fromhex(octets)) == number


def test_a_time_has_the_offset_of_the_exchange() -> None:
    assert charging_time(bytes.fromhex("2603010312002b0000")) == AT
    assert charging_time(bytes.fromhex("2602282242002d0430")) == AT


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("sip:+8614200000001@ims.example;user=phone", "+8614200000001"),
        ("SIPS:14200000001@ims.example", "14200000001"),
        ("tel:+86-142-0000-0001;phone-context=x", "+86-142-0000-0001"),
        ("sip:ims.example", "ims.example"),
        ("", ""),
    ],
)
def test_an_address_names_a_number_before_its_host_and_parameters(address: str, number: str) -> None:
    assert address_number(address) == number


def test_causes_of_ts_24_008_are_those_of_q850_and_two_more() -> None:
    assert [end_by_gsm(cause) for cause in (24, 68, 0)] == ["refused", "failed", None]
    assert all(end_by_gsm(cause) == end_by_q850(cause) for cause in range(128) if cause not in (24, 68))


def test_a_cause_of_q850_says_more_than_the_sip_status_it_was_turned_into() -> None:
    assert end_by_reasons(["SIP;cause=480", 'Q.850 ; text="x;y" ;cause=17']) == "busy"
    assert end_by_reasons(["SIP;cause=480;text=x"]) == "no_answer"
    assert end_by_reasons(["Q.850;cause=126", "preemption;cause=1", ""]) is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xa0\x80" * 40, "nested over 16 deep"),
        (b"\xa0\x80" * 30_000, "nested over 16 deep"),
        (b"\xa0\x84\xff\xff\xff\xff", "says more bytes than there are"),
        (b"\xa0\x85\0\0\0\0\1\0", "a length is too long"),
        (b"\xbf" + b"\xff" * 9 + b"\x01\x00", "a tag is too long"),
        (b"\x80\x80\0\0", "a primitive element without a length"),
        (b"\xa0\x80\x80\x01\x01", "elements are not closed"),
        (b"\xa0\x02\x80\x05", "says more bytes than there are"),
    ],
)
def test_hostile_ber_is_refused_at_once(content: bytes, why: str) -> None:
    with pytest.raises(BerError, match=why):
        element(content)


def test_an_element_is_written_as_it_was_read_with_definite_lengths() -> None:
    for content in RECORDS.values():
        assert element(content).encoded() == content
    long = b"\xa0\x82\x01\x00" + b"\x81\x81\xfd" + bytes(253)
    assert element(long).encoded() == long
    assert element(b"\xa0\x80\x81\x81\x01\x00\0\0").encoded() == b"\xa0\x03\x81\x01\x00"


def test_the_schemas_objects_are_those_that_pycrate_compiles_now() -> None:
    assert compiled() == (FOLDER / "schema.py").read_text("utf-8")


@pytest.mark.long
def test_the_kept_records_are_those_that_pycrates_whole_modules_encode() -> None:
    command = "import json; from tests.tools.charging_records import encoded; print(json.dumps(encoded()))"
    made = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True, text=True)
    assert json.loads(made.stdout) == json.loads(KEPT.read_text("utf-8"))
