"""Delays requests for stop-payments for some seconds, in which the person who asked can undo them.

In Redis, under one hash tag: `due` (sorted set: id -> send time, ms of the wall clock), `acts` (hash: id -> the act),
`sending` (sorted set: id -> start time, ms). A due act is added to `sending`, then removed from `due`, then written to
the case; only the console that removed the act from `due` sends it. If this console stops in between, another console
sends the act after LOST_SECONDS. The input's id is made from the form, so an act that is sent twice counts once.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case import answers
from console.web.case.acting import acted
from console.web.case.acts import ActBody, came_of, input_id
from console.web.case.answers import Answered
from console.web.kit.services import Services
from schemas.base import ANY_VERSION, Model, Text, When
from schemas.casework.cases import Case, CaseId
from schemas.codes.refusals import CaseChanged
from schemas.people.staff import Area, Login, StaffRole
from streams.messaging.dead_letter_writer import reason
from streams.runtime.tasks import until_done, wanted
from streams.state.keys import KEPT_BACK_ACTS, KEPT_BACK_DUE, KEPT_BACK_SENDING, KEPT_BACK_SENT

log = logging.getLogger(__name__)

SECONDS = 5.0  # of the wall clock: enough to notice a mistake
DAY_SECONDS = 86_400
LOOK_SECONDS = 0.2
LOST_SECONDS = 20.0  # after this long in `sending`, its console has stopped
TRIES = 4  # a case that changes meanwhile refuses the act; it is then written again


class DelayedAct(Model):
    """A delayed act and the person who asked for it. `at`: when they asked (UTC)."""

    id: str
    login: Login
    name: Text
    role: StaffRole
    area: Area
    case: CaseId
    body: ActBody
    at: When

    @property
    def who(self) -> Who:
        """The person who asked, without session, station or officer."""
        return Who(self.login, self.name, self.role, self.area, None, None, session="")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An act that can still be undone for `left` milliseconds. `by`: the login of the person who asked."""

    id: str
    body: ActBody
    by: str
    left: int


