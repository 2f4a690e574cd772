"""What becomes of a case under inputs that are valid and mean no good, and of records nobody can read."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from console.policy_faults import in_english
from domain.casework import deadlines
from domain.identity.identifiers import normal_phone
from domain.policy import PolicyError, load
from domain.risk import assess
from domain.wording.codes import in_language
from schemas.base import MOST_FEN, legible
from schemas.casework.cases import Case, Profile
from schemas.casework.events import CaseEvent, Dispatch
from schemas.casework.inputs import ContactResult, Hold, HoldChange, input_adapter
from schemas.casework.journal import decode
from schemas.channels.receipts import SmsReceipt as Receipt
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState
from streams.casework.batch import MOST_HOLDS, Batch
from streams.casework.journal import read_entry
from streams.casework.replay import Replay
from streams.intake.acceptor import examine
from streams.messaging.record import Raw
from streams.screening.records import read
from streams.state.partition_state import Loaded
from streams.state.store_update import PartitionRules
from tests.tools.fuzz import examples
from tests.tools.fuzz.book import unfit
from tests.tools.fuzz.mutations import MARKERS, nested

SIGNALS = TopicPartition("signals", 0)


def batch() -> Batch:
    policy = examples.policy()
    return Batch(0, Loaded(PartitionRules(0, policy.hash), {}, set()), policy, 0, 0)


def take(into: Batch, number: int, **fields: object) -> bool:
    """Give an alert with other fields, or another input of that kind."""
    base = next(each for each in examples.INPUTS if each["kind"] == fields.get("kind", "alert"))
    return into.take(number, input_adapter.validate_python({**base, "id": f"i{number}", **fields}))


def letters(value: bytes) -> list[str]:
    return [letter.why for letter in read(SIGNALS, [Raw(0, value)], examples.NOW).letters]


def test_a_record_nested_deeper_than_it_can_be_written_is_a_dead_letter() -> None:
    for deep in (300, 1000, 100_000):
        (why,) = letters(json.dumps(examples.SIGNALS[0])[:-1].encode() + f',"x":{nested(deep)}}}'.encode())
        assert "deep" in why or "depth" in why


def test_a_record_of_half_a_million_numbers_is_one_dead_letter_and_so_is_an_empty_one() -> None:
    assert letters(b"[" + b"1," * 450_000 + b"1]") == ["450,001 signals in one record: it holds 1 to 500"]
    assert letters(b"[]") == ["0 signals in one record: it holds 1 to 500"]


def test_the_name_of_an_unknown_field_is_not_repeated() -> None:
    (fault,) = examine([{**examples.SIGNALS[0], MARKERS[0]: 1}], examples.NOW).faults
    assert fault.field == "(a field)"
    assert unfit(str(fault)) is None


@pytest.mark.parametrize("at", ["2099-12-31T23:59:59Z", "2100-01-01T00:00:00+14:00", "2000-01-01T00:00:00Z"])
def test_a_case_at_the_end_of_time_can_be_read_back(at: str) -> None:
    made = batch()
    assert take(made, 1, at=at)
    case = made.cases[examples.RESIDENT]
    assert Case.model_validate_json(case.model_dump_json()) == case
    assert all(due.year < 2100 for due in deadlines(case).values())


def test_a_time_is_judged_in_utc_so_that_it_stays_one_in_another_zone() -> None:
    for at in ("2000-01-01T00:00:00+14:00", "2099-12-31T23:59:59-14:00"):
        with pytest.raises(ValueError, match="the year"):
            take(batch(), 1, at=at)


def test_a_case_never_grows_beyond_what_kafka_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.casework.batch.MAX_BYTES", 60_000)
    made = batch()
    assert take(made, 1)
    refused = 0
    for number in range(2, 200):
        refused += not take(made, number, kind="victim_report", transfer=f"bank:{number:0>200}", amount_fen=number)
    assert refused
    assert max(len(entry.model_dump_json()) for entry in made.entries[-1:]) < 60_000


def test_so_many_holds_are_in_force_and_no_more() -> None:
    made, at = batch(), datetime.fromisoformat(examples.AT)
    hold = Hold.model_validate(examples.HOLD)
    changes = [
        HoldChange(id=f"h{number}", at=at, hold=hold.model_copy(update={"id": f"h{number}"}))
        for number in range(MOST_HOLDS + 1)
    ]
    assert [made.take(number, change) for number, change in enumerate(changes)] == [True] * MOST_HOLDS + [False]


def test_more_money_than_can_be_written_is_as_much_as_can_be_written() -> None:
    at = datetime.fromisoformat(examples.AT)
    paid = [
        Evidence(
            id=f"bank:{number}~suspect_payee",
            kind=EvidenceKind.SUSPECT_PAYEE,
            at=at,
            partition=0,
            offset=number,
            transfer=f"bank:{number}",
            payee="a1",
            state=TransferState.PENDING,
            amount_fen=MOST_FEN,
        )
        for number in range(3)
    ]
    found = assess(paid, Profile.model_validate(examples.PROFILE), examples.policy().risk, at, None)
    assert found.danger is not None
    assert found.danger.exposure_fen == MOST_FEN


def test_an_entry_of_the_journal_that_is_none_is_passed_over() -> None:
    assert read_entry(1, b"\xff\xfe") is None
    assert read_entry(2, json.dumps({**examples.EVENTS[0], "offset": 2**63}).encode()) is None


def test_an_event_that_names_another_case_in_its_dispatch_can_be_folded() -> None:
    event = CaseEvent.model_validate_json(
        json.dumps({**examples.EVENTS[0], "dispatches": [{**examples.DISPATCH, "case": f"r{'b' * 16}-1"}]})
    )
    value = event.model_dump_json().encode()
    change = Replay(event.at).change([(decode(value), value)], {})
    assert change.commands  # its case is stored; nobody waits for a dispatch of another's case


def test_a_dispatch_of_a_case_that_can_be_none_is_refused() -> None:
    for case in ("x", f"{examples.RESIDENT}-{'9' * 5000}", f"{examples.RESIDENT}-0"):
        with pytest.raises(ValueError, match="case"):
            Dispatch.model_validate({**examples.DISPATCH, "case": case})


def test_what_is_not_seen_but_does_something_is_not_in_a_remark() -> None:
    said = "\u202e" + "\x1b[2J" + "路1号\r\x00\u200b\n第二行\t完"
    assert legible(said) == "[2J路1号\n第二行\t完"
    assert Receipt.model_validate({**examples.RECEIPTS["sms"], "detail": said}).detail == legible(said)
    given: dict[str, Any] = {**examples.INPUTS[1], "why": {"code": "provider_said", "text": said}}
    result = input_adapter.validate_python(given)
    assert isinstance(result, ContactResult)
    assert result.why is not None
    assert in_language("zh", whole=True).sentence(result.why) == legible(said)


@given(st.text(max_size=50))
def test_what_was_made_legible_stays_as_it_is(text: str) -> None:
    assert legible(legible(text)) == legible(text)


@pytest.mark.parametrize("number", ["138١٢٣٤٥٦٧٨", "+86138١٢٣٤٥٦٧٨", "110" + "-" * 200 + "1", "1" * 10_000])
def test_a_number_in_digits_of_another_script_or_without_end_is_none(number: str) -> None:
    with pytest.raises(ValueError, match="telephone"):
        normal_phone(number)


POLICIES = {
    "a key of 20,000 parts": ".".join(["a"] * 20_000) + " = 1",
    "many keys of many parts": "".join(f"b{number}." + "a." * 400 + "a = 1\n" for number in range(400)),
    "arrays without end": "x = " + "[\n" * 100_000,
    "tables in tables": "x = " + "{a=" * 900,
    "a number of 1,900 digits": "x = " + "9" * 1_900,
    "ten megabytes": "#\n" * 5_000_000,
    "a name as long as a page": "a" * 1_900 + " = 1",
    "40,000 unknown keys": "".join(f"k{number} = 1\n" for number in range(30_000)),
    "years without end": examples.POLICY.replace('again = "5m"', 'again = "999999d"'),
    "a zone that is none": examples.POLICY.replace('utc = "+08:00"', 'utc = "+99:59"'),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_hostile_policy_is_refused_in_words(name: str) -> None:
    assert POLICIES[name] != examples.POLICY
    with pytest.raises(PolicyError) as error:
        load(POLICIES[name])
    assert unfit(in_english(error.value)) is None


def test_a_duration_of_ten_years_is_one() -> None:
    assert load(examples.POLICY.replace('reopen_within = "', 'reopen_within = "3660d" # "', 1)).plan.reopen_within == (
        timedelta(days=3660)
    )
