"""Processes the acts that an officer's telephone sends: in order, each once, each with a reply.

A reply is stored under the act's id, so a repeated act gets the same reply. An act is marked as begun before its first
effect. If it was interrupted, it continues when it is sent again, and is not checked against its own earlier effect.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case.answers import Answered, applied
from console.web.kit.services import Services
from console.web.live.hub import ANSWER_SECONDS
from console.web.tasks.mine import case_of
from console.web.tasks.searches import Say, report_of_place, search_of_act
from domain.dispatches.ids import parse
from domain.ids import result_id
from domain.visits import check_in
from domain.visits.tasks import Conflict, act_time, conflict, is_awaited
from schemas.administration.audit import AuditEntry
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, FactKind
from schemas.casework.inputs import OfficerReport, OperatorReport, ResidentInput, VisitStage
from schemas.people.rosters import Task
from schemas.people.tasks import CheckInAct, DuressAct, HandOverAct, InterpreterAct, PlaceAct, SeenAct, StageAct
from streams.messaging import case_inputs
from streams.messaging.producer import Record
from streams.messaging.topics import home
from streams.state.keys import APPLIED_KEPT, TASK_ACT
from streams.state.shared_state import EmptiedError

BEGUN = b"begun"

Act = StageAct | HandOverAct | InterpreterAct | CheckInAct | SeenAct | DuressAct | PlaceAct
OnTask = StageAct | HandOverAct | InterpreterAct | CheckInAct | SeenAct

WORDS = {
    Conflict.NOT_YOURS: "这项任务不在您名下",
    Conflict.OVER: "这项任务已经结束",
    Conflict.ANOTHER: "超时后已另派他人，不必再去",
    Conflict.SETTLED: "预警已了结，不必再去",
    Conflict.BEHIND: "已经报告过后面的步骤",
}


@dataclass(frozen=True, slots=True)
class ActReply:
    """The reply to an act. `words`: why it was refused, or a notice, in the officer's language; may be "".

    `how`: WAITING means that the act is written, or cannot be decided before a lost Redis is restored; its reply comes
    when it is sent again.
    """

    id: str
    how: Answered
    words: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """An act that becomes inputs of cases. `inputs`: the act's own input first, then those of visits that are joined to
    its visit.
    """

    act: Act
    inputs: Sequence[ResidentInput]


class Taking:
    """Processes the acts of one officer. `say`: translates a Chinese text into the officer's language."""

    def __init__(self, services: Services, who: Who, say: Say) -> None:
        self._services, self._who, self._say = services, who, say
        self._redis: Any = services.line.redis
        self._rosters, self._alarms = services.line.outgoing.rosters, services.line.alarms

    async def take(self, acts: Sequence[Act]) -> list[ActReply]:
        """Process the acts and return one reply for each: those that are answered at once first (alarms before others),
        then those that were written to cases.

        All inputs of cases are written together, so that no deadline is applied between acts that were sent together.
        Tasks, alarms and replies are stored in Redis. Raises TimeoutError if Kafka does not answer in time, and
        SendError if it refuses a record for good. Errors of Kafka and Redis pass through.
        """
        answers: list[ActReply] = []
        writing: list[Written] = []
        for act in sorted(acts, key=lambda act: not isinstance(act, DuressAct)):  # the sort is stable
            found = await self._begin(act)
            if isinstance(found, ActReply):
                answers.append(found)
            else:
                writing.append(found)
        return answers + await self._write(writing)

    async def _begin(self, act: Act) -> ActReply | Written:
        kept = await self._redis.get(TASK_ACT + act.id)
        if kept is not None and kept != BEGUN:
            return _kept(act.id, kept)
        if isinstance(act, DuressAct):
            return await self._duress(act)
        if isinstance(act, PlaceAct):
            return await self._place(act)
        task = await self._task_of(act)
        if isinstance(task, ActReply):
            return task
        whole = await self._services.line.store.is_whole(self._partition(task))  # before the case is read
        case = await case_of(self._services, task)
        if kept is None:
            if (why := await self._refusal(act, task, case)) is not None:
                may_be_restored = case is None and not whole
                return _waiting(act) if may_be_restored else await self._end(act, Answered.REFUSED, why)
            await self._keep(act.id, BEGUN)
        if task.joins is not None and isinstance(act, StageAct):  # the visit is separate from here on
            await self._rosters.part(task)
        return await self._on_task(act, task, case)

    async def _place(self, act: PlaceAct) -> ActReply | Written:
        """Return the input for an answer about a place. The case decides whether it counts, also after an
        interruption: the input's id is the act's.
        """
        now, officer = self._services.line.clock.now(), self._who.officer or ""
        task = await search_of_act(self._services, act.search, officer)
        if task is Answered.WAITING:
            return ActReply(act.id, task)
        if isinstance(task, Answered):
            return await self._end(act, Answered.REFUSED, WORDS[Conflict.NOT_YOURS])
        given = report_of_place(act, task, officer, now)
        if await applied(self._services, given.resident, given.id):
            return await self._end(act, Answered.DONE)
        await self._keep(act.id, BEGUN)
        return Written(act, [given])

    async def _task_of(self, act: OnTask) -> Task | ActReply:
        """Return the task that an act is about. Otherwise return the reply: REFUSED if the officer does not have it, or
        WAITING while the tasks are being restored in an emptied Redis, because a refusal is stored and holds for good.
        """
        for _ in range(2):  # read again once it is known that Redis has all tasks
            task = await self._rosters.task(act.dispatch)
            if task is not None and task.officer == self._who.officer:
                return task
            try:
                await self._services.line.shared.require_whole()
            except EmptiedError:
                return _waiting(act)
        return await self._end(act, Answered.REFUSED, WORDS[Conflict.NOT_YOURS])

    def _partition(self, task: Task) -> int:
        return home(task.resident, self._services.line.settings.partitions)

    async def _refusal(self, act: OnTask, task: Task, case: Case | None) -> str | None:
        """Return in Chinese why an act on a task is refused, or None."""
        stage = _stage(act)
        if stage is not None and (found := conflict(task, case, stage)) is not None:
            return WORDS[found]
        if isinstance(act, HandOverAct) and act.to is not None and not await self._colleague(act.to):
            return "没有这位同事"
        if isinstance(act, SeenAct) and case is not None and is_awaited(task, case):
            return "这项任务仍需上门"
        return None

    async def _on_task(self, act: OnTask, task: Task, case: Case | None) -> ActReply | Written:
        at = act_time(act.at, task.at, self._services.line.clock.now())
        match act:
            case CheckInAct():
                await self._rosters.heard(task.dispatch, at)
                await self._alarms.safe(task.dispatch, at)
                return await self._done(act, task.case)
            case SeenAct():
                await self._rosters.close(task.dispatch)
                return await self._done(act, task.case)
            case InterpreterAct():
                return await self._to_case(act, case, _interpreter(act, task, case, at))
            case _:
                return await self._to_case(act, case, _report(act, task, at, self._services.line.clock.now()))

    async def _to_case(
        self, act: OnTask, case: Case | None, given: OfficerReport | OperatorReport
    ) -> ActReply | Written:
        """Return the inputs to write. If the case has already applied the act, and only the reply was lost, return the
        reply DONE.
        """
        if await applied(self._services, given.resident, given.id):
            return await self._end(act, Answered.DONE, "" if case and case.open else "预警现已办结")
        return Written(act, await self._rosters.take(given) if isinstance(given, OfficerReport) else [given])

    async def _write(self, writing: Sequence[Written]) -> list[ActReply]:
        """Write all inputs together, wait at most ANSWER_SECONDS for the answering events, and return the replies.

        Raises TimeoutError if Kafka does not answer in time.
        """
        if not writing:
            return []
        services, partitions = self._services, self._services.line.settings.partitions
        records: list[Record] = []
        lines: list[AuditEntry] = []
        with ExitStack() as stack:
            futures = []
            for each in writing:
                futures.append(stack.enter_context(services.hub.expecting(each.inputs[0].id)))
                records += [case_inputs.record(one, home(one.resident, partitions)) for one in each.inputs]
                name = f"task-{_name(each.act)}"
                lines.append(trail.entry(services, self._who, name, _case_of(each.inputs[0]), detail=each.inputs[0].id))
            await trail.write_all(services, lines, records)
            await asyncio.wait(futures, timeout=ANSWER_SECONDS)
        return [
            await self._answer(each.act, future.result() if future.done() else None)
            for each, future in zip(writing, futures, strict=True)
        ]

    async def _answer(self, act: Act, event: CaseEvent | None) -> ActReply:
        if event is None:  # not lost: the reply comes when the act is sent again
            return ActReply(act.id, Answered.WAITING)
        refused = next((fact for fact in event.facts if fact.kind is FactKind.REFUSED), None)
        if refused is not None and isinstance(act, PlaceAct):
            return await self._end(act, Answered.REFUSED, "查找已结束")
        if refused is not None:
            return await self._end(act, Answered.REFUSED, WORDS[Conflict.SETTLED])
        return await self._end(act, Answered.DONE)

    async def _duress(self, act: DuressAct) -> ActReply:
        """Raise the alarm before any other act, and return the reply. The alarm names the visit only if it is the
        officer's own.
        """
        task = await self._rosters.task(act.dispatch) if act.dispatch else None
        mine = task if task and task.officer == self._who.officer else None
        case = await case_of(self._services, mine) if mine else None
        name = self._who.officer or self._who.login
        now = self._services.line.clock.now()
        alarm = check_in.duress(act, name, self._who.name, await self._area(), case, now)
        await self._alarms.raise_(alarm)
        return await self._done(act, case.id if case else alarm.id)

    async def _area(self) -> str:
        """Return the officer's division on the roster, else the account's area."""
        roster = await self._rosters.roster_of(self._who.officer) if self._who.officer else None
        officers = roster.officers if roster else []
        return next((each.division for each in officers if each.id == self._who.officer), self._who.area)

    async def _colleague(self, officer: str) -> bool:
        """Return True if the officer with this id is on the same roster."""
        roster = await self._rosters.roster_of(self._who.officer or "")
        return roster is not None and any(each.id == officer for each in roster.officers)

    async def _done(self, act: Act, on: str) -> ActReply:
        await trail.write(self._services, self._who, f"task-{_name(act)}", on, detail=act.id)
        return await self._end(act, Answered.DONE)

    async def _end(self, act: Act, how: Answered, words: str = "") -> ActReply:
        await self._keep(act.id, orjson.dumps({"how": how.value, "words": self._say(words) if words else ""}))
        return ActReply(act.id, how, self._say(words) if words else "")

    async def _keep(self, act_id: str, value: bytes) -> None:
        seconds = max(60, round(self._services.line.clock.wall_seconds(APPLIED_KEPT)))
        await self._redis.set(TASK_ACT + act_id, value, ex=seconds)


