"""Revealing a resident's data: a person gives a reason and sees the data for some minutes; recorded, counted and
limited.

The permission is a key in Redis; if Redis is lost, the person asks again. The counts by day are computed from the
audit, again if Redis was lost; the quota of the hour then starts again at 0.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.kit.services import Services
from domain.access.reveals import REVEALING, WINDOW, Revealed, free_again, is_reveal, is_sufficient_reason, quotas
from domain.calendar import local_date
from schemas.administration.audit import RevealReason
from schemas.casework.cases import Case
from schemas.levels import Level
from schemas.people.residents import ResidentId
from schemas.people.staff import StaffRole
from streams.installation import Installation
from streams.security import audit_log
from streams.state import locks
from streams.state.keys import HEARING, REVEALS, UNMASK_COUNTS, UNMASK_FORM, UNMASKED, changing

SUMMED = "|summed"  # this field of the hash says that the counts are complete
KEPT = timedelta(days=31)  # how far back the audit is counted
FORM_SECONDS = 3600
_RED = "red:"  # begins the member of a red case of the person's own


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's form for revealing data. `why`: the category of the reason; `reason`: their own words; `form`: the
    form's id.
    """

    why: RevealReason
    reason: str
    form: str = ""


class QuotaError(Exception):
    """The person has revealed too many residents' data. `until`: when they may reveal another resident's."""

    def __init__(self, until: datetime) -> None:
        super().__init__("too many reveals")
        self.until = until


async def begin(services: Services, who: Who, case: Case, wish: Wish) -> bool:
    """Write the audit entry of a revealing, then let the person see the data of the case's resident for
    `unmask_minutes` (a setting), in this session. Returns True; False, writing nothing, if the same form was sent
    before with success.

    Raises ValueError if the reason is meaningless, QuotaError above the quota of the role, TimeoutError if another form
    of the person is not done in time or Kafka does not answer, and SendError if Kafka refuses the entry for good.
    Errors of Kafka and Redis pass through.
    """
    if not is_sufficient_reason(wish.reason):
        raise ValueError("a reason is needed")
    redis = services.line.redis
    async with _once(services, who, wish.form) as first:
        if first:
            await _record(services, who, case, "unmask", wish.reason, f"for {wish.why.value}")
            await redis.set(_name(who, case.resident), 1, ex=services.settings.unmask_minutes * 60)
    return first


async def record_export(services: Services, who: Who, case: Case, reason: str) -> None:
    """Write the audit entry of a case's export. The export counts as a revealing, because it has the resident's data.

    Raises ValueError if the reason is meaningless, QuotaError above the quota of the role, TimeoutError if Kafka does
    not answer, and SendError if it refuses the entry for good. Errors of Kafka and Redis pass through.
    """
    if not is_sufficient_reason(reason):
        raise ValueError("a reason is needed")
    await _record(services, who, case, "export", reason)


async def record_hearing(services: Services, who: Who, case: Case, wish: Wish, recording: str) -> None:
    """Write the audit entry of hearing a recording (its id) of a case's call, and let the person hear it for
    `unmask_minutes` (a setting), in this session. It counts as a revealing.

    Raises ValueError if the reason is meaningless, QuotaError above the quota of the role, TimeoutError if Kafka does
    not answer, and SendError if it refuses the entry for good. Errors of Kafka and Redis pass through.
    """
    if not is_sufficient_reason(wish.reason):
        raise ValueError("a reason is needed")
    await _record(services, who, case, "recording", wish.reason, f"{recording} for {wish.why.value}")
    minutes = services.settings.unmask_minutes
    await services.line.redis.set(_hearing(who, recording), 1, ex=minutes * 60)


async def may_hear(services: Services, who: Who, recording: str) -> bool:
    """Return True if the person may still hear a recording (its id) in this session. Errors of Redis pass through."""
    return bool(await services.line.redis.exists(_hearing(who, recording)))


async def _record(services: Services, who: Who, case: Case, what: str, reason: str, detail: str = "") -> None:
    """Write a revealing to the audit and count it. Raises QuotaError above the quota, and TimeoutError if Kafka does
    not answer.
    """
    day = local_date(services.line.clock.now())
    await _sum(services)
    async with _within_quota(services, who, case):
        await trail.record_look(services, who, what, case.id, reason.strip(), detail)
    await services.line.redis.hincrby(UNMASK_COUNTS, _field(day, who.login), 1)


