"""Rows of Asterisk's and FreeSWITCH's records are read as calls, or refused with a code and without a value."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.acceptor import Unreadable, examine
from streams.intake.formats import Options, format_of
from streams.intake.formats.call_files import CALL_FORMATS
from streams.intake.formats.rows import RowError
from tests.streams.intake.calls.exchange_records import (
    CALLED,
    CALLER,
    asterisk_line,
    calls,
    event,
    freeswitch_json,
    freeswitch_line,
)

AT = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
EXAMPLES = {
    "asterisk-csv": asterisk_line(),
    "asterisk-json": event(),
    "freeswitch-csv": freeswitch_line(),
    "freeswitch-json": freeswitch_json(),
}
ASTERISK_ID, FREESWITCH_ID = "pbx-1772334720.1-20260301T111200", "0f6b2c1e-0000-4000-8000-000000000001"


def read(form: str, line: bytes) -> dict[str, Any]:
    options = Options(zone=ZoneInfo("Asia/Shanghai"), calls=calls(form))
    item = format_of(form, options).open(b"", options)(line, "0-1")
    assert isinstance(item, dict)
    return item


def test_there_is_an_example_of_each_format_of_an_exchange() -> None:
    assert {name for name in CALL_FORMATS if not name.startswith("3gpp")} == EXAMPLES.keys()


@pytest.mark.parametrize("form", sorted(EXAMPLES))
def test_an_answered_call_is_read_the_same_from_each_format(form: str) -> None:
    found = read(form, EXAMPLES[form])
    assert found == {
        "kind": "call",
        "source": "carrier-a",
        "id": ASTERISK_ID if form.startswith("asterisk") else FREESWITCH_ID,
        "at": AT,
        "caller": f"+86{CALLER}",
        "called": f"+86{CALLED}",
        "seconds": 120,
        "number_class": "ordinary",
        "ended": "answered",
    }
    assert examine([found], NOW).faults == []


@pytest.mark.parametrize(
    ("form", "line", "ended"),
    [
        ("asterisk-csv", asterisk_line(answer="", billsec=0, disposition="NO ANSWER"), "no_answer"),
        ("asterisk-csv", asterisk_line(answer="", billsec=0, disposition="BUSY"), "busy"),
        ("asterisk-csv", asterisk_line(answer="", billsec=0, disposition="CONGESTION"), "failed"),
        ("asterisk-json", event(Disposition="FAILED", HangupCause="20"), "out_of_area"),
        ("asterisk-json", event(Disposition="FAILED", HangupCause=1), "wrong_number"),
        ("asterisk-json", event(Disposition="NO ANSWER", HangupCause=0), "no_answer"),
        ("asterisk-json", event(HangupCause="16"), "answered"),
        ("freeswitch-csv", freeswitch_line(answer_stamp="", hangup_cause="USER_BUSY"), "busy"),
        ("freeswitch-csv", freeswitch_line(answer_stamp="", hangup_cause="ORIGINATOR_CANCEL"), "cancelled"),
        ("freeswitch-json", freeswitch_json(answer_epoch="0", hangup_cause="CALL_REJECTED"), "refused"),
        ("freeswitch-json", freeswitch_json(hangup_cause="A_NEW_CAUSE"), "answered"),
    ],
)
def test_the_cause_of_a_call_is_mapped_to_its_meaning(form: str, line: bytes, ended: str) -> None:
    found = read(form, line)
    assert found["ended"] == ended
    assert found["seconds"] == (120 if ended == "answered" else 0)


def test_asterisks_sequence_tells_the_records_of_one_call_apart() -> None:
    assert read("asterisk-csv", asterisk_line(new=True))["id"] == "pbx-1772334720.1-7"
    assert read("asterisk-json", event(Sequence=8))["id"] == "pbx-1772334720.1-8"


def test_asterisks_json_may_have_the_names_of_the_variables() -> None:
    plain = {
        "src": CALLER,
        "dst": CALLED,
        "start": "2026-03-01 11:12:00",
        "billsec": 120,
        "disposition": "ANSWERED",
        "uniqueid": "pbx-1772334720.1",
    }
    assert read("asterisk-json", json.dumps(plain).encode()) == read("asterisk-json", event())


def test_a_call_that_was_transferred_in_freeswitch_keeps_the_number_that_was_called_first() -> None:
    profiles = [
        {"caller_id_number": CALLED, "destination_number": "14200000005"},
        {"caller_id_number": CALLER, "destination_number": CALLED},
    ]
    found = read("freeswitch-json", freeswitch_json(profiles))
    assert (found["caller"], found["called"]) == (f"+86{CALLER}", f"+86{CALLED}")


def test_freeswitchs_json_without_microseconds_is_read_by_its_seconds() -> None:
    line = json.loads(freeswitch_json())
    del line["variables"]["start_uepoch"]
    assert read("freeswitch-json", json.dumps(line).encode())["at"] == AT


@pytest.mark.parametrize(
    ("form", "line", "why"),
    [
        ("asterisk-csv", b",".join([b'""'] * 16), "columns: 16 columns, without a unique id. Set loguniqueid=yes"),
        ("asterisk-csv", b"1,2,3", "columns: 3 columns, where cdr_csv writes 17, 18, 20, 21"),
        ("asterisk-csv", asterisk_line(uniqueid=""), "id_missing: uniqueid: the record has no id of its own."),
        ("asterisk-csv", asterisk_line(start="yesterday"), "time_invalid: start: not a time"),
        ("asterisk-csv", asterisk_line(billsec=-1), "seconds_invalid: billsec: not a whole number"),
        ("asterisk-csv", asterisk_line(disposition="UNKNOWN"), "end_unknown: disposition: "),
        ("asterisk-csv", asterisk_line(dst="s"), "number_invalid: dst: "),
        ("asterisk-csv", asterisk_line(dst=""), "number_missing: dst: empty"),
        ("asterisk-csv", b'"1', "a quote is not closed"),
        ("asterisk-csv", b"\xff", "not UTF-8"),
        ("asterisk-json", event(Event="Hangup"), "record_type: Event: not a Cdr event"),
        ("asterisk-json", b"{}", "fields: start: the field is missing"),
        ("asterisk-json", event(Disposition="BUSY", HangupCause="seventeen"), "end_unknown: HangupCause: "),
        ("asterisk-json", event(Disposition="BUSY", HangupCause="126"), "end_unknown: HangupCause: "),
        ("asterisk-json", event(Destination=None), "number_missing: Destination: empty"),
        ("asterisk-json", b"[]", "not a JSON object"),
        ("asterisk-json", b"[" * 3000, "nested too deep"),
        ("freeswitch-csv", b"1,2", "columns: 2 columns, where the template example has 15"),
        ("freeswitch-csv", freeswitch_line(answer_stamp="", hangup_cause="NEW"), "end_unknown: hangup_cause: "),
        ("freeswitch-csv", freeswitch_line(uuid=""), "id_missing: uuid: "),
        ("freeswitch-json", b'{"variables": 1}', "time_invalid: variables.start_epoch: "),
        ("freeswitch-json", freeswitch_json(start_uepoch="x"), "time_invalid: variables.start_uepoch: "),
        ("freeswitch-json", freeswitch_json([{"caller_id_number": "1"}]), "number_missing: destination_number: "),
    ],
)
def test_a_record_that_cannot_be_read_is_refused_with_a_code_and_without_its_values(
    form: str, line: bytes, why: str
) -> None:
    with pytest.raises(RowError) as refused:
        read(form, line)
    assert why in str(refused.value)
    assert CALLER not in str(refused.value)
    assert CALLED not in str(refused.value)


@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_a_damaged_row_is_read_or_refused(form: str, data: st.DataObject) -> None:
    line = bytearray(EXAMPLES[form])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(line) - 1))
        line[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        line = line or bytearray(b"x")
    options = Options(calls=calls(form))
    row = format_of(form, options).open(b"", options)
    try:
        item = row(bytes(line), "0-1")
    except RowError as error:
        item = Unreadable(str(error))
    found = examine([item], NOW)
    assert len(found.good) + bool(found.faults) == 1


@pytest.mark.parametrize("depth", [10, 900, 200_000])
def test_nested_json_is_refused_whatever_its_depth(depth: int) -> None:
    nested = b'{"variables":' * depth + b"{}" + b"}" * depth
    with pytest.raises(RowError):
        read("freeswitch-json", nested)


def test_a_format_of_call_records_needs_its_declaration() -> None:
    with pytest.raises(KeyError):
        format_of("asterisk-csv", Options())
