"""Reports of stations' gateways on visits: late, again, and several at the same time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from agents.dispatch import channel_of
from agents.visits import StationProvider
from domain.dispatches.ids import parse
from schemas.casework.inputs import OfficerReport
from schemas.levels import Action
from schemas.people.rosters import Officer, Role, Roster, Shift, Task
from streams.channels.outgoing import Outgoing
from streams.messaging.producer import Producer, Record
from streams.repositories.rosters import Rosters
from streams.runtime.settings import Settings
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW, dispatch_for
from tests.streams.channels.test_receipts import post


async def visiting(rig: Rig) -> tuple[Outgoing, Task]:
    """A visit that an officer was given."""
    await rig.receiving()
    outgoing, resident = await rig.worker(), await rig.resident()
    shift = Shift(start=NOW - timedelta(hours=4), end=NOW + timedelta(hours=8))
    officer = Officer(id="p-1", name="某警官", role=Role.OFFICER, division="220102001", shifts=[shift])
    await outgoing.rosters.put(Roster(station="s", officers=[officer]))
    dispatch = await rig.decided(dispatch_for(resident.id, Action.VISIT))
    await channel_of(StationProvider(outgoing), outgoing).carry([dispatch])
    task = await outgoing.rosters.task(dispatch.id)
    assert task is not None
    return outgoing, task


def report(task: Task, stage: str) -> OfficerReport:
    name = parse(task.dispatch)
    told = {"id": "x", "at": NOW, "resident": name.resident, "case": name.case, "by": task.officer}
    return OfficerReport.model_validate(
        told | {"dispatch": task.dispatch, "step": name.step, "attempt": name.attempt, "stage": stage}
    )


async def test_an_officer_at_the_door_stays_watched_though_a_station_sends_earlier_reports_late(
    settings: Settings,
) -> None:
    async with rigged(settings) as rig:
        outgoing, task = await visiting(rig)
        for name, stage in (("x1", "arrived"), ("x2", "accepted"), ("x3", "assigned")):
            body = {"id": name, "dispatch": task.dispatch, "stage": stage, "officer": task.officer}
            assert (await post(rig, "station", body)).status_code == 200
        later = rig.clock.now() + timedelta(minutes=21)
        assert [each.dispatch for each in await outgoing.rosters.overdue_check_ins(later)] == [task.dispatch]


class _Slow:
    """A producer to a Kafka that takes its time."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def send_all(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(0.5)
        await self._producer.send_all(records)

    async def send_corrected(self, records: Sequence[Record], _: object) -> None:
        await self.send_all(records)


async def test_of_two_changes_that_two_processes_make_at_the_same_time_none_is_lost(settings: Settings) -> None:
    async with rigged(settings) as rig:
        outgoing, task = await visiting(rig)
        slow = Rosters(rig.settings, rig.redis, cast("Producer", _Slow(rig.producer)))
        await asyncio.gather(slow.note(report(task, "accepted")), outgoing.rosters.note(report(task, "arrived")))
        after = await outgoing.rosters.task(task.dispatch)
        assert after is not None
        assert (after.stage, after.accepted_at) == ("arrived", NOW)
