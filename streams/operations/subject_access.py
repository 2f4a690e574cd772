"""Subject access: collects all data on one person from every topic in one file, as the person may request (PIPL,
article 45).

Redis has only leases and derived data beyond the topics. Of a record about several people (a batch of 500 signals),
only the person's own part is included; a record that cannot be split is included whole.
"""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from domain.identity.held import Subject
from schemas.administration.dead_letters import DeadLetter
from schemas.base import ANY_VERSION
from streams.dead_letters.unsealed import LetterSearch
from streams.messaging.codec import OF_RECORD, OF_RESIDENT, Unreadable
from streams.messaging.reader import Read, read_all
from streams.messaging.topics import (
    ALL,
    CALL_RECORDINGS,
    DEAD_LETTERS,
    FRAUD_MATCHES,
    LANES,
    PRESERVED,
    PUBLIC_REPORTS,
    REPORTED_FRAUDS,
    Topic,
)
from streams.runtime.settings import Settings
from streams.security.record_encryption import owner_of

MANIFEST = "manifest.json"
HANDED_OVER = "handed-over.json"
Found = dict[str, Any]
"""A record found: its partition and offset, when it was written (ms since 1970), and its content (`is`)."""

PAUSE = 100  # records after which other tasks have their turn
_LANES = {lane.name for lane in LANES}


async def records_about(settings: Settings, *same: Subject) -> dict[str, list[Found]]:
    """Return by topic the records about the person, in order within each partition; topics without any are left out.
    `same`: the person's entry, and those merged with it.

    Each record is a dict with its partition and offset, when it was written (`written_ms`: ms since 1970), and its
    content (`is`). Reads each topic to its end, which takes hours with a week of a province's signals. Recordings of
    calls are left out, also the copies that an order keeps: nobody gets their sound as a file; the person hears them at
    the centre. Raises KafkaError if Kafka is unavailable, and KeyAwaitedError at a record whose key is on its way to
    this process; errors of the vault (CodecError) pass through.
    """
    found: dict[str, list[Found]] = {}
    async for topic, _, each in records_about_each(settings, {"": same}, leaving_out=(CALL_RECORDINGS,)):
        if topic is not PRESERVED or not _copies_recording(each["is"]):
            found.setdefault(topic.name, []).append(each)
    return found


def _copies_recording(copy: object) -> bool:
    """Return whether a record of the topic preserved is a copy of a recording's key or sound."""
    return isinstance(copy, dict) and copy.get("topic") == CALL_RECORDINGS.name


async def records_about_each(
    settings: Settings, people: Mapping[str, Sequence[Subject]], leaving_out: Sequence[Topic] = ()
) -> AsyncIterator[tuple[Topic, str, Found]]:
    """Yield the records about these people on all topics but `leaving_out`, one topic after the other: the topic, the
    person's name in `people`, and the record as a dict (see `records_about`). Reads each topic once.

    `people`: by any name, the person's entry and those merged with it. A record about several people may be yielded in
    parts; its parts about one person follow each other. Raises KafkaError if Kafka is unavailable, and KeyAwaitedError
    at a record whose key is on its way to this process; errors of the vault (CodecError) pass through.
    """
    letters = LetterSearch(settings)
    for topic in (each for each in ALL if each not in leaving_out):
        async for found in read_all(settings, topic.name):
            record = found._replace(value=letters.searchable(found.value)) if topic is DEAD_LETTERS else found
            place = {"partition": record.partition, "offset": record.offset, "written_ms": record.timestamp}
            for name, same in people.items():
                for part in _parts_of(topic, record, same):
                    yield topic, name, {**place, "is": part}
            if record.offset % PAUSE == 0:
                await asyncio.sleep(0)
    letters.tell()


def _parts_of(topic: Topic, record: Read, same: Sequence[Subject]) -> list[object]:
    """Return the parts of a record about any entry of a person; a part about several counts once."""
    told: list[object] = []
    for subject in same:
        told += (part for part in parts(topic, record, subject) if part not in told)
    return told


def packed(found: dict[str, list[Found]], told: dict[str, object]) -> bytes:
    """Return the bytes of a zip with a JSON Lines file for each topic of `found`, and a manifest (JSON) with the number
    of records by topic.

    `told`: further entries of the manifest (who asked, when, why).
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        counts = {name: len(records) for name, records in found.items()}
        archive.writestr(MANIFEST, orjson.dumps({**told, "records": counts}, option=orjson.OPT_INDENT_2))
        for name, records in found.items():
            archive.writestr(f"{name}.jsonl", b"".join(orjson.dumps(record) + b"\n" for record in records))
    return made.getvalue()


def marked_copy(raw: bytes, told: dict[str, object]) -> bytes:
    """Return a result of `packed` with one more file, `handed-over.json`, on who downloaded it and when (`told`):
    a copy that turns up elsewhere names them.
    """
    made = io.BytesIO(raw)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(HANDED_OVER, orjson.dumps(told, option=orjson.OPT_INDENT_2))
    return made.getvalue()


def parts(topic: Topic, record: Read, subject: Subject) -> Iterator[object]:
    """Yield the parts of a record that are about the person, as JSON values, or as text if the record is not JSON;
    nothing if it is about other people.
    """
    value = record.value or b""
    if topic is DEAD_LETTERS:
        yield from _letter(value, subject)
    elif topic.name in OF_RESIDENT:  # another resident's record is not the person's, even if it names their account
        if owner_of(topic.name, record.key, None) == subject.resident.id:
            yield _json(value)
    elif subject.mentioned(record.key, value):
        whole = _json(value)
        if topic.name in _LANES and isinstance(whole, dict):
            whole = whole.get("signals", [whole])  # a dead letter sent again, or a single signal
        if topic.name in _LANES and isinstance(whole, list):
            yield from subject.signals([each for each in whole if isinstance(each, dict)])
        elif subject.mentioned(record.key, value, _at(whole)) and not _anothers(topic, whole, subject):
            yield whole


def _letter(value: bytes, subject: Subject) -> Iterator[object]:
    """Yield a dead letter if the refused bytes encoded in it, or the letter itself, mention the person."""
    try:
        letter = DeadLetter.model_validate_json(value, extra=ANY_VERSION)
        raw, at = letter.content, letter.at
    except ValueError:  # not a valid dead letter: only its plain text is searched
        raw, at = b"", None
    if subject.mentioned(None, raw, at) or subject.mentioned(None, value, at):
        yield _json(value)


def _at(whole: object) -> datetime | None:
    """Return the time of a record, if it has one."""
    try:
        return datetime.fromisoformat(str(whole["at"])) if isinstance(whole, dict) else None
    except (KeyError, ValueError):
        return None


def _anothers(topic: Topic, whole: object, subject: Subject) -> bool:
    """Return whether a record that names the person is another's: a public report is its reporter's, a reported fraud
    its victim's, also once it is matched, and a call, complaint or request is of the resident whom it is about.
    """
    if topic is FRAUD_MATCHES and isinstance(whole, dict):
        return whole.get("resident") != subject.resident.id  # a candidate may be anybody, and is told of no other
    if topic.name not in OF_RECORD or not isinstance(whole, dict):
        return False
    if topic is REPORTED_FRAUDS:
        return not subject.suffered(whole)
    return not (subject.reports(whole) if topic is PUBLIC_REPORTS else subject.owns(whole))


def _json(value: bytes) -> object:
    """Return a record's JSON value, or its text if it is not JSON."""
    try:
        return orjson.loads(value.withheld if isinstance(value, Unreadable) else value)
    except ValueError:
        return value.decode("utf-8", "replace")
