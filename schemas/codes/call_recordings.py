"""Codes of recordings of the desk's call. None of them says what was spoken."""

from typing import ClassVar

from schemas.codes.base import Code


class CallRecordingBegun(Code, frozen=True):
    """Everybody in the call has heard that it is recorded, and the recording has begun."""

    zh: ClassVar = "%(by)s 的通话：已播放录音告知，开始录音"
    by: str


class CallRecordingEnded(Code, frozen=True):
    """The recording has ended. `seconds`: the length of the recorded sound, part of which may not have reached the
    topic.
    """

    zh: ClassVar = "录音结束，共 %(seconds)s 秒"
    seconds: int


RecordingCode = CallRecordingBegun | CallRecordingEnded
"""What happens with a recording of the desk's call."""
