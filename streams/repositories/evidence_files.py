"""Evidence pictures on the topic evidence-files: written before their case refers to them, and read one at a time.

Kafka keeps them, because every console instance shares it, a backup copies it, and acknowledged records are on all
replicas in sync. Redis has none. Each record is encrypted as a whole under the resident's key, so an erasure destroys
every copy.

A case names a file by its id and the time of its record, and a record is found by that time: offsets differ after a
restore. Each record has a key of its own, so that compaction removes none. A picture to which no case refers (the
console was killed in between) is never shown, and ends with the topic's retention.
"""

import base64
from contextlib import aclosing

from pydantic import ValidationError

from schemas.base import ANY_VERSION
from schemas.casework.evidence_files import EvidenceFile, EvidencePicture
from schemas.people.residents import ResidentId
from streams.messaging.offsets import offset_at
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, read_on
from streams.messaging.topics import EVIDENCE_FILES, home
from streams.runtime.settings import Settings

SKEW_MS = 120_000  # clocks of two console machines differ by less, so the record's neighbours are not later by more


class EvidenceFiles:
    """Writes and reads the pictures of all cases."""

    def __init__(self, settings: Settings, producer: Producer) -> None:
        self._settings, self._producer = settings, producer

    async def put(self, case: str, resident: ResidentId, file: EvidenceFile, picture: bytes) -> None:
        """Write a picture (its bytes) of the case with the id `case` to the topic; returns when Kafka has acknowledged
        it. `file`: its entry in the case, with its id and the time of the record.

        Waits while Kafka is unavailable. Raises SendError if Kafka refuses it permanently, and CodecError if the vault
        cannot encrypt it.
        """
        value = EvidencePicture(file=file.id, picture=base64.b64encode(picture)).model_dump_json().encode()
        partition = home(resident, self._settings.partitions)
        record = Record(EVIDENCE_FILES.name, _key(case, file), value, partition, timestamp=file.written_ms)
        await self._producer.send_all([record])

    async def get(self, case: str, resident: ResidentId, file: EvidenceFile) -> bytes | None:
        """Return the bytes of the picture that the case with the id `case` lists as `file`, or None if it is no longer
        on the topic, or its person was erased. Raises KafkaError if Kafka is unavailable. Errors of the vault
        (CodecError) pass through.
        """
        partition, wanted = home(resident, self._settings.partitions), _key(case, file)
        first = await offset_at(self._settings, EVIDENCE_FILES.name, partition, file.written_ms)
        async with aclosing(read_on(self._settings, EVIDENCE_FILES.name, partition, first)) as records:
            async for record in records:
                if record.key == wanted:
                    return _picture(record)
                if record.timestamp > file.written_ms + SKEW_MS:
                    return None
        return None


def _key(case: str, file: EvidenceFile) -> bytes:
    """Return the record's key. It begins with the resident's id, by which it is encrypted."""
    return f"{case}-{file.id}-{file.written_ms}".encode()


def _picture(record: Read) -> bytes | None:
    """Return the picture in a record; None if its key was destroyed or is lost."""
    try:
        return EvidencePicture.model_validate_json(record.value or b"", extra=ANY_VERSION).picture
    except ValidationError:
        return None
