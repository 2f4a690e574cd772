"""An officer is told of a visit by push, text message and call, each once, whatever becomes of the workers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from domain.visits.tasks import given
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.channels import NotifiedBy
from schemas.levels import Action, Level
from schemas.people.alarms import Alarm, AlarmKind
from schemas.people.escalations import Escalation, OfficerRung, PushSubscription, RungResult, RungTried
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Role, Roster, Task, TaskState
from schemas.people.staff import Account, StaffRole
from streams.channels.escalating import OfficerEscalations
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Kind
from streams.channels.push import PushMessage, PushResult, devices_of
from streams.messaging import topics
from streams.messaging.producer import SendError
from streams.repositories.alarms import Alarms
from streams.repositories.escalations import PushSubscriptions, opaque_id
from streams.repositories.rosters import Asked
from streams.repositories.staff import Staff
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import ESCALATIONS_DUE, PUSH_SUBSCRIPTIONS
from tests.channel_rig import Rig, rigged, until
from tests.dispatched import NOW, dispatch_for
from tests.domain.builders import policy
from tests.end_to_end.harness.hand_clock import HandClock
from tests.tools.push_service import HANGS, Browser, PushService, push_service, told

PHONE = "+8619900009999"  # an unassigned range
SECOND = timedelta(seconds=1)
# Of no other test: what is restored from Kafka has the rosters of all tests before.
OFFICER = Officer(id="p-told", name="某警官", role=Role.OFFICER, division="220102001", phone=PHONE)
ACCOUNT = Account(
    login="wang", name="某警官", role=StaffRole.OFFICER, officer="p-told", changed_at=NOW, changed_by="admin"
)
PUSH, SMS, CALL = OfficerRung.PUSH, OfficerRung.SMS, OfficerRung.CALL
SENT = RungResult.SENT


@dataclass
class Ladder:
    """A red visit that an officer was just given, and a worker that tells them."""

    rig: Rig
    clock: HandClock
    service: PushService
    browser: Browser
    outgoing: Outgoing
    worker: OfficerEscalations
    dispatch: Dispatch

    async def after(self, seconds: float) -> None:
        """So much later, every worker looks."""
        self.clock.ahead[0] += seconds
        await self.look()

    async def until_told(self, *contacts: str) -> None:
        """Look once a second, for 20 s of the clock and then a minute of ours: on a busy machine a look gives up rather
        than outlast its lease, and the next one must wait until that has ended.
        """
        for number in range(140):
            if self.contacts() == list(contacts):
                return
            await self.after(1 if number < 20 else 0)
            await asyncio.sleep(0 if number < 20 else 0.5)
        raise AssertionError(f"{self.contacts()} instead of {list(contacts)}: {await self.tried()}")

    async def look(self) -> None:
        await self.worker.look()
        await self.worker.settle()

    async def subscribe(self, name: str = "device") -> None:
        book, endpoint = self.outgoing.rosters.push, self.service.endpoint(name)
        await book.put(
            PushSubscription(
                id=opaque_id(endpoint),
                login="wang",
                officer="p-told",
                epoch=0,
                session="0" * 64,
                made_at=NOW,
                sealed=book.sealed(endpoint, **self.browser.keys),
            )
        )

    async def lose_rosters(self) -> None:
        """Redis lost rosters, tasks and ladders; they are restored from Kafka."""
        for name in ("escalations", "escalations-due", "push-subscriptions", "visit-tasks", "roster"):
            await self.rig.redis.delete(name)
        await self.outgoing.rosters.restore()

    async def next_officer_missing(self) -> None:
        """The officer does not accept, and nobody else can go."""
        for seconds in (0, 31, 31, 46):
            await self.after(seconds)
        assert (await self.tried())[-1] == (OfficerRung.NEXT_OFFICER, SENT)
        again = await self.rig.decided(dispatch_for(self.dispatch.resident, Action.VISIT, attempt=2))
        asked = Asked(again, Language.CHINESE, policy().visits)
        assert await self.outgoing.rosters.assign(asked, self.clock.now()) is None
        assert (await self.task()).state is TaskState.LATE

    async def task(self) -> Task:
        found = await self.outgoing.rosters.task(self.dispatch.id)
        assert found
        return found

    async def tried(self) -> list[tuple[OfficerRung, RungResult | None]]:
        found = await self.outgoing.rosters.escalations.get(self.dispatch.id)
        return [(each.rung, each.result) for each in found.rungs] if found else []

    async def reports(self) -> Sequence[OfficerReport]:
        return [each for each in await self.rig.inputs(self.dispatch.resident) if isinstance(each, OfficerReport)]

    async def alarms(self) -> Sequence[Alarm]:
        return await Alarms(self.rig.settings, self.rig.redis, self.rig.producer).unacknowledged()

    def contacts(self) -> list[str]:
        """By which channels the officer's telephone was reached."""
        book = self.rig.providers.carrier.book
        assert {each.to for each in book} <= {PHONE}
        return [Action(each.action).channel.value for each in book]

    async def another(self) -> OfficerEscalations:
        """A worker of its own, on the same installation."""
        return escalations(await outgoing_of(self.rig))


