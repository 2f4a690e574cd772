"""An alarm about an officer is shown as soon as it is stored, also if raising it had to be tried twice."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Connection, Redis
from redis.exceptions import RedisError

from schemas.people.alarms import Alarm, AlarmKind
from streams.messaging import topics
from streams.repositories.alarms import Alarms
from streams.runtime.settings import Settings
from streams.state.keys import ALARMS_OPEN
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
        topics.create(made.settings, [topics.ALARMS])
        yield made


@pytest.fixture
async def breaking(rig: Rig) -> AsyncIterator[Alarms]:
    Broken.breaks = True
    redis = Redis.from_url(str(rig.settings.redis), protocol=3, connection_class=Broken)
    yield Alarms(rig.settings, redis, rig.producer)
    await redis.aclose()


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
