"""A case lists the recordings of its calls, each once, whatever order and number the reports come in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.operator_calls import inputs_of
from domain.casework.calls.recordings import is_due_for_deletion, recording_of
from schemas.casework.call_recordings import MOST_RECORDINGS, CallRecording, RecordedCallAct, RecordingState
from schemas.casework.events import FactKind
from schemas.channels.operator_calls import OperatorCallReport
from schemas.codes.call_recordings import CallRecordingBegun, CallRecordingEnded
from tests.domain.casework.calls.test_transfers import LI, in_call

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
BEGUN = RecordedCallAct(id="a" * 20, written_ms=1_772_000_000_000)
ENDED = BEGUN.model_copy(update={"seconds": 61.4})


@given(st.permutations([BEGUN, BEGUN, ENDED, ENDED]))
def test_a_recording_is_listed_once_with_its_length_and_noted_twice(reports: list[RecordedCallAct]) -> None:
    line = in_call()
    for each in reports:
        line.act(each, LI)
    (listed,) = line.here.call_recordings
    assert (listed.id, listed.by, listed.written_ms, listed.seconds) == (BEGUN.id, LI, BEGUN.written_ms, 61.4)
    notes = line.facts(FactKind.NOTE)
    assert (notes.count(CallRecordingBegun(LI)), notes.count(CallRecordingEnded(61))) == (1, 1)


def test_the_latest_recordings_stay_in_the_list() -> None:
    line = in_call()
    for number in range(MOST_RECORDINGS + 2):
        line.act(BEGUN.model_copy(update={"id": f"{number:020x}"}), LI)
    listed = [each.id for each in line.here.call_recordings]
    assert (len(listed), listed[0], listed[-1]) == (MOST_RECORDINGS, f"{2:020x}", f"{MOST_RECORDINGS + 1:020x}")
    assert recording_of(line.here, f"{1:020x}") is None


def test_an_announcement_that_nobody_heard_to_its_end_leaves_no_recording() -> None:
    recording = {"id": BEGUN.id, "written_ms": BEGUN.written_ms, "state": RecordingState.ENDED, "seconds": 0.0}
    report = {"call": "c", "case": "r-1", "operator": "li", "sequence": 4, "state": "ended", "result": "answered"}
    told = OperatorCallReport.model_validate(report | {"answered": True, "recording": recording})
    assert [each.name for each in inputs_of(told)] == ["conversation", "conversation_ended"]
    begun = told.model_copy(update={"recording": told.recording and told.recording.model_copy(update={"begun": True})})
    names = ["conversation", "recording.begun", "recording.ended", "conversation_ended"]
    assert [each.name for each in inputs_of(begun)] == names


def test_a_recording_is_played_until_the_policys_days_are_over() -> None:
    recording = CallRecording(id=BEGUN.id, at=NOW - timedelta(days=90), by=LI, written_ms=BEGUN.written_ms)
    assert is_due_for_deletion(recording, timedelta(days=90), NOW)
    assert not is_due_for_deletion(recording, timedelta(days=90), NOW - timedelta(seconds=1))
