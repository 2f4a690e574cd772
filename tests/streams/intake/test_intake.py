"""What intake makes of items, good and bad, whichever way they come."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from schemas.risk.signals import BATCH_LIMIT, batch_adapter
from streams.intake.acceptor import RECORD_BYTES, Intake, Unreadable, examine, records_of, subject
from streams.intake.parsing import BodyError, item_of_line, items_of_body, items_of_lines
from streams.messaging import sources, topics
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from tests.streams.intake.intake_signals import call, new_id, transfer, written

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
OTHERS: list[dict[str, Any]] = [
    {"kind": "sms", "sender": "CMBANK", "receiver": "19900000001"},
    {"kind": "app", "phone": "19900000001", "app_kind": "loan", "target": "loan.example"},
    {"kind": "report", "phone": "19900000001", "suspect_account": "6222 0000 0000 0003", "amount_fen": 100},
    {"kind": "watchlist", "subject": "account", "value": "6222 0000 0000 0003", "state": "confirmed"},
    {"kind": "watchlist", "subject": "phone", "value": "199-0000-0003", "state": "lifted"},
]
BAD: list[object] = [
    None,
    17,
    [transfer()],
    {},
    Unreadable("a key is given twice"),
    transfer(kind="13900000000"),
    transfer(amount_fen=float("nan")),
    transfer(amount_fen=10**30),
    transfer(amount_fen="100"),
    transfer(payer="nobody?"),
    transfer(payee="622202\x00"),
    transfer(at="2026-03-01T11:12:00"),
    transfer(at="1970-01-01T00:00:00Z"),
    transfer(at=1_772_334_720),
    transfer(at="1772334720"),
    transfer(at="2026030111"),
    transfer(at="2099-01-01T00:00:00Z"),
    transfer(id="\ud800"),
    transfer(id="\x00"),
    transfer(id=""),
    transfer(source="Not A Token"),
    transfer(unknown=1),
    call(called="a person"),
    call(seconds=-1),
]
goods = st.sampled_from([transfer, call]).map(lambda make: make())


@pytest.mark.parametrize("fields", OTHERS)
def test_every_kind_of_signal_is_taken_with_its_numbers_in_one_spelling(fields: dict[str, Any]) -> None:
    common = {"source": "police", "id": new_id(), "at": "2026-03-01T11:12:00+08:00"}
    (signal,) = examine([common | fields], NOW, Settings().rights()).signals
    assert signal.arrived == NOW
    assert subject(signal) in ("+8619900000001", "+8619900000003", "6222000000000003")


@pytest.mark.parametrize("item", BAD)
def test_a_bad_item_is_named_with_what_to_do_and_without_its_values(item: object) -> None:
    found = examine([item], NOW)
    assert (found.good, {fault.item for fault in found.faults}) == ([], {0})
    assert all(fault.what and fault.do for fault in found.faults)
    assert not any(
        value in str(fault) for fault in found.faults for value in ("13900000000", "6222", "nobody?", "a person")
    )


def test_a_number_used_as_a_fields_name_is_not_repeated() -> None:
    (fault,) = examine([transfer(**{"13900000000": 1})], NOW).faults
    assert "139" not in str(fault)


def test_the_time_of_arrival_is_ours_whatever_the_feed_says() -> None:
    (signal,) = examine([transfer(arrived="2020-01-01T00:00:00Z")], NOW).signals
    assert signal.arrived == NOW


def test_a_clock_that_is_five_minutes_fast_is_taken_as_now_and_a_time_in_another_zone_is_refused() -> None:
    fast, wrong = ((NOW + ahead).isoformat() for ahead in (timedelta(minutes=5), timedelta(hours=8)))
    (signal,) = examine([transfer(at=fast)], NOW).signals
    assert signal.at == NOW
    (fault,) = examine([transfer(at=wrong)], NOW).faults
    assert (fault.field, fault.what) == ("at", "lies 8 hours in the future")
    assert "+08:00" in fault.do
    assert "the sender's clock" in fault.do


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ended": "no_answer", "seconds": 2_400}, "seconds"),
        ({"ended": "cancelled", "seconds": 1}, "seconds"),
        ({"ended": "answered", "ongoing": True}, "ended"),
        ({"ended": "no_answer", "seconds": 0}, None),
        ({"ended": "answered", "seconds": 2_400}, None),
        ({"ongoing": True}, None),
    ],
)
def test_a_call_whose_end_contradicts_its_seconds_is_refused(fields: dict[str, object], field: str | None) -> None:
    found = examine([call(**fields)], NOW)
    assert [fault.field for fault in found.faults] == ([field] if field else [])
    assert len(found.good) == (0 if field else 1)


@given(st.lists(st.one_of(goods, st.sampled_from(BAD)), max_size=20))
def test_of_any_mixture_the_good_items_pass_and_each_bad_one_is_named(items: list[object]) -> None:
    found = examine(items, NOW)
    bad = {index for index, item in enumerate(items) if any(item is each for each in BAD)}
    assert {fault.item for fault in found.faults} == bad
    assert [index for index, _ in found.good] == [index for index in range(len(items)) if index not in bad]


@given(st.lists(goods, max_size=30), st.integers(1, 8))
def test_every_signal_is_in_one_record_of_its_subjects_shard(items: list[dict[str, Any]], partitions: int) -> None:
    signals = examine(items, NOW).signals
    records = records_of(signals, partitions)
    there = [
        (record.partition, signal) for record in records for signal in batch_adapter.validate_json(record.value or b"")
    ]
    assert sorted(signal.id for _, signal in there) == sorted(signal.id for signal in signals)
    for shard, signal in there:
        assert shard == topics.shard_of(subject(signal), partitions)


def test_what_may_be_red_now_goes_to_a_lane_of_its_own() -> None:
    moving = transfer(state="pending", amount_fen=5_000_000)
    records = records_of(examine([transfer(state="settled", new_payee=False), moving], NOW).signals, 1)
    lanes = {record.topic: [each.id for each in batch_adapter.validate_json(record.value or b"")] for record in records}
    assert lanes["signals-urgent"] == [moving["id"]]
    assert len(lanes["signals"]) == 1


def test_a_record_holds_no_more_than_a_batch() -> None:
    records = records_of(examine([transfer() for _ in range(BATCH_LIMIT + 1)], NOW).signals, 1)
    assert [len(batch_adapter.validate_json(record.value or b"")) for record in records] == [BATCH_LIMIT, 1]


def test_a_record_is_never_larger_than_kafka_takes() -> None:
    wordy = {"kind": "report", "source": "police", "at": "2026-03-01T11:12:00+08:00", "phone": "19900000001"}
    reports = [wordy | {"id": str(number), "note": "骗" * 2000} for number in range(BATCH_LIMIT)]
    records = records_of(examine(reports, NOW).signals, 1)
    assert all(len(record.value or b"") <= RECORD_BYTES for record in records)
    assert sum(len(batch_adapter.validate_json(record.value or b"")) for record in records) == BATCH_LIMIT


async def test_what_is_accepted_is_counted_by_source_when_kafka_has_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.create(settings)
    source = f"s{new_id()[:8]}"
    monkeypatch.setattr(sources, "_labels", sources.Labels([source]))  # earlier tests may have used up the first 64
    signals = examine([transfer(source=source), transfer(source=source)], NOW).signals
    producer = make_producer(settings)
    await producer.start()
    try:
        assert await Intake(producer, settings).accept(signals) == {source: 2}
    finally:
        await producer.stop()
    assert REGISTRY.get_sample_value("quanzu_signals_accepted_total", {"source": source}) == 2
    assert len(await written(settings, *(signal.id for signal in signals))) == 2


def test_a_key_given_twice_spoils_its_item_only() -> None:
    body = b'[{"a": 1, "a": 2}, {"b": 1}, {"a": 1, "\\u0061": 1, "c": "\\u003a"}]'
    first, second, third = items_of_body(body)
    assert (type(first), second, type(third)) == (Unreadable, {"b": 1}, Unreadable)


@pytest.mark.parametrize("value", ["NaN", "1e999", "9" * 5000, '"\\ud800"'])
def test_a_value_beyond_json_spoils_its_item_only(value: str) -> None:
    body = f'[{json.dumps(transfer())[:-1]}, "balance_fen": {value}}}, {json.dumps(call())}]'
    found = examine(items_of_body(body.encode()), NOW)
    assert ([index for index, _ in found.good], [fault.field for fault in found.faults]) == ([1], ["balance_fen"])


def test_a_line_nested_too_deep_is_unreadable_and_no_more() -> None:
    deep = item_of_line(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
    assert isinstance(deep, Unreadable)
    assert "nested too deep" in deep.what


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=5))
def test_what_is_in_order_reads_as_it_was_written(value: object) -> None:
    item = {"key:with:colons": value, "other": "a:b"}
    assert items_of_body(orjson.dumps([item])) == [item]
    assert items_of_lines(json.dumps(item).encode() + b"\n\n") == [item]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_nothing_else(body: bytes) -> None:
    assert isinstance(items_of_lines(body), list)
    with suppress(BodyError):
        assert isinstance(items_of_body(body), list)
