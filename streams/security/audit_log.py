"""Reads the audit topic: the whole topic to verify the chains, or the newest lines for a page of the console."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from redis.asyncio import Redis

from domain.access.audit_chain import Check, Line, Verified, audit_ring
from domain.access.key_rings import KeyPurpose
from schemas.administration.audit import AUDITOR, AuditEntry, Head, Verification
from schemas.base import ANY_VERSION
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import read_all, read_range
from streams.messaging.topics import AUDIT
from streams.runtime.settings import Settings
from streams.security.audit_chains import Heads
from streams.security.installation_keys import ring
from streams.state.keys import AUDIT_VERIFIED

AT_ONCE = 200  # lines checked before other tasks of the process run
CHUNK = 2_000  # lines read at once, from the newest backwards
MOST_READ = 200_000  # lines searched for one page, which then says how far it came


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter for audit lines; an empty field matches every line. `since` is inclusive, `until` exclusive."""

    by: str = ""
    act: str = ""  # or its beginning, such as look-
    on: str = ""  # or a resident: matches all of their cases
    since: datetime | None = None
    until: datetime | None = None
    among: frozenset[str] | None = None  # only acts of these people; None: of all
    mended: bool = True  # include automatic repairs by the auditor, which are most lines of a bad day
    acts: frozenset[str] | None = None  # only these acts; None: all

    def fits(self, entry: AuditEntry) -> bool:
        """Return True if an entry matches all fields of the filter."""
        return (
            self.by in ("", entry.by)
            and (self.among is None or entry.by in self.among)
            and (self.mended or entry.by != AUDITOR)
            and entry.act.startswith(self.act)
            and (self.acts is None or entry.act in self.acts)
            and (self.on in ("", entry.on) or entry.on.startswith(f"{self.on}-"))
            and (self.since is None or self.since <= entry.at)
            and (self.until is None or entry.at < self.until)
        )


class AuditRecord(NamedTuple):
    """An audit entry, and its offset on the topic."""

    offset: int
    entry: AuditEntry


class Page(NamedTuple):
    """A page of audit lines, the newest first.

    `before`: the next page has the lines before this offset; None: no older line can match. `left`: True if the page is
    not full because the search ended at its limit of 200,000 lines.
    """

    lines: list[AuditRecord]
    before: int | None
    left: bool


async def verified(settings: Settings, heads: Heads, kept: Sequence[Head] = ()) -> Verified:
    """Verify every line of the audit topic. Return the result, which lists the faults.

    The heads are read first, so that every line that they name is already on the topic. `kept`: heads stored elsewhere
    than in Redis. Raises RedisError if Redis is unavailable, KafkaError if Kafka is, and SettingsError if this process
    has no key for the audit.
    """
    known = [*await heads.all(), *kept]
    check = Check(audit_ring(ring(settings, KeyPurpose.AUDIT)))
    count = 0
    async for record in read_all(settings, AUDIT.name):
        check.take(Line(record.offset, record.key, record.value))
        count += 1
        if count % AT_ONCE == 0:
            await asyncio.sleep(0)
    return check.end(known)


async def remember(redis: "Redis", found: Verified, at: datetime, by: str) -> Verification:
    """Store the result of a verification in Redis for the console and metrics, and return it as stored: its numbers and
    only the first of its faults. `at`, `by`: when and by whom it was made. Errors of Redis pass through.
    """
    fault = found.faults[0] if found.faults else None
    counts = {name: getattr(found, name) for name in ("lines", "chains", "before", "repeats", "heads")}
    made = Verification(at=at, by=by, fault=fault, **counts)
    client: Any = redis
    await client.set(AUDIT_VERIFIED, made.model_dump_json())
    return made


async def remembered(redis: "Redis") -> Verification | None:
    """Return the stored result of the last verification, or None if none was stored. Raises ValidationError if it is
    invalid. Errors of Redis pass through.
    """
    client: Any = redis
    raw = await client.get(AUDIT_VERIFIED)
    return Verification.model_validate_json(raw, extra=ANY_VERSION) if raw else None


async def newest(settings: Settings, wanted: Wanted, most: int, before: int | None = None) -> Page:
    """Return the newest matching lines before the offset `before` (None: before the end), at most `most`, the newest
    first.

    At most about 200,000 lines are searched, backwards. Lines that cannot be parsed are left out. Errors of Kafka pass
    through.
    """
    begin = (await beginning_offsets(settings, AUDIT.name)).get(0, 0)
    end = (await end_offsets(settings, AUDIT.name)).get(0, 0)
    reached = end if before is None else min(before, end)
    limit, found = reached - MOST_READ, list[AuditRecord]()
    while reached > begin and reached > limit and len(found) < most:
        first = max(begin, reached - CHUNK)
        chunk = [told async for told in _entries(settings, first, reached - 1) if wanted.fits(told.entry)]
        found += reversed(chunk)
        reached = first
        if wanted.since is not None and chunk == [] and await _older(settings, reached, wanted.since):
            reached = begin
    if len(found) > most:
        return Page(found[:most], found[most - 1].offset, left=False)
    return Page(found, reached if reached > begin else None, left=reached > begin and len(found) < most)


async def all_entries(settings: Settings, wanted: Wanted) -> AsyncIterator[AuditEntry]:
    """Yield all matching entries, the newest first. Lines that cannot be parsed are left out. Errors of Kafka pass
    through.
    """
    before: int | None = None
    while True:
        page = await newest(settings, wanted, CHUNK, before)
        for record in page.lines:
            yield record.entry
        before = page.before
        if before is None:
            return


async def about(settings: Settings, on: str) -> list[Line]:
    """Return all lines whose field `on` is exactly `on`, with their original bytes, the oldest first; empty if there
    are none. Errors of Kafka pass through.
    """
    mark = f'"on":"{on}"'.encode()
    return [
        Line(record.offset, record.key, record.value)
        async for record in read_all(settings, AUDIT.name)
        if record.value and mark in record.value
    ]


async def _entries(settings: Settings, first: int, last: int) -> AsyncIterator[AuditRecord]:
    async for record in read_range(settings, AUDIT.name, 0, first, last):
        try:
            yield AuditRecord(record.offset, AuditEntry.model_validate_json(record.value or b""))
        except ValidationError:
            continue  # the verification reports it


async def _older(settings: Settings, reached: int, since: datetime) -> bool:
    """Return True if the line before offset `reached` is older than `since`; earlier lines are then older too, because
    lines are roughly ordered by time. False if no such line exists.
    """
    begin = (await beginning_offsets(settings, AUDIT.name)).get(0, 0)
    if reached <= begin:
        return False
    last = [told async for told in _entries(settings, reached - 1, reached - 1)]
    return bool(last) and last[0].entry.at < since
