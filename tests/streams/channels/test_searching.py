"""Officers are told of a search once, and its places are erased after it, from Redis and from the topic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from unittest.mock import AsyncMock

import pytest

from schemas.casework.cases import Case
from schemas.casework.searches import PlaceState, Search, SearchEnd, SearchGround, SearchPlace
from schemas.levels import Action
from schemas.people.places import ListedPlace, PlaceKind, SearchList
from schemas.people.rosters import Officer, Role, Roster
from streams.channels.outgoing import Outgoing
from streams.channels.searches.search_watch import SearchWatch
from streams.messaging import topics
from streams.repositories.places import SearchLists
from streams.repositories.staff import Staff
from streams.runtime.settings import Settings
from streams.security import audit
from streams.state.case_store import CaseStore
from streams.state.keys import PUSH_SUBSCRIPTIONS, key
from tests.channel_rig import Rig, rigged
from tests.dispatched import case_of, dispatch_for
from tests.end_to_end.harness.hand_clock import HandClock

PHONES = {"p-1": "+8619900009991", "p-2": "+8619900009992", "p-3": None}
ADDRESS = "示例路17号"


@dataclass
class Searched:
    """A search that two officers with a telephone and one without take part in, and a worker that looks after it."""

    rig: Rig
    clock: HandClock
    outgoing: Outgoing
    watch: SearchWatch
    lists: SearchLists
    listed: SearchList

    async def store(self, **fields: object) -> None:
        """Store the case with its search."""
        dispatch = dispatch_for(self.listed.resident, Action.SMS)
        await self.rig.store(case_of(dispatch, searches=[search(self).model_copy(update=fields)]))

    async def decided(self) -> None:
        """Let the case have applied the input that starts the search."""
        partition = await self.rig.stands(self.listed.resident)
        await self.rig.redis.zadd(key("applied", partition), {self.listed.input: 1})

    async def after(self, span: timedelta) -> None:
        self.clock.ahead[0] += span.total_seconds()
        await self.look(self.watch)

    async def look(self, watch: SearchWatch) -> None:
        await watch.look()
        await watch.settle()

    def texts(self) -> list[str]:
        return sorted(each.to for each in self.rig.providers.carrier.book)

    async def listed_now(self) -> SearchList | None:
        return await self.lists.get(self.listed.id)


def search(searched: Searched) -> Search:
    places = [SearchPlace(number=f"p{n}", officer=f"p-{n}") for n in (1, 2, 3)]
    now = searched.listed.at
    return Search(
        id=searched.listed.id,
        ground=SearchGround.LIFE,
        missing_since=now - timedelta(hours=1),
        by="supervisor",
        at=now,
        until=now + timedelta(hours=2),
        places=places,
    )


@asynccontextmanager
async def searching(settings: Settings) -> AsyncIterator[Searched]:
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.SEARCHES, topics.STAFF])
        rig.clock = clock = HandClock(1.0, rig.clock.wall_start, rig.clock.sim_start)
        rig.settings = rig.settings.model_copy(update={"embedded": True})
        outgoing, resident = await rig.worker(), (await rig.resident()).id
        officers = [
            Officer(id=name, name=name, role=Role.OFFICER, division="220102001", phone=phone)
            for name, phone in PHONES.items()
        ]
        await outgoing.rosters.put(Roster(station="s-1", officers=officers))
        lists = SearchLists(rig.settings, rig.redis, rig.producer)
        place = ListedPlace(number="p1", kind=PlaceKind.HOTEL, name="示例宾馆", division="220102", address=ADDRESS)
        listed = SearchList(
            id="s1", case=f"{resident}-1", resident=resident, input="i1", at=clock.now(), places=[place]
        )
        await lists.put(listed)
        found = Searched(rig, clock, outgoing, watching(outgoing, rig, lists), lists, listed)
        await found.store()
        yield found
        await found.watch.close()


def watching(outgoing: Outgoing, rig: Rig, lists: SearchLists) -> SearchWatch:
    staff = Staff(rig.settings, rig.redis, rig.producer)
    return SearchWatch(outgoing, CaseStore(rig.redis), lists, staff)


async def test_each_officer_is_told_once_whichever_worker_looks(settings: Settings) -> None:
    async with searching(settings) as searched:
        await searched.look(searched.watch)
        assert searched.texts() == ["+8619900009991", "+8619900009992"]
        other = watching(await searched.rig.worker(), searched.rig, searched.lists)
        await searched.look(other)
        await searched.after(timedelta(minutes=5))
        assert searched.texts() == ["+8619900009991", "+8619900009992"]
        listed = await searched.listed_now()
        assert listed
        assert listed.told == {"p-1", "p-2"}


async def test_a_notice_names_no_place(settings: Settings) -> None:
    async with searching(settings) as searched:
        await searched.look(searched.watch)
        for each in searched.rig.providers.carrier.book:
            assert ADDRESS not in str(each)
            assert "示例宾馆" not in str(each)


async def test_a_worker_that_died_after_the_notice_is_followed_by_one_whose_notice_is_the_same(
    settings: Settings,
) -> None:
    async with searching(settings) as searched:
        await searched.look(searched.watch)
        await searched.lists.put(searched.listed)  # as if it had not been noted
        await searched.look(watching(await searched.rig.worker(), searched.rig, searched.lists))
        assert searched.texts() == ["+8619900009991", "+8619900009992"]


async def test_a_device_that_cannot_be_read_keeps_no_officer_from_the_text_message(settings: Settings) -> None:
    async with searching(settings) as searched:
        await searched.rig.redis.hset(PUSH_SUBSCRIPTIONS, "broken", b"{}")
        await searched.look(searched.watch)
        assert searched.texts() == ["+8619900009991", "+8619900009992"]


async def test_nobody_is_told_of_a_search_that_has_ended(settings: Settings) -> None:
    async with searching(settings) as searched:
        await searched.store(end=SearchEnd.FOUND, ended_at=searched.clock.now(), found_by="p-1")
        await searched.look(searched.watch)
        assert searched.texts() == []


async def test_the_places_are_erased_after_the_policy_s_hours_and_the_case_keeps_its_numbers(
    settings: Settings,
) -> None:
    async with searching(settings) as searched:
        ended = searched.clock.now()
        await searched.store(end=SearchEnd.STOPPED, ended_at=ended)
        await searched.after(timedelta(hours=23, minutes=59))
        assert await searched.listed_now()
        await searched.after(timedelta(minutes=1))
        assert await searched.listed_now() is None
        assert await searched.lists.published() == []
        case = await CaseStore(searched.rig.redis).case(
            await searched.rig.stands(searched.listed.resident), searched.listed.case
        )
        assert case
        assert [each.number for each in case.searches[0].places] == ["p1", "p2", "p3"]
        assert {each.state for each in case.searches[0].places} == {PlaceState.OPEN}


async def test_the_list_of_a_search_that_its_case_refused_is_erased_after_minutes(settings: Settings) -> None:
    async with searching(settings) as searched:
        await searched.rig.store(case_of(dispatch_for(searched.listed.resident, Action.SMS)))
        await searched.decided()
        await searched.after(timedelta(minutes=9))
        assert await searched.listed_now()
        await searched.after(timedelta(minutes=1))
        assert await searched.listed_now() is None
        assert searched.texts() == []


async def test_the_list_of_a_search_that_no_worker_has_decided_on_yet_is_kept_and_then_told(settings: Settings) -> None:
    async with searching(settings) as searched:
        await searched.rig.store(case_of(dispatch_for(searched.listed.resident, Action.SMS)))
        await searched.after(timedelta(minutes=30))  # all workers were down meanwhile
        assert await searched.listed_now()
        await searched.store()
        await searched.look(searched.watch)
        assert searched.texts() == ["+8619900009991", "+8619900009992"]


async def test_while_a_lost_store_is_rebuilt_its_earlier_case_erases_no_place_and_nobody_is_told(
    settings: Settings,
) -> None:
    async with searching(settings) as searched:
        await searched.decided()
        partition = await searched.rig.stands(searched.listed.resident)
        await searched.rig.redis.hset(key("state", partition), "end", 5)  # inputs 1 to 4 are still to come
        await searched.look(searched.watch)
        assert searched.texts() == []
        dispatch = dispatch_for(searched.listed.resident, Action.SMS)
        await searched.rig.redis.hset(
            key("cases", partition), searched.listed.resident, case_of(dispatch).model_dump_json()
        )
        await searched.after(timedelta(hours=1))
        assert await searched.listed_now()
        await searched.after(timedelta(hours=35))  # the longest search and the policy's 24 hours
        assert await searched.listed_now() is None


async def test_no_place_is_erased_before_the_audit_tells_of_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, a worker that died or whose time was over in between left an erasure of which no entry told."""
    async with searching(settings) as searched:
        with monkeypatch.context() as fails:
            fails.setattr(audit, "write", AsyncMock(side_effect=TimeoutError))
            await searched.decided()
            await searched.after(timedelta(hours=36))
            assert await searched.listed_now()
        await searched.look(searched.watch)
        assert await searched.listed_now() is None


