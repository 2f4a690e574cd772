"""Subject access: all data on one person from every topic, as people may request (PIPL, article 45), in one file.

Redis has only leases and derived data beyond the topics. Of a record about several people (a batch of 500 signals),
only the person's own part is included; a record that cannot be split is included whole.
"""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import orjson

from domain.identity.held import Subject
from schemas.administration.dead_letters import DeadLetter
from schemas.base import ANY_VERSION
from streams.messaging.codec import OF_RESIDENT, Unreadable
from streams.messaging.reader import Read, read_all
from streams.messaging.topics import ALL, CALLS, DEAD_LETTERS, LANES, Topic
from streams.runtime.settings import Settings
from streams.security.record_encryption import owner_of

MANIFEST = "manifest.json"
Found = dict[str, Any]
"""A record found: its partition and offset, when it was written (ms since 1970), and its content (`is`)."""

_LANES = {lane.name for lane in LANES}


async def held(settings: Settings, subject: Subject) -> dict[str, list[Found]]:
    """Return by topic the records about the person, in order within each partition; topics without any are left out.

    Each has its partition and offset, when it was written (ms since 1970), and its content (`is`). Reads each topic to
    its end: this takes hours with a week of a province's signals.
    """
    found: dict[str, list[Found]] = {}
    for topic in ALL:
        if told := [each async for each in _of_topic(settings, topic, subject)]:
            found[topic.name] = told
    return found


def packed(found: dict[str, list[Found]], told: dict[str, object]) -> bytes:
    """Return the bytes of a zip with a JSON Lines file for each topic, and a manifest of their counts.

    `told`: further entries of the manifest (who asked, when, why).
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        counts = {name: len(records) for name, records in found.items()}
        archive.writestr(MANIFEST, orjson.dumps({**told, "records": counts}, option=orjson.OPT_INDENT_2))
        for name, records in found.items():
            archive.writestr(f"{name}.jsonl", b"".join(orjson.dumps(record) + b"\n" for record in records))
    return made.getvalue()


async def _of_topic(settings: Settings, topic: Topic, subject: Subject) -> AsyncIterator[Found]:
    async for record in read_all(settings, topic.name):
        for part in parts(topic, record, subject):
            yield {"partition": record.partition, "offset": record.offset, "written_ms": record.timestamp, "is": part}
        if record.offset % 1000 == 0:
            await asyncio.sleep(0)


def parts(topic: Topic, record: Read, subject: Subject) -> Iterator[object]:
    """Yield the parts of a record that are about the person, as JSON values or text."""
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
        elif subject.mentioned(record.key, value, _at(whole)) and not _another_calls(topic, whole, subject):
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


def _another_calls(topic: Topic, whole: object, subject: Subject) -> bool:
    """Return whether a call's record is of another resident who shares the telephone."""
    who = whole.get("resident") if topic is CALLS and isinstance(whole, dict) else None
    return who not in (None, subject.resident.id)


def _json(value: bytes) -> object:
    """Return a record's JSON value, or its text if it is not JSON."""
    try:
        return orjson.loads(value.withheld if isinstance(value, Unreadable) else value)
    except ValueError:
        return value.decode("utf-8", "replace")
