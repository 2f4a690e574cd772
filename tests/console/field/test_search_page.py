"""A supervisor starts a search, officers answer from their telephones, one find ends all, and places are erased."""

import re
import secrets
from datetime import timedelta

import pytest

from console.web.case import answers
from console.web.tasks.searches import SearchTask
from domain.access.step_up import SignedInBy
from schemas.casework.cases import CaseState
from schemas.casework.searches import PlaceState, SearchEnd
from schemas.people.staff import StaffRole
from streams.channels.outgoing import Outgoing
from streams.channels.searches.search_watch import SearchWatch
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.state.case_store import CaseStore
from tests.console.harness.audit import audited
from tests.console.harness.searching import (
    ADDRESSES,
    BRANCH,
    HOTEL,
    USUAL,
    Searching,
    place_act,
    search_wanted,
    searches_of_officer,
    told_wrong,
)
from tests.console.harness.stage import Client, Stage
from tests.console.harness.visiting import send
from tests.end_to_end.harness.hand_clock import HandClock
from tests.end_to_end.harness.house import until

DONE = ("done", "")
SECONDS = 10.0


async def officer(console: Stage, name: str) -> Client:
    return await console.signed_in(StaffRole.OFFICER, officer=name)


async def supervisor(console: Stage) -> Client:
    return await console.signed_in(StaffRole.SUPERVISOR)


async def test_one_find_ends_the_search_of_the_other_officer(console: Stage) -> None:
    async with (
        search_wanted(console, "sweep-1", "sweep-2") as wanted,
        await supervisor(console) as boss,
        await officer(console, "sweep-1") as one,
        await officer(console, "sweep-2") as other,
    ):
        search = await wanted.started(boss)
        assert search.officers == {"sweep-1", "sweep-2"}
        [mine], [theirs] = await searches_of_officer(one), await searches_of_officer(other)
        assert {each["name"] for each in mine["places"]} == {HOTEL, BRANCH, USUAL}
        assert "王小明" in mine["who"]
        assert theirs["ended"] == ""
        [first] = [each for each in mine["places"] if each["mine"]][:1]
        assert await send(one, place_act(wanted, search, first["number"], "not_there")) == [DONE]
        [found] = [each for each in theirs["places"] if each["mine"]][:1]
        assert await send(other, place_act(wanted, search, found["number"], "found")) == [DONE]
        [ended] = await searches_of_officer(one)
        assert (ended["ended"], ended["places"], ended["outcome"]) == ("已找到当事人，不必再找", [], "")
        case = await wanted.case()
        assert (case.officer, case.state, case.searches[-1].end) == (
            "sweep-2",
            CaseState.VISIT_UNDER_WAY,
            SearchEnd.FOUND,
        )
        late = place_act(wanted, search, first["number"], "found")
        assert await send(one, late) == [("refused", "查找已结束")]


async def test_the_finder_tells_the_outcome_from_the_same_place(console: Stage) -> None:
    async with (
        search_wanted(console, "sweep-3", "sweep-4") as wanted,
        await supervisor(console) as boss,
        await officer(console, "sweep-3") as one,
    ):
        search = await wanted.started(boss)
        assert await send(one, place_act(wanted, search, "p1", "found")) == [DONE]
        [mine] = await searches_of_officer(one)
        assert mine["outcome"] == "p1"
        told = place_act(wanted, search, "p1", "found", outcome={"outcome": "dissuaded"})
        assert await send(one, told) == [DONE]
        assert (await wanted.case()).state is CaseState.DISSUADED
        [mine] = await searches_of_officer(one)
        assert mine["outcome"] == ""


