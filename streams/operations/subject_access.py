"""All that is held on one person, out of every topic, into one file: what somebody may ask to see (PIPL, article 45).

Redis holds nothing that is in no topic but leases and what is computed anew. A record that speaks of others too (a
signals record of five hundred) is given only in the person's own part; where it cannot be parted, as it lies there.
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
from streams.messaging.reader import Read, read_all
from streams.messaging.topics import ALL, CALLS, DEAD_LETTERS, LANES, Topic
from streams.runtime.settings import Settings
from streams.security.record_encryption import OF_RESIDENT, Unreadable, owner_of

MANIFEST = "manifest.json"
Found = dict[str, Any]
"""Where a record lies, when it was written, and what it says (`is`)."""

_LANES = {lane.name for lane in LANES}


async def held(settings: Settings, subject: Subject) -> dict[str, list[Found]]:
    """By topic what it holds on the person, oldest first of each partition; topics that hold nothing are left out.

    Reads each topic to its end: hours where a week of a province's signals lies.
    """
    found: dict[str, list[Found]] = {}
    for topic in ALL:
        if told := [each async for each in _of_topic(settings, topic, subject)]:
            found[topic.name] = told
    return found


def packed(found: dict[str, list[Found]], told: dict[str, object]) -> bytes:
    """A zip: JSON Lines for each topic, and a manifest that says how many and `told` (who asked, when, why)."""
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
    """What of a record speaks of the person."""
    value = record.value or b""
    if topic is DEAD_LETTERS:
        yield from _letter(value, subject)
    elif topic.name in OF_RESIDENT:  # another's may name the person's number or account: it is not the person's
        if owner_of(topic.name, record.key, None) == subject.resident.id:
            yield _json(value)
    elif subject.mentioned(record.key, value):
        whole = _json(value)
        if topic.name in _LANES and isinstance(whole, dict):
            whole = whole.get("signals", [whole])  # sent again, or one by itself
        if topic.name in _LANES and isinstance(whole, list):
            yield from subject.signals([each for each in whole if isinstance(each, dict)])
        elif subject.mentioned(record.key, value, _at(whole)) and not _another_calls(topic, whole, subject):
            yield whole


def _letter(value: bytes, subject: Subject) -> Iterator[object]:
    """A dead letter: the bytes that were refused lie in it encoded."""
    try:
        letter = DeadLetter.model_validate_json(value, extra=ANY_VERSION)
        raw, at = letter.content, letter.at
    except ValueError:  # it is none itself, and then only what can be seen of it counts
        raw, at = b"", None
    if subject.mentioned(None, raw, at) or subject.mentioned(None, value, at):
        yield _json(value)


def _at(whole: object) -> datetime | None:
    """When a record was made, if it says so."""
    try:
        return datetime.fromisoformat(str(whole["at"])) if isinstance(whole, dict) else None
    except (KeyError, ValueError):
        return None


def _another_calls(topic: Topic, whole: object, subject: Subject) -> bool:
    """Of those who share a telephone it was another who called."""
    who = whole.get("resident") if topic is CALLS and isinstance(whole, dict) else None
    return who not in (None, subject.resident.id)


def _json(value: bytes) -> object:
    """What a record says, or its text where it is no JSON."""
    try:
        return orjson.loads(value.withheld if isinstance(value, Unreadable) else value)
    except ValueError:
        return value.decode("utf-8", "replace")
