"""Revealing a resident's data: a person gives a reason and sees it for some minutes; recorded and counted by day.

The permission is a key in Redis; if it is lost, the person asks again. The counts are sums over the audit and are
computed again if Redis was lost.
"""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import date, datetime, timedelta

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.kit.services import Services
from domain.calendar import local_date
from schemas.administration.audit import AuditEntry
from schemas.people.residents import ResidentId
from streams.installation import Installation
from streams.security import audit_log
from streams.state import locks
from streams.state.keys import UNMASK_COUNTS, UNMASK_FORM, UNMASKED

ACT = "look-unmask"
LEAST_REASON = 4  # characters: two words in Chinese
SUMMED = "|summed"  # this field of the hash says that the counts are complete
KEPT = timedelta(days=31)  # how far back the audit is counted
FORM_SECONDS = 3600

_summing = asyncio.Lock()


async def begin(services: Services, who: Who, case: str, resident: ResidentId, reason: str, form: str) -> bool:
    """Write the audit entry, then let the person see the resident's data for `unmask_minutes`.

    Return True if it counts: a repeated form counts once, unless the first failed.

    Raises ValueError if the reason has fewer than LEAST_REASON characters, and what `trail.write` raises.
    """
    if len(reason.strip()) < LEAST_REASON:
        raise ValueError("a reason is needed")
    redis = services.line.redis
    async with _once(services, who, form) as first:
        if first:
            await _sum(services.line)
            await trail.record_look(services, who, "unmask", case, reason.strip())
            await redis.hincrby(UNMASK_COUNTS, _field(local_date(services.line.clock.now()), who.login), 1)
            await redis.set(_name(who, resident), 1, ex=services.settings.unmask_minutes * 60)
    return first


def _once(services: Services, who: Who, form: str) -> AbstractAsyncContextManager[bool]:
    """Return a context that yields whether the form is sent for the first time; without an id, each counts."""
    if not form:
        return nullcontext(True)
    return locks.taken(services.line.redis, f"{UNMASK_FORM}{who.session}:{form}", FORM_SECONDS * 1000)


async def active(services: Services, who: Who, resident: ResidentId) -> bool:
    """Return whether the person may see the resident's data now."""
    return bool(await services.line.redis.exists(_name(who, resident)))


async def seconds_left(services: Services, who: Who, resident: ResidentId) -> int:
    """Return the wall-clock seconds until the data is masked again; 0 if it is masked."""
    left: int = await services.line.redis.ttl(_name(who, resident))
    return max(0, left)


async def end(services: Services, who: Who, resident: ResidentId) -> None:
    """Mask the resident's data for the person at once."""
    await services.line.redis.delete(_name(who, resident))


async def counts(services: Services, since: date) -> Counter[tuple[date, str]]:
    """Return how often each person revealed data, by (day in China, login), from the day `since` on.

    Days more than KEPT ago may be missing.
    """
    await _sum(services.line)
    found: Counter[tuple[date, str]] = Counter()
    for raw, count in (await services.line.redis.hgetall(UNMASK_COUNTS)).items():
        day, _, login = raw.decode().partition("|")
        if day and date.fromisoformat(day) >= since:
            found[date.fromisoformat(day), login] = int(count)
    return found


async def _sum(line: Installation) -> None:
    """Compute the counts from the audit if Redis does not have them."""
    if await line.redis.hexists(UNMASK_COUNTS, SUMMED):
        return
    async with _summing:
        if await line.redis.hexists(UNMASK_COUNTS, SUMMED):
            return
        found = await _counted(line, line.clock.now() - KEPT)
        await line.redis.delete(UNMASK_COUNTS)
        await line.redis.hset(UNMASK_COUNTS, mapping={SUMMED: 1, **found})


async def _counted(line: Installation, since: datetime) -> Counter[str]:
    found: Counter[str] = Counter()
    before: int | None = None
    while True:
        page = await audit_log.newest(line.settings, audit_log.Wanted(act=ACT, since=since), audit_log.CHUNK, before)
        found.update(_counts_as(told.entry) for told in page.lines)
        before = page.before
        if before is None:
            return found


def _counts_as(entry: AuditEntry) -> str:
    return _field(local_date(entry.at), entry.by)


def _name(who: Who, resident: ResidentId) -> str:
    return f"{UNMASKED}{who.session}:{resident}"


def _field(day: date, login: str) -> str:
    return f"{day.isoformat()}|{login}"
