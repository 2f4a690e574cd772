"""The present state of the operator's call to each case's resident, in Redis, as the gateway reported it last.

It is shown, and keeps a second operator from calling: no decision about the case depends on it. It expires, so that a
gateway that stays away blocks nobody.
"""

from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import WatchError

from domain.ids import resident_of
from schemas.base import ANY_VERSION, Model, When
from schemas.channels.operator_calls import OperatorCallReport, OperatorCallState
from streams.messaging.topics import home
from streams.state.keys import key

ORDERED_SECONDS = 60  # after the order, until the gateway's first report
_SECONDS = {
    OperatorCallState.OPERATOR_RINGING: 300,  # longer than any telephone rings
    OperatorCallState.RINGING: 300,
    OperatorCallState.CONNECTED: 5 * 3600,  # longer than any talk that the gateway permits
    OperatorCallState.ENDED: 600,  # the result stands on the screen so long
}
_TRIES = 5


class LiveCall(Model):
    """The present state of an operator's call. `report`: the gateway's latest report on it; `at`: when that came, or
    when the call was ordered.
    """

    report: OperatorCallReport
    at: When

    @property
    def goes_on(self) -> bool:
        """True if the call has not ended, by the gateway's latest report."""
        return self.report.state is not OperatorCallState.ENDED


class LiveCalls:
    """The calls of all cases. `partitions`: of the case topics."""

    def __init__(self, redis: "Redis", partitions: int) -> None:
        self._redis: Any = redis
        self._partitions = partitions

    async def of(self, case_id: str) -> LiveCall | None:
        """Return the latest call of a case, also one that ended within the last 10 minutes. None if there is none, or
        its latest state is too old: 60 s after the order without a report, 5 minutes after a report that a telephone
        rings, 5 hours after one that they talk. Errors of Redis pass through.
        """
        raw = await self._redis.get(self._name(case_id))
        return LiveCall.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def begin(self, report: OperatorCallReport, now: datetime) -> None:
        """Store a call that is ordered now, replacing an earlier one of the case. It expires after 60 s if the gateway
        does not report it. The caller has made sure that no other call goes on. Errors of Redis pass through.
        """
        raw = LiveCall(report=report, at=now).model_dump_json()
        await self._redis.set(self._name(report.case), raw, ex=ORDERED_SECONDS)

    async def take(self, report: OperatorCallReport, now: datetime) -> bool:
        """Store a reported state of a case's call. Returns True if it is stored, also if it is a repetition of the
        latest one; False if a later state of the call is known, or another call of the case goes on.

        Raises WatchError if others change the stored call at each of five attempts. Errors of Redis pass through.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self._take(report, now)
            except WatchError:
                continue
        return await self._take(report, now)

    async def drop(self, case_id: str, call: str) -> None:
        """Delete the case's stored call if it has the id `call`: it was not placed, or the gateway does not know it.
        Another call is not deleted. Errors of Redis pass through.
        """
        live = await self.of(case_id)
        if live is not None and live.report.call == call:
            await self._redis.delete(self._name(case_id))

    async def _take(self, report: OperatorCallReport, now: datetime) -> bool:
        name = self._name(report.case)
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(name)
            raw = await pipe.get(name)
            known = LiveCall.model_validate_json(raw, extra=ANY_VERSION) if raw else None
            if known is not None and not _follows(report, known):
                return False
            same = known is not None and known.report == report
            made = LiveCall(report=report, at=known.at if known and same else now)
            pipe.multi()
            pipe.set(name, made.model_dump_json(), ex=_SECONDS[report.state])
            await pipe.execute()
            return True

    def _name(self, case_id: str) -> str:
        return f"{key('calling', home(resident_of(case_id), self._partitions))}:{case_id}:call"


def _follows(report: OperatorCallReport, known: LiveCall) -> bool:
    if known.report.call == report.call:
        return report.sequence >= known.report.sequence
    return not known.goes_on
