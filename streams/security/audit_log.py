"""Reading the audit: all of it to see that it is whole, or the newest lines that somebody asks for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from redis.asyncio import Redis

from domain.access.audit_chain import Check, Line, Verified, audit_key
from schemas.administration.audit import AUDITOR, AuditEntry, Head, Verification
from schemas.base import ANY_VERSION
from streams.messaging.reader import beginning_offsets, end_offsets, read_all, read_range
from streams.messaging.topics import AUDIT
from streams.runtime.settings import Settings
from streams.security.audit_chains import Heads

VERIFIED = "audit-verified"  # string: what the last look at the chains found
AT_ONCE = 200  # lines looked at before others of the process have their turn
CHUNK = 2_000  # lines read at once, from the newest backwards
MOST_READ = 200_000  # lines looked at for one page: then it says how far it came


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are meant; what is not named fits all. `since` is included, `until` is not."""

    by: str = ""
    act: str = ""  # or the beginning of it, such as look-
    on: str = ""  # or a resident: all of his cases
    since: datetime | None = None
    until: datetime | None = None
    among: frozenset[str] | None = None  # by one of these; none: by anybody
    mended: bool = True  # also what the auditor has mended by itself, which is most of a bad day's lines

    def fits(self, entry: AuditEntry) -> bool:
        return (
            self.by in ("", entry.by)
            and (self.among is None or entry.by in self.among)
            and (self.mended or entry.by != AUDITOR)
            and entry.act.startswith(self.act)
            and (self.on in ("", entry.on) or entry.on.startswith(f"{self.on}-"))
            and (self.since is None or self.since <= entry.at)
            and (self.until is None or entry.at < self.until)
        )


class AuditRecord(NamedTuple):
    """A line of the audit, and where it stands."""

    offset: int
    entry: AuditEntry


class Page(NamedTuple):
    """Lines, the newest first. `before`: to go on from; none: no older ones. `left`: older ones were not looked at."""

    lines: list[AuditRecord]
    before: int | None
    left: bool


async def verified(settings: Settings, heads: Heads, kept: Sequence[Head] = ()) -> Verified:
    """Look at every line there is; `kept`: heads that were put aside, besides those in Redis.

    The heads are read first: whatever they name is on the topic then.
    """
    known = [*await heads.all(), *kept]
    check = Check(audit_key(settings.key()))
    count = 0
    async for record in read_all(settings, AUDIT.name):
        check.take(Line(record.offset, record.key, record.value))
        count += 1
        if count % AT_ONCE == 0:
            await asyncio.sleep(0)
    return check.end(known)


async def remember(redis: "Redis", found: Verified, at: datetime, by: str) -> Verification:
    """Keep what a look found, for the page that tells of it."""
    fault = found.faults[0].words if found.faults else ""
    counts = {name: getattr(found, name) for name in ("lines", "chains", "before", "repeats", "heads")}
    made = Verification(at=at, by=by, fault=fault, **counts)
    client: Any = redis
    await client.set(VERIFIED, made.model_dump_json())
    return made


async def remembered(redis: "Redis") -> Verification | None:
    """What the last look found."""
    client: Any = redis
    raw = await client.get(VERIFIED)
    return Verification.model_validate_json(raw, extra=ANY_VERSION) if raw else None


async def newest(settings: Settings, wanted: Wanted, most: int, before: int | None = None) -> Page:
    """The newest `most` lines that are meant, of those before offset `before`. They are read from the end backwards."""
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


async def about(settings: Settings, on: str) -> list[Line]:
    """All lines about one thing, as they lie on the topic."""
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
            continue  # `verify` tells of it


async def _older(settings: Settings, reached: int, since: datetime) -> bool:
    """Whether what lies before `reached` is older than that: lines are written about in the order of their times."""
    begin = (await beginning_offsets(settings, AUDIT.name)).get(0, 0)
    if reached <= begin:
        return False
    last = [told async for told in _entries(settings, reached - 1, reached - 1)]
    return bool(last) and last[0].entry.at < since
