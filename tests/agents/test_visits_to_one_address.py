"""Two residents at one address get one visit, by the station's own book; and neither is ever left without one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count as counting

import pytest

from agents.dispatch import channel_of
from agents.visits import StationProvider
from schemas.casework.acts import OutcomeAct
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.channels import TimeOver
from schemas.levels import Action, Level, Outcome, Result
from schemas.people.residents import Resident
from schemas.people.rosters import Officer, Role, Roster, Shift, TaskState
from simulators.providers.station import JOINED, Errand, Stage
from streams.channels.delivery import Delivery
from streams.channels.dispatch_log import Claimed
from streams.channels.provider import Answer
from streams.messaging.topics import home
from streams.repositories.residents.register import Residents
from streams.runtime.settings import Settings
from streams.state.keys import key
from tests.channel_rig import Rig, new_resident, rigged, until
from tests.dispatched import NOW, dispatch_for

DAY = Shift(start=NOW - timedelta(hours=4), end=NOW + timedelta(hours=8))
STREET = "示例路"
_numbers = counting(1)
DISSUADED = OutcomeAct(outcome=Outcome.DISSUADED)


@asynccontextmanager
async def household(
    settings: Settings, stages: Sequence[Stage] = (), count: int = 2
) -> AsyncIterator[tuple[Rig, list[Resident]]]:
    """A rig with so many residents at one address, and two officers on duty who do `stages`."""

    async def visit(errand: Errand, now: datetime) -> Sequence[Stage]:
        return stages

    async with rigged(settings, visit=visit) as rig:
        await rig.receiving()
        home = f"{STREET}{next(_numbers)}号3-401"  # the topic of tasks is all tests'
        people = [new_resident().model_copy(update={"address": home}) for _ in range(count)]
        await Residents(rig.settings, rig.redis, rig.producer).put(people)
        officers = [
            Officer(id=name, name="某警官", role=Role.OFFICER, division="220102001", shifts=[DAY])
            for name in ("p-1", "p-2")
        ]
        await (await rig.worker()).rosters.put(Roster(station="s", officers=officers))
        yield rig, people


def visit(resident: Resident, attempt: int = 1, level: Level = Level.ORANGE) -> Dispatch:
    return dispatch_for(resident.id, Action.VISIT, attempt, level=level)


async def send(rig: Rig, *dispatches: Dispatch) -> None:
    """Carry visits out at once, each in a worker of its own."""

    async def carry(dispatch: Dispatch) -> None:
        outgoing = await rig.worker()
        await rig.decided(dispatch)
        await channel_of(StationProvider(outgoing), outgoing).carry([dispatch])

    await asyncio.gather(*map(carry, dispatches))


def book(rig: Rig) -> list[tuple[str, str]]:
    return [(contact.action, contact.to) for contact in rig.providers.station.book]


async def reports(rig: Rig, resident: Resident) -> list[OfficerReport]:
    return [each for each in await rig.inputs(resident.id) if isinstance(each, OfficerReport)]


async def test_two_at_one_address_get_one_visit_even_when_both_are_sent_at_once(settings: Settings) -> None:
    stages = [
        Stage(timedelta(seconds=1), VisitStage.ACCEPTED),
        Stage(timedelta(seconds=1.2), VisitStage.DONE, DISSUADED),
    ]
    async with household(settings, stages) as (rig, (one, other)):
        await send(rig, visit(one), visit(other))
        assert sorted(action for action, _ in book(rig)) == ["visit", JOINED]
        assert len({officer for _, officer in book(rig)}) == 1

        async def both_told() -> bool:
            return all([len(await reports(rig, each)) == 3 for each in (one, other)])

        await until(both_told)
        for each in (one, other):
            told = await reports(rig, each)
            assert [report.stage for report in told] == [VisitStage.ASSIGNED, VisitStage.ACCEPTED, VisitStage.DONE]
            assert told[-1].outcome == DISSUADED
            assert "sent" in await rig.results(each.id)


async def test_who_joins_an_officer_already_on_the_way_is_told_that_he_is(settings: Settings) -> None:
    async with household(settings, [Stage(timedelta(0), VisitStage.ACCEPTED)]) as (rig, (one, other)):
        await send(rig, visit(one))

        async def accepted() -> bool:
            return len(await reports(rig, one)) == 2

        await until(accepted)
        await send(rig, visit(other))
        told = [report.stage for report in await reports(rig, other)]
        assert told == [VisitStage.ASSIGNED, VisitStage.ACCEPTED]


async def test_a_household_just_visited_is_not_visited_again_but_for_red(settings: Settings) -> None:
    async with household(settings, [Stage(timedelta(0), VisitStage.DONE)], 3) as (rig, (one, other, grave)):
        await send(rig, visit(one))

        async def made() -> bool:
            return len(await reports(rig, one)) == 2

        await until(made)
        await send(rig, visit(other))
        assert await rig.results(other.id) == ["not_sent"]
        await send(rig, visit(grave, level=Level.RED))
        assert [action for action, _ in book(rig)] == ["visit", "visit"]


async def test_red_does_not_wait_for_a_visit_to_a_lesser_danger(settings: Settings) -> None:
    async with household(settings) as (rig, (one, other)):
        await send(rig, visit(one))
        await send(rig, visit(other, level=Level.RED))
        assert [action for action, _ in book(rig)] == ["visit", "visit"]


async def test_when_the_first_does_not_reach_the_station_the_second_is_sent(settings: Settings) -> None:
    async with household(settings) as (rig, (one, other)):
        await rig.fault(str(rig.settings.station_url), "error", times=1, status=422)
        await send(rig, visit(one))
        assert await rig.results(one.id) == ["failed"]
        await send(rig, visit(other))
        assert [action for action, _ in book(rig)] == ["visit"]
        await send(rig, visit(one, 2))
        assert [action for action, _ in book(rig)] == ["visit", JOINED]


async def test_when_no_result_of_the_first_comes_the_second_gets_a_visit_of_his_own(settings: Settings) -> None:
    async with household(settings) as (rig, (one, other)):
        await send(rig, visit(one))
        await send(rig, visit(other))
        await send(rig, visit(other, 2))
        assert [action for action, _ in book(rig)] == ["visit", JOINED, "visit"]


async def test_a_task_the_station_does_not_know_is_not_joined_again(settings: Settings) -> None:
    async with household(settings) as (rig, (one, other)):
        outgoing = await rig.worker()
        first = await rig.decided(visit(one))
        assert await StationProvider(outgoing).prepare(first)  # and it died before it sent
        await outgoing.households.release(str(outgoing.households.place(one)), first.id)
        await send(rig, visit(other))
        assert await rig.results(other.id) == ["failed"]
        await send(rig, visit(other, 2))
        assert [action for action, _ in book(rig)] == ["visit"]


async def test_an_officer_who_refuses_refuses_both(settings: Settings) -> None:
    async with household(settings, [Stage(timedelta(seconds=0.5), VisitStage.REFUSED)]) as (rig, (one, other)):
        await send(rig, visit(one), visit(other))

        async def refused() -> bool:
            return all([len(await reports(rig, each)) == 2 for each in (one, other)])

        await until(refused)
        await send(rig, visit(one, 2), visit(other, 2))
        assert sorted(action for action, _ in book(rig)) == ["visit", "visit", JOINED, JOINED]
        assert {officer for _, officer in book(rig)} == {"p-1", "p-2"}


async def test_who_is_on_the_way_where_outlives_redis_and_no_address_is_written_down(settings: Settings) -> None:
    async with household(settings) as (rig, (one, other)):
        await send(rig, visit(one))
        rosters = (await rig.worker()).rosters
        keep = await rig.redis.hgetall("visit-tasks")
        assert STREET not in str({name: raw.decode() for name, raw in keep.items()})
        await rig.redis.delete("visit-tasks", "visit-at", "visit-joined", "roster")
        await rosters.restore()
        await send(rig, visit(other))
        assert [action for action, _ in book(rig)] == ["visit", JOINED]
        assert (await rosters.joined(visit(one).id)) == [visit(other).id]


@pytest.mark.parametrize("lost", ["visit-at", "visit-joined"])
async def test_a_redis_that_lost_it_costs_a_second_visit_and_never_the_only_one(settings: Settings, lost: str) -> None:
    async with household(settings) as (rig, (one, other)):
        await send(rig, visit(one), visit(other))
        await rig.redis.delete(lost)
        await send(rig, visit(other, 2))
        assert [action for action, _ in book(rig)].count("visit") == 2
        tasks = await (await rig.worker()).rosters.tasks(NOW)
        assert tasks[visit(other, 2).id].state is TaskState.OPEN


async def test_a_worker_that_was_overtaken_before_it_sent_leaves_the_task_of_the_visit_that_another_has_sent(
    settings: Settings,
) -> None:
    async with household(settings) as (rig, (resident, _)):
        late = NOW + timedelta(minutes=5)
        wanted = visit(resident, level=Level.RED).model_copy(update={"not_after": late})
        await rig.decided(wanted)
        slow, other = await rig.worker(), await rig.worker()
        frozen = Delivery(wanted, StationProvider(slow), slow.book, slow.producer, slow.clock, slow.channels)
        assert isinstance(await frozen.claim(), Claimed)
        lease = f"{key('lease', home(resident.id, rig.settings.partitions))}:{wanted.id}"
        await rig.redis.delete(lease)  # it has run out
        await channel_of(StationProvider(other), other).carry([wanted])
        assert await frozen.record(Answer(Result.NOT_SENT, TimeOver())) is None
        task = await other.rosters.task(wanted.id)
        assert task is not None
        assert task.state is TaskState.OPEN