def escalations(outgoing: Outgoing) -> OfficerEscalations:
    settings, redis, producer = outgoing.settings, outgoing.redis, outgoing.producer
    return OfficerEscalations(
        outgoing, CaseStore(redis), Alarms(settings, redis, producer), Staff(settings, redis, producer)
    )


async def outgoing_of(rig: Rig) -> Outgoing:
    rig.settings = rig.settings.model_copy(update={"embedded": True})
    return await rig.worker()


@asynccontextmanager
async def climbing(
    settings: Settings, kind: Kind = Kind.IDEMPOTENT, *, phone: bool = True, device: bool = True, seconds: float = 3.0
) -> AsyncIterator[Ladder]:
    async with rigged(settings, kind, seconds=seconds) as rig, push_service() as service:
        topics.create(rig.settings, [topics.ALARMS, topics.STAFF])
        rig.clock = clock = HandClock(1.0, rig.clock.wall_start, rig.clock.sim_start)
        outgoing = await outgoing_of(rig)
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id, Action.VISIT))
        await Staff(rig.settings, rig.redis, rig.producer).put(ACCOUNT)
        officer = OFFICER if phone else OFFICER.model_copy(update={"phone": None})
        await outgoing.rosters.put(Roster(station="s-1", officers=[officer]))
        found = Ladder(rig, clock, service, Browser(), outgoing, escalations(outgoing), dispatch)
        if device:
            await found.subscribe()
        await outgoing.rosters._tasks.put(given(dispatch, "p-told", clock.now(), 0))
        yield found
        await found.worker.close()


async def test_push_then_text_message_then_call_then_another_officer_then_the_watch_room(settings: Settings) -> None:
    async with climbing(settings) as climb:
        await climb.look()
        assert await climb.tried() == [(PUSH, SENT)]
        assert climb.contacts() == []
        await climb.after(29)
        assert climb.contacts() == []
        await climb.after(2)
        assert climb.contacts() == ["sms"]
        await climb.after(31)
        assert climb.contacts() == ["sms", "phone"]
        await climb.after(46)
        stages = [each.stage for each in await climb.reports()]
        assert stages == [VisitStage.NOTIFIED] * 3 + [VisitStage.NOT_ACCEPTED]
        assert (await climb.reports())[0].because == NotifiedBy(PUSH, SENT)
        await climb.after(31)  # nobody has the visit still
        [alarm] = await climb.alarms()
        assert (alarm.kind, alarm.dispatch) == (AlarmKind.NOT_ACCEPTED, climb.dispatch.id)
        await climb.after(3600)
        assert climb.contacts() == ["sms", "phone"]
        assert len(climb.service.got) == 1
        assert await climb.rig.redis.zcard(ESCALATIONS_DUE) == 0


