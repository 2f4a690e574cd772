"""Carries out the escalation of visits: the steps ("rungs") by which officers are told of visits until they accept
(domain/visits/escalation).

Every worker checks each second; a lease lets one worker carry out the next rung of a visit. A rung is stored before it
is carried out, and its idempotency key contains the visit's dispatch id: after a worker's death another one repeats it,
and no officer is called twice for it as far as the provider keeps its promise.
"""

import asyncio
import logging
import os
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
from prometheus_client import Counter, Histogram

from domain.dispatches.ids import officer_message, parse
from domain.ids import result_id
from domain.policy.visits import EscalationRules
from domain.visits import escalation as ladder
from domain.visits.one_visit import report_for_joined
from domain.visits.tasks import is_awaited
from domain.wording.codes import in_language
from schemas.casework.cases import Case
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.channels import NotifiedBy, TaskWaits
from schemas.levels import Channel, Level, Result
from schemas.people.escalations import Escalation, OfficerRung, PushSubscription, RungResult, RungTried
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Task
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Gateway, Kind, Order, UnknownOutcomeError
from streams.channels.push import DEVICE_SECONDS, PushMessage, PushResult, PushSender, devices_of
from streams.messaging import case_inputs
from streams.messaging.topics import home
from streams.repositories.alarms import Alarms
from streams.repositories.escalations import opaque_id
from streams.repositories.staff import Staff
from streams.runtime.metrics import CLOCKS
from streams.runtime.tasks import cancelled, without_values
from streams.state import locks
from streams.state.case_store import CaseStore
from streams.state.keys import ESCALATING, ESCALATIONS_DUE, milliseconds
from streams.state.scripts import script

log = logging.getLogger(__name__)

MOST = 200  # visits looked at in one round
LEASE_MS = 20_000  # at least; longer than taking a rung and storing its result
WRITE_SECONDS = 4.0  # for storing a rung: far less than the lease, so that a slow worker gives up before another begins
BEHIND = timedelta(minutes=1)  # a store that is being restored has the case by then
AGAIN = timedelta(seconds=1)
RELEASE = script("release")

RUNGS = Counter("quanzu_officer_rungs_total", "Rungs by which officers were told of a visit", ["rung", "result"])
ACCEPTED = Histogram(
    "quanzu_officer_acceptance_seconds",
    "From giving a visit to its acceptance, by the last rung",
    ["rung"],
    buckets=CLOCKS,
)


@dataclass(frozen=True, slots=True)
class _Message:
    """A text message or call to an officer. `id`: its idempotency key."""

    id: str


@dataclass(frozen=True, slots=True)
class _Visit:
    """A visit that waits for its officer's acceptance, with the data needed for its next rung.

    `case`: None if the store does not have it; `officer`: None if no roster has the officer; `devices`: those that get
    push messages, None if an error hides them: then the officer may have one.
    """

    task: Task
    case: Case | None
    officer: Officer | None
    devices: tuple[PushSubscription, ...] | None

    @property
    def level(self) -> Level:
        return self.task.level or Level.RED

    @property
    def reach(self) -> ladder.OfficerReach:
        return ladder.OfficerReach(self.devices != (), bool(self.officer and self.officer.phone))


