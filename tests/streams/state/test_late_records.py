"""A writer gave up, and Kafka gets its record after another writer's: the topic's last record is what Redis has."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from domain.policy import digest_of
from schemas.casework.policies import InForce
from schemas.people.rosters import Officer, Role, Roster
from streams.messaging import producer as messaging
from streams.messaging import topics
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import read_all
from streams.repositories.policies import IN_FORCE, Policies
from streams.repositories.rosters import Rosters
from streams.runtime.settings import Settings
from streams.state import locks
from streams.state.shared_state import Shared
from tests.channel_rig import Rig, rigged, until

stations = count(1)
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


class CutProducer(Producer):
    """A producer whose way to Kafka is cut until `healed` is set. As aiokafka's, it keeps the records it was given,
    even if nobody waits for them any more.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.healed, self.given = asyncio.Event(), set[asyncio.Future[object]]()

    async def _begin(self, record: Record) -> asyncio.Future[object]:
        task: asyncio.Future[object] = asyncio.ensure_future(self._later(record))
        self.given.add(task)
        return asyncio.shield(task)

    async def _later(self, record: Record) -> object:
        await self.healed.wait()
        return await (await super()._begin(record))


@dataclass
class Writers:
    """Two processes of an installation that write one station's roster. The way of the first one to Kafka is cut."""

    station: str
    rig: Rig
    cut: CutProducer
    whole: Producer

    def table(self, producer: Producer) -> Any:  # noqa: ANN401 - the table of rosters, a private class
        return Rosters(self.rig.settings, self.rig.redis, producer).table

    async def adds(self, producer: Producer, officer: str) -> None:
        """Put an officer on the roster, as a page does."""

        def added(before: Roster | None) -> Roster:
            new = Officer(id=officer, name=officer, role=Role.OFFICER, division="220102")
            return Roster(station=self.station, officers=[*(before.officers if before else ()), new])

        await self.table(producer).change(self.station, added)

    async def late(self, officer: str) -> None:
        """Put an officer on the roster while the way is cut: it is told that it failed, and the record is kept."""
        with pytest.raises(TimeoutError):
            await self.adds(self.cut, officer)

    async def in_redis(self) -> list[str]:
        found = await self.table(self.whole).get(self.station)
        return [each.id for each in found.officers] if found else []

    async def on_topic(self) -> list[list[str]]:
        """The officers of each record about the roster, the first record first; none for a tombstone."""
        key = f"station/{self.station}".encode()
        records = [each async for each in read_all(self.rig.settings, topics.ROSTERS.name) if each.key == key]
        rosters = [Roster.model_validate_json(each.value).officers if each.value else [] for each in records]
        return [[each.id for each in officers] for officers in rosters]

    async def settled(self) -> None:
        """Wait until the way is whole again and no work follows a late record any more."""
        self.cut.healed.set()
        await until(lambda: not self.cut._following_up)


@pytest_asyncio.fixture
async def writers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Writers]:
    monkeypatch.setattr(locks, "WRITE_SECONDS", 0.5)
    monkeypatch.setattr(messaging, "AGAIN_SECONDS", 0.1)
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.ROSTERS, topics.POLICIES])
        await Shared(rig.settings, rig.redis, [], lease_seconds=1).ensure()
        cut = CutProducer(rig.settings)
        await cut.start()
        yield Writers(f"late-{next(stations)}", rig, cut, rig.producer)
        cut.healed.set()
        await cut.stop()


async def test_an_acknowledged_change_outlives_the_late_record_of_a_writer_that_gave_up(writers: Writers) -> None:
    await writers.adds(writers.whole, "one")
    await writers.late("given-up")
    await writers.adds(writers.whole, "two")
    await writers.settled()
    assert ["one", "given-up"] in await writers.on_topic()
    assert (await writers.on_topic())[-1] == await writers.in_redis() == ["one", "two"]
    await writers.table(writers.whole).restore()
    assert await writers.in_redis() == ["one", "two"]


async def test_a_record_that_nobody_has_stored_meanwhile_is_deleted_from_the_topic_again(writers: Writers) -> None:
    await writers.late("given-up")
    await writers.settled()
    assert (await writers.on_topic())[-2:] == [["given-up"], []]
    await writers.table(writers.whole).restore()
    assert await writers.in_redis() == []


async def test_the_deletion_of_a_writer_that_gave_up_deletes_nothing_later(writers: Writers) -> None:
    await writers.adds(writers.whole, "one")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await writers.table(writers.cut).drop(writers.station)
    await writers.settled()
    assert (await writers.on_topic())[-2:] == [[], ["one"]]


async def test_the_order_holds_if_the_process_of_the_writer_that_gave_up_is_stopped(writers: Writers) -> None:
    await writers.adds(writers.whole, "one")
    await writers.late("given-up")
    stopping = asyncio.create_task(writers.cut.stop())
    await writers.adds(writers.whole, "two")
    writers.cut.healed.set()
    await stopping
    assert ["one", "given-up"] in await writers.on_topic()
    assert (await writers.on_topic())[-1] == await writers.in_redis() == ["one", "two"]


async def test_a_late_record_keeps_no_process_from_ending(
    writers: Writers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(messaging, "FOLLOW_UP_SECONDS", 0.2)
    await writers.adds(writers.whole, "one")
    await writers.late("given-up")
    async with asyncio.timeout(3):
        await writers.cut.stop()
    assert not writers.cut._following_up
    assert "given-up" not in caplog.text


async def test_a_redis_that_was_emptied_deletes_no_record_from_the_topic(writers: Writers) -> None:
    await writers.adds(writers.whole, "one")
    await writers.late("given-up")
    await writers.rig.redis.flushdb()
    writers.cut.healed.set()
    await until(lambda: all(each.done() for each in writers.cut.given))
    await asyncio.sleep(0.5)
    assert await writers.on_topic() == [["one"], ["one", "given-up"]]
    rosters = writers.table(writers.whole)
    await Shared(writers.rig.settings, writers.rig.redis, [rosters.restore], lease_seconds=1).ensure()
    await writers.settled()
    assert (await writers.on_topic())[-1] == await writers.in_redis() == ["one", "given-up"]


async def test_a_late_publication_of_a_policy_is_undone_too(writers: Writers) -> None:
    settings, redis = writers.rig.settings, writers.rig.redis
    cut, whole = Policies(settings, redis, writers.cut), Policies(settings, redis, writers.whole)
    digest = digest_of(settings.policy.read_text("utf-8"))

    def by(name: str) -> InForce:
        return InForce(policy=digest, good=digest, since=NOW, by=name)

    async def given_up() -> None:
        with pytest.raises(TimeoutError):
            async with cut.changing_in_force("a test"):
                await cut.store_in_force(by("given-up"))

    await given_up()
    await writers.settled()
    records = [each.value async for each in read_all(settings, topics.POLICIES.name) if each.key == IN_FORCE.encode()]
    assert records[-1] is None
    await whole.restore()
    assert await whole.in_force() is None
    writers.cut.healed.clear()
    await given_up()
    await whole.store_in_force(by("li"))
    await writers.settled()
    await whole.restore()
    assert await whole.in_force() == by("li")
