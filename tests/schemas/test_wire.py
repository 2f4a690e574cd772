"""Signals read without pydantic: whatever is read so, pydantic reads too, and as the same."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.base import ANY_VERSION
from schemas.risk import signals, wire
from schemas.risk.signals import Signal, batch_adapter, signal_adapter

PLAIN = {"transfer": wire.Transfer, "call": wire.Call, "sms": wire.Sms, "app": wire.App}
AT = "2026-03-01T11:12:00+08:00"
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
COMMON: dict[str, Any] = {"source": "bank-a", "id": "s1", "at": AT}
EXAMPLES: dict[str, dict[str, Any]] = {
    "transfer": {"payer": "1", "payee": "2", "amount_fen": 100, "channel": "web_bank", "state": "settled"},
    "call": {"caller": "1", "called": "2", "seconds": 30, "number_class": "goip"},
    "sms": {"sender": "1", "receiver": "2"},
    "app": {"phone": "1", "app_kind": "loan", "target": "x.example"},
    "report": {"phone": "1", "suspect_account": "2", "note": "被骗了"},
    "watchlist": {"subject": "phone", "value": "1", "state": "lifted"},
}

times = st.one_of(
    st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
    st.from_regex(
        r"(0001|1999|2000|2026|2099|2100|9999)-(01|12)-(01|31)[Tt ](00|23|24):(00|59)(:(00|59|60))?"
        r"([.,][0-9]{1,9})?(Z|z|[+-](00|08|23|24):?(00|59)|)",
        fullmatch=True,
    ),
    st.sampled_from([0, 1.5, None, "", 1_772_000_000, "1772000000", "2026-03-01"]),
)
texts = st.one_of(
    st.text(max_size=5),
    st.sampled_from(["", "a" * 128, "a" * 129, "\x7f", "\u202e", "\n", "a\n", "长春"]),
    st.integers(),
)
numbers = st.sampled_from([0, -1, 1, 86_400, 86_401, 10**13, 10**13 + 1, 10**30, 1.0, 0.5, -0.0, "5", True, None])
others: st.SearchStrategy[object] = st.sampled_from(
    [None, True, "true", 1, "yes", "ordinary", "GOIP", "attempted", "atm", "meeting", [], {}]
)
values = st.one_of(times, texts, numbers, others)


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    """A signal, mostly right, with a few of its fields made something else, taken out or put in."""
    kind = draw(st.sampled_from([*PLAIN, *EXAMPLES]))
    item = {**COMMON, "kind": kind, **EXAMPLES[kind]}
    fields = [*item, "arrived", "balance_fen", "new_payee", "ongoing", "number_class", "extra"]
    for field in draw(st.lists(st.sampled_from(fields), max_size=1)):
        if draw(st.booleans()):
            item[field] = draw(times if field in ("at", "arrived") else values)
        else:
            item.pop(field, None)
    return item


def same(read: Signal, model: Signal) -> bool:
    """Whether both say the same: a time in the same zone, a name as the same member."""
    return all(value == getattr(read, name) and str(value) == str(getattr(read, name)) for name, value in model)


def written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def check(record: bytes) -> None:
    if (read := wire.parse_record_fast(record)) is None:
        return
    models = batch_adapter.validate_json(record, extra=ANY_VERSION)
    assert len(models) == len(read)
    assert all(map(same, read, models))
    assert [each.uid for each in read] == [each.uid for each in models]


@given(st.lists(items(), max_size=2))
def test_what_is_read_plainly_pydantic_reads_as_the_same(record: list[dict[str, Any]]) -> None:
    check(written(record))


@given(items(), st.integers(0, 300), st.binary(max_size=3), st.integers(0, 3))
@example({**COMMON, "kind": "app", **EXAMPLES["app"]}, 1, b'"kind":"sms",', 0)
@example({**COMMON, "kind": "app", **EXAMPLES["app"]}, 1, b'"source":"A",', 0)
def test_bytes_that_were_damaged_on_the_way_are_read_by_both_alike_or_by_pydantic_alone(
    item: dict[str, Any], where: int, put: bytes, taken: int
) -> None:
    value = written(item)
    where = min(where, len(value))
    check(b"[" + value[:where] + put + value[where + taken :] + b"]")


@pytest.mark.parametrize("kind", PLAIN)
def test_ordinary_life_is_read_plainly(kind: str) -> None:
    record = written([{**COMMON, "arrived": AT, "kind": kind, **EXAMPLES[kind]}])
    read = wire.parse_record_fast(record)
    assert read is not None
    assert same(read[0], batch_adapter.validate_json(record)[0])


@pytest.mark.parametrize("target", ["长春.example", "\U00020000", "é", "한국", "长" * 128])
def test_a_name_in_any_script_is_read_plainly(target: str) -> None:
    record = written([{**COMMON, "kind": "app", **EXAMPLES["app"], "target": target}])
    read = wire.parse_record_fast(record)
    assert read is not None
    assert same(read[0], batch_adapter.validate_json(record)[0])


@pytest.mark.parametrize("fields", [{"id": "cr.1772334720.0000001"}, {"at": f"{AT[:19]}.123456Z"}])
def test_digits_behind_a_point_are_no_second_but_in_a_time(fields: dict[str, Any]) -> None:
    record = written([{**COMMON, "kind": "app", **EXAMPLES["app"], **fields}])
    read = wire.parse_record_fast(record)
    assert read is not None
    assert same(read[0], batch_adapter.validate_json(record)[0])


@pytest.mark.parametrize(
    "fields",
    [
        {"at": "2026-03-01T23:59:59.9999999Z"},
        {"arrived": "2026-03-01T23:59:59.0000001+08:00"},
        {"at": "1999-12-31T23:59:59Z"},
        {"arrived": "2100-01-01T00:00:00Z"},
        {"at": "2026-03-01T11:12:00"},
        {"source": "A"},
        {"source": "a" * 33},
        {"id": "a\u202eb"},
        {"id": "a\x7fb"},
        {"id": "a\\b"},
        {"target": "长春\u200b.example"},
        {"target": "\u2028"},
        {"target": "长" * 129},
        {"phone": ""},
        {"kind": "report"},
    ],
)
def test_what_may_be_read_differently_is_left_to_pydantic(fields: dict[str, Any]) -> None:
    assert wire.parse_record_fast(written([{**COMMON, "kind": "app", **EXAMPLES["app"], **fields}])) is None


def test_a_field_of_a_newer_version_is_passed_over_by_both() -> None:
    record = written([{**COMMON, "kind": "app", **EXAMPLES["app"], "newer": {"deep": [1, {"x": None}]}}])
    read = wire.parse_record_fast(record)
    assert read is not None
    assert same(read[0], batch_adapter.validate_json(record, extra=ANY_VERSION)[0])


def test_what_is_nested_too_deep_in_a_field_nobody_knows_is_left_to_pydantic() -> None:
    item = written({**COMMON, "kind": "app", **EXAMPLES["app"]})[:-1]
    assert wire.parse_record_fast(b"[" + item + b', "newer": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]") is None


def test_a_record_of_none_or_too_many_is_left_to_pydantic() -> None:
    item = {**COMMON, "kind": "app", **EXAMPLES["app"]}
    for count in (0, signals.BATCH_LIMIT + 1):
        record = written([item] * count)
        assert wire.parse_record_fast(record) is None
        with pytest.raises(ValidationError):
            batch_adapter.validate_json(record)


@pytest.mark.parametrize("read", PLAIN.values())
def test_each_has_the_fields_of_its_namesake(read: type[wire.Transfer | wire.Call | wire.Sms | wire.App]) -> None:
    model = getattr(signals, read.__name__)
    assert {"kind", *read.__struct_fields__} == set(model.model_fields)
    assert read.kind == model.model_fields["kind"].default


# --- what a feed sent -------------------------------------------------------------------------------------------------


@given(items(), st.sampled_from([NOW, NOW.astimezone(timezone(timedelta(hours=8))), datetime(2100, 1, 1, tzinfo=UTC)]))
@example({**COMMON, "kind": "app", **EXAMPLES["app"], "id": "a\ud800"}, NOW)
@example({**COMMON, "kind": ["app"], **EXAMPLES["app"]}, NOW)
@example({}, NOW)
def test_what_is_taken_plainly_pydantic_takes_as_the_same(item: dict[str, Any], now: datetime) -> None:
    sent = {**item, "arrived": now}
    if (signal := wire.parse_item_fast(sent)) is not None:
        assert same(signal, signal_adapter.validate_python(sent))


@pytest.mark.parametrize("kind", PLAIN)
def test_ordinary_life_is_taken_plainly_and_written_as_it_is_read(kind: str) -> None:
    sent = {**COMMON, "kind": kind, **EXAMPLES[kind], "arrived": NOW}
    signal = wire.parse_item_fast(sent)
    assert signal is not None
    (read,) = wire.parse_record_fast(wire.record([signal])) or []
    assert read == signal
    assert same(signal, signal_adapter.validate_python(sent))


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": 1},
        {"at": "2026-03-01T11:12:00.0000001Z"},
        {"at": "2026-03-01T04:00:01Z"},
        {"at": "1999-12-31T23:59:59Z"},
        {"at": 1_772_000_000},
        {"source": "a\n"},
        {"id": "a\u202eb"},
        {"target": ""},
        {"app_kind": "LOAN"},
        {"kind": "report"},
        {"arrived": None},
    ],
)
def test_what_may_be_taken_differently_is_left_to_pydantic(fields: dict[str, Any]) -> None:
    assert wire.parse_item_fast({**COMMON, "kind": "app", **EXAMPLES["app"], "arrived": NOW, **fields}) is None


@given(st.lists(items(), max_size=5))
def test_a_record_says_of_all_signals_what_pydantic_would_write(sent: list[dict[str, Any]]) -> None:
    taken, models = list[Signal](), list[Signal]()
    for item in sent:
        try:
            models.append(signal_adapter.validate_python({**item, "arrived": NOW}))
        except ValidationError:
            continue
        taken.append(wire.parse_item_fast({**item, "arrived": NOW}) or models[-1])
    if taken:
        read = batch_adapter.validate_json(wire.record(taken))
        assert all(map(same, read, models))
        assert json.loads(wire.record(models)) == json.loads(batch_adapter.dump_json(models))
