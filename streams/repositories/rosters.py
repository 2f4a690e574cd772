"""Rosters, and the visits given to officers: in Redis, and on the compacted topic `rosters`.

A visit to an address to which an officer is already on the way joins that visit: see domain/visits/one_visit. Called by
the visit channel and the console.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from redis.asyncio import Redis

from domain.dispatches.ids import parse
from domain.dispatches.validity import ObsoleteDispatch, validity
from domain.policy.visits import VisitRules
from domain.visits import one_visit
from domain.visits.officers import Choice, Visit, choosing, load_of
from domain.visits.tasks import after_check_in, after_report, after_seen, as_late, given, to_be_made, unwilling
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.channels import ChannelCode, ChosenBefore, JustThere, SameAddress
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Roster, Task, TaskState
from streams.messaging.producer import Producer
from streams.messaging.reader import Tails
from streams.messaging.topics import ROSTERS, home
from streams.repositories.escalations import Escalations, PushSubscriptions
from streams.repositories.visit_tasks import VisitTasks
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.compacted_table import CompactedTable, Place, restore
from streams.state.keys import (
    CHECK_INS,
    ESCALATIONS_DUE,
    ROSTER,
    VISIT_AT,
    VISIT_JOINED,
    VISIT_LAST,
    VISIT_TASKS,
    changing,
    milliseconds,
)
from streams.state.locks import locked

AT_ONCE = 20  # officers examined between two pauses, about a millisecond: red work must not wait for a choice
FORGOTTEN = timedelta(days=4)  # longer than the longest clock of a visit: its end was never reported


@lru_cache(maxsize=512)
def _read(raw: bytes) -> Roster:
    """Return the stored roster. Cached: every visit reads all rosters, and they change a few times a day."""
    return Roster.model_validate_json(raw, extra=ANY_VERSION)


@dataclass(frozen=True, slots=True)
class Where:
    """The address of a visit.

    `place`: the household's keyed hash; `within`: another visit may join a visit to this address that is younger than
    that.
    """

    place: str
    within: timedelta


@dataclass(frozen=True, slots=True)
class Asked:
    """A visit that needs an officer.

    `language`: the resident's; `rules`: the visit rules of its partition; `worth_fen`: the money, in fen, that is
    expected to be lost by the delay if another visit is made first (domain/visits/rounds.worth).
    """

    dispatch: Dispatch
    language: Language
    rules: VisitRules
    worth_fen: int = 0


class _Rosters(CompactedTable[Roster]):
    place = Place(ROSTERS, Roster, ROSTER, prefix="station/", name="station")

    def parse(self, raw: bytes) -> Roster:
        return _read(raw)


class Rosters:
    """Stores rosters and visit tasks, and chooses officers for visits.

    Writing raises SendError if a record is too large.
    """

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings = settings
        self.table, self._tasks = _Rosters(settings, redis, producer), VisitTasks(settings, redis, producer)
        self.escalations = Escalations(settings, redis, producer)
        self.push = PushSubscriptions(settings, redis, producer)
        self._redis: Any = redis
        self._choosing = asyncio.Lock()  # of two concurrent visits of this process, the second sees the first's task

    async def put(self, roster: Roster) -> None:
        """Replace a station's roster under its lock, on the topic and then in Redis. Raises TimeoutError if that takes
        over 8 s, for example because Kafka is unavailable, SendError if Kafka refuses the record, and RedisError if
        Redis is unavailable.
        """
        await self.table.write(roster)

    async def officers(self) -> list[Officer]:
        """Return all officers of all rosters, on duty or not, in no particular order. If Redis has no rosters, they are
        first read from the topic. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await self._ensure()
        return [officer for roster in await self.table.all() for officer in roster.officers]

    async def roster_of(self, officer: str) -> Roster | None:
        """Return the roster that lists an officer (by id), or None if no roster does. If Redis has no rosters, they are
        first read from the topic. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await self._ensure()
        rosters = await self.table.all()
        return next((each for each in rosters if any(one.id == officer for one in each.officers)), None)

    async def tasks(self, now: datetime) -> dict[str, Task]:
        """Return the tasks (visits given to officers), by dispatch id.

        Deletes those older than 4 days (FORGOTTEN) from the topic and Redis, and leaves them out. Raises TimeoutError
        if Kafka does not answer within 8 s, SendError if it refuses the record, and RedisError if Redis is unavailable.
        """
        tasks = {task.dispatch: task for task in await self.all_tasks()}
        for dispatch in [task.dispatch for task in tasks.values() if now - task.at >= FORGOTTEN]:
            await self.drop(dispatch)
            del tasks[dispatch]
        return tasks

    async def all_tasks(self) -> list[Task]:
        """Return all stored tasks, also those older than 4 days, in no particular order. Deletes nothing. Raises
        RedisError if Redis is unavailable.
        """
        return await self._tasks.all()

    async def assign(
        self, asked: Asked, now: datetime, where: Where | None = None
    ) -> tuple[Task, ChannelCode] | ObsoleteDispatch | None:
        """Choose an officer for a visit and store the task, on the topic and in Redis.

        Returns the task and the reason for the choice, None if no officer can go, or an ObsoleteDispatch if the case no
        longer needs this visit: then nothing is stored.

        A second call for the same dispatch returns the same task. An open task of the same case is stored as late, and
        its officer is not chosen. With `where`, the visit may join another visit to the same place: the same officer
        makes both; if that visit has just ended, its task is returned and none stored. Raises TimeoutError if a record
        takes over 8 s, for example because Kafka is unavailable, SendError if Kafka refuses it, and RedisError if Redis
        is unavailable; KafkaError if Redis has no rosters and they cannot be read from the topic.
        """
        dispatch = asked.dispatch
        async with self._choosing:
            tasks = await self.tasks(now)
            if dispatch.id in tasks:
                return tasks[dispatch.id], ChosenBefore()
            # The case is read after the tasks. So if one of them is of a later attempt, the case has that attempt too,
            # and this dispatch, which was held up, is obsolete: it must not make the later visit late.
            needed = validity(dispatch, await self._case(dispatch.resident, dispatch.case), now)
            if isinstance(needed, ObsoleteDispatch):
                return needed
            before = {task.dispatch: task for task in tasks.values() if task.case == dispatch.case}
            for task in [task for task in before.values() if task.state is TaskState.OPEN]:
                before[task.dispatch] = await self._tasks.update(task.dispatch, as_late) or task
            tasks |= before
            if where and (lead := await self._lead(dispatch, where, tasks, before.values(), now)):
                return await self._join(asked, lead, now)
            return await self._give_to_best(asked, tasks, before.values(), now, where)

    async def joined(self, dispatch: str) -> list[str]:
        """Return the sorted ids of the dispatches whose visits joined the visit of `dispatch` (its id); empty if none
        did.

        A report on that visit counts for them too. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await self._ensure()
        found = await self._redis.hgetall(VISIT_JOINED)
        return sorted(name.decode() for name, lead in found.items() if lead == dispatch.encode())

    async def part(self, task: Task) -> None:
        """Separate a visit (`task`) from the visit that it had joined: store, on the topic and in Redis, that reports
        on the other visit no longer count for it. Raises TimeoutError if Kafka does not answer within 8 s, SendError
        if it refuses the record, and RedisError if Redis is unavailable.
        """
        await self._redis.hdel(VISIT_JOINED, task.dispatch)
        await self._tasks.update(task.dispatch, lambda known: known.model_copy(update={"joins": None}))
        await self._redis.hdel(VISIT_JOINED, task.dispatch)  # a restore may have stored it again

    async def task(self, dispatch: str) -> Task | None:
        """Return the stored task of a dispatch (by id), or None if Redis has none: the visit was not given to an
        officer, the dispatch is unknown, the task was deleted (after 4 days, or because it never reached its officer),
        or Redis was emptied and is not restored yet. Raises RedisError if Redis is unavailable.
        """
        return await self._tasks.get(dispatch)

    async def take(self, report: OfficerReport) -> list[OfficerReport]:
        """Apply an officer's report to the stored tasks, and return the report, followed by its copies for the visits
        that joined this one.

        The caller sends all of them to the cases. They are stored first, so that a case's next attempt does not choose
        an officer who has just refused. Raises TimeoutError if Kafka does not answer within 8 s, SendError if it
        refuses the record, and RedisError if Redis is unavailable.
        """
        joined = [one_visit.report_for_joined(parse(other), report) for other in await self.joined(report.dispatch)]
        for each in (report, *joined):
            await self.note(each)
        return [report, *joined]

    async def note(self, report: OfficerReport) -> None:
        """Update the task of a visit by an officer's report, on the topic and in Redis. On arrival, also store that
        this officer saw the resident last.

        A report that comes late or again, and one on an unknown task, changes no task (see after_report). Raises
        TimeoutError if Kafka does not answer within 8 s, SendError if it refuses the record, and RedisError if Redis is
        unavailable.
        """
        if report.stage is VisitStage.ARRIVED:
            await self._redis.hset(VISIT_LAST, report.resident, report.by)
        await self._ensure()
        await self._tasks.update(report.dispatch, lambda task: after_report(task, report))

    async def heard(self, dispatch: str, at: datetime) -> None:
        """Store in the task of the dispatch with this id that its officer reported at `at`, at the door, that they are
        safe. Does nothing unless the officer has arrived. Raises TimeoutError if Kafka does not answer within 8 s,
        SendError if it refuses the record, and RedisError if Redis is unavailable.
        """
        await self._tasks.update(dispatch, lambda task: after_check_in(task, at))

    async def overdue_check_ins(self, now: datetime) -> list[Task]:
        """Return the tasks whose officer had to report by `now` that they are safe, and has not, the most overdue
        first. Check-in times without a task are deleted from Redis. Raises RedisError if Redis is unavailable.
        """
        names = await self._redis.zrange(CHECK_INS, "-inf", milliseconds(now), byscore=True)
        found = {name.decode(): await self.task(name.decode()) for name in names}
        if gone := [name for name, task in found.items() if task is None]:
            await self._redis.zrem(CHECK_INS, *gone)
        return [task for task in found.values() if task]

    async def close(self, dispatch: str) -> None:
        """Store that the officer has seen that their task was withdrawn, and end the task if it is open, so that it no
        longer counts as load. `dispatch`: its id.

        A late task stays late. An unknown dispatch is ignored. Raises TimeoutError if Kafka does not answer within 8 s,
        SendError if it refuses the record, and RedisError if Redis is unavailable.
        """
        await self._tasks.update(dispatch, after_seen)

    async def drop(self, dispatch: str) -> None:
        """Delete the task of the dispatch with this id, from the topic and Redis, because it never reached its officer;
        also its check-in time and escalation. Later visits can join neither this visit nor the one that it joined.
        Raises TimeoutError if Kafka does not answer within 8 s, SendError if it refuses the record, and RedisError if
        Redis is unavailable.
        """
        task = await self.task(dispatch)
        if task and task.place and await self._redis.hget(VISIT_AT, task.place) == (task.joins or dispatch).encode():
            await self._redis.hdel(VISIT_AT, task.place)
        await self._redis.hdel(VISIT_JOINED, dispatch)
        await self._tasks.drop(dispatch)
        await self._redis.zrem(CHECK_INS, dispatch)
        await self._redis.zrem(ESCALATIONS_DUE, dispatch)
        if await self.escalations.get(dispatch):
            await self.escalations.drop(dispatch)

    async def restore(self, since: Tails | None = None) -> None:
        """Copy the topic's rosters, tasks, escalations and push devices to Redis: all, or only records at or after the
        offsets in `since`. Then rebuild from them which visits were joined and which check-ins and escalations are due.
        Unreadable records are logged and left out. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await restore([self.table, self._tasks, self.escalations, self.push], since)
        await self._restore_places()

    async def _restore_places(self) -> None:
        """Rebuild in Redis from the tasks, the oldest first: the visit to each address, the joined visits, the times of
        check-ins, and the escalations that have not ended, also those of visits that another officer got.
        """
        for task in sorted(await self.all_tasks(), key=lambda task: task.at):
            await self._note(task)
        going = {each.dispatch: 0 for each in await self.escalations.all() if not each.over}
        if going:
            await self._redis.zadd(ESCALATIONS_DUE, going, nx=True)

    async def _note(self, task: Task) -> None:
        """Store in Redis what follows from a task. If the task changes meanwhile, it is done again: an officer who has
        just arrived must stay watched. (Who changes a task stores it first, and then what follows from it.)
        """
        known: Task | None = task
        while known is not None:
            await self._note_place(known)
            await self._tasks.watch(known)
            before, known = known, await self.task(task.dispatch)
            if known == before:
                return

    async def _ensure(self) -> None:
        if await self.table.empty():
            await self.restore()

    async def _give_to_best(
        self, asked: Asked, tasks: Mapping[str, Task], before: Collection[Task], now: datetime, where: Where | None
    ) -> tuple[Task, ChannelCode] | None:
        """Give the visit to the best officer. Another worker may have given the same officer one meanwhile, over the
        limit of visits: so the officer's visits are read again under a lock on the officer, and if they have changed,
        an officer is chosen again.
        """
        while choice := await self._choose(asked, tasks.values(), before, now):
            officer = choice.officer.id
            async with locked(self._redis, changing(VISIT_TASKS, f"officer/{officer}")):
                known, tasks = tasks, await self.tasks(now)
                if load_of(known.values()).get(officer) == load_of(tasks.values()).get(officer):
                    place = where.place if where else None
                    task = given(asked.dispatch, officer, now, asked.worth_fen, place)
                    return await self._store_new(task, choice.because)
        return None

    async def _choose(
        self, asked: Asked, tasks: Collection[Task], before: Collection[Task], now: datetime
    ) -> Choice | None:
        """Return the best officer for a visit, or None. `before`: the tasks of the same case."""
        dispatch, last = asked.dispatch, await self._redis.hget(VISIT_LAST, asked.dispatch.resident)
        never = {task.officer for task in before if unwilling(task, dispatch)}
        to = max(before, key=lambda task: task.at).to if before else None
        visit = Visit(
            dispatch.level,
            dispatch.division,
            asked.language,
            frozenset(never),
            last and last.decode(),
            to,
            asked.worth_fen,
        )
        chosen = None
        for looked, best in enumerate(choosing(await self.officers(), visit, now, tasks, asked.rules), 1):
            chosen = best
            if looked % AT_ONCE == 0:
                await asyncio.sleep(0)
        return chosen

    async def _lead(
        self, dispatch: Dispatch, where: Where, tasks: Mapping[str, Task], before: Collection[Task], now: datetime
    ) -> Task | None:
        """Return the visit to the same place that this one joins, or None. `before`: the tasks of the same case."""
        name = await self._redis.hget(VISIT_AT, where.place)
        lead = tasks.get(name.decode()) if name else None
        if lead and lead.state is TaskState.OPEN and not await self._made(lead):
            return None
        return lead if lead and one_visit.joins(dispatch, lead, before, where.within, now) else None

    async def _made(self, task: Task) -> bool:
        """Return True if the visit of an open task is still to be made; False if the case no longer needs it or does
        not exist.
        """
        case = await self._case(task.resident, task.case)
        return case is not None and to_be_made(task, case)

    async def _case(self, resident: str, case: str) -> Case | None:
        return await CaseStore(self._redis).case(home(resident, self._settings.partitions), case)

    async def _join(self, asked: Asked, lead: Task, now: datetime) -> tuple[Task, ChannelCode]:
        if lead.state is TaskState.ENDED:
            return lead, JustThere(lead.officer)
        task = given(asked.dispatch, lead.officer, now, asked.worth_fen, lead.place, joins=lead.dispatch)
        return await self._store_new(task, SameAddress(lead.officer))

    async def _store_new(self, task: Task, because: ChannelCode) -> tuple[Task, ChannelCode]:
        """Store a new task, and return it with the reason for the choice (`because`).

        Returns the stored task instead if the dispatch has got one meanwhile: a worker that stood still while it chose
        must not replace the task of a visit that another worker has sent, and whose officer has reported.
        """
        async with self._tasks.locked(task.dispatch) as known:
            if known is not None:
                return known, ChosenBefore()
            await self._note_place(task)
            await self._tasks.put(task)
            return task, because

    async def _note_place(self, task: Task) -> None:
        """Store in Redis which visit the task joined, or that it is the visit to its address."""
        if task.joins:
            await self._redis.hset(VISIT_JOINED, task.dispatch, task.joins)
        elif task.place:
            await self._redis.hset(VISIT_AT, task.place, task.dispatch)
