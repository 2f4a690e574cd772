"""Recordings of operators' calls on the topic call-recordings: the key of each, and its encrypted sound in parts.

The console writes the key before the gateway gets it, and this record is encrypted under the resident's key: an erasure
destroys it, and with it every copy of the sound. Intake writes the parts as the gateway has encrypted them, and cannot
read them. Each record has a key of its own, so that compaction removes none; Kafka deletes them when the policy's days
are over.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

from pydantic import ValidationError

from domain.carriers.recorded_sound import PART_SECONDS, opened_part, silent
from schemas.base import ANY_VERSION
from schemas.casework.call_recordings import RecordingPart
from schemas.people.residents import ResidentId
from streams.messaging.offsets import offset_at
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, read_on
from streams.messaging.topics import CALL_RECORDINGS, home
from streams.runtime.settings import Settings

CLOCKS_MS = 120_000  # clocks of two machines differ by less
LONGEST_MS = 6 * 3_600_000  # from the key to the last part: longer than any talk and its delivery


@dataclass(frozen=True, slots=True)
class RecordingPlace:
    """Where a recording is. `case`: the case's id; `recording`: its own id; `written_ms`: the time of its key's record
    (ms since 1970).
    """

    case: str
    resident: ResidentId = field(repr=False)
    recording: str
    written_ms: int


class CallRecordings:
    """Writes and reads the recordings of all cases."""

    def __init__(self, settings: Settings, producer: Producer) -> None:
        self._settings, self._producer = settings, producer

    async def put_key(self, at: RecordingPlace, key: bytes) -> None:
        """Write the key of a new recording; returns when Kafka has acknowledged it. Waits while Kafka is unavailable.
        Raises SendError if Kafka refuses it permanently, and CodecError if the vault cannot encrypt it.
        """
        await self._put(at, RecordingPart(id=at.recording, part=0, sound=base64.b64encode(key)), at.written_ms)

    async def put_part(self, at: RecordingPlace, part: RecordingPart, now_ms: int) -> None:
        """Write a part of the sound as the gateway encrypted it; returns when Kafka has acknowledged it. `now_ms`: the
        time of the record, in ms since 1970. A part that is written again has no effect on the sound.

        Waits while Kafka is unavailable. Raises SendError if Kafka refuses it permanently.
        """
        await self._put(at, part, now_ms)

    async def sound(self, at: RecordingPlace) -> AsyncIterator[bytes]:
        """Yield the decrypted parts of a recording in their order. A part that was changed or is missing is replaced by
        silence, so that what was said before and after it is not heard as one sentence; what is missing at the end is
        left out. Yields nothing if the recording is no longer on the topic, or its person was erased.

        Raises KafkaError if Kafka is unavailable. Errors of the vault (CodecError) pass through.
        """
        key, latest = b"", 0
        async for record in self._records(at):
            part = _part(record)
            if part is None or part.id != at.recording:
                continue
            if part.part == 0:
                key = key or part.sound
            elif key and part.part > latest:
                sound = opened_part(key, at.recording, part.part, part.sound)
                if sound is None:
                    continue
                for _ in range(latest + 1, part.part):
                    yield silent(PART_SECONDS)
                yield sound
                latest = part.part
                if part.last:
                    return

    async def _put(self, at: RecordingPlace, part: RecordingPart, now_ms: int) -> None:
        partition, value = home(at.resident, self._settings.partitions), part.model_dump_json().encode()
        record = Record(CALL_RECORDINGS.name, _key(at, part.part), value, partition, timestamp=now_ms)
        await self._producer.send_all([record])

    async def _records(self, at: RecordingPlace) -> AsyncIterator[Read]:
        """Yield the records of a recording, in the order in which they were written."""
        topic, partition = CALL_RECORDINGS.name, home(at.resident, self._settings.partitions)
        begins = _begins(at)
        first = await offset_at(self._settings, topic, partition, at.written_ms - CLOCKS_MS)
        async with aclosing(read_on(self._settings, topic, partition, first)) as records:
            async for record in records:
                if (record.key or b"").startswith(begins):
                    yield record
                if record.timestamp > at.written_ms + LONGEST_MS:
                    return


def _begins(at: RecordingPlace) -> bytes:
    return f"{at.case}-{at.recording}-{at.written_ms}-".encode()


def _key(at: RecordingPlace, part: int) -> bytes:
    """Return the record's key. It begins with the resident's id, by which it is encrypted."""
    return _begins(at) + str(part).encode()


def _part(record: Read) -> RecordingPart | None:
    """Return what a record has; None if its key was destroyed or is lost."""
    try:
        return RecordingPart.model_validate_json(record.value or b"", extra=ANY_VERSION)
    except ValidationError:
        return None