def _waiting(act: Act) -> ActReply:
    return ActReply(act.id, Answered.WAITING)


def _kept(act_id: str, raw: bytes) -> ActReply:
    found = orjson.loads(raw)
    return ActReply(act_id, Answered(found["how"]), found["words"])


def _stage(act: Act) -> VisitStage | None:
    if isinstance(act, HandOverAct):
        return VisitStage.HANDED_OVER
    return act.stage if isinstance(act, StageAct) else None


def _name(act: Act) -> str:
    """Return the name that the audit uses for an act."""
    stage = _stage(act)
    told = f"place-{act.state.value}" if isinstance(act, PlaceAct) else stage.value if stage else act.do
    return told.replace("_", "-")


def _case_of(given: ResidentInput) -> str:
    return str(getattr(given, "case", given.resident))


def _report(act: StageAct | HandOverAct, task: Task, at: datetime, now: datetime) -> OfficerReport:
    """Return the report of a visit's stage, in the form in which a station's gateway sends it
    (streams/channels/receipts).
    """
    name = parse(task.dispatch)
    stage = act.stage if isinstance(act, StageAct) else VisitStage.HANDED_OVER
    return OfficerReport(
        id=result_id(name.text, stage, act.id),
        at=at,
        resident=name.resident,
        case=name.case,
        by=task.officer,
        dispatch=name.text,
        step=name.step,
        attempt=name.attempt,
        stage=stage,
        checklist=act.checklist if isinstance(act, StageAct) else None,
        outcome=act.outcome if isinstance(act, StageAct) else None,
        note=act.note,
        to=act.to if isinstance(act, HandOverAct) else None,
        told_at=now,
    )


def _interpreter(act: InterpreterAct, task: Task, case: Case | None, at: datetime) -> OperatorReport:
    name = parse(task.dispatch)
    return OperatorReport(
        id=f"{name.text}:interpreter:{act.id}",
        at=at,
        resident=name.resident,
        case=name.case,
        by=task.officer,
        seen=case.version if case else 0,
        act=NoteAct(what="interpreter", language=act.language, note=act.note),
    )
