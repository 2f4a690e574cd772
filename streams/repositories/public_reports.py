"""Reports of the public page, on the topic `public-reports` and in Redis, for as many days as the policy says.

Anybody can send reports, so there may be very many. Beside the reports, Redis has their ids by state and county, by age
and by reference number, so that no page and no metric reads them all.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.desk.public_reports import check_due, corrected_report, decided_reports, reference_number, waiting_reports
from schemas.people.public_reports import PublicReport, PublicReportState
from streams.messaging.reader import Tails
from streams.messaging.topics import PUBLIC_REPORTS
from streams.state.compacted_table import CompactedTable, Place
from streams.state.keys import (
    PUBLIC_REPORTS_AT,
    PUBLIC_REPORTS_COUNTIES,
    PUBLIC_REPORTS_NUMBERS,
    PUBLIC_REPORTS_OF,
    milliseconds,
)
from streams.state.shared_state import require_whole

_DECIDED = (PublicReportState.CHECKED, PublicReportState.REJECTED)
_AT_ONCE = 500  # reports that are deleted or listed together

Sees = Callable[[str], bool]
"""Whether a person is responsible for the county with this code."""


class PublicReports(CompactedTable[PublicReport]):
    """All reports that are still kept, by id. Kafka deletes old ones by itself; `expire` deletes them from Redis."""

    place = Place(PUBLIC_REPORTS, PublicReport)

    async def put(self, thing: PublicReport) -> None:
        """Write a report, new or changed; returns when Kafka and Redis have it. Waits while Kafka is unavailable.
        Raises SendError if it is too large, LockLostError if the caller's lock has ended, and RedisError if Redis is
        unavailable.
        """
        raw = thing.model_dump_json().encode()
        async with self._stored(thing.id).storing(raw) as pipe:
            if (before := await self.get(thing.id)) is not None:
                pipe.zrem(_listed_in(before.state, before.place), before.id)
            pipe.hset(self.place.hash, thing.id, raw)
            _list(pipe, thing)

    async def remove(self, name: str) -> None:
        """Delete the report with this id (`name`), for a caller that holds its lock: write a tombstone to the topic,
        then delete it from Redis. Does nothing else if the id is unknown.

        Waits while Kafka is unavailable. Raises SendError if Kafka refuses the record, LockLostError if the lock has
        ended, and RedisError if Redis is unavailable.
        """
        async with self._stored(name).storing(None) as pipe:
            if (before := await self.get(name)) is not None:
                pipe.zrem(_listed_in(before.state, before.place), name)
                pipe.hdel(PUBLIC_REPORTS_NUMBERS, reference_number(name))
            pipe.zrem(PUBLIC_REPORTS_AT, name)
            pipe.hdel(self.place.hash, name)

    async def take(self, report: PublicReport) -> PublicReport:
        """Store a report, and return it as stored, once Kafka and Redis have it.

        If a report with its id exists, the existing one is corrected, or stays unchanged once its check has begun.
        Raises EmptiedError, and stores nothing, while Redis is emptied and not restored yet: the report may exist.
        Raises TimeoutError if Kafka or Redis does not answer within 8 s, or RedisError if Redis is unavailable: whether
        the report is stored is then unknown, and it can be sent again. Raises SendError if the report is too large: it
        is not stored.
        """
        async with self.locked(report.id):
            await require_whole(self._settings, self._redis)
            # After it: what was read before may be of an emptied Redis. One that is emptied from now on has no lock.
            known = await self.get(report.id)
            await require_whole(self._settings, self._redis)
            after = corrected_report(known, report) if known else report
            if after != known:
                await self.put(after)
            return after

    async def waiting(self, sees: Sees, most: int, start: int = 0) -> list[PublicReport]:
        """Return the reports that await a decision, in the counties that `sees` accepts, the earliest due first: at
        most `most` of them, after the first `start` ones. Raises RedisError if Redis is unavailable.
        """
        found = await self._listed([PublicReportState.WAITING], sees, start + most)
        return waiting_reports(await self._read(found[start:]))

    async def decided(self, sees: Sees, most: int) -> list[PublicReport]:
        """Return at most `most` reports that were decided on, in the counties that `sees` accepts, the latest decision
        first. Raises RedisError if Redis is unavailable.
        """
        return decided_reports(await self._read(await self._listed(_DECIDED, sees, most, latest=True)), most)

    async def by_number(self, number: str) -> PublicReport | None:
        """Return the report with this reference number (such as 4817-3305-1192), or None if it is unknown. If two have
        the number, return the one that was written last. Raises RedisError if Redis is unavailable.
        """
        name = await self._redis.hget(PUBLIC_REPORTS_NUMBERS, number)
        return await self.get(name.decode()) if name else None

    async def count(self, sees: Sees = lambda _: True) -> Counter[PublicReportState]:
        """Return the number of reports by state, in the counties that `sees` accepts (default: all). Raises RedisError
        if Redis is unavailable.
        """
        places = [(state, county) for county in await self._counties(sees) for state in PublicReportState]
        async with self._redis.pipeline(transaction=False) as pipe:
            for state, county in places:
                pipe.zcard(_listed_in(state, county))
            sizes = await pipe.execute()
        found = Counter[PublicReportState]()
        for (state, _), size in zip(places, sizes, strict=True):
            found[state] += size
        return found

    async def expire(self, span: timedelta, now: datetime) -> None:
        """Delete the reports that are older than `span` at `now`, on the topic and in Redis.

        Rebuilds the lists in Redis first if they are incomplete. Raises TimeoutError if Kafka does not answer within
        8 s, SendError if it refuses the record, and RedisError if Redis is unavailable.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zcard(PUBLIC_REPORTS_AT)
            pipe.hlen(self.place.hash)
            listed, stored = await pipe.execute()
        if listed != stored:
            await self._list_all()
        until = milliseconds(now - span)
        while old := await self._redis.zrange(PUBLIC_REPORTS_AT, "-inf", until, byscore=True, offset=0, num=_AT_ONCE):
            for name in old:
                await self.drop(name.decode())

    async def restore(self, since: Tails | None = None) -> None:
        """Copy the topic's reports to Redis: all of them, or only records at or after the offsets in `since`. Then
        rebuild the lists in Redis.

        Unreadable records are logged and left out. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await super().restore(since)
        await self._list_all()

    async def _list_all(self) -> None:
        lists = [_listed_in(state, county) for county in await self._counties() for state in PublicReportState]
        await self._redis.delete(PUBLIC_REPORTS_AT, PUBLIC_REPORTS_NUMBERS, *lists)
        cursor = -1
        while cursor:
            cursor, found = await self._redis.hscan(self.place.hash, max(0, cursor), count=_AT_ONCE)
            async with self._redis.pipeline(transaction=False) as pipe:
                for raw in found.values():
                    _list(pipe, self.parse(raw))
                await pipe.execute()

    async def _counties(self, sees: Sees = lambda _: True) -> list[str]:
        found = [county.decode() for county in await self._redis.smembers(PUBLIC_REPORTS_COUNTIES)]
        return sorted(county for county in found if sees(county))

    async def _listed(
        self, states: Sequence[PublicReportState], sees: Sees, most: int, *, latest: bool = False
    ) -> list[bytes]:
        """Return the ids of at most `most` reports, the oldest or the latest first."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for county in await self._counties(sees):
                for state in states:
                    pipe.zrange(_listed_in(state, county), 0, most - 1, desc=latest, withscores=True)
            lists = await pipe.execute()
        found = sorted(((score, name) for each in lists for name, score in each), reverse=latest)
        return [name for _, name in found[:most]]

    async def _read(self, names: Sequence[bytes]) -> list[PublicReport]:
        raws = await self._redis.hmget(self.place.hash, ["", *names])  # at least one, or Redis refuses
        return [self.parse(raw) for raw in raws if raw]


def _listed_in(state: PublicReportState, county: str) -> str:
    return f"{PUBLIC_REPORTS_OF}{state.value}:{county}"


def _list(pipe: Any, report: PublicReport) -> None:  # noqa: ANN401 - redis-py types a command's result as sync or async at once
    """Add commands to a Redis pipeline that store a report's id in the indexes by state and county, by age and by
    reference number.
    """
    pipe.zadd(_listed_in(report.state, report.place), {report.id: milliseconds(report.decided_at or check_due(report))})
    pipe.zadd(PUBLIC_REPORTS_AT, {report.id: milliseconds(report.at)})
    pipe.hset(PUBLIC_REPORTS_NUMBERS, reference_number(report.id), report.id)
    pipe.sadd(PUBLIC_REPORTS_COUNTIES, report.place)
