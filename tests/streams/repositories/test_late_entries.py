"""The register: a writer gave up, and Kafka gets its entries after another writer's, or Redis never gets them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from schemas.people.residents import Flag, Resident
from streams.messaging import producer as messaging
from streams.repositories.residents.register import Residents
from streams.runtime.settings import Settings
from streams.state.shared_state import Shared
from tests.channel_rig import Rig, rigged, until
from tests.streams.state.test_late_records import CutProducer


def moved(entry: Resident) -> Resident:
    return entry.model_copy(update={"address": "旧路1号"})


def objects(entry: Resident) -> Resident:
    return entry.model_copy(update={"flags": entry.flags | {Flag.OBJECTS_TO_CALLS}})


@dataclass
class Writers:
    """Two processes that change one entry. The way of the first one to Kafka is cut until `cut.healed`."""

    rig: Rig
    resident: str
    cut: CutProducer
    slow: Residents
    other: Residents

    async def gives_up(self) -> None:
        """The slow process moves the person, and gives up: its caller waits no longer."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await self.slow.change([self.resident], moved)

    async def restored(self) -> Resident:
        """The entry in a new Redis, once no work follows a late record any more."""
        self.cut.healed.set()
        await until(lambda: not self.cut._following_up)
        await self.rig.redis.flushdb()
        await self.other.restore()
        return (await self.other.get([self.resident]))[self.resident]


@pytest_asyncio.fixture
async def writers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Writers]:
    monkeypatch.setattr(messaging, "AGAIN_SECONDS", 0.1)
    async with rigged(settings) as rig:
        await Shared(rig.settings, rig.redis, [], lease_seconds=1).ensure()
        cut = CutProducer(rig.settings)
        await cut.start()
        registers = (Residents(rig.settings, rig.redis, each) for each in (cut, rig.producer))
        yield Writers(rig, (await rig.resident()).id, cut, *registers)
        cut.healed.set()
        await cut.stop()


async def test_an_acknowledged_change_of_an_entry_outlives_one_that_was_given_up(writers: Writers) -> None:
    await writers.gives_up()
    assert await writers.other.change([writers.resident], objects) == 1
    assert Flag.OBJECTS_TO_CALLS in (await writers.restored()).flags


async def test_a_change_that_redis_never_got_leaves_the_topic_as_redis_is(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's change is acknowledged after the slow one has read the entry, and before it writes to the topic."""
    read, others = writers.slow._raw, [objects]

    async def reads(ids: Any) -> Any:  # noqa: ANN401 - as _raw
        found = await read(ids)
        if others:
            assert await writers.other.change(ids, others.pop()) == 1
        return found

    async def hangs(*_: Any) -> None:  # noqa: ANN401 - whatever it is called with
        await asyncio.sleep(60)

    monkeypatch.setattr(writers.slow, "_raw", reads)
    monkeypatch.setattr(writers.slow, "_replace", hangs)
    writers.cut.healed.set()
    await writers.gives_up()
    assert not others
    entry = await writers.restored()
    assert Flag.OBJECTS_TO_CALLS in entry.flags
    assert entry.address != "旧路1号"
