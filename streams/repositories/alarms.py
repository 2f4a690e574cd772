"""Alarms about officers (duress, missed check-ins), and the check that raises an alarm when a check-in is overdue.

The console raises, lists and acknowledges alarms; workers run the check every second.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import Counter

from domain.ids import resident_of
from domain.visits import check_in
from schemas.administration.audit import AuditEntry
from schemas.casework.cases import Case
from schemas.people.alarms import Alarm, AlarmKind
from schemas.people.rosters import Officer, Task
from streams.messaging.producer import Producer
from streams.messaging.reader import Tails
from streams.messaging.topics import ALARMS, home
from streams.repositories.rosters import Rosters
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security import audit
from streams.state.case_store import CaseStore
from streams.state.compacted_table import CompactedTable, Place
from streams.state.keys import ALARMS_MARK, ALARMS_OPEN

KEPT = timedelta(days=30)  # how long Redis keeps an acknowledged alarm; the topic keeps it for good
RAISED = Counter("quanzu_officer_alarms", "Alarms about officers: duress, or a missed check-in", ["kind"])


class Alarms(CompactedTable[Alarm]):
    """Stores alarms on the compacted topic `alarms` and in Redis, which drops acknowledged alarms after 30 days.

    Writing raises SendError if a record is too large, and TimeoutError if Kafka or Redis does not answer within 8 s.
    """

    place = Place(ALARMS, Alarm)

    async def put(self, thing: Alarm) -> None:
        """Write an alarm, new or changed, to the topic and then to Redis; returns when both have it.

        Waits while Kafka is unavailable. Raises SendError if the alarm is too large, LockLostError if the caller's lock
        has ended, and RedisError if Redis is unavailable.

        Redis stores it and lists it as open in one transaction: after an interruption in between, a repetition would
        find it stored, and never list it.
        """
        raw = thing.model_dump_json().encode()
        async with self._stored(thing.id).storing(raw) as pipe:
            pipe.hset(self.place.hash, thing.id, raw)
            _show(pipe, thing)

    async def raise_(self, alarm: Alarm) -> Alarm:
        """Store a new alarm and return it. If an alarm with its id exists already, return the existing one and change
        nothing.

        Counts the new alarm as a metric, and deletes alarms from Redis that were raised over 30 days ago and are
        acknowledged. Raises SendError if it is too large, and TimeoutError if Kafka or Redis does not answer within 8
        s. Errors of Redis pass through.
        """
        async with self.locked(alarm.id) as known:
            if known is not None:
                return known
            await self.put(alarm)
        RAISED.labels(alarm.kind).inc()
        await self._forget(alarm.told_at)
        return alarm

    async def acknowledge(
        self, alarm_id: str, by: str, note: str, now: datetime, told: Callable[[], Awaitable[None]] | None = None
    ) -> Alarm | None:
        """Store that `by` looks after the officer, with a note. Returns the alarm as stored, or None if the id is
        unknown. `told` is awaited before the write: for the audit.

        If the alarm was acknowledged before, the first acknowledgement stays, and the alarm is returned with it. Raises
        the exceptions of `told`, SendError if the note is too large, and TimeoutError if Kafka or Redis does not answer
        within 8 s. Errors of Redis pass through.
        """
        async with self.locked(alarm_id) as found:
            if found is None or not found.open:
                return found
            after = found.model_copy(update={"acknowledged_at": now, "acknowledged_by": by, "note": note})
            if told is not None:
                await told()
            await self.put(after)
            return after

    async def safe(self, dispatch: str, at: datetime) -> None:
        """Store in the unacknowledged missed-check-in alarms of this visit (`dispatch`: the id of its dispatch) that
        the officer reported at `at` to be safe. The alarms stay unacknowledged. Does nothing if there is none.

        Raises SendError if Kafka refuses the record, and TimeoutError if Kafka or Redis does not answer within 8 s.
        Errors of Redis pass through.
        """
        for alarm in await self.unacknowledged():
            if (alarm.dispatch, alarm.kind) == (dispatch, AlarmKind.CHECK_IN_MISSED):
                async with self.locked(alarm.id) as found:
                    if found is not None:
                        await self.put(found.model_copy(update={"safe_at": at}))

    async def unacknowledged(self) -> list[Alarm]:
        """Return the unacknowledged alarms: duress first, then by age, the oldest first. Raises RedisError if Redis is
        unavailable.
        """
        names = await self._redis.smembers(ALARMS_OPEN)
        raw = await self._redis.hmget(self.place.hash, ["", *names])
        return sorted((self.parse(each) for each in raw if each), key=check_in.urgency)

    async def acknowledged(self) -> list[Alarm]:
        """Return the acknowledged alarms that Redis still keeps (30 days), the newest first. Raises RedisError if Redis
        is unavailable.
        """
        found = await self.all()
        return sorted((alarm for alarm in found if not alarm.open), key=lambda alarm: alarm.at, reverse=True)

    async def mark(self) -> int:
        """Return a counter that grows with every change of any alarm; 0 before the first alarm.

        Pages poll it to notice changes. Raises RedisError if Redis is unavailable.
        """
        return int(await self._redis.get(ALARMS_MARK) or 0)

    async def restore(self, since: Tails | None = None) -> None:
        """Copy the topic's alarms to Redis, and rebuild the list of open ones: all of them (None), or only records at
        or after the offsets in `since`. Unreadable records are logged and left out. Raises RedisError or KafkaError if
        Redis or Kafka is unavailable.
        """
        await super().restore(since)
        alarms = await self.all()
        while alarms:
            async with self._redis.pipeline(transaction=False) as pipe:
                for alarm in alarms:
                    _show(pipe, alarm)
                await pipe.execute()
            present = {alarm.id: alarm for alarm in await self.all()}  # some may have been acknowledged meanwhile
            alarms = [present[each.id] for each in alarms if present.get(each.id, each) != each]

    async def _forget(self, now: datetime) -> None:
        old = [alarm.id for alarm in await self.acknowledged() if now - alarm.at >= KEPT]
        if old:
            await self._redis.hdel(self.place.hash, *old)


def _show(pipe: Any, alarm: Alarm) -> None:  # noqa: ANN401 - redis-py types a command's result as sync or async at once
    """Add commands to a Redis pipeline: put an alarm on the list of open alarms or remove it, and raise the counter by
    which pages notice a change.
    """
    if alarm.open:
        pipe.sadd(ALARMS_OPEN, alarm.id)
    else:
        pipe.srem(ALARMS_OPEN, alarm.id)
    pipe.incr(ALARMS_MARK)


class CheckIns:
    """Raises an alarm when an officer at the door has not reported in time that they are safe."""

    def __init__(
        self, settings: Settings, rosters: Rosters, alarms: Alarms, store: CaseStore, producer: Producer, clock: Clock
    ) -> None:
        self._partitions = settings.partitions
        self._rosters, self._alarms, self._store = rosters, alarms, store
        self._producer, self._clock = producer, clock

    async def look(self) -> None:
        """Raise one alarm, with an audit entry, for each visit whose check-in is overdue.

        A visit whose alarm was raised before is left out. The entry is written first; it is there twice if the process
        dies before the alarm is stored. An error with one visit delays no other: the first one is raised at the end,
        SendError if Kafka refuses the record, TimeoutError if Kafka or Redis does not answer within 8 s, or an error of
        Redis.
        """
        failed: list[Exception] = []
        for task in await self._rosters.overdue_check_ins(self._clock.now()):
            try:
                await self._tell(task)
            except Exception as error:
                failed.append(error)
        if failed:
            raise failed[0]

    async def _tell(self, task: Task) -> None:
        now, due = self._clock.now(), check_in.due(task)
        if due is None or now < due:  # the officer has checked in meanwhile
            return
        if await self._alarms.get(check_in.missed(task, None, None, now).id) is not None:
            return  # raised before; the officer still has not checked in
        alarm = check_in.missed(task, await self._officer(task.officer), await self._case(task.case), now)
        entry = AuditEntry(at=now, by="check-in", act="check-in-missed", on=task.case, detail=task.officer)
        try:
            await audit.write(self._producer, [entry])  # first: once the alarm is stored, the next run does nothing
        finally:
            await self._alarms.raise_(alarm)  # also if the audit refuses the entry

    async def _officer(self, name: str) -> Officer | None:
        roster = await self._rosters.roster_of(name)
        return next((each for each in roster.officers if each.id == name), None) if roster else None

    async def _case(self, name: str) -> Case | None:
        return await self._store.case(home(resident_of(name), self._partitions), name)
