"""Calls to 96110: those that ring, the one an operator has, and how often a wrong code was told.

What was taken down lies on the topic `calls`, which keeps it for a while. Redis has it for the hours in which the
operator may still be at it; what is lost there was written down before.
"""

from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from domain.payments.call_in import REMEMBERED
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.people.calls import Call, Ringing
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import CALLS, home
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.keys import key, milliseconds, moment

CALL = "call:"  # string: and the call's id -> Call
RINGS = "ringing"  # hash: id -> Ringing
WRONG = "wrong-codes:"  # sorted set: and the case's id: form -> when
KEPT_MS = 12 * 3600 * 1000  # a shift, of the wall's time: a person works in it
RINGS_SECONDS = 120.0  # of the wall's time: nobody lets it ring for longer


class Calls:
    """What the console keeps of calls."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer, clock: Clock) -> None:
        self._redis: Any = redis
        self._producer, self._clock = producer, clock
        self._partitions = settings.partitions

    async def get(self, name: str) -> Call | None:
        """A call that was begun in the last hours."""
        raw = await self._redis.get(CALL + name)
        return Call.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def put(self, call: Call) -> None:
        """Write a call down, as it stands now."""
        raw = call.model_dump_json().encode()
        await self._producer.send_all([Record(CALLS.name, call.id.encode(), raw)])
        await self._redis.set(CALL + call.id, raw, px=KEPT_MS)

    async def ring(self, ringing: Ringing) -> None:
        """A call comes in; told twice it rings once, and not any more when it was answered."""
        if not await self._redis.exists(CALL + ringing.id):
            await self._redis.hsetnx(RINGS, ringing.id, ringing.model_dump_json())

    async def ringing(self) -> list[Ringing]:
        """The calls that nobody has answered, the first first; those that rang out are forgotten."""
        found = [Ringing.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(RINGS)]
        if old := [each.id for each in found if not self._rings(each)]:
            await self._redis.hdel(RINGS, *old)
        return sorted((each for each in found if self._rings(each)), key=lambda each: (each.at, each.id))

    async def answer(self, name: str) -> bool:
        """Take a call that rings; of several who do only the first is told True."""
        return bool(await self._redis.hdel(RINGS, name))

    async def latest_case(self, resident: str) -> Case | None:
        """A resident's case, open or the last one."""
        raw = await self._redis.hget(key("cases", home(resident, self._partitions)), resident)
        return Case.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def wrong_codes(self, case_id: str) -> list[datetime]:
        """When wrong codes were told of a case."""
        found = await self._redis.zrange(WRONG + case_id, 0, -1, withscores=True)
        return [moment(score) for _, score in found]

    async def note_wrong_code(self, case_id: str, form: str, at: datetime) -> None:
        """A wrong code was told; the same form counts once."""
        name = WRONG + case_id
        await self._redis.zadd(name, {form: milliseconds(at)}, nx=True)
        await self._redis.pexpire(name, max(1, round(self._clock.wall_seconds(REMEMBERED) * 1000)))

    def _rings(self, each: Ringing) -> bool:
        return self._clock.wall_seconds(self._clock.now() - each.at) < RINGS_SECONDS
