"""Recordings of operators' calls: what a case lists, what the gateway reports, and the records of their sound.

The sound is on the topic call-recordings, in parts of some seconds. The voice gateway encrypts each part in its memory
under a key made for this one recording; the record that holds this key is encrypted under the resident's key.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Base64Bytes, Field, StringConstraints

from schemas.base import Model, Text, When

MOST_RECORDINGS = 50  # that a case lists; then the earliest leave the list
MOST_PARTS = 10_000  # of one recording: more than five hours
LONGEST_RECORDING = 86_400.0  # seconds, as of any talk
MOST_SEALED = 45_000  # characters of one part in base64: a report has 64 KiB at most

RecordingId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{20}$")]
WrittenMs = Annotated[int, Field(ge=0, lt=2**53)]
"""When the record with a recording's key was written, in ms since 1970."""


class RecordingState(StrEnum):
    """The states of a recording. ANNOUNCING: everybody in the call hears that it will be recorded, and nothing is
    recorded; RECORDING; PAUSED: by the operator; WAITING: it has begun, and the sides do not hear each other now, as on
    hold or during a further announcement; ENDED: nothing more is recorded.
    """

    ANNOUNCING = "announcing"
    RECORDING = "recording"
    PAUSED = "paused"
    WAITING = "waiting"
    ENDED = "ended"


class RecordingInCall(Model):
    """The recording of a call, as the gateway reports it. `begun`: True once any sound was recorded; `seconds`: the
    length of the recorded sound, without pauses; None until the recording has ended.
    """

    id: RecordingId
    written_ms: WrittenMs
    state: RecordingState
    begun: bool = False
    seconds: Annotated[float, Field(ge=0, le=LONGEST_RECORDING)] | None = None


class RecordedCallAct(Model):
    """A report of the voice gateway that a recording of the desk's call has begun (`seconds` None) or has ended
    (`seconds`: its length).
    """

    do: Literal["recorded_call"] = "recorded_call"
    id: RecordingId
    written_ms: WrittenMs
    seconds: Annotated[float, Field(ge=0, le=LONGEST_RECORDING)] | None = None


class CallRecording(Model):
    """A recording that a case lists. `by`: the operator in the call; `at`: when the case learned that it has begun;
    `seconds`: its length; None while it goes on, and if its end was never reported.
    """

    id: RecordingId
    at: When
    by: Text
    written_ms: WrittenMs
    seconds: Annotated[float, Field(ge=0, le=LONGEST_RECORDING)] | None = None


class RecordingPart(Model):
    """A record of the topic call-recordings. `id`: of the recording; `sound`: in part 0 the recording's key, in each
    other part sound that is encrypted under that key; `last`: no further part follows.
    """

    id: RecordingId
    part: Annotated[int, Field(ge=0, le=MOST_PARTS)]
    sound: Base64Bytes
    last: bool = False


class RecordedPartReport(Model):
    """A part of a recording that the voice gateway sends to intake, which cannot read it. `sealed`: the encrypted
    sound in base64.
    """

    case: Text
    recording: RecordingId
    written_ms: WrittenMs
    part: Annotated[int, Field(ge=1, le=MOST_PARTS)]
    sealed: Annotated[Base64Bytes, Field(max_length=MOST_SEALED)]
    last: bool = False
