"""Adds uploaded files to a case as evidence, and reads their pictures. An uploaded file is never stored as it came.

Order: decoded and encoded anew, written to Kafka, then added to the case. A file counts as added once the case lists
it. If adding is interrupted, the file is not listed, and sending it again adds it once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case.answers import Answered, put
from console.web.kit.services import Services
from domain.casework.evidence.adding import missing
from domain.casework.evidence.uploads import file_id, refusal_of
from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.casework.evidence_files import MOST_AT_ONCE, MOST_FILES, EvidenceFile, FileRefusal
from schemas.casework.inputs import EvidenceReport
from streams.security.pictures import PictureError

FIELD = "files"


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A decoded file: its entry in the case's list, and its new picture."""

    file: EvidenceFile
    picture: bytes


async def uploads(request: Request) -> list[bytes]:
    """Return the contents of the form's files, in the form's order. Fields in which no file was chosen are left out.
    Raises HTTPException (400) if the form cannot be parsed.
    """
    given = (await request.form()).getlist(FIELD)
    return [await each.read() for each in given if isinstance(each, UploadFile) and each.filename]


async def add(services: Services, who: Who, case: Case, raws: Sequence[bytes]) -> list[FileRefusal]:
    """Add files to a case. Return the reasons for which files were not added, without their names; empty if the case
    lists all of them. Too many files, or a case that is not the resident's latest, give one reason, and none is added.

    `raws`: the files' contents. Raises TimeoutError if Kafka does not answer in time, SendError if it refuses a record
    for good, and CodecError if the vault cannot encrypt a picture. Errors of Redis pass through.
    """
    if len(raws) > MOST_AT_ONCE or len(case.files) + len(raws) > MOST_FILES:
        return [FileRefusal.TOO_MANY]
    latest = await services.line.calls.latest_case(case.resident)
    if latest is None or latest.id != case.id:
        return [FileRefusal.EARLIER_CASE]
    found = [await _decoded(services, who, case, raw) for raw in raws]
    refused = [each for each in found if isinstance(each, FileRefusal)]
    made = {each.file.id: each for each in found if isinstance(each, _Decoded)}
    new = [made[file.id] for file in missing(case, [each.file for each in made.values()])]
    if new and not await _taken(services, who, case, new):
        refused.append(FileRefusal.NOT_TAKEN)
    return refused


async def picture_of(services: Services, who: Who, case: Case, file: EvidenceFile) -> bytes | None:
    """Write an audit entry that the person looks at a file, and return its picture (JPEG); None if it is no longer
    stored.

    Raises TimeoutError if Kafka does not store the entry in time, and SendError if it refuses it for good. Errors of
    Kafka and of the vault (CodecError) pass through when the picture is read.
    """
    await trail.record_look(services, who, "evidence", case.id, detail=file.id)
    return await services.line.evidence_files.get(case.id, case.resident, file)


async def _decoded(services: Services, who: Who, case: Case, raw: bytes) -> _Decoded | FileRefusal:
    if refusal := refusal_of(raw):
        return refusal
    try:
        picture = await services.pictures.reencoded(raw)
    except PictureError as error:
        return error.why
    original, clock = hashlib.sha256(raw).hexdigest(), services.line.clock
    file = EvidenceFile(
        id=file_id(case.id, original),
        at=clock.now(),
        by=who.login,
        original=original,
        written_ms=round(clock.wall.time() * 1000),
    )
    return _Decoded(file, picture)


async def _taken(services: Services, who: Who, case: Case, new: Sequence[_Decoded]) -> bool:
    """Write the pictures, then add the files to the case. Return True if the case lists all of them now."""
    async with trail.in_time():
        for each in new:
            await services.line.evidence_files.put(case.id, case.resident, each.file, each.picture)
    files = [each.file for each in new]
    report = EvidenceReport(
        id=short_hash("evidence", case.id, *(file.id for file in files)),
        at=services.line.clock.now(),
        resident=case.resident,
        case=case.id,
        by=who.login,
        files=files,
    )
    answer = await put(services, who, report)
    if answer.how is Answered.WAITING:  # late, or sent before: the case itself says
        latest = await services.desk.load(case.id)
        return latest is not None and not missing(latest, files)
    return answer.how is Answered.DONE
