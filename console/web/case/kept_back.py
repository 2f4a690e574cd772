"""Stop-payments that are kept back for some seconds, so that who asked for one can take it back.

They lie in Redis, in keys of one tag: `due` (sorted set: id -> when it is sent, ms of the wall's clock), `acts` (hash:
id -> what is sent), `sending` (sorted set: id -> since when). What is due goes to `sending` first, then out of `due`,
then to the case; whoever takes it out of `due` has it. So a console that stops in between loses nothing: another, or
the same one started again, sends what was left; the input's id is the form's, and what is sent twice counts once.
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
from streams.runtime.tasks import until_done, wanted
from streams.state.keys import KEPT_BACK_ACTS, KEPT_BACK_DUE, KEPT_BACK_SENDING, KEPT_BACK_SENT

log = logging.getLogger(__name__)

SECONDS = 5.0  # on the wall's clock: enough to see what one has done
DAY_SECONDS = 86_400
LOOK_SECONDS = 0.2
LOST_SECONDS = 20.0  # what is being sent for so long was left by a console that stopped
TRIES = 4  # a case that changes meanwhile refuses what was seen before: it is said anew


class KeptAct(Model):
    """Who asked for what. `at`: when."""

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
        return Who(self.login, self.name, self.role, self.area, None, None, session="")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An act that can be taken back for `left` milliseconds yet."""

    id: str
    body: ActBody
    by: str
    left: int


class KeptBack:
    """The acts of all consoles on one Redis. `run` sends what is due, until it is cancelled."""

    def __init__(self, services: Services, seconds: float = SECONDS) -> None:
        self._services, self.seconds = services, seconds
        self._redis: Any = services.line.redis

    async def keep(self, who: Who, case: Case, body: ActBody) -> Waiting:
        """Keep an act back. The same form again is the same act, and waits no longer."""
        made = KeptAct(
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
        """Take an act out; False when it has gone, or is another's. A supervisor may take anybody's out."""
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
        """What can still be taken back of a case."""
        dues = await self._redis.zrange(KEPT_BACK_DUE, 0, -1, withscores=True)
        found = [(await self._load(name.decode()), int(due) - self._now()) for name, due in dues]
        return [
            Waiting(kept.id, kept.body, kept.login, max(0, left))
            for kept, left in found
            if kept and kept.case == case_id
        ]

    async def run(self) -> None:
        """Send what is due. Never ends by itself."""
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
        """Write the act to its case. One that was taken back meanwhile is not there any more.

        What is written and not answered yet stays among what is being sent: the case may still refuse it.
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

    async def _write(self, kept: KeptAct, *, recovered: bool) -> bool:
        """The act, on the case as it stands: what happened in these seconds nobody could have seen.

        False while it is not known what came of it.
        Refused because the case has changed once more, it is said anew. What was said before (`recovered`), by this
        console or another, is not said again before it is known what came of it.
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

    async def _load(self, name: str) -> KeptAct | None:
        raw = await self._redis.hget(KEPT_BACK_ACTS, name)
        try:
            return KeptAct.model_validate_json(raw, extra=ANY_VERSION) if raw else None
        except ValidationError as error:  # of another version of the console
            log.error("what is kept back under %s cannot be read, and is dropped: %s", name, error)  # noqa: TRY400 - the line says it all
            return None

    def _now(self) -> int:
        return round(self._services.line.clock.wall.time() * 1000)
