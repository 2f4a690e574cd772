"""The present state of calls to the centre in Redis, and the requests to call back, in Redis and on a topic.

Numbers are encrypted. If Redis is lost, the gateway reports calls under way again with their next state; requests to
call back are restored from the topic call-backs, which gets each change before the gateway gets its answer. Who calls
back at this moment is in Redis only. What is too old is deleted with the next report.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import WatchError

from domain.access.key_rings import KeyPurpose, KeyRing
from domain.desk.call_backs import (
    OWED_FOR,
    after_call_back,
    displaced_request,
    is_live,
    is_owed,
    is_taken,
    merged_request,
    open_call_backs,
    unplaced_request,
)
from schemas.base import ANY_VERSION
from schemas.channels.call_backs import CallBack, LiveIncoming
from schemas.channels.incoming_calls import IncomingCallReport, IncomingCallResult, IncomingCallState
from schemas.channels.operator_calls import CallEnder, OperatorCallReport
from streams.channels.receipts import KAFKA_SECONDS
from streams.messaging import topics
from streams.messaging.producer import Producer
from streams.runtime.settings import Settings
from streams.security.encryption import UnreadableSecretError, opened, sealed
from streams.security.installation_keys import ring
from streams.state.compacted_table import CompactedTable, Place
from streams.state.keys import CALL_BACKS, INCOMING_CALLS, INCOMING_ENDED
from streams.state.shared_state import require_whole

SEALED_FOR = "incoming-caller"
MOST_CALL_BACKS = 2000  # a flood of invented numbers does not fill Redis
CLEANED_EVERY = timedelta(minutes=1)  # at most so often a report looks for what is too old
ENDED_FOR = timedelta(hours=24)  # so long a report that comes again is known
_TRIES = 20
_REQUEST = re.compile(r"c[0-9a-f]{20}")  # the id of a request
CALL_BACKS_LOST = Counter("quanzu_call_backs_lost_total", "Requests to call back that were dropped: there are too many")

Value = TypeVar("Value")
Kept = TypeVar("Kept", LiveIncoming, CallBack)
_Write = Callable[[Any], None]


class CallBacks(CompactedTable[CallBack]):
    """The requests to call back. Redis has their present state, and the topic a copy."""

    place = Place(topics.CALL_BACKS, CallBack, key=CALL_BACKS)

    async def copy(self, request: str) -> None:
        """Write the request (`request`: its id) as Redis has it to the topic; a tombstone if Redis no longer has it.

        Under a lock, so that of two changes the later one is the last on the topic. Raises EmptiedError if Redis may
        have lost the request: what is owed must not become a tombstone. Raises TimeoutError if Kafka does not answer
        within 3 s, or the lock is not free within 8 s; SendError if Kafka refuses the record. Other errors of Redis
        pass through.
        """
        async with self.locked(request) as now, asyncio.timeout(KAFKA_SECONDS):
            await self.require_whole()
            await self._stored(request).send(now.model_dump_json().encode() if now else None)

    async def require_whole(self) -> None:
        """Raise EmptiedError if Redis was emptied, and the requests may not be restored yet. Other errors of Redis pass
        through.
        """
        await require_whole(self._settings, self._redis)


class IncomingBoard:
    """The calls to the anti-fraud centre, and the requests to call back those that nobody answered, both in Redis."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings = settings
        self._redis: Any = redis
        self._table = CallBacks(settings, redis, producer)
        self._cleaned_at: datetime | None = None

    def number(self, kept: str) -> str:
        """Return the telephone number (E.164) whose encrypted form is `kept`; "" if `kept` is "" (the caller withheld
        the number), or if it was encrypted under another key. Raises SettingsError without keys for callers.
        """
        try:
            return opened(self._ring(), SEALED_FOR, kept) if kept else ""
        except UnreadableSecretError:
            return ""

    def requests_of(self, number: str) -> list[str]:
        """Return the ids that the request to call back a number (E.164) may have, that of a new one first: "c" and 20
        hex digits of a keyed hash, one under each key for callers. Nothing is read or stored. Raises SettingsError
        without such a key.
        """
        return [f"c{each[:20]}" for each in self._ring().digests(f"call-back/{number}")]

    async def calls(self, now: datetime) -> list[LiveIncoming]:
        """Return the calls to the centre that have not ended at `now`, in the order in which they came; empty if there
        is none. Errors of Redis pass through.
        """
        found = [_read(LiveIncoming, raw) for raw in await self._redis.hvals(INCOMING_CALLS)]
        return sorted((each for each in found if is_live(each, now)), key=lambda each: (each.since, each.call))

    async def call_backs(self, now: datetime) -> list[CallBack]:
        """Return the requests to call back that are open at `now`, also those that somebody is calling back, in the
        order in which they are to be called; empty if there is none. Errors of Redis pass through.
        """
        return await read_call_backs(self._redis, now)

    async def call_back(self, request: str, now: datetime) -> CallBack | None:
        """Return the request to call back with the id `request` if it is open at `now`, else None. Errors of Redis pass
        through.
        """
        found = await _known(self._redis, request)
        return found if found is not None and is_owed(found, now) else None

    async def take(self, report: IncomingCallReport, now: datetime) -> bool:
        """Store a state of a call to the centre that the gateway reports. The end of a call opens a request to call
        back if the report says that one is owed (`call_back`); it closes the caller's earlier request if an operator
        answered and the talk was not ended by the gateway. The change of a request is also written to its topic.

        Returns True if it is stored; False if the same or a later state of the call is known: then only the request is
        copied to the topic again, because the first copy may have failed. If there are too many requests (2,000), one
        is dropped and counted as a metric. Raises WatchError if other processes change the data at each of 20 attempts,
        and the errors of CallBacks.copy: EmptiedError before anything is changed. Errors of Redis pass through.
        """
        has_request = bool(report.caller) and report.state is IncomingCallState.ENDED
        if has_request:
            await self._table.require_whole()
        requests = self.requests_of(report.caller) if report.caller else []
        look = partial(self._take, report=report, requests=requests, now=now)
        taken, dropped = await self._changed(look, INCOMING_ENDED + report.call)
        self._cleaned_at = now if self._is_cleaning(now) else self._cleaned_at
        if dropped is not None:
            CALL_BACKS_LOST.inc()
            await self._table.copy(dropped)
        for request in requests if has_request else ():
            await self._table.copy(request)
        return taken

    async def claim(self, request: str, by: str, call: str, now: datetime) -> CallBack | None:
        """Store in Redis that the person with the login `by` now answers a request for a call back, by the operator's
        call with the id `call`. Returns the request; None if somebody is calling back already, also the same person, or
        no request with the id `request` is open. Raises WatchError if other processes change the data at each of 20
        attempts. Errors of Redis pass through.
        """

        async def claim(pipe: Any) -> tuple[_Write, CallBack | None]:  # noqa: ANN401
            known = await _known(pipe, request)
            if known is None or not is_owed(known, now) or is_taken(known, now):
                return _nothing, None
            taken = {"taken_by": by, "taken_at": now, "placed": call, "reported": False}
            mine = known.model_copy(update=taken)
            return (lambda to: to.hset(CALL_BACKS, request, mine.model_dump_json())), mine

        return await self._changed(claim)

    async def give_back(self, request: str, call: str) -> None:
        """Open a request to call back again, because the operator's call `call` (its id) could not be placed. It then
        comes after requests that were tried less often. No effect if the request is closed, or another call was placed
        for it since. Raises WatchError if other processes change the data at each of 20 attempts. Errors of Redis pass
        through.
        """

        async def give(pipe: Any) -> tuple[_Write, None]:  # noqa: ANN401
            known = await _known(pipe, request)
            if known is None or known.placed != call:
                return _nothing, None
            return (lambda to: to.hset(CALL_BACKS, request, unplaced_request(known).model_dump_json())), None

        await self._changed(give)

    async def take_call_back(self, report: OperatorCallReport, now: datetime) -> None:
        """Update the request to call back that an operator's call serves, by a report on this call. The call's end
        settles the request, or opens it again, and is also written to the topic; a report before the end only notes in
        Redis, at `now`, that the call goes on. No effect for other calls, and for an end that is reported again.

        The part of the call's id after its last dot is the request's id. Raises WatchError if other processes change
        the data at each of 20 attempts, and the errors of CallBacks.copy: EmptiedError before anything is changed.
        Errors of Redis pass through.
        """
        request = report.call.rpartition(".")[2]
        ends = report.result is not None and _REQUEST.fullmatch(request) is not None
        if ends:
            await self._table.require_whole()

        async def settle(pipe: Any) -> tuple[_Write, None]:  # noqa: ANN401
            known = await _known(pipe, request)
            if known is None or known.placed != report.call:
                return _nothing, None
            after: CallBack | None = known.model_copy(update={"reported": True, "taken_at": now})
            if report.result is not None:
                after = after_call_back(known, report.result)
            raw = after.model_dump_json() if after else ""
            return (lambda to: to.hset(CALL_BACKS, request, raw) if raw else to.hdel(CALL_BACKS, request)), None

        await self._changed(settle)
        if ends:
            await self._table.copy(request)

    async def _take(
        self,
        pipe: Any,  # noqa: ANN401
        report: IncomingCallReport,
        requests: Sequence[str],
        now: datetime,
    ) -> tuple[_Write, tuple[bool, str | None]]:
        """Return what to write, whether the report is new, and the id of the request that is dropped, if one is.
        `requests`: the ids that the caller's request may have; none if the number was withheld.
        """
        raw = await pipe.hget(INCOMING_CALLS, report.call)
        known = _read(LiveIncoming, raw) if raw else None
        latest = known.sequence if known else int(await pipe.get(INCOMING_ENDED + report.call) or 0)
        if latest >= report.sequence:
            return _nothing, (False, None)
        is_served = report.result is IncomingCallResult.ANSWERED and report.ended_by is not CallEnder.GATEWAY
        asked, dropped = await self._asked(pipe, report, requests, now)
        old = await self._too_old(pipe, now)
        old[CALL_BACKS] |= {dropped.id.encode()} if dropped else set()
        old[CALL_BACKS] -= {asked.id.encode()} if asked else set()

        def write(to: Any) -> None:  # noqa: ANN401
            if report.state is IncomingCallState.ENDED:
                to.hdel(INCOMING_CALLS, report.call)
                to.set(INCOMING_ENDED + report.call, report.sequence, ex=ENDED_FOR)
            else:
                to.hset(INCOMING_CALLS, report.call, self._live(report, now).model_dump_json())
            if asked is not None:
                to.hset(CALL_BACKS, asked.id, asked.model_dump_json())
            elif is_served and requests:
                to.hdel(CALL_BACKS, *requests)  # they have talked: nothing is owed any more
            for name, fields in old.items():
                if fields:
                    to.hdel(name, *fields)
                to.pexpire(name, OWED_FOR)  # if no call comes any more

        return write, (True, dropped.id if dropped else None)

    def _live(self, report: IncomingCallReport, now: datetime) -> LiveIncoming:
        """Return what is kept of a call that has not ended, after a report."""
        return LiveIncoming(
            call=report.call,
            sequence=report.sequence,
            state=report.state,
            since=report.at,
            at=now,
            operator=report.operator,
            held=report.held,
            sealed=sealed(self._ring(), SEALED_FOR, report.caller) if report.caller else "",
            vouched=report.vouched,
        )

    async def _asked(
        self,
        pipe: Any,  # noqa: ANN401
        report: IncomingCallReport,
        requests: Sequence[str],
        now: datetime,
    ) -> tuple[CallBack | None, CallBack | None]:
        """Return the request that the end of a call opens or renews, None if it does neither; and the one that is
        dropped because there are too many: it may be the new one.
        """
        if not report.call_back:
            return None, None
        earlier = [await _known(pipe, each) for each in requests]
        known = next((each for each in earlier if each is not None and is_owed(each, now)), None)
        new = CallBack(
            id=requests[0],
            since=report.at,
            latest=report.at,
            sealed=sealed(self._ring(), SEALED_FOR, report.caller),
            vouched=report.vouched,
        )
        if known is None and await pipe.hlen(CALL_BACKS) >= MOST_CALL_BACKS:
            dropped = displaced_request(await _requests(pipe), now)
            return (new, dropped) if dropped else (None, new)
        return merged_request(known, new), None

    def _ring(self) -> KeyRing:
        return ring(self._settings, KeyPurpose.CALLERS)

    async def _too_old(self, pipe: Any, now: datetime) -> dict[str, set[bytes]]:  # noqa: ANN401
        """Return the fields of both hashes that are to be deleted; none if it was looked for a short time ago."""
        if not self._is_cleaning(now):
            return {INCOMING_CALLS: set(), CALL_BACKS: set()}
        calls, requests = await pipe.hgetall(INCOMING_CALLS), await pipe.hgetall(CALL_BACKS)
        live = {name for name, raw in calls.items() if is_live(_read(LiveIncoming, raw), now)}
        owed = {name for name, raw in requests.items() if is_owed(_read(CallBack, raw), now)}
        return {INCOMING_CALLS: calls.keys() - live, CALL_BACKS: requests.keys() - owed}

    def _is_cleaning(self, now: datetime) -> bool:
        return self._cleaned_at is None or abs(now - self._cleaned_at) >= CLEANED_EVERY

    async def _changed(self, look: Callable[[Any], Awaitable[tuple[_Write, Value]]], *watched: str) -> Value:
        """Read, decide and write at one moment: `look` reads, and returns what to write and the result. `watched`: keys
        that it reads besides the hashes.
        """
        for tried in range(_TRIES):
            async with self._redis.pipeline(transaction=True) as pipe:
                try:
                    await pipe.watch(INCOMING_CALLS, CALL_BACKS, *watched)
                    write, result = await look(pipe)
                    pipe.multi()
                    write(pipe)
                    await pipe.execute()
                except WatchError:
                    if tried == _TRIES - 1:
                        raise
                    continue
                return result
        raise WatchError


async def read_call_backs(redis: "Redis", now: datetime) -> list[CallBack]:
    """Return the requests to call back that are open at `now`, in the order in which they are to be served. Needs no
    key: the numbers stay encrypted. Errors of Redis pass through.
    """
    return open_call_backs(await _requests(redis), now)


async def _requests(redis: Any) -> list[CallBack]:  # noqa: ANN401 - a client or a pipeline
    return [_read(CallBack, raw) for raw in await redis.hvals(CALL_BACKS)]


async def _known(redis: Any, request: str) -> CallBack | None:  # noqa: ANN401 - as above
    raw = await redis.hget(CALL_BACKS, request)
    return _read(CallBack, raw) if raw else None


def _read(model: type[Kept], raw: bytes) -> Kept:
    return model.model_validate_json(raw, extra=ANY_VERSION)


def _nothing(pipe: Any) -> None:  # noqa: ANN401 - as redis-py has it
    """Write nothing."""