async def test_the_page_shows_each_place_with_its_state_and_who_searched_it(console: Stage) -> None:
    async with (
        search_wanted(console, "sweep-5", "sweep-6") as wanted,
        await supervisor(console) as boss,
        await officer(console, "sweep-5") as one,
    ):
        search = await wanted.started(boss)
        mine = next(each.number for each in search.places if each.officer == "sweep-5")
        await send(one, place_act(wanted, search, mine, "not_looked"))
        page = (await boss.get(await wanted.path())).text
        for text in (*ADDRESSES.values(), "未能查找", "待查找", 'class="plan"', "停止查找", "data-goes-on"):
            assert text in page
        assert page.count('class="spot ') == 2  # the usual place has no coordinates
        assert (await wanted.search()).places[int(mine[1:]) - 1].state is PlaceState.NOT_LOOKED
        looks = await audited(console, "look-missing", by=boss.account.login)
        assert [entry.on for entry in looks] == [(await wanted.case()).id]


async def test_the_search_of_a_form_that_was_sent_twice_is_one(console: Stage) -> None:
    async with search_wanted(console, "sweep-7", "sweep-8") as wanted, await supervisor(console) as boss:
        form = wanted.form()
        path = await wanted.path()
        assert (await boss.post(path, data=form)).status_code == 303
        assert (await boss.post(path, data=form)).status_code == 303
        assert len((await wanted.case()).searches) == 1
        again = await boss.post(path, data=wanted.form())
        assert (again.status_code, told_wrong(again.text)) == (409, "已在查找该当事人")


async def test_a_form_that_is_sent_again_with_other_places_is_another_search_with_those(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with search_wanted(console, "sweep-17", "sweep-18") as wanted, await supervisor(console) as boss:
        form, path, lists = wanted.form(), await wanted.path(), console.house.line.search_lists

        async def fails(*_: object) -> answers.Answer:
            return answers.Answer(answers.Answered.WAITING)

        with monkeypatch.context() as patch:
            patch.setattr(answers, "put", fails)
            assert (await boss.post(path, data=form)).status_code == 202
        other = form | {"usual_name": ["示例棋社"]}
        assert (await boss.post(path, data=other)).status_code == 303
        listed = await lists.get((await wanted.search()).id)
        assert listed
        assert "示例棋社" in {each.name for each in listed.places}
        assert USUAL not in {each.name for each in listed.places}


async def test_a_form_that_is_refused_keeps_its_county_and_its_hours(console: Stage) -> None:
    async with search_wanted(console, "sweep-19", "sweep-20") as wanted, await supervisor(console) as boss:
        form = wanted.form(ground="curiosity", hours="7", usual_division=["220182"])
        page = (await boss.post(await wanted.path(), data=form)).text
        assert re.search(r'<option value="7" selected>', page)
        assert not re.search(r'<option value="2" selected>', page)
        assert page.count('<option value="220182" selected>') == 1


async def test_a_find_long_after_the_end_reaches_the_case_and_waits_for_a_case_that_is_rebuilt(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        search_wanted(console, "sweep-21", "sweep-22") as wanted,
        await supervisor(console) as boss,
        await officer(console, "sweep-21") as one,
    ):
        search = await wanted.started(boss)
        stop = {"form": secrets.token_hex(10), "ground": "mistake"}
        assert (await boss.post(f"{await wanted.path()}/{search.id}/stop", data=stop)).status_code == 303
        monkeypatch.setattr(SearchTask, "concerns", lambda *_: False)  # as an hour later
        assert await searches_of_officer(one) == []
        found = place_act(wanted, search, "p1", "found")

        async def unknown(*_: object) -> None:
            return None

        with monkeypatch.context() as patch:
            patch.setattr(CaseStore, "case", unknown)
            assert await send(one, found) == [("waiting", "")]
        assert await send(one, found) == [("refused", "查找已结束")]
        journal = [
            record.value or b"" async for record in read_all(console.house.line.settings, topics.CASE_EVENTS.name)
        ]
        assert any(b"found_after_end" in value and search.id.encode() in value for value in journal)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ground": "curiosity"}, "请选择紧急情况"),
        ({"missing_since": "yesterday"}, "请选择紧急情况"),
        ({"hours": "13"}, "请选择紧急情况"),
        ({"officer": []}, "请选择紧急情况"),
        ({"officer": ["nobody"]}, "所选地点或民警已有变化"),
        ({"place": ["elsewhere"]}, "所选地点或民警已有变化"),
        ({"usual_division": ["999999"]}, "常去地点须有"),
        ({"usual_address": [""]}, "常去地点须有"),
    ],
)
async def test_a_wrong_field_is_told_and_nothing_starts(console: Stage, fields: dict[str, object], words: str) -> None:
    async with search_wanted(console, "sweep-9", "sweep-10") as wanted, await supervisor(console) as boss:
        answer = await boss.post(await wanted.path(), data=wanted.form(**fields))
        assert answer.status_code == 422
        assert words in told_wrong(answer.text)
        assert (await wanted.case()).searches == []