async def test_the_watch_room_is_told_when_nobody_else_can_go(settings: Settings) -> None:
    async with climbing(settings) as climb:
        await climb.next_officer_missing()
        await climb.after(1)
        assert await climb.alarms() == []
        await climb.after(30)
        [alarm] = await climb.alarms()
        assert (alarm.kind, alarm.dispatch) == (AlarmKind.NOT_ACCEPTED, climb.dispatch.id)
        await climb.after(60)
        assert await climb.rig.redis.zcard(ESCALATIONS_DUE) == 0


async def test_the_message_says_that_a_task_waits_and_nothing_of_anybody(settings: Settings) -> None:
    async with climbing(settings) as climb:
        await climb.look()
        [message] = told(climb.service.got, climb.browser)
        assert message == {
            "code": "task_waits",
            "level": "red",
            "ref": opaque_id(climb.dispatch.id),
            "language": "zh",
            "words": "【劝阻】红色任务待接受，请打开“我的任务”",
        }
        [got] = climb.service.got
        assert (got.headers["urgency"], got.headers["topic"]) == ("high", opaque_id(climb.dispatch.id))


@pytest.mark.parametrize("status", [404, 410, 413, 500])
async def test_text_message_and_call_go_out_within_ten_seconds_when_the_push_fails(
    settings: Settings, status: int
) -> None:
    async with climbing(settings) as climb:
        climb.service.then(status, status)
        await climb.look()
        assert climb.contacts() == ["sms"]
        await climb.after(6)
        assert climb.contacts() == ["sms", "phone"]
        assert (climb.clock.now() - (await climb.task()).at) < 10 * SECOND


async def test_a_fault_with_one_device_stops_neither_the_other_nor_the_ladder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with climbing(settings) as climb:
        good, book = climb.service.endpoint(), climb.outgoing.rosters.push
        await climb.subscribe("hostile")
        send = climb.worker._push.send

        async def faulty(device: PushSubscription, message: PushMessage) -> PushResult:
            if book.opened(device)[0] != good:
                raise RuntimeError("a fault")
            return await send(device, message)

        monkeypatch.setattr(climb.worker._push, "send", faulty)
        await climb.look()
        assert await climb.tried() == [(PUSH, SENT)]
        assert len(climb.service.got) == 1


async def test_a_hostile_endpoint_alone_is_followed_by_the_text_message(settings: Settings) -> None:
    async with climbing(settings, device=False) as climb:
        await climb.subscribe("\x01")
        await climb.look()
        assert (await climb.tried())[0] == (PUSH, RungResult.FAILED)
        assert climb.contacts() == ["sms"]


async def test_the_same_without_a_device(settings: Settings) -> None:
    async with climbing(settings, device=False) as climb:
        await climb.look()
        await climb.after(6)
        assert climb.contacts() == ["sms", "phone"]
        assert (await climb.tried())[0] == (PUSH, RungResult.ABSENT)


async def test_who_accepts_is_told_nothing_more(settings: Settings) -> None:
    async with climbing(settings) as climb:
        await climb.look()
        task = await climb.task()
        this = {"id": "x", "at": climb.clock.now(), "resident": task.resident, "case": task.case, "by": "p-told"}
        named = {"dispatch": task.dispatch, "step": "red.visit", "attempt": 1, "stage": VisitStage.ACCEPTED}
        await climb.outgoing.rosters.note(OfficerReport.model_validate(this | named))
        assert (await climb.task()).accepted_at is not None
        for _ in range(5):
            await climb.after(60)
        assert climb.contacts() == []
        assert [each.stage for each in await climb.reports()] == [VisitStage.NOTIFIED]
        assert await climb.rig.redis.zcard(ESCALATIONS_DUE) == 0


