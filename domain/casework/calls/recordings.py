"""The recordings of the desk's calls that a case lists, and when their sound is no longer played."""

from datetime import datetime, timedelta

from domain.casework.draft import DecisionBuilder
from schemas.casework.call_recordings import MOST_RECORDINGS, CallRecording, RecordedCallAct
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.codes.call_recordings import CallRecordingBegun, CallRecordingEnded


def recording_told(draft: DecisionBuilder, act: RecordedCallAct, by: str) -> None:
    """Add a call recording that the voice gateway reports to the case in `draft`, with a note; or add its length in
    seconds once it has ended, with another note. Only the latest 50 stay listed.

    No effect if the case has that already: reports are repeated, and may overtake each other.
    """
    known = recording_of(draft.case, act.id)
    others = [each for each in draft.case.call_recordings if each.id != act.id]
    if known is None:
        known = CallRecording(id=act.id, at=draft.now, by=by, written_ms=act.written_ms)
        draft.set(call_recordings=[*others, known][-MOST_RECORDINGS:])
        draft.note(FactKind.NOTE, CallRecordingBegun(by), by=by)
    if act.seconds is not None and known.seconds is None:
        ended = known.model_copy(update={"seconds": act.seconds})
        kept = [ended if each.id == act.id else each for each in draft.case.call_recordings]
        draft.set(call_recordings=kept)
        draft.note(FactKind.NOTE, CallRecordingEnded(round(act.seconds)), by=by)


def recording_of(case: Case, recording: str) -> CallRecording | None:
    """Return the case's recording with the id `recording`, or None if it has none."""
    return next((each for each in case.call_recordings if each.id == recording), None)


def is_due_for_deletion(recording: CallRecording, kept: timedelta, now: datetime) -> bool:
    """Return True if a recording began at least `kept` (the policy's time) before `now`. Nobody may hear it from then
    on, although Kafka deletes a segment of records as one, up to a day later.
    """
    return now - recording.at >= kept
