"""Whoever writes or deletes a record of a table holds the record's lock, so that nobody writes what is older."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from schemas.people.places import ListedPlace, PlaceKind, PublicPlace, SearchList
from schemas.people.rosters import Roster
from schemas.people.staff import Account, StaffRole
from streams.messaging import producer as messaging
from streams.messaging import topics
from streams.repositories.places import PublicPlaces, SearchLists
from streams.repositories.rosters import Rosters
from streams.repositories.staff import Staff
from streams.runtime.settings import Settings
from streams.state import compacted_table
from streams.state.keys import ROSTER, changing
from streams.state.locks import fenced, locked
from streams.state.shared_state import Shared
from tests.channel_rig import new_resident, rigged, until
from tests.streams.state.test_late_records import CutProducer

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


async def test_what_is_deleted_while_another_changes_it_stays_deleted(settings: Settings) -> None:
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.SEARCHES])
        watch, erasure = (SearchLists(rig.settings, rig.redis, rig.producer) for _ in range(2))
        resident = new_resident().id
        place = ListedPlace(number="p1", kind=PlaceKind.OTHER, name="某地", division="220102", address="某路")
        listed = SearchList(id="s1", input="i1", case=f"{resident}-1", resident=resident, at=NOW, places=[place])
        await watch.put(listed)
        async with watch.locked("s1") as known:  # an officer is noted as told
            assert known is not None
            deleting = asyncio.create_task(erasure.drop("s1"))
            await asyncio.sleep(0.3)
            await watch.put(known.model_copy(update={"told": frozenset({"p-1"})}))
        await deleting
        assert await watch.get("s1") is None
        await watch.restore()
        assert await watch.get("s1") is None


async def test_places_and_rosters_are_replaced_under_the_locks_of_their_records(settings: Settings) -> None:
    """Before, a writer that was held up for longer than another's lock lasts wrote over what was acknowledged since."""
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.PLACES, topics.ROSTERS])
        places = PublicPlaces(rig.settings, rig.redis, rig.producer)
        rosters = Rosters(rig.settings, rig.redis, rig.producer)
        bank = PublicPlace(id="p1", kind=PlaceKind.OTHER, name="某地", division="220102", address="某路")
        locks = (changing(topics.PLACES.name, "p1"), changing(ROSTER, "某所"))
        async with locked(rig.redis, locks[0]), locked(rig.redis, locks[1]):  # others change them
            writing = asyncio.gather(places.replace([bank]), rosters.put(Roster(station="某所", officers=[])))
            await asyncio.sleep(0.3)
            assert (await places.all(), await rosters.table.all()) == ([], [])
        await writing
        assert (len(await places.all()), len(await rosters.table.all())) == (1, 1)


async def test_an_account_whose_writer_is_slow_outlives_a_late_record(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer has the topic's acknowledgement, and not yet Redis', when the late record is corrected."""
    monkeypatch.setattr(messaging, "AGAIN_SECONDS", 0.1)
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.STAFF])
        await Shared(rig.settings, rig.redis, [], lease_seconds=1).ensure()
        cut = CutProducer(rig.settings)
        await cut.start()
        slow, gives_up = (Staff(rig.settings, rig.redis, each) for each in (rig.producer, cut))

        def account(name: str) -> Account:
            return Account(login="li", name=name, role=StaffRole.OPERATOR, changed_at=NOW, changed_by="wang")

        await slow.put(account("before"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await gives_up.put(account("given up"))
        in_redis = asyncio.Event()

        @asynccontextmanager
        async def waits(redis: Redis, name: str) -> AsyncIterator[Any]:
            await in_redis.wait()
            async with fenced(redis, name) as pipe:
                yield pipe

        monkeypatch.setattr(compacted_table, "fenced", waits)
        writing = asyncio.create_task(slow.put(account("after")))
        await asyncio.sleep(1)  # the topic has it
        cut.healed.set()
        await asyncio.sleep(1)
        in_redis.set()
        await writing
        await until(lambda: not cut._following_up)
        await cut.stop()
        await gives_up.restore()
        found = await gives_up.get("li")
        assert found is not None
        assert found.name == "after"
