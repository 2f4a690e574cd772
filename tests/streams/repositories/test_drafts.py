"""Drafts and rosters that several people change: nobody overwrites what he has not seen, and Redis may be lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count

import pytest

from schemas.administration.drafts import Draft
from schemas.people.rosters import Officer, Role, Roster, RosterChange
from streams.messaging import topics
from streams.repositories.rosters import Rosters
from streams.repositories.stations import NOTHING, ChangedError, Stations
from streams.repositories.tables import Drafts, StaleDraftError
from streams.runtime.settings import Settings
from tests.channel_rig import Rig, rigged

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
numbers = count(1)


@pytest.fixture
async def rig(settings: Settings) -> AsyncIterator[Rig]:
    async with rigged(settings) as made:
        topics.create(made.settings, [topics.DRAFTS])
        yield made


def draft(version: int = 1, text: str = "a", by: str = "li", name: str = "d1") -> Draft:
    return Draft(id=name, version=version, text=text, base="0" * 16, at=NOW, by=by, writers=[by])


async def nothing_noted() -> None:
    """The audit, where there is none."""


async def test_of_two_who_write_a_draft_at_once_the_second_is_told(rig: Rig) -> None:
    drafts = Drafts(rig.settings, rig.redis, rig.producer)
    await drafts.put(draft())
    outcomes = await asyncio.gather(
        drafts.put(draft(2, "b")), drafts.put(draft(2, "c", by="wang")), return_exceptions=True
    )
    (stale,) = [each for each in outcomes if isinstance(each, StaleDraftError)]
    assert stale.now is not None
    assert stale.now.version == 2


async def test_the_same_draft_sent_twice_counts_once(rig: Rig) -> None:
    drafts = Drafts(rig.settings, rig.redis, rig.producer)
    first, again = await drafts.put(draft()), await drafts.put(draft())
    assert first == again
    assert (await drafts.get("d1")) == first


async def test_drafts_outlive_redis(rig: Rig) -> None:
    drafts = Drafts(rig.settings, rig.redis, rig.producer)
    name = f"d{next(numbers)}x"
    await drafts.put(draft(name=name))
    await drafts.put(draft(2, "b", name=name))
    await rig.redis.flushdb()
    await drafts.restore()
    found = await drafts.get(name)
    assert found is not None
    assert (found.version, found.text) == (2, "b")


def roster(station: str, *people: str, form: str = "f") -> Roster:
    officers = [Officer(id=each, name=each, role=Role.OFFICER, division="220102") for each in people]
    return Roster(station=station, officers=officers, changed=RosterChange(at=NOW, by="li", form=form))


async def test_a_roster_that_was_changed_meanwhile_is_not_overwritten(rig: Rig) -> None:
    stations = Stations(rig.redis, Rosters(rig.settings, rig.redis, rig.producer))
    await stations.replace(roster("s1", "a"), NOTHING, nothing_noted)
    seen = await stations.get("s1")
    assert seen is not None
    await stations.replace(roster("s1", "a", "b", form="f2"), seen.mark, nothing_noted)
    with pytest.raises(ChangedError):
        await stations.replace(roster("s1", "c", form="f3"), seen.mark, nothing_noted)
    now = await stations.get("s1")
    assert now is not None
    assert [each.id for each in now.roster.officers] == ["a", "b"]


async def test_what_a_station_s_own_system_puts_is_noticed_too(rig: Rig) -> None:
    rosters = Rosters(rig.settings, rig.redis, rig.producer)
    stations = Stations(rig.redis, rosters)
    await stations.replace(roster("s2", "a"), NOTHING, nothing_noted)
    seen = await stations.get("s2")
    assert seen is not None
    await rosters.put(Roster(station="s2"))
    with pytest.raises(ChangedError):
        await stations.replace(roster("s2", "b", form="f2"), seen.mark, nothing_noted)


async def test_the_same_form_sent_twice_is_written_and_noted_once(rig: Rig) -> None:
    stations = Stations(rig.redis, Rosters(rig.settings, rig.redis, rig.producer))
    noted: list[int] = []

    async def note() -> None:
        noted.append(1)

    for _ in range(2):
        await stations.replace(roster("s3", "a"), NOTHING, note)
    assert noted == [1]
    assert await stations.names() == ["s3"]
