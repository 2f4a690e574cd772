"""The network holds up a write to Redis for longer than the record's lock lasts: it undoes no later change."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from redis.asyncio import Connection, ConnectionPool, Redis
from redis.exceptions import RedisError

from schemas.people.rosters import Officer, Role, Roster
from streams.messaging import producer as messaging
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.repositories.rosters import Rosters
from streams.runtime.settings import Settings
from streams.state import locks
from streams.state.shared_state import Shared
from tests.channel_rig import Rig, rigged, until
from tests.tools.servers.proxy import WORKERS, Proxy, State

ANSWER_SECONDS = 0.3


class HeldUp(Connection):
    """The network passes nothing more from the write of a record on, until it is healed."""

    proxy: Proxy
    strikes = True

    async def send_packed_command(self, command: object, check_health: bool = True) -> None:
        sent = command if isinstance(command, bytes) else b"".join(command)  # type: ignore[arg-type]
        if HeldUp.strikes and (b"\r\nHSET\r\n" in sent or b"\r\nHDEL\r\n" in sent):
            HeldUp.strikes = False
            HeldUp.proxy.stall_one_way(WORKERS, State.NO_REQUEST)
        await super().send_packed_command(sent, check_health)


@pytest_asyncio.fixture
async def rig(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(messaging, "AGAIN_SECONDS", 0.1)
    async with rigged(settings) as made:
        topics.create(made.settings, [topics.ROSTERS])
        await Shared(made.settings, made.redis, [], lease_seconds=1).ensure()
        yield made


@pytest_asyncio.fixture
async def held_up(rig: Rig) -> AsyncIterator[Redis]:
    """A client whose first write of a record is held up."""
    place = urlsplit(str(rig.settings.redis))
    with Proxy(place.port or 6379) as proxy:
        HeldUp.proxy, HeldUp.strikes = proxy, True
        database = int(place.path.strip("/"))
        redis = Redis(
            connection_pool=ConnectionPool(
                HeldUp, host="127.0.0.1", port=proxy.port, db=database, protocol=3, socket_timeout=ANSWER_SECONDS
            )
        )
        yield redis
        proxy.heal()
        await redis.aclose()


def roster(station: str, *officers: str) -> Roster:
    those = [Officer(id=name, name=name, role=Role.OFFICER, division="220102") for name in officers]
    return Roster(station=station, officers=those)


async def last_on_topic(rig: Rig, station: str) -> Roster:
    key = f"station/{station}".encode()
    records = [each async for each in read_all(rig.settings, topics.ROSTERS.name) if each.key == key]
    return Roster.model_validate_json(records[-1].value or b"")


@pytest.mark.parametrize("deletes", [False, True])
async def test_a_change_outlives_an_older_write_that_arrives_after_it(rig: Rig, held_up: Redis, deletes: bool) -> None:
    station = f"held-up-{deletes}"
    ours, theirs = (Rosters(rig.settings, redis, rig.producer).table for redis in (rig.redis, held_up))
    await ours.put(roster(station, "one"))
    writing = theirs.drop(station) if deletes else theirs.change(station, lambda _: roster(station, "held up"))
    with pytest.raises((TimeoutError, RedisError)):
        await writing
    await ours.change(station, lambda _: roster(station, "two"))  # once the lock has expired
    HeldUp.proxy.heal()
    await asyncio.sleep(ANSWER_SECONDS)  # the bytes arrive
    await until(lambda: not rig.producer._following_up)
    assert await ours.get(station) == await last_on_topic(rig, station) == roster(station, "two")
