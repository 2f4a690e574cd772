"""A ladder passes from worker to worker and outlives the loss of Redis: each rung is taken, and none of them twice."""

import asyncio
from typing import Any

import pytest

from schemas.people.escalations import Escalation, RungResult, RungTried
from schemas.people.rosters import TaskState
from streams.channels import escalating
from streams.channels.provider import Kind
from streams.messaging.topics import home
from streams.repositories.escalations import Escalations
from streams.runtime.settings import Settings
from streams.state.keys import ESCALATING, ESCALATIONS_DUE, key
from tests.streams.channels.test_escalating import PUSH, SECOND, SENT, SMS, Ladder, climbing


def home_of(climb: Ladder) -> int:
    """The partition of the visit's resident."""
    return home(climb.dispatch.resident, climb.rig.settings.partitions)


async def test_two_workers_take_each_rung_once(settings: Settings) -> None:
    async with climbing(settings) as climb:
        other = await climb.another()
        for seconds in (0, 31, 31, 46):
            climb.clock.ahead[0] += seconds
            await asyncio.gather(climb.worker.look(), other.look())
            await asyncio.gather(climb.worker.settle(), other.settle())
        assert len(climb.service.got) == 1
        assert climb.contacts() == ["sms", "phone"]
        assert len(await climb.reports()) == 4


async def test_a_worker_that_lost_its_lease_while_it_stored_the_rung_does_not_take_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with climbing(settings) as climb:
        stored = Escalations.put

        async def slow(book: Escalations, escalation: Escalation) -> None:
            await stored(book, escalation)
            await climb.rig.redis.set(ESCALATING + climb.dispatch.id, "another worker")

        monkeypatch.setattr(Escalations, "put", slow)
        await climb.look()
        assert climb.service.got == []
        assert climb.contacts() == []
        assert await climb.rig.redis.get(ESCALATING + climb.dispatch.id) == b"another worker"


async def test_a_worker_whose_lease_is_taken_between_two_rungs_stops(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with climbing(settings, device=False) as climb:
        tell = climb.worker._tell

        async def last(*about: Any) -> None:  # noqa: ANN401 - passed on
            await tell(*about)
            await climb.rig.redis.set(ESCALATING + climb.dispatch.id, "another worker")

        monkeypatch.setattr(climb.worker, "_tell", last)
        await climb.look()
        assert await climb.tried() == [(PUSH, RungResult.ABSENT)]
        assert climb.contacts() == []


async def test_the_result_of_a_worker_that_was_overtaken_changes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with climbing(settings) as climb:
        book, act = climb.outgoing.rosters.escalations, climb.worker._act

        async def overtaken(*about: Any, again: bool) -> RungResult:  # noqa: ANN401 - passed on
            result = await act(*about, again=again)
            known = await book.get(climb.dispatch.id)
            assert known
            rungs = [RungTried(rung=each, at=climb.clock.now() + SECOND, result=SENT) for each in (PUSH, SMS)]
            await book.put(known.model_copy(update={"rungs": rungs}))
            return result

        monkeypatch.setattr(climb.worker, "_act", overtaken)
        await climb.look()
        assert await climb.tried() == [(PUSH, SENT), (SMS, SENT)]
        assert await climb.reports() == []


async def test_a_rung_that_cannot_be_stored_is_given_up_before_the_lease_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 3 * 1000 * escalating.WRITE_SECONDS < escalating.LEASE_MS
    async with climbing(settings) as climb:

        async def never(*_: object) -> None:
            await asyncio.sleep(3600)

        with monkeypatch.context() as patch:
            patch.setattr(escalating, "WRITE_SECONDS", 0.3)
            patch.setattr(Escalations, "put", never)
            async with asyncio.timeout(10):
                await climb.look()
        assert climb.service.got == []
        assert not await climb.rig.redis.exists(ESCALATING + climb.dispatch.id)
        await climb.after(1)
        assert await climb.tried() == [(PUSH, SENT)]


@pytest.mark.parametrize(
    ("kind", "result"), [(Kind.IDEMPOTENT, SENT), (Kind.ASKABLE, SENT), (Kind.NEITHER, RungResult.UNKNOWN)]
)
async def test_a_worker_that_dies_in_a_rung_calls_nobody_twice(
    settings: Settings, kind: Kind, result: RungResult
) -> None:
    async with climbing(settings, kind) as climb:
        await climb.look()
        await climb.after(31)
        escalation = await climb.outgoing.rosters.escalations.get(climb.dispatch.id)
        assert escalation
        begun = RungTried(rung=SMS, at=escalation.rungs[-1].at)  # as if it had died before it knew the answer
        rungs = [*escalation.rungs[:-1], begun]
        await climb.outgoing.rosters.escalations.put(escalation.model_copy(update={"rungs": rungs}))
        other = await climb.another()
        await climb.rig.redis.zadd(ESCALATIONS_DUE, {climb.dispatch.id: 0})
        await other.look()
        await other.settle()
        assert climb.contacts() == ["sms"]
        assert (await climb.tried())[:2] == [(PUSH, SENT), (SMS, result)]


async def test_after_redis_was_lost_the_ladder_goes_on_where_it_was(settings: Settings) -> None:
    async with climbing(settings) as climb:
        await climb.look()
        await climb.after(31)
        await climb.lose_rosters()
        await climb.after(31)
        await climb.until_told("sms", "phone")
        assert len(climb.service.got) == 1
        assert (await climb.task()).state is TaskState.OPEN


async def test_while_the_case_is_being_restored_the_ladder_waits_however_old_the_visit(settings: Settings) -> None:
    async with climbing(settings) as climb:
        await climb.look()
        case = await climb.worker._store.case(partition := home_of(climb), climb.dispatch.case)
        await climb.after(31)
        assert case
        await climb.rig.redis.delete(key("state", partition), key("cases", partition))
        await climb.lose_rosters()
        for _ in range(3):
            await climb.after(60)
        assert climb.contacts() == ["sms"]
        assert await climb.rig.redis.zscore(ESCALATIONS_DUE, climb.dispatch.id) is not None
        await climb.rig.store(case)
        await climb.after(2)
        await climb.until_told("sms", "phone")


async def test_a_case_that_a_whole_store_does_not_have_ends_the_ladder(settings: Settings) -> None:
    async with climbing(settings) as climb:
        await climb.look()
        await climb.rig.redis.delete(key("cases", home_of(climb)))
        await climb.after(61)
        assert climb.contacts() == []
        assert await climb.rig.redis.zcard(ESCALATIONS_DUE) == 0


async def test_after_redis_was_lost_the_watch_room_is_still_told_that_nobody_else_can_go(settings: Settings) -> None:
    async with climbing(settings) as climb:
        await climb.next_officer_missing()
        await climb.lose_rosters()
        await climb.after(31)
        assert climb.dispatch.id in [alarm.dispatch for alarm in await climb.alarms()]
