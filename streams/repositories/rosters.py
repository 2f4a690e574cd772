"""Rosters and the visits officers are on: in Redis, and on the compacted topic `rosters` to outlive it.

A visit to an address that somebody is on the way to joins his: see domain/visits/one_visit.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from redis.asyncio import Redis

from domain.dispatches.ids import parse
from domain.policy.visits import VisitRules
from domain.visits import check_in, one_visit
from domain.visits.officers import Choice, Visit, choosing
from domain.visits.tasks import given, to_be_made
from schemas.base import ANY_VERSION
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Roster, Task, TaskState
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, Tails, read_all
from streams.messaging.topics import ROSTERS, home
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import milliseconds

ROSTER = "roster"  # hash: station -> roster
TASKS = "visit-tasks"  # hash: dispatch -> task
AT = "visit-at"  # hash: place -> the dispatch of the latest visit there that joined no other
JOINED = "visit-joined"  # hash: dispatch -> the one whose visit it joined
LAST = "visit-last"  # hash: resident -> who saw him last; a preference, which may be lost
CHECK_INS = "check-ins"  # sorted set: dispatch -> when its officer must say that he is safe; made of the tasks
AT_ONCE = 20  # officers whose rounds are reckoned in one piece, a millisecond: red must not wait for a choice
FORGOTTEN = timedelta(days=4)  # longer than the longest clock of a visit: nobody reported its end
_ENDS = {
    VisitStage.REFUSED: TaskState.REFUSED,
    VisitStage.HANDED_OVER: TaskState.REFUSED,
    VisitStage.NOT_AT_HOME: TaskState.ENDED,
    VisitStage.DONE: TaskState.ENDED,
}


@lru_cache(maxsize=512)
def _read(raw: bytes) -> Roster:
    """Kept by its bytes: every visit asks for all stations' rosters, and they change a few times a day."""
    return Roster.model_validate_json(raw, extra=ANY_VERSION)


@lru_cache(maxsize=16_384)
def _task(raw: bytes) -> Task:
    """Kept as well: every visit asks for all that were given out in four days, and nearly all have ended."""
    return Task.model_validate_json(raw, extra=ANY_VERSION)


@dataclass(frozen=True, slots=True)
class Where:
    """Where a visit goes: a household's keyed hash, and how young a visit there must be to be joined."""

    place: str
    within: timedelta


@dataclass(frozen=True, slots=True)
class Asked:
    """A visit that somebody is wanted for.

    `worth_fen`: see domain/visits/rounds. `rules`: those in force in its partition.
    """

    dispatch: Dispatch
    language: Language
    rules: VisitRules
    worth_fen: int = 0


