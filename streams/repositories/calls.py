"""Incoming calls to 96110: ringing calls, the call that an operator is writing down, and wrong codes given by callers.

The topic `calls` keeps the written calls (see its retention). Redis keeps a call for 12 hours, while the operator may
still work on it; if Redis loses it, the topic still has it. Called by the console.
"""

from collections.abc import Callable
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
from streams.state.keys import CALL, RINGING, WRONG_CODES, changing, key, milliseconds, moment
from streams.state.locks import fenced, locked

KEPT_MS = 12 * 3600 * 1000  # a shift, in wall-clock time because a person works in it
RINGS_SECONDS = 120.0  # in wall-clock time: no caller lets it ring for longer


class Calls:
    """Stores calls for the console: Redis for the current shift, the topic `calls` for longer."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer, clock: Clock) -> None:
        self._redis: Any = redis
        self._producer, self._clock = producer, clock
        self._partitions = settings.partitions

    async def get(self, name: str) -> Call | None:
        """Return a call by its id (`name`), or None if it is unknown or was last changed over 12 hours ago. Raises
        RedisError if Redis is unavailable.
        """
        raw = await self._redis.get(CALL + name)
        return Call.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def put(self, call: Call) -> None:
        """Write the call's current state to the topic, then to Redis for 12 hours of wall-clock time.

        Waits until Kafka has acknowledged it, without limit. Raises SendError if Kafka refuses it permanently, for
        example because it is too large; Redis then keeps the earlier state. Raises LockLostError if the caller held the
        call's lock and it has ended, and RedisError if Redis is unavailable.
        """
        raw = call.model_dump_json().encode()
        await self._producer.send_all([Record(CALLS.name, call.id.encode(), raw)])
        async with fenced(self._redis, _lock(call.id)) as pipe:
            pipe.set(CALL + call.id, raw, px=KEPT_MS)

    async def change(self, name: str, how: Callable[[Call | None], Call]) -> Call:
        """Under the lock of the call with the id `name`, call `how` with its current state (None as for `get`), write
        the result as `put` does, and return it. So no change is lost, though several requests change the call at once.

        An unchanged result is not written. Raises TimeoutError if waiting for the lock and the work take over 8 s, for
        example because Kafka is unavailable, and the exceptions of `put`.
        """
        async with locked(self._redis, _lock(name)):
            before = await self.get(name)
            after = how(before)
            if after != before:
                await self.put(after)
            return after

    async def ring(self, ringing: Ringing) -> None:
        """Add a ringing call.

        No effect if it is ringing already, or a call with this id was written down in the last 12 hours. Raises
        RedisError if Redis is unavailable.
        """
        if not await self._redis.exists(CALL + ringing.id):
            await self._redis.hsetnx(RINGING, ringing.id, ringing.model_dump_json())

    async def ringing(self) -> list[Ringing]:
        """Return the unanswered calls of the last 120 seconds (wall-clock), the oldest first. Deletes older ones from
        Redis. Raises RedisError if Redis is unavailable.
        """
        found = [Ringing.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(RINGING)]
        if old := [each.id for each in found if not self._rings(each)]:
            await self._redis.hdel(RINGING, *old)
        return sorted((each for each in found if self._rings(each)), key=lambda each: (each.at, each.id))

    async def answer(self, name: str) -> bool:
        """Remove a ringing call from the list, because an operator answers it. `name`: the call's id.

        Returns True for the first operator who answers it, False for later ones or if no such call is ringing. Raises
        RedisError if Redis is unavailable.
        """
        return bool(await self._redis.hdel(RINGING, name))

    async def latest_case(self, resident: str) -> Case | None:
        """Return a resident's latest case, open or closed, or None if the resident has none. Raises RedisError if Redis
        is unavailable.
        """
        raw = await self._redis.hget(key("cases", home(resident, self._partitions)), resident)
        return Case.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def wrong_codes(self, case_id: str) -> list[datetime]:
        """Return the times (UTC) at which callers gave a wrong code for the case with this id, the oldest first. The
        list is deleted 12 hours (of the installation's clock) after the latest entry. Raises RedisError if Redis is
        unavailable.
        """
        found = await self._redis.zrange(WRONG_CODES + case_id, 0, -1, withscores=True)
        return [moment(score) for _, score in found]

    async def note_wrong_code(self, case_id: str, form: str, at: datetime) -> None:
        """Store that a caller gave a wrong code for the case with this id at `at`. A form that is sent again counts
        once, by its id `form`. Raises RedisError if Redis is unavailable.
        """
        name = WRONG_CODES + case_id
        await self._redis.zadd(name, {form: milliseconds(at)}, nx=True)
        await self._redis.pexpire(name, max(1, round(self._clock.wall_seconds(REMEMBERED) * 1000)))

    def _rings(self, each: Ringing) -> bool:
        return self._clock.wall_seconds(self._clock.now() - each.at) < RINGS_SECONDS


def _lock(name: str) -> str:
    """Return the name of the lock under which a call is changed."""
    return changing(CALL + name, "call")
