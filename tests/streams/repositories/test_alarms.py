"""An alarm about an officer is shown as soon as it is stored, also if raising it had to be tried twice."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock, Mock
from uuid import uuid4

import pytest
from redis.asyncio import Connection, Redis
from redis.exceptions import RedisError

from schemas.casework.inputs import VisitStage
from schemas.people.alarms import Alarm, AlarmKind
from schemas.people.rosters import Task
from streams.messaging import topics
from streams.messaging.producer import Producer
from streams.messaging.reader import read_all
from streams.repositories.alarms import Alarms, CheckIns
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.keys import ALARMS_OPEN
from streams.state.shared_state import Shared
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW

SHOWN = b"\r\n" + ALARMS_OPEN.encode() + b"\r\n"


class Broken(Connection):
    """Breaks once, at the first command that would show an alarm or take it from view."""

    breaks = True

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: ANN401 - redis-py's
        if Broken.breaks and SHOWN in (command if isinstance(command, bytes) else b"".join(command)):
            Broken.breaks = False
            raise RedisError("broken")
        await super().send_packed_command(command, check_health)


@pytest.fixture
async def rig(settings: Settings) -> AsyncIterator[Rig]:
    async with rigged(settings) as made:
        topics.create(made.settings, [topics.ALARMS, topics.AUDIT])
        await Shared(made.settings, made.redis, [], lease_seconds=1).ensure()
        yield made


@pytest.fixture
async def breaking(rig: Rig) -> AsyncIterator[Alarms]:
    Broken.breaks = True
    redis = Redis.from_url(str(rig.settings.redis), protocol=3, connection_class=Broken)
    yield Alarms(rig.settings, redis, rig.producer)
    await redis.aclose()


class Dying(Alarms):
    """The process dies as soon as an alarm is stored."""

    async def raise_(self, alarm: Alarm) -> Alarm:
        await super().raise_(alarm)
        raise SystemExit


def checking(rig: Rig, alarms: Alarms, producer: Producer, *cases: str) -> CheckIns:
    """The check of a visit of each of these cases, whose officer has been at the door for too long. The store cannot
    read the case "broken".
    """
    late = NOW - timedelta(hours=1)
    here = {"resident": "r" + "a" * 16, "officer": "p-1", "at": late, "stage": VisitStage.ARRIVED, "heard_at": late}
    rosters = Mock()
    rosters.overdue_check_ins = AsyncMock(
        return_value=[Task.model_validate(here | {"dispatch": case, "case": case}) for case in cases]
    )
    rosters.roster_of = AsyncMock(return_value=None)

    async def read(partition: int, case: str) -> None:
        if case == "broken":
            raise ValueError(case)

    return CheckIns(rig.settings, rosters, alarms, Mock(case=read), producer, Clock.starting(1, NOW))


def alarm(name: str) -> Alarm:
    return Alarm(id=name, kind=AlarmKind.DURESS, at=NOW, told_at=NOW, officer="p-1", name="某某")


async def test_an_alarm_whose_raising_was_interrupted_is_shown_once_it_is_raised_again(breaking: Alarms) -> None:
    with pytest.raises(RedisError):
        await breaking.raise_(alarm("a1"))
    before = await breaking.mark()
    await breaking.raise_(alarm("a1"))
    assert [each.id for each in await breaking.unacknowledged()] == ["a1"]
    assert await breaking.mark() > before


async def test_an_alarm_whose_acknowledgement_was_interrupted_is_taken_from_view_by_the_next(
    rig: Rig, breaking: Alarms
) -> None:
    await Alarms(rig.settings, rig.redis, rig.producer).raise_(alarm("a2"))
    with pytest.raises(RedisError):
        await breaking.acknowledge("a2", "li", "", NOW)
    await breaking.acknowledge("a2", "li", "", NOW)
    assert "a2" not in [each.id for each in await breaking.unacknowledged()]


async def test_a_missed_check_in_is_in_the_audit_although_the_process_dies_once_the_alarm_is_stored(rig: Rig) -> None:
    dying, case = Dying(rig.settings, rig.redis, rig.producer), f"case-{uuid4().hex}"
    with pytest.raises(SystemExit):
        await checking(rig, dying, rig.producer, case).look()
    await checking(rig, Alarms(rig.settings, rig.redis, rig.producer), rig.producer, case).look()
    told = [record.value or b"" async for record in read_all(rig.settings, topics.AUDIT.name)]
    assert [b"check-in-missed" in each for each in told if case.encode() in each] == [True]


async def test_a_missed_check_in_raises_an_alarm_although_the_audit_refuses_the_entry(rig: Rig) -> None:
    alarms, case = Alarms(rig.settings, rig.redis, rig.producer), f"case-{uuid4().hex}"
    with pytest.raises(TypeError, match="no chain"):
        await checking(rig, alarms, Mock(chain=None), case).look()
    assert case in [each.dispatch for each in await alarms.unacknowledged()]


async def test_a_visit_whose_case_cannot_be_read_keeps_no_other_officers_alarm_back(rig: Rig) -> None:
    alarms, case = Alarms(rig.settings, rig.redis, rig.producer), f"case-{uuid4().hex}"
    with pytest.raises(ValueError, match="broken"):
        await checking(rig, alarms, rig.producer, "broken", case).look()
    assert case in [each.dispatch for each in await alarms.unacknowledged()]


async def test_an_alarm_that_is_acknowledged_while_the_alarms_are_restored_is_taken_from_view(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    console, worker = (Alarms(rig.settings, rig.redis, rig.producer) for _ in range(2))
    await console.raise_(alarm("a3"))
    read = worker.all

    async def all_alarms() -> list[Alarm]:
        found = await read()
        await console.acknowledge("a3", "li", "", NOW)
        return found

    monkeypatch.setattr(worker, "all", all_alarms)
    await worker.restore()
    assert "a3" not in [each.id for each in await console.unacknowledged()]