class Rosters:
    """Who can go, and who is on the way."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings, self._producer = settings, producer
        self._redis: Any = redis
        self._choosing = asyncio.Lock()  # of two visits at once the second sees the first

    async def put(self, roster: Roster) -> None:
        """Replace a station's roster."""
        value = roster.model_dump_json()
        await self._producer.send_all([Record(ROSTERS.name, f"station/{roster.station}".encode(), value.encode())])
        await self._redis.hset(ROSTER, roster.station, value)

    async def officers(self) -> list[Officer]:
        """Everybody on a roster, on duty or not."""
        await self._ensure()
        rosters = [_read(raw) for raw in await self._redis.hvals(ROSTER)]
        return [officer for roster in rosters for officer in roster.officers]

    async def roster_of(self, officer: str) -> Roster | None:
        """The roster that an officer is on."""
        await self._ensure()
        rosters = [_read(raw) for raw in await self._redis.hvals(ROSTER)]
        return next((each for each in rosters if any(one.id == officer for one in each.officers)), None)

    async def tasks(self, now: datetime) -> dict[str, Task]:
        """Visits given out, by dispatch. After some days they are forgotten: nobody reports their end any more."""
        tasks = {task.dispatch: task for task in await self.all_tasks()}
        for dispatch in [task.dispatch for task in tasks.values() if now - task.at >= FORGOTTEN]:
            await self.drop(dispatch)
            del tasks[dispatch]
        return tasks

    async def all_tasks(self) -> list[Task]:
        """Also those that are old enough to be forgotten; nothing is written."""
        return [_task(raw) for raw in await self._redis.hvals(TASKS)]

    async def assign(self, asked: Asked, now: datetime, where: Where | None = None) -> tuple[Task, str] | None:
        """Give a visit to an officer: the same one when asked again; none when nobody can go.

        Who had the case's visit before and has not ended it was late: another goes, and he is not sent again. A visit
        that joins another's is his as well; of one that was made already the other's task is returned.
        """
        dispatch = asked.dispatch
        async with self._choosing:
            tasks = await self.tasks(now)
            if dispatch.id in tasks:
                return tasks[dispatch.id], "chosen before"
            before = {task.dispatch: task for task in tasks.values() if task.case == dispatch.case}
            for task in [task for task in before.values() if task.state is TaskState.OPEN]:
                before[task.dispatch] = task.model_copy(update={"state": TaskState.LATE})
                await self._put(before[task.dispatch])
            tasks |= before
            if where and (lead := await self._lead(dispatch, where, tasks, before.values(), now)):
                return await self._join(asked, lead, now)
            choice = await self._choose(asked, tasks.values(), before.values(), now)
            return (await self._give(asked, choice, now, where), choice.because) if choice else None

    async def joined(self, dispatch: str) -> list[str]:
        """The dispatches that joined this one's visit: what is reported of it is reported of them."""
        await self._ensure()
        found = await self._redis.hgetall(JOINED)
        return sorted(name.decode() for name, lead in found.items() if lead == dispatch.encode())

    async def part(self, task: Task) -> None:
        """A visit that joined another is made by itself: what is reported of the other is not reported of it."""
        await self._redis.hdel(JOINED, task.dispatch)
        await self._put(task.model_copy(update={"joins": None}))

    async def task(self, dispatch: str) -> Task | None:
        """A visit that was given out."""
        raw = await self._redis.hget(TASKS, dispatch)
        return _task(raw) if raw else None

    async def take(self, report: OfficerReport) -> list[OfficerReport]:
        """Note a report, and what it says of the visits that joined this one: all that the cases are to be told.

        It is noted first: the case's next attempt must not choose who has just refused.
        """
        joined = [one_visit.told_of(parse(other), report) for other in await self.joined(report.dispatch)]
        for each in (report, *joined):
            await self.note(each)
        return [report, *joined]

    async def note(self, report: OfficerReport) -> None:
        """Take in what an officer reported: whether he is still on the visit, and whom the resident knows."""
        if report.stage is VisitStage.ARRIVED:
            await self._redis.hset(LAST, report.resident, report.by)
        await self._ensure()
        if task := await self.task(report.dispatch):
            changes: dict[str, object] = {"state": _ENDS.get(report.stage, task.state), "stage": report.stage}
            if report.stage is VisitStage.ARRIVED:
                changes["heard_at"] = report.at
            await self._put(task.model_copy(update=changes | {"to": report.to}))

    async def heard(self, dispatch: str, at: datetime) -> None:
        """The officer at the door says that he is safe."""
        task = await self.task(dispatch)
        if task and task.stage is VisitStage.ARRIVED:
            await self._put(task.model_copy(update={"heard_at": max(at, task.heard_at or at)}))

    async def unheard(self, now: datetime) -> list[Task]:
        """The visits whose officer has not said in time that he is safe."""
        names = await self._redis.zrange(CHECK_INS, "-inf", milliseconds(now), byscore=True)
        found = {name.decode(): await self.task(name.decode()) for name in names}
        if gone := [name for name, task in found.items() if task is None]:
            await self._redis.zrem(CHECK_INS, *gone)
        return [task for task in found.values() if task]

    async def close(self, dispatch: str) -> None:
        """The officer knows that a visit is no longer asked for: it is nobody's load. Who was late stays so."""
        if task := await self.task(dispatch):
            state = TaskState.ENDED if task.state is TaskState.OPEN else task.state
            await self._put(task.model_copy(update={"state": state, "seen": True}))

    async def drop(self, dispatch: str) -> None:
        """Forget a task that never reached its officer. Nor is a visit joined any more that could not be joined."""
        task = await self.task(dispatch)
        if task and task.place and await self._redis.hget(AT, task.place) == (task.joins or dispatch).encode():
            await self._redis.hdel(AT, task.place)
        await self._redis.hdel(JOINED, dispatch)
        await self._producer.send_all([Record(ROSTERS.name, f"task/{dispatch}".encode(), None)])
        await self._redis.hdel(TASKS, dispatch)
        await self._redis.zrem(CHECK_INS, dispatch)

    async def restore(self, since: Tails | None = None) -> None:
        """Fill Redis from the topic, or put what lies behind `since` on it back."""
        async for record in read_all(self._settings, ROSTERS.name, since):
            where = readable(ROSTERS.name, record.offset, partial(_place, record))
            if where and record.value:
                await self._redis.hset(*where, record.value)
            elif where:
                await self._redis.hdel(*where)
        await self._restore_places()

    async def _restore_places(self) -> None:
        """Tell from the tasks who is on the way where, the latest last, and who must say that he is safe."""
        for task in sorted(await self.all_tasks(), key=lambda task: task.at):
            if task.joins:
                await self._redis.hset(JOINED, task.dispatch, task.joins)
            elif task.place:
                await self._redis.hset(AT, task.place, task.dispatch)
            await self._watch(task)

    async def _ensure(self) -> None:
        if not await self._redis.exists(ROSTER):  # none yet, or Redis was wiped
            await self.restore()

    async def _choose(
        self, asked: Asked, tasks: Collection[Task], before: Collection[Task], now: datetime
    ) -> Choice | None:
        """`before`: the case's own tasks."""
        dispatch, last = asked.dispatch, await self._redis.hget(LAST, asked.dispatch.resident)
        never = {task.officer for task in before if _unwilling(task, dispatch)}
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
        """The visit to the same place that this one joins. `before`: the case's own tasks."""
        name = await self._redis.hget(AT, where.place)
        lead = tasks.get(name.decode()) if name else None
        if lead and lead.state is TaskState.OPEN and not await self._made(lead):
            return None
        return lead if lead and one_visit.joins(dispatch, lead, before, where.within, now) else None

    async def _made(self, task: Task) -> bool:
        """Whether its officer still makes an open visit: he is told not to where its case no longer waits for it."""
        case = await CaseStore(self._redis).case(home(task.resident, self._settings.partitions), task.case)
        return case is not None and to_be_made(task, case)

    async def _join(self, asked: Asked, lead: Task, now: datetime) -> tuple[Task, str]:
        if lead.state is TaskState.ENDED:
            return lead, f"{lead.officer} has just been at the same address"
        task = given(asked.dispatch, lead.officer, now, asked.worth_fen, lead.place, joins=lead.dispatch)
        await self._redis.hset(JOINED, task.dispatch, lead.dispatch)
        await self._put(task)
        return task, f"{lead.officer} is on the way to the same address"

    async def _give(self, asked: Asked, choice: Choice, now: datetime, where: Where | None) -> Task:
        task = given(asked.dispatch, choice.officer.id, now, asked.worth_fen, where.place if where else None)
        if task.place:
            await self._redis.hset(AT, task.place, task.dispatch)
        await self._put(task)
        return task

    async def _put(self, task: Task) -> None:
        value = task.model_dump_json()
        await self._producer.send_all([Record(ROSTERS.name, f"task/{task.dispatch}".encode(), value.encode())])
        await self._redis.hset(TASKS, task.dispatch, value)
        await self._watch(task)

    async def _watch(self, task: Task) -> None:
        """Note when the officer must say that he is safe."""
        due = check_in.due(task)
        if due is None:
            await self._redis.zrem(CHECK_INS, task.dispatch)
        else:
            await self._redis.zadd(CHECK_INS, {task.dispatch: milliseconds(due)})


def _unwilling(task: Task, dispatch: Dispatch) -> bool:
    """Whether he refused to go, or was late for this very step.

    Whose visit another step has overtaken (the level was raised, say) did nothing wrong: he may be nearly there.
    """
    late = task.state is TaskState.LATE and parse(task.dispatch).step == dispatch.step
    return late or task.state is TaskState.REFUSED


def _place(record: Read) -> tuple[str, str]:
    """Where in Redis a record of the topic belongs. Raises ValueError when it belongs nowhere."""
    kind, _, name = (record.key or b"").decode().partition("/")
    if kind not in _KINDS:
        raise ValueError("the key is neither a station's nor a task's")
    where, model = _KINDS[kind]
    if record.value:
        model.model_validate_json(record.value, extra=ANY_VERSION)
    return where, name


_KINDS: dict[str, tuple[str, type[Roster] | type[Task]]] = {"station": (ROSTER, Roster), "task": (TASKS, Task)}
