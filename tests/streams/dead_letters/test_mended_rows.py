"""A row put right keeps what it is known by, and is read by its file's format again."""

from datetime import UTC, date, datetime

import pytest

from domain.feeds.repair import load
from schemas.administration.dead_letters import DeadLetter, LinePlace, Reading
from schemas.casework.inputs import PolicyChange
from streams.dead_letters.repaired import CannotSendError, repaired_row
from streams.dead_letters.taking import ready
from tests.streams.dead_letters.test_letters import at

HEADER = b"RecordID,EventTimestamp,DurationSec"
ROW = b"c-1,2026-03-01 11:12:00,1:30"
NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


def test_a_call_record_keeps_its_id_however_it_is_mended() -> None:
    for mended in (load('set = {RecordID = "c-2"}'), b"c-2,2026-03-01 11:12:00,90"):
        with pytest.raises(CannotSendError, match="RecordID: must stay"):
            repaired_row(HEADER, ROW, mended)
    text = '[replace.DurationSec]\n"1:30" = "90"'
    assert repaired_row(HEADER, ROW, load(text))[1] == b"c-1,2026-03-01 11:12:00,90"


def test_a_row_with_more_fields_than_its_header_is_mended_by_hand_only() -> None:
    with pytest.raises(CannotSendError, match="by hand"):
        repaired_row(HEADER, ROW + b",x", load('set = {DurationSec = "90"}'))
    assert repaired_row(HEADER, ROW + b",x", ROW)[1] == ROW


def test_a_field_with_a_comma_stays_one_field() -> None:
    header, row = repaired_row(b"a,b", b'"1,000",x', load('set = {b = "y"}'))
    assert (header, row) == (b"a,b", b'"1,000",y')


@pytest.mark.parametrize(("source", "reading"), [("nobody", True), ("amlsim", False)])
def test_a_row_that_cannot_be_read_without_its_file_says_what_to_do(source: str, reading: bool) -> None:
    kept = Reading(header="", start=date(2026, 1, 1), zone="UTC") if reading else None
    where = LinePlace(file="f.csv", digest="0" * 16, line=3, reading=kept)
    with pytest.raises(CannotSendError, match=r"format|as a file"):
        ready(DeadLetter.of(source, where, "why", b"1,2", NOW), None, 4, NOW)


def test_a_change_of_the_rules_goes_back_to_the_partition_it_was_meant_for() -> None:
    change = PolicyChange(id="p-1", at=NOW, policy="0" * 16, by="operator-1")
    place = at(topic="case-inputs", item=None)
    letter = DeadLetter.of("case-inputs", place, "why", change.model_dump_json().encode(), NOW)
    record = ready(letter, None, 4, NOW).record
    assert (record.topic, record.key, record.partition) == ("case-inputs", b"rules", place.partition)
