"""The recordings of the desk's calls that a case lists, and when their sound is no longer played."""

from datetime import datetime, timedelta

from domain.casework.draft import DecisionBuilder
from schemas.casework.call_recordings import MOST_RECORDINGS, CallRecording, RecordedCallAct
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.codes.call_recordings import CallRecordingBegun, CallRecordingEnded


def recording_told(draft: DecisionBuilder, act: RecordedCallAct, by: str) -> None:
    """List a recording in `draft` that the voice gateway reports, or note its length once it has ended.

    No effect if the case knows that already: reports come again, and may overtake each other.
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
    """Return the case's recording with this id, or None if it has none."""
    return next((each for each in case.call_recordings if each.id == recording), None)


def is_due_for_deletion(recording: CallRecording, kept: timedelta, now: datetime) -> bool:
    """Return True if a recording is older than the policy keeps it (`kept`): from then on nobody hears it, although
    Kafka deletes a whole segment of records at once, up to a day later.
    """
    return now - recording.at >= kept
