"""Two workers carry out one visit, or two visits of one case: a worker that was held up changes nothing that the other
has sent.
"""

import asyncio
from typing import Any

import pytest

from agents.dispatch import channel_of
from agents.visits import StationProvider
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.channels import ProviderAway, TriedAgainMeanwhile
from schemas.levels import Level, Result
from schemas.people.rosters import Task, TaskState
from streams.channels.delivery import Delivery
from streams.channels.dispatch_log import Claimed
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer
from streams.messaging.topics import ROSTERS, home
from streams.repositories.rosters import Rosters
from streams.runtime.settings import Settings
from streams.state.keys import CHECK_INS, key
from streams.state.shared_state import Shared
from tests.agents.test_visits_to_one_address import household, visit
from tests.channel_rig import Rig, until
from tests.dispatched import NOW
from tests.streams.state.test_late_records import CutProducer


def delivery(dispatch: Dispatch, worker: Outgoing) -> Delivery:
    return Delivery(dispatch, StationProvider(worker), worker.book, worker.producer, worker.clock, worker.channels)


async def claim(delivery: Delivery) -> Claimed:
    taken = await delivery.claim()
    assert taken is not None
    return taken


async def lose_lease(rig: Rig, dispatch: Dispatch) -> None:
    """Delete the lease on a dispatch, as if it had expired while its worker stood still."""
    await rig.redis.delete(f"{key('lease', home(dispatch.resident, rig.settings.partitions))}:{dispatch.id}")


def report(task: Task, dispatch: Dispatch, stage: VisitStage) -> OfficerReport:
    return OfficerReport(
        id=f"r-{stage}",
        at=NOW,
        resident=task.resident,
        case=task.case,
        by=task.officer,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        stage=stage,
    )


async def test_a_worker_that_stood_still_while_it_chose_leaves_the_task_on_which_its_officer_has_reported(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with household(settings, count=1) as (rig, (resident,)):
        wanted = visit(resident, level=Level.RED)
        await rig.decided(wanted)
        slow, other = await rig.worker(), await rig.worker()
        reached, goes_on, choose = asyncio.Event(), asyncio.Event(), slow.rosters._choose

        async def frozen(*args: Any) -> object:  # noqa: ANN401 - as it is asked
            choice = await choose(*args)
            reached.set()
            await goes_on.wait()
            return choice

        monkeypatch.setattr(slow.rosters, "_choose", frozen)
        first = delivery(wanted, slow)
        preparing = asyncio.create_task(first.prepare(await claim(first)))
        await reached.wait()
        await lose_lease(rig, wanted)
        await channel_of(StationProvider(other), other).carry([wanted])
        task = await other.rosters.task(wanted.id)
        assert task is not None
        for stage in (VisitStage.ACCEPTED, VisitStage.ARRIVED):
            await other.rosters.note(report(task, wanted, stage))
        arrived, watched = await other.rosters.task(wanted.id), await rig.redis.zscore(CHECK_INS, wanted.id)
        assert watched is not None
        goes_on.set()
        await preparing
        assert await other.rosters.task(wanted.id) == arrived
        assert await rig.redis.zscore(CHECK_INS, wanted.id) == watched


REFUSED = Answer(Result.FAILED, ProviderAway("ConnectError"))  # the station's gateway takes no connection


async def test_a_visit_that_failed_at_a_worker_without_kafka_is_not_sent_by_another_and_then_loses_its_task(
    settings: Settings,
) -> None:
    async with household(settings, count=1) as (rig, (resident,)):
        await Shared(rig.settings, rig.redis, [], lease_seconds=1).ensure()
        wanted = visit(resident, level=Level.RED)
        await rig.decided(wanted)
        slow, other = await rig.worker(), await rig.worker()
        first = delivery(wanted, slow)
        assert await first.prepare(await claim(first)) is None  # the task is stored
        cut = CutProducer(rig.settings)
        await cut.start()
        slow.rosters = Rosters(rig.settings, rig.redis, cut)

        async def finish() -> None:
            if inputs := await first.record(REFUSED):
                await first.report(inputs)

        finishing = asyncio.create_task(finish())
        await until(lambda: bool(cut.given))  # it is about to delete the task
        await lose_lease(rig, wanted)
        await channel_of(StationProvider(other), other).carry([wanted])
        cut.healed.set()
        await finishing
        await cut.stop()
        assert set(await rig.results(resident.id)) == {"failed"}
        assert await other.rosters.task(wanted.id) is None


async def test_the_next_worker_deletes_the_task_of_a_visit_that_failed_at_a_worker_that_died_then(
    settings: Settings,
) -> None:
    async with household(settings, count=1) as (rig, (resident,)):
        wanted = visit(resident, level=Level.RED)
        await rig.decided(wanted)
        died, other = await rig.worker(), await rig.worker()
        first = delivery(wanted, died)
        assert await first.prepare(await claim(first)) is None
        assert await first.record(REFUSED)
        await lose_lease(rig, wanted)
        await channel_of(StationProvider(other), other).carry([wanted])
        assert await rig.results(resident.id) == ["failed"]
        assert await other.rosters.task(wanted.id) is None


async def test_an_earlier_attempt_that_was_held_up_leaves_the_visit_of_the_later_attempt(settings: Settings) -> None:
    async with household(settings, count=1) as (rig, (resident,)):
        first, second = visit(resident, 1, Level.RED), visit(resident, 2, Level.RED)
        await rig.decided(second)
        slow, other = await rig.worker(), await rig.worker()
        await channel_of(StationProvider(other), other).carry([second])
        sent = await other.rosters.task(second.id)
        assert sent is not None
        assert sent.state is TaskState.OPEN
        # `slow` has claimed the first attempt when it was needed, and stood still until now.
        assert await StationProvider(slow).prepare(first) == Answer(Result.NOT_SENT, TriedAgainMeanwhile())
        assert await other.rosters.task(second.id) == sent
        assert await other.rosters.task(first.id) is None


async def test_an_officer_who_arrives_while_the_rosters_are_restored_is_watched(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with household(settings, count=1) as (rig, (resident,)):
        wanted = visit(resident, level=Level.RED)
        await rig.decided(wanted)
        console, worker = (await rig.worker()).rosters, await rig.worker()
        await channel_of(StationProvider(worker), worker).carry([wanted])
        sent, read = await console.task(wanted.id), worker.rosters.all_tasks
        assert sent is not None

        async def all_tasks() -> list[Task]:
            found = await read()
            await console.note(report(sent, wanted, VisitStage.ARRIVED))  # while the worker goes through the others
            return found

        monkeypatch.setattr(worker.rosters, "all_tasks", all_tasks)
        await worker.rosters.restore({ROSTERS.name: dict.fromkeys(range(64), 10**9)})  # Redis has lost no record
        task = await console.task(wanted.id)
        assert task is not None
        assert task.stage is VisitStage.ARRIVED
        assert await rig.redis.zscore(CHECK_INS, wanted.id) is not None