async def test_who_can_be_reached_by_neither_is_left_to_the_stations_gateway(settings: Settings) -> None:
    async with climbing(settings, phone=False, device=False) as climb:
        for _ in range(3):
            await climb.after(60)
        assert await climb.tried() == []
        assert await climb.reports() == []


async def test_a_level_without_a_ladder_has_none(settings: Settings) -> None:
    async with climbing(settings) as climb:
        task = (await climb.task()).model_copy(update={"level": Level.BLUE})
        await climb.outgoing.rosters._tasks.put(task)
        await climb.after(60)
        assert climb.service.got == []


async def test_a_second_officer_who_does_not_accept_is_the_watch_rooms_matter(settings: Settings) -> None:
    async with climbing(settings) as climb:
        before = Escalation(
            dispatch=climb.dispatch.id.replace(":1:", ":9:"),
            officer="p-0",
            began=NOW,
            rungs=[RungTried(rung=OfficerRung.NEXT_OFFICER, at=NOW, result=SENT)],
        )
        await climb.outgoing.rosters.escalations.put(before)
        for seconds in (0, 31, 31, 46):
            await climb.after(seconds)
        rungs = [rung for rung, _ in await climb.tried()]
        assert rungs[3:] == [OfficerRung.WATCH_ROOM, OfficerRung.NEXT_OFFICER]
        assert [each.stage for each in await climb.reports()][-1] is VisitStage.NOT_ACCEPTED


async def test_devices_of_an_account_that_ended_or_signed_out_everywhere_get_nothing(settings: Settings) -> None:
    for change in ({"disabled": True}, {"epoch": 1}, {"officer": "p-2"}):
        async with climbing(settings) as climb:
            staff = Staff(climb.rig.settings, climb.rig.redis, climb.rig.producer)
            await staff.put(ACCOUNT.model_copy(update=change))
            await climb.look()
            assert climb.service.got == []
            assert await climb.outgoing.rosters.push.all() == []


@pytest.mark.parametrize("phone", [True, False])
async def test_a_device_that_cannot_be_read_stops_no_other_way_of_telling(settings: Settings, phone: bool) -> None:
    async with climbing(settings, phone=phone, device=False) as climb:
        await climb.rig.redis.hset(PUSH_SUBSCRIPTIONS, "broken", b"{}")
        await climb.look()
        await climb.after(6)
        assert (await climb.tried())[0] == (PUSH, RungResult.FAILED)
        assert climb.contacts() == (["sms", "phone"] if phone else [])
        await climb.after(46)
        assert (await climb.tried())[-1] == (OfficerRung.NEXT_OFFICER, SENT)


async def test_a_device_that_cannot_be_deleted_keeps_no_other_one_from_its_message(settings: Settings) -> None:
    async with climbing(settings) as climb:
        book = climb.outgoing.rosters.push
        [good] = await book.all()
        await book.put(good.model_copy(update={"id": "0" * 32, "epoch": 5}))
        refusing = _RefusingSubscriptions(climb.rig.settings, climb.rig.redis, climb.rig.producer)
        staff = Staff(climb.rig.settings, climb.rig.redis, climb.rig.producer)
        assert await devices_of("p-told", refusing, staff) == [good]


class _RefusingSubscriptions(PushSubscriptions):
    """Devices none of which Kafka lets delete."""

    async def drop(self, name: str) -> None:
        raise SendError(name)


async def test_one_officers_slow_push_service_does_not_delay_another_visit(settings: Settings) -> None:
    async with climbing(settings) as climb:
        climb.service.then(HANGS)
        await climb.worker.look()
        other = dispatch_for((await climb.rig.resident()).id, Action.VISIT)
        await climb.rig.decided(other)
        await climb.outgoing.rosters._tasks.put(given(other, "p-told", climb.clock.now(), 0))
        await climb.worker.look()
        await until(lambda: len(climb.service.got) == 2, 5)
