"""What a call record says becomes the fields of a call signal, with numbers in E.164 by the declared rule."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.call_rows import (
    CallFault,
    CallRow,
    CallRowError,
    NumberRule,
    call_seconds,
    call_signal,
    call_time,
    call_time_of_epoch,
    e164,
)
from schemas.risk.signals import CallEnd

CHANGCHUN, SEOUL = NumberRule("CN", "0431"), NumberRule("KR", "02")
AT = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
ROW = CallRow("1772334720.1-7", AT, "+85200000000", "14200000001", 120, CallEnd.ANSWERED, "dst")


@pytest.mark.parametrize(
    ("written", "rule", "number"),
    [
        ("14200000001", CHANGCHUN, "+8614200000001"),
        ("8614200000001", CHANGCHUN, "+8614200000001"),
        ("0086 142 0000 0001", CHANGCHUN, "+8614200000001"),
        ("81234567", CHANGCHUN, "+8643181234567"),
        ("8123-4567", CHANGCHUN, "+8643181234567"),
        ("0431-81234567", CHANGCHUN, "+8643181234567"),
        ("96110", CHANGCHUN, "96110"),
        ("212-3456", SEOUL, "+8222123456"),
        ("+8614200000001", SEOUL, "+8614200000001"),
    ],
)
def test_a_number_becomes_e164_by_the_sources_country_and_area(written: str, rule: NumberRule, number: str) -> None:
    assert e164(written, rule) == number


@pytest.mark.parametrize("written", ["81234567", "", "someone", "012345", "sip:100@pbx", "1" * 200])
def test_a_local_number_without_a_declared_area_and_other_texts_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        e164(written, NumberRule("CN"))
    assert not written or written not in str(refused.value)


@given(st.text(max_size=30))
def test_any_text_is_a_number_in_one_form_or_refused(written: str) -> None:
    try:
        number = e164(written, CHANGCHUN)
    except ValueError:
        return
    assert e164(number, CHANGCHUN) == number


def test_a_record_becomes_a_call_with_the_class_of_its_callers_number() -> None:
    fields = call_signal(ROW, "carrier-a", CHANGCHUN)
    assert fields == {
        "kind": "call",
        "source": "carrier-a",
        "id": "1772334720.1-7",
        "at": AT,
        "caller": "+85200000000",
        "called": "+8614200000001",
        "seconds": 120,
        "number_class": "overseas",
        "ended": "answered",
    }


@pytest.mark.parametrize(
    ("caller", "kept", "number_class"),
    [
        ("", "anonymous", "ordinary"),
        ("Unknown", "anonymous", "ordinary"),
        ("Anna", "Anna", "ordinary"),
        ("+86 431 8123 4567", "+8643181234567", "ordinary"),
    ],
)
def test_a_caller_may_be_withheld_or_a_name(caller: str, kept: str, number_class: str) -> None:
    row = CallRow("1", AT, caller, "14200000001", 0, CallEnd.CANCELLED, "dst")
    fields = call_signal(row, "carrier-a", CHANGCHUN)
    assert (fields["caller"], fields["number_class"]) == (kept, number_class)


@pytest.mark.parametrize(
    ("called", "code"),
    [("", CallFault.NUMBER_MISSING), ("s", CallFault.NUMBER_INVALID), ("99", CallFault.NUMBER_INVALID)],
)
def test_a_called_party_without_a_number_is_refused_with_its_code_and_field(called: str, code: CallFault) -> None:
    row = CallRow("1", AT, "14200000009", called, 0, CallEnd.CANCELLED, "Destination")
    with pytest.raises(CallRowError, match=f"^{code}: Destination: ") as refused:
        call_signal(row, "carrier-a", CHANGCHUN)
    assert refused.value.code is code


def test_a_time_without_an_offset_is_in_the_declared_zone() -> None:
    assert call_time("2026-03-01 11:12:00", "start", ZoneInfo("Asia/Shanghai")) == AT
    assert call_time("2026-03-01T12:12:00+09:00", "start", ZoneInfo("Asia/Shanghai")) == AT
    assert call_time_of_epoch("1772334720000000", "start_uepoch", timedelta(microseconds=1)) == AT


@pytest.mark.parametrize("text", ["", "2026-03-01", "soon", "2026-03-01 25:00:00", "20260301T111200"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(CallRowError, match=r"^time_invalid: start: "):
        call_time(text, "start", UTC)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "9" * 18, "99999999999999999"])
def test_what_is_no_count_since_1970_is_refused(text: str) -> None:
    with pytest.raises(CallRowError, match=r"^time_invalid: start_epoch: "):
        call_time_of_epoch(text, "start_epoch", timedelta(seconds=1))


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", "1234567", "\u0661"])
def test_what_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(CallRowError, match=r"^seconds_invalid: billsec: "):
        call_seconds(text, "billsec")
