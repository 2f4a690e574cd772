"""Starts the recording of the person's own talk with a resident, and plays recordings."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.kit.services import Services
from console.web.operator_calls.transfers import own_talk
from domain.carriers.recorded_sound import new_recording_key, played, wav_head
from domain.casework.calls.recordings import is_due_for_deletion
from domain.policy import PolicyError
from schemas.casework.call_recordings import CallRecording
from schemas.casework.cases import Case
from schemas.people.staff import StaffRole
from streams.channels.operator_calls.phones import OperatorPhones, Placed, RecordingToMake
from streams.repositories.call_recordings import RecordingPlace
from streams.repositories.policies import UnknownPolicyError

HEARERS = frozenset({StaffRole.SUPERVISOR, StaffRole.AUDITOR})
"""The roles that may hear recordings."""


class RecordingStart(StrEnum):
    """The result of a wish to record a talk. DONE: the gateway announces it and then records; OFF: the policy in force,
    the gateway or a missing vault forbids it; NOT_NOW: the person has no talk with this resident, or it has a
    recording; UNKNOWN: the gateway does not answer.
    """

    DONE = "done"
    OFF = "off"
    NOT_NOW = "not_now"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ListedRecording:
    """A recording on the page. `is_over`: True if the policy's time for keeping it is over, so that it is no longer
    played.
    """

    recording: CallRecording
    is_over: bool


async def may_record(services: Services) -> bool:
    """Return True if operators may record calls: the policy in force enables it, and the installation has a vault and a
    gateway that records. Errors of Kafka and Redis pass through.
    """
    if services.phones is None or not services.phones.records or not services.line.settings.vault:
        return False
    try:
        return (await services.line.policies.live()).recording.enabled
    except (UnknownPolicyError, PolicyError):
        return False


async def start_recording(services: Services, phones: OperatorPhones, who: Who, case: Case) -> RecordingStart:
    """Have the gateway record the talk of the operator `who` with the resident of a case, after the announcement.
    Return the result (see RecordingStart): DONE, or why nothing is recorded; a refusal raises nothing. UNKNOWN: the
    gateway may record.

    The recording's key is stored on Kafka, under the resident's key, before the gateway gets it; an audit entry is
    written. Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good. Errors
    of Kafka and Redis pass through.
    """
    if not await may_record(services):
        return RecordingStart.OFF
    live = await own_talk(services, who, case)
    if live is None or live.report.recording is not None:
        return RecordingStart.NOT_NOW
    key, now_ms = new_recording_key(), round(services.line.clock.wall.time() * 1000)
    at = RecordingPlace(case.id, case.resident, secrets.token_hex(10), now_ms)
    await trail.write(services, who, "record-call", case.id, detail=at.recording)
    async with trail.in_time():
        await services.line.call_recordings.put_key(at, key)
    cipher = services.line.settings.record_cipher.value
    wanted = RecordingToMake(at.recording, at.written_ms, case.id, cipher, key)
    match await phones.record(live.report.call, who.login, wanted):
        case Placed.TAKEN:
            return RecordingStart.DONE
        case Placed.UNKNOWN:
            return RecordingStart.UNKNOWN
        case _:
            return RecordingStart.NOT_NOW


async def listed(services: Services, case: Case) -> list[ListedRecording]:
    """Return the case's recordings, the latest first. If the policy in force is unknown here, the time of all of them
    counts as over. Errors of Kafka and Redis pass through.
    """
    kept, now = await _kept(services), services.line.clock.now()
    return [ListedRecording(each, is_due_for_deletion(each, kept, now)) for each in reversed(case.call_recordings)]


async def is_playable(services: Services, recording: CallRecording) -> bool:
    """Return True if the time for which the policy in force keeps a recording is not over; False also if that policy's
    text is unknown here. Errors of Kafka and Redis pass through.
    """
    return not is_due_for_deletion(recording, await _kept(services), services.line.clock.now())


async def wav_parts(services: Services, case: Case, recording: CallRecording) -> AsyncIterator[bytes]:
    """Yield a recording as the parts of a WAV file: the operator on the left channel, everybody else on the right. Only
    the beginning of the sound, or just the file's head, if the rest is no longer stored or its person was erased.
    Errors of Kafka and of the vault (CodecError) pass through.
    """
    yield wav_head(recording.seconds)
    at = RecordingPlace(case.id, case.resident, recording.id, recording.written_ms)
    async for sound in services.line.call_recordings.sound(at):
        yield played(sound)


async def _kept(services: Services) -> timedelta:
    """Return how long recordings are kept by the policy in force; none at all if its text is unknown here."""
    try:
        return (await services.line.policies.live()).retention.call_recordings
    except (UnknownPolicyError, PolicyError):
        return timedelta()