class OfficerEscalations:
    """Reminds officers of visits that they have not accepted, by the rungs of the ladder (OfficerRung): push message,
    text message, call, next officer, alarm in the watch room. Carries out the rungs of all such visits.
    """

    def __init__(self, outgoing: Outgoing, store: CaseStore, alarms: Alarms, staff: Staff) -> None:
        """Raises SettingsError if the key of push messages is invalid, or a gateway's key is missing."""
        self._outgoing, self._store, self._alarms, self._staff = outgoing, store, alarms, staff
        self._rosters, self._clock = outgoing.rosters, outgoing.clock
        self._redis: Any = outgoing.redis
        self._push = PushSender(outgoing.settings, outgoing.channels, self._rosters.push, self._clock)
        self._sms = self._gateway(Channel.SMS, outgoing.settings.sms_url, "sms")
        self._voice = self._gateway(Channel.PHONE, outgoing.settings.voice_url, "voice")
        self._act_seconds = max(DEVICE_SECONDS, outgoing.channels.provider_seconds) + WRITE_SECONDS
        self._lease_ms = max(LEASE_MS, round(1000 * (self._act_seconds + 2 * WRITE_SECONDS)))
        self._token = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._running: dict[str, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Start each rung (the next attempt to reach an officer, see OfficerRung) whose time has come, at most 200, and
        return without waiting for them.

        Each visit has a background task of its own, so that a slow provider delays no other visit. An error in a task
        is logged; the rung is tried again by a later call. Errors of Redis pass through.
        """
        now = milliseconds(self._clock.now())
        names = await self._redis.zrange(ESCALATIONS_DUE, "-inf", now, byscore=True, offset=0, num=MOST)
        for name in [raw.decode() for raw in names]:
            if name not in self._running:
                self._running[name] = asyncio.create_task(self._take(name))
                self._running[name].add_done_callback(partial(self._taken, name))

    async def settle(self) -> None:
        """Return when all rungs that were started have ended, with or without success."""
        while self._running:
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def close(self) -> None:
        """Cancel the rungs in progress, and wait for their end; another worker repeats them."""
        await cancelled(set(self._running.values()))

    def _gateway(self, channel: Channel, url: str | None, signer: str) -> Gateway:
        outgoing = self._outgoing
        kind, refusals = outgoing.channels.kind(channel), outgoing.channels.refusals(channel)
        return Gateway(outgoing.client, url, kind, outgoing.signer(signer), refusals)

    def _taken(self, name: str, task: "asyncio.Task[None]") -> None:
        del self._running[name]
        if not task.cancelled() and (error := task.exception()):
            log.error("an officer's ladder is taken up again in the next round: %s", without_values(error))

    async def _take(self, name: str) -> None:
        """Take the rungs of a visit that are due now, for as long as this worker has its lease."""
        try:
            while await self._keep(name) and await self._climb(name):
                pass
        finally:
            await self._redis.eval(RELEASE, 1, ESCALATING + name, self._token)

    async def _keep(self, name: str) -> bool:
        return await locks.keep(self._redis, ESCALATING + name, self._token, self._lease_ms)

    async def _climb(self, name: str) -> bool:
        """Take the next rung of the visit with the dispatch id `name` if it is due.

        Returns True if a rung was taken: the next one may then be due now.

        Otherwise stores when to look again, or ends the visit's escalation. Raises TimeoutError if a rung cannot be
        taken or stored in time.
        """
        task, now = await self._rosters.task(name), self._clock.now()
        if task is None:
            await self._redis.zrem(ESCALATIONS_DUE, name)
            return False
        visit = await self._visit(task)
        if visit.case is None and (now - task.at < BEHIND or await self._is_lost(task)):
            return await self._wait(name, now + AGAIN)
        rules = await self._rules(visit)
        tried = await self._rosters.escalations.get(name) or await self._begun(visit)
        passed_on = _passed_on(tried)
        if rules is None or self._over(visit, tried, passed_on=passed_on):
            return await self._end(task, tried)
        following = ladder.next_rung(tried, rules, succeeded=passed_on and await self._succeeded(visit))
        if following is None:
            return await self._end(task, tried)
        if following.due > now:
            return await self._wait(name, following.due)
        return await self._carry_out(visit, tried, following.rung)

    def _over(self, visit: _Visit, tried: Escalation, *, passed_on: bool) -> bool:
        """Return True if the escalation of the visit has ended: nobody needs to be told of it any more, or this officer
        can be told in no way.

        `passed_on`: another officer was asked for already: then the escalation goes on until the visit is accepted,
        because the watch room must know if nobody could go.
        """
        if visit.case is None or not visit.case.open:
            return True
        if passed_on:
            return ladder.was_accepted(visit.task)
        unreachable = not tried.rungs and not visit.reach.any
        return unreachable or not ladder.awaits_acceptance(visit.task) or not is_awaited(visit.task, visit.case)

    async def _visit(self, task: Task) -> _Visit:
        roster = await self._rosters.roster_of(task.officer)
        officer = next((each for each in roster.officers if each.id == task.officer), None) if roster else None
        case = await self._store.case(home(task.resident, self._outgoing.settings.partitions), task.case)
        return _Visit(task, case, officer, await self._devices(task.officer))

    async def _devices(self, officer: str) -> tuple[PushSubscription, ...] | None:
        """Return the officer's devices. None if they cannot be read: the error is logged, and the officer is reached by
        text message and call, which need no device.
        """
        try:
            return tuple(await devices_of(officer, self._rosters.push, self._staff))
        except Exception as error:
            log.error("an officer's devices are not known: %s", without_values(error))  # noqa: TRY400 - its text may have an endpoint
            return None

    async def _is_lost(self, task: Task) -> bool:
        """Return True if the store of the visit's partition was lost and is not restored yet, so that the visit's case
        may come back.
        """
        partition = home(task.resident, self._outgoing.settings.partitions)
        return bool(await self._store.unsettled([partition], {}))

    async def _rules(self, visit: _Visit) -> EscalationRules | None:
        policy = await self._outgoing.policies.of(self._outgoing.book.partition(visit.task.resident))
        return policy.visits.escalation.get(visit.level)

    async def _begun(self, visit: _Visit) -> Escalation:
        """Return a new record of the visit's escalation, without rungs and not stored yet.

        Its `earlier` is the number of earlier visits of the same step whose officers did not accept.
        """
        this = parse(visit.task.dispatch)
        before = [parse(each.dispatch) for each in await self._rosters.escalations.all() if _passed_on(each)]
        earlier = sum((each.case, each.step) == (this.case, this.step) for each in before)
        return Escalation(dispatch=this.text, officer=visit.task.officer, began=visit.task.at, earlier=earlier)

    async def _succeeded(self, visit: _Visit) -> bool:
        tasks = await self._rosters.all_tasks()
        return any(each.case == visit.task.case and each.at > visit.task.at for each in tasks)

    async def _wait(self, name: str, due: datetime) -> bool:
        await self._redis.zadd(ESCALATIONS_DUE, {name: milliseconds(due)}, xx=True)
        return False

    async def _end(self, task: Task, tried: Escalation) -> bool:
        """End the escalation of a visit, and count the seconds until the officer accepted, if they did.

        Returns False: no rung is due.
        """
        if tried.rungs and not tried.over:
            await self._put(tried.model_copy(update={"over": True}))
            if task.accepted_at is not None:
                seconds = max(0.0, (task.accepted_at - task.at).total_seconds())
                ACCEPTED.labels(tried.rungs[-1].rung).observe(seconds)
        await self._redis.zrem(ESCALATIONS_DUE, task.dispatch)
        return False

    async def _put(self, escalation: Escalation) -> None:
        """Store the record of an escalation. Raises TimeoutError after WRITE_SECONDS, which is less than the lease."""
        async with asyncio.timeout(WRITE_SECONDS):
            await self._rosters.escalations.write(escalation)

    async def _carry_out(self, visit: _Visit, tried: Escalation, rung: OfficerRung) -> bool:
        """Store that the rung has begun, carry it out, report it to the case, and store its result.

        Returns True if this was done.

        Returns False if another worker has taken the visit over meanwhile; then the other worker's record is left
        unchanged. Raises TimeoutError if a step takes too long.
        """
        again = bool(tried.rungs) and tried.rungs[-1].result is None
        before = tried.rungs[:-1] if again else tried.rungs
        at = self._clock.now()
        began = tried.model_copy(update={"rungs": [*before, RungTried(rung=rung, at=at)]})
        await self._put(began)
        if not await self._keep(began.dispatch) or not await self._stands(began):
            return False
        async with asyncio.timeout(self._act_seconds):
            result = await self._act(visit, rung, again=again)
        if not await self._stands(began):
            return False
        ended = RungTried(rung=rung, at=at, result=result)
        async with asyncio.timeout(WRITE_SECONDS):
            await self._tell(visit, rung, result)
        await self._put(tried.model_copy(update={"rungs": [*before, ended]}))
        RUNGS.labels(rung, result).inc()
        return True

    async def _stands(self, began: Escalation) -> bool:
        """Return True if the record that this worker stored when it began the rung is still the latest one."""
        stored = await self._rosters.escalations.get(began.dispatch)
        return stored is not None and stored.rungs == began.rungs

    async def _act(self, visit: _Visit, rung: OfficerRung, *, again: bool) -> RungResult:
        match rung:
            case OfficerRung.PUSH:
                return await self._pushed(visit)
            case OfficerRung.SMS | OfficerRung.CALL:
                return await self._called(visit, rung, again=again)
            case OfficerRung.WATCH_ROOM:
                alarm = ladder.not_accepted(visit.task, visit.officer, visit.case, self._clock.now())
                await self._alarms.raise_(alarm)
                return RungResult.SENT
            case OfficerRung.NEXT_OFFICER:
                return RungResult.SENT  # the report to the case, below, sends the next one

    async def _pushed(self, visit: _Visit) -> RungResult:
        if visit.devices is None:
            return RungResult.FAILED
        if not visit.devices:
            return RungResult.ABSENT
        sends = (self._push.send(each, task_message(visit.task, visit.level, each)) for each in visit.devices)
        results = await asyncio.gather(*sends, return_exceptions=True)  # of one device; FAILED
        if any(each is PushResult.TAKEN for each in results):
            return RungResult.SENT
        return RungResult.UNKNOWN if PushResult.UNREACHED in results else RungResult.FAILED

    async def _called(self, visit: _Visit, rung: OfficerRung, *, again: bool) -> RungResult:
        officer = visit.officer
        if officer is None or officer.phone is None:
            return RungResult.ABSENT
        gateway = self._sms if rung is OfficerRung.SMS else self._voice
        message, order = (
            _Message(officer_message(visit.task.dispatch, rung)),
            _order(officer, officer.phone, visit.level, rung),
        )
        if again and gateway.kind is Kind.NEITHER:
            return RungResult.UNKNOWN
        try:
            async with asyncio.timeout(self._outgoing.channels.provider_seconds):
                known = await gateway.ask(message, order) if again and gateway.kind is Kind.ASKABLE else None
                answer = known or await gateway.send(message, order)
        except (UnknownOutcomeError, TimeoutError):
            return RungResult.UNKNOWN
        return RungResult.SENT if answer.result is Result.SENT else RungResult.FAILED

    async def _tell(self, visit: _Visit, rung: OfficerRung, result: RungResult) -> None:
        """Write the rung and its result as an input of the visit's case, and of the cases whose visits joined this one.

        A repeated input has the same id and counts once.
        """
        task, this = visit.task, parse(visit.task.dispatch)
        stage = VisitStage.NOT_ACCEPTED if rung is OfficerRung.NEXT_OFFICER else VisitStage.NOTIFIED
        report = OfficerReport(
            id=result_id(this.text, stage, rung.value),
            at=self._clock.now(),
            resident=task.resident,
            case=task.case,
            by=task.officer,
            dispatch=this.text,
            step=this.step,
            attempt=this.attempt,
            stage=stage,
            because=None if stage is VisitStage.NOT_ACCEPTED else NotifiedBy(rung, result),
        )
        joined = [report_for_joined(parse(each), report) for each in await self._rosters.joined(this.text)]
        partition = self._outgoing.book.partition
        records = [case_inputs.record(each, partition(each.resident)) for each in (report, *joined)]
        await self._outgoing.producer.send_all(records)


def task_message(task: Task, level: Level, device: PushSubscription) -> PushMessage:
    """Return the push message to a device: that a task of this level waits, in the device's language. Nothing is sent.

    It contains no names. Its `ref`, a hash of the dispatch's id, lets the page find the task.
    """
    words = in_language(device.language).sentence(TaskWaits(level))
    ref = opaque_id(task.dispatch)
    body = orjson.dumps(
        {"code": "task_waits", "level": level.value, "ref": ref, "language": device.language, "words": words}
    )
    return PushMessage(body, level, topic=ref)


def _passed_on(tried: Escalation) -> bool:
    return any(each.rung is OfficerRung.NEXT_OFFICER for each in tried.rungs)


def _order(officer: Officer, phone: str, level: Level, rung: OfficerRung) -> Order:
    language = "zh" if Language.CHINESE in officer.languages else "ko"
    words = in_language(language).sentence(TaskWaits(level))
    if rung is OfficerRung.CALL:
        return Order("/calls", {"to": phone, "script": words, "language": language, "action": "robot_call"})
    flash = level is Level.RED
    return Order("/sms", {"to": phone, "text": words, "flash": flash, "action": "flash_sms" if flash else "sms"})