async def test_a_search_needs_a_supervisor_and_a_proof_of_identity(console: Stage) -> None:
    async with search_wanted(console, "sweep-11", "sweep-12") as wanted:
        path = await wanted.path()
        for role in (StaffRole.OPERATOR, StaffRole.OFFICER, StaffRole.RELEASE_DESK, StaffRole.AUDITOR):
            async with await console.signed_in(role, officer=None) as other:
                assert (await other.post(path, data=wanted.form())).status_code == 403
        account = await console.account(StaffRole.SUPERVISOR)
        async with await console.client(account, SignedInBy.PASSWORD) as unproved:
            answer = await unproved.post(path, data=wanted.form())
            assert answer.status_code == 428
        assert (await wanted.case()).searches == []


async def test_a_supervisor_stops_a_search_with_a_ground(console: Stage) -> None:
    async with search_wanted(console, "sweep-13", "sweep-14") as wanted, await supervisor(console) as boss:
        search = await wanted.started(boss)
        path = f"{await wanted.path()}/{search.id}/stop"
        assert (await boss.post(path, data={"form": secrets.token_hex(10)})).status_code == 422
        stop = {"form": secrets.token_hex(10), "ground": "elsewhere"}
        assert (await boss.post(path, data=stop)).status_code == 303
        assert (await wanted.search()).end is SearchEnd.STOPPED
        assert (await boss.post(f"{await wanted.path()}/s0/stop", data=stop)).status_code == 404


async def test_the_places_are_in_no_journal_no_input_and_no_audit_and_are_erased(console: Stage) -> None:
    async with search_wanted(console, "sweep-15", "sweep-16") as wanted, await supervisor(console) as boss:
        search = await wanted.started(boss)
        words = [text.encode() for text in (USUAL, *ADDRESSES.values())]
        house = console.house.line
        for topic in (topics.CASE_INPUTS, topics.CASE_EVENTS, topics.AUDIT, topics.DISPATCHES_RED):
            read = [record.value or b"" async for record in read_all(house.settings, topic.name)]
            assert read, topic.name
            assert not any(word in value for value in read for word in words), topic.name
        stop = {"form": secrets.token_hex(10), "ground": "mistake"}
        stopped = await boss.post(f"{await wanted.path()}/{search.id}/stop", data=stop)
        assert stopped.status_code == 303, told_wrong(stopped.text)
        await erased_after(wanted, search.id, timedelta(hours=27))
        page = (await boss.get(await wanted.path())).text
        assert "地点信息已清除" in page
        assert ADDRESSES[USUAL] not in page
        assert await audited(console, "search-erased", on=(await wanted.case()).id)


async def erased_after(wanted: Searching, search: str, span: timedelta) -> None:
    """A worker looks whose clock is so much later: no other part of the line has to live through that time. It looks
    until the lease is its own, which the line's worker may hold for the moment.
    """
    line, now = wanted.console.house.line, wanted.console.house.clock
    later = HandClock(now.speed, now.wall_start, now.sim_start)
    later.ahead[0] = now.ahead[0] + span.total_seconds()
    outgoing = Outgoing(line.settings, line.redis, line.producer, later, line.outgoing.channels)
    watch = SearchWatch(outgoing, line.store, line.search_lists, line.staff)

    async def gone() -> bool:
        await watch.look()
        await watch.settle()
        return await line.search_lists.get(search) is None

    await until(gone, SECONDS)
    await outgoing.client.aclose()