async def test_an_error_with_one_search_delays_the_erasure_of_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with searching(settings) as searched:
        await searched.lists.put(searched.listed.model_copy(update={"id": "s0"}))
        known = SearchWatch._one

        async def faulty(watch: SearchWatch, listed: SearchList) -> None:
            if listed.id == "s1":
                raise RuntimeError("a fault")
            await known(watch, listed)

        monkeypatch.setattr(SearchWatch, "_one", faulty)
        await searched.decided()
        await searched.after(timedelta(minutes=11))  # s0 is of no search
        assert [each.id for each in await searched.lists.all()] == ["s1"]


async def test_an_error_with_one_officer_keeps_the_notice_from_no_other_and_the_round_waits_for_all(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with searching(settings) as searched:
        known = SearchWatch._reached

        async def faulty(watch: SearchWatch, listed: SearchList, case: Case, officer: str) -> bool:
            if officer == "p-1":
                raise RuntimeError("a fault")
            await asyncio.sleep(0.2)
            return await known(watch, listed, case, officer)

        monkeypatch.setattr(SearchWatch, "_reached", faulty)
        await searched.look(searched.watch)
        assert searched.texts() == ["+8619900009992"]
        listed = await searched.listed_now()
        assert listed
        assert listed.told == {"p-2"}
        assert "an officer is told of a search again later: RuntimeError" in caplog.text
        monkeypatch.setattr(SearchWatch, "_reached", known)
        await searched.after(timedelta(minutes=1))
        assert searched.texts() == ["+8619900009991", "+8619900009992"]


async def test_places_that_are_erased_while_an_officer_is_told_stay_erased(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with searching(settings) as searched:

        async def erased_meanwhile(watch: SearchWatch, listed: SearchList, case: Case, officer: str) -> bool:
            await searched.lists.drop(listed.id)
            return True

        monkeypatch.setattr(SearchWatch, "_reached", erased_meanwhile)
        await searched.look(searched.watch)
        assert await searched.lists.all() == []
        await searched.lists.restore()
        assert await searched.lists.all() == []


async def test_a_search_whose_provider_is_too_slow_ends_no_round_for_those_behind_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with searching(settings) as searched:
        await searched.lists.put(searched.listed.model_copy(update={"id": "s2"}))
        seen: list[str] = []

        async def slow(watch: SearchWatch, listed: SearchList) -> None:
            seen.append(listed.id)
            raise TimeoutError

        monkeypatch.setattr(SearchWatch, "_one", slow)
        await searched.look(searched.watch)
        assert sorted(seen) == ["s1", "s2"]


async def test_after_redis_was_lost_what_was_erased_stays_erased(settings: Settings) -> None:
    async with searching(settings) as searched:
        await searched.lists.put(searched.listed.model_copy(update={"id": "s2"}))
        await searched.lists.drop("s2")
        await searched.rig.redis.delete(topics.SEARCHES.name)
        await searched.lists.restore()
        assert [each.id for each in await searched.lists.all()] == ["s1"]