def _once(services: Services, who: Who, form: str) -> AbstractAsyncContextManager[bool]:
    """Return a context that yields True if the form is sent for the first time. Without a form id it always yields
    True.
    """
    if not form:
        return nullcontext(True)
    return locks.taken(services.line.redis, f"{UNMASK_FORM}{who.session}:{form}", FORM_SECONDS * 1000)


@asynccontextmanager
async def _within_quota(services: Services, who: Who, case: Case) -> AsyncIterator[None]:
    """Count a resident towards the person's quota of the hour after the block, unless it raises or is cancelled. Raises
    QuotaError before the block if the quota is used up.

    Forms of a person that arrive together are processed one after another, so that each sees the earlier ones counted.
    """
    redis, name = services.line.redis, REVEALS + who.login
    red = case.level is Level.RED and (case.claimed_by == who.login or who.role is StaffRole.OFFICER)
    async with locks.locked(redis, changing("reveals", who.login)):
        now = services.line.clock.now()
        await redis.zremrangebyscore(name, "-inf", (now - WINDOW).timestamp())
        members = {each.decode(): at for each, at in await redis.zrange(name, 0, -1, withscores=True)}
        if case.resident in {each.removeprefix(_RED) for each in members}:  # it counts once within the hour
            yield
            return
        before = [Revealed(datetime.fromtimestamp(at, UTC), each.startswith(_RED)) for each, at in members.items()]
        until = free_again(before, red, quotas(services.settings.reveal_quotas)[who.role], now)
        if until is not None:
            raise QuotaError(until)
        yield
        await redis.zadd(name, {f"{_RED if red else ''}{case.resident}": now.timestamp()})
        await redis.expire(name, WINDOW)


async def seconds_left(services: Services, who: Who, resident: ResidentId) -> int:
    """Return for how many wall-clock seconds the person may still see the resident's data in this session; 0 if the
    data is masked. Errors of Redis pass through.
    """
    left: int = await services.line.redis.ttl(_name(who, resident))
    return max(0, left)


async def end(services: Services, who: Who, resident: ResidentId) -> None:
    """Mask a resident's data in the person's session again, before the time is over. No effect if it is masked. Errors
    of Redis pass through.
    """
    await services.line.redis.delete(_name(who, resident))


async def counts(services: Services, since: date) -> Counter[tuple[date, str]]:
    """Return by (day in China, login) how often the person revealed data, from the day `since` (included) on.

    If Redis was lost, the counts are first computed from the audit and stored.

    Days more than KEPT (31 days) ago may be missing. Errors of Kafka and Redis pass through.
    """
    await _sum(services)
    found: Counter[tuple[date, str]] = Counter()
    for raw, count in (await services.line.redis.hgetall(UNMASK_COUNTS)).items():
        day, _, login = raw.decode().partition("|")
        if day and date.fromisoformat(day) >= since:
            found[date.fromisoformat(day), login] = int(count)
    return found


async def _sum(services: Services) -> None:
    """Compute the counts from the audit and store them, unless Redis has them."""
    line = services.line
    if await line.redis.hexists(UNMASK_COUNTS, SUMMED):
        return
    async with services.counting_unmaskings:
        if await line.redis.hexists(UNMASK_COUNTS, SUMMED):
            return
        found = await _counted(line, line.clock.now() - KEPT)
        await line.redis.delete(UNMASK_COUNTS)
        await line.redis.hset(UNMASK_COUNTS, mapping={SUMMED: 1, **found})


async def _counted(line: Installation, since: datetime) -> Counter[str]:
    wanted = audit_log.Wanted(acts=REVEALING, since=since)
    entries = [each async for each in audit_log.all_entries(line.settings, wanted) if is_reveal(each)]
    return Counter(_field(local_date(each.at), each.by) for each in entries)


def _name(who: Who, resident: ResidentId) -> str:
    return f"{UNMASKED}{who.session}:{resident}"


def _hearing(who: Who, recording: str) -> str:
    return f"{HEARING}{who.session}:{recording}"


def _field(day: date, login: str) -> str:
    return f"{day.isoformat()}|{login}"