class DelayedActs:
    """The acts delayed by all consoles on one Redis. `run` sends those that are due."""

    def __init__(self, services: Services, seconds: float = SECONDS) -> None:
        self._services, self.seconds = services, seconds
        self._redis: Any = services.line.redis

    async def keep(self, who: Who, case: Case, body: ActBody) -> Waiting:
        """Delay an act by the object's `seconds` (wall clock, usually 5), and return it with the milliseconds left for
        undoing it, 0 if it was already sent.

        A form that is sent again is the same act, and does not change its send time. Errors of Redis pass through.
        """
        made = DelayedAct(
            id=input_id(who, case.id, body),
            login=who.login,
            name=who.name,
            role=who.role,
            area=who.area,
            case=case.id,
            body=body,
            at=self._services.line.clock.now(),
        )
        if await self._redis.exists(KEPT_BACK_SENT + made.id):
            return Waiting(made.id, body, who.login, 0)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hsetnx(KEPT_BACK_ACTS, made.id, made.model_dump_json())
            pipe.zadd(KEPT_BACK_DUE, {made.id: self._now() + round(self.seconds * 1000)}, nx=True)
            await pipe.execute()
        due = await self._redis.zscore(KEPT_BACK_DUE, made.id)
        return Waiting(made.id, body, who.login, max(0, int(due or 0) - self._now()))

    async def undo(self, who: Who, case_id: str, name: str) -> bool:
        """Remove an act before it is sent, and write an audit entry. A supervisor may undo another person's act.

        Return True if the act was removed; False if it was already sent, is not of this case, or is another person's.
        Raises TimeoutError if Kafka does not store the audit entry in time, and SendError if it refuses it for good;
        the act is removed all the same. Errors of Redis pass through.
        """
        kept = await self._load(name)
        if kept is None or kept.case != case_id:
            return False
        if kept.login != who.login and who.role is not StaffRole.SUPERVISOR:
            return False
        if not await self._redis.zrem(KEPT_BACK_DUE, name):
            return False
        await self._redis.hdel(KEPT_BACK_ACTS, name)
        await trail.write(self._services, who, f"{str(kept.body.act.do).replace('_', '-')}-undone", case_id)
        return True

    async def waiting(self, case_id: str) -> list[Waiting]:
        """Return the delayed acts of the case that can still be undone, the first to be sent first. Errors of Redis
        pass through.
        """
        dues = await self._redis.zrange(KEPT_BACK_DUE, 0, -1, withscores=True)
        if not dues:
            return []
        names, now = [name for name, _ in dues], self._now()
        acts = [
            _read(name.decode(), raw)
            for name, raw in zip(names, await self._redis.hmget(KEPT_BACK_ACTS, names), strict=True)
        ]
        return [
            Waiting(kept.id, kept.body, kept.login, max(0, int(due) - now))
            for kept, (_, due) in zip(acts, dues, strict=True)
            if kept and kept.case == case_id
        ]

    async def run(self) -> None:
        """Send acts when they are due, until cancelled.

        Outages of Kafka and Redis are waited for; raises AccessError if a server denies access.
        """
        while wanted():
            await until_done("what the console keeps back", self._send_due)
            await asyncio.sleep(LOOK_SECONDS)

    async def _send_due(self) -> None:
        now, mine = self._now(), list[Coroutine[Any, Any, None]]()
        for name in await self._redis.zrange(KEPT_BACK_DUE, "-inf", now, byscore=True):
            await self._redis.zadd(KEPT_BACK_SENDING, {name: now})
            if await self._redis.zrem(KEPT_BACK_DUE, name):
                mine.append(self._send(name.decode(), recovered=False))
        await asyncio.gather(*mine)
        for name in await self._redis.zrange(KEPT_BACK_SENDING, "-inf", now - round(LOST_SECONDS * 1000), byscore=True):
            await self._redis.zrem(KEPT_BACK_DUE, name)
            await self._send(name.decode(), recovered=True)

    async def _send(self, name: str, *, recovered: bool) -> None:
        """Write the act to its case, unless it was undone.

        An act without an answer stays in `sending`, because the case may still refuse it.
        """
        kept = await self._load(name)
        if kept and not await self._write(kept, recovered=recovered):
            await self._redis.zadd(KEPT_BACK_SENDING, {name: self._now()})
            return
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(KEPT_BACK_ACTS, name)
            pipe.zrem(KEPT_BACK_SENDING, name)
            pipe.set(KEPT_BACK_SENT + name, 1, ex=DAY_SECONDS)
            await pipe.execute()

    async def _write(self, kept: DelayedAct, *, recovered: bool) -> bool:
        """Write the act on the case's present version, because nobody could have seen the changes of the last seconds.
        Return False if the case's answer is not known yet; True if there is nothing more to do.

        An act that is refused because the case changed again is written again, at most TRIES times in all. `recovered`:
        the act may have been written before, so it is written only if the case has not applied it.
        """
        for attempt in range(TRIES):
            case = await self._services.desk.load(kept.case)
            if case is None:
                log.warning("case %s is gone: what was kept back for it is dropped", kept.case)
                return True
            name = f"{kept.id}.{attempt}" if attempt else kept.id
            answer = await came_of(self._services, case, name, kept.body.seen) if recovered else None
            if answer is None:
                message = acted(self._services, kept.who, case, kept.body.act, name)
                answer = await answers.put(self._services, kept.who, message, kept.body.anyway or "")
            if answer.how is Answered.WAITING:
                return False
            if answer.how is Answered.DONE or not isinstance(answer.why, CaseChanged):
                return True
        return True

    async def _load(self, name: str) -> DelayedAct | None:
        return _read(name, await self._redis.hget(KEPT_BACK_ACTS, name))

    def _now(self) -> int:
        return round(self._services.line.clock.wall.time() * 1000)


def _read(name: str, raw: bytes | None) -> DelayedAct | None:
    try:
        return DelayedAct.model_validate_json(raw, extra=ANY_VERSION) if raw else None
    except ValidationError as error:  # written by another version of the console
        log.error("what is kept back under %s cannot be read, and is dropped: %s", name, reason(error))  # noqa: TRY400 - the line says it all
        return None
