"""The case page over HTTP: what it shows and to whom, and what a page that is open is told."""

import asyncio
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Any

import orjson
import pytest

from console.web.auth import unmask
from console.web.kit.wording import wording
from console.web.routes.cases import case as case_routes
from domain.calendar import local_date
from domain.identity import masking
from schemas.administration.audit import RevealReason
from schemas.casework.cases import CaseState
from schemas.people.incidents import Incident
from schemas.people.residents import Flag
from schemas.people.staff import StaffRole
from streams.messaging.topics import home
from streams.state.keys import key
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import SECONDS, done, latest, red, send
from tests.console.harness.stage import CHANGCHUN, Client, Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import confirmed, transfer

YANBIAN = "222401001"


# ------------------------------------------------------------ what is shown, and to whom


async def test_the_page_tells_why_who_what_was_done_and_what_comes_next(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line, friends=1, flags=frozenset({Flag.HARD_OF_HEARING}))
    page = await operator.get(f"/cases/{case.id}")
    assert page.status_code == 200
    for words in (
        *map(wording("zh", today=local_date(console.house.clock.now())).sentence, case.danger.reasons),
        "GOIP 设备来电",
        "首次向陌生账户付款",
        "¥30,000",
        "听力不便",
        "长春市",
        "上门劝阻",
    ):
        assert words in page.text
    assert 'class="countdown"' in page.text
    assert resident.name not in page.text
    assert resident.phones[0].value.removeprefix("+86") not in page.text
    assert resident.contacts[0].phone.removeprefix("+86") not in page.text
    assert resident.accounts[0].value not in page.text


async def test_the_header_says_whom_the_operator_calls_and_until_when(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    phone = resident.phones[0].value.removeprefix("+86")

    async def header() -> str:
        text = (await operator.get(f"/cases/{case.id}")).text
        return text.partition('<header id="head"')[2].partition("</header>")[0]

    before = await header()
    assert f"{masking.name(resident.name)} " in before
    assert f"{local_date(console.house.clock.now()).year - case.profile.birth_year} 岁" in before
    assert masking.phone(phone) in before.partition('id="call"')[2]
    assert "人工外呼剩余" not in before, "nobody has the case: its nearest deadline is shown"
    assert (await operator.post(f"/cases/{case.id}/claim")).status_code == 303
    await line.settle()
    assert "人工外呼剩余" in await header()
    who = await console.services.sessions.find(operator.token)
    assert who is not None
    await unmask.begin(console.services, who, case, unmask.Wish(RevealReason.CALLING, "回拨前核对身份"))
    revealed = await header()
    assert resident.name in revealed
    assert phone in revealed.partition('id="call"')[2]


async def test_reasons_and_places_are_told_in_the_page_s_language_and_chinese_that_is_left_is_marked_so(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    for language, why, place in (
        ("en", "On a call with a suspected GOIP gateway", "Changchun Nanguan District"),
        ("ko", "GOIP 의심 번호와 통화 중", "장춘시 남관구"),
    ):
        story = await operator.get(f"/cases/{case.id}/story", headers={"accept-language": language})
        assert why in story.text
        page = await operator.get(f"/cases/{case.id}", headers={"accept-language": language})
        assert why in page.text
        assert place in page.text
        reasons = page.text.partition('<ul class="reasons">')[2].partition("</ul>")[0]
        assert not re.search("[一-鿿]", reasons)


async def test_a_look_is_in_the_audit_and_the_parts_of_an_open_page_are_no_further_look(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    await operator.get(f"/cases/{case.id}")
    for part in ("parts", "story"):
        assert (await operator.get(f"/cases/{case.id}/{part}")).status_code == 200
    written = await audited(console, on=case.id)
    assert [(entry.by, entry.act) for entry in written] == [(operator.account.login, "look-case")]
    async with await console.signed_in(StaffRole.SUPERVISOR) as other:
        await other.get(f"/cases/{case.id}/parts")
    assert [entry.by for entry in await audited(console, on=case.id)][1:] == [other.account.login]


async def test_a_case_of_another_area_is_not_there_and_who_asks_cannot_tell(console: Stage, line: Line) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR, "2224") as foreign:
        for path in ("", "/parts", "/story", "/events"):
            there, nowhere = [await foreign.get(f"/cases/{name}{path}") for name in (case.id, f"r{'b' * 16}-1")]
            assert (there.status_code, nowhere.status_code) == (404, 404)
            texts = [re.sub(r"[0-9]+|r[a-z2-7]{16}", "", answer.text) for answer in (there, nowhere)]
            assert texts[0] == texts[1]
        assert (await send(foreign, case, "note", what="note", note="x")).status_code == 404
        assert (await foreign.post(f"/cases/{case.id}/undo", data={"undo": "x"})).status_code == 404
    assert await audited(console, on=case.id) == []


async def test_an_auditor_reads_a_case_and_cannot_act_on_it(console: Stage, line: Line) -> None:
    _, case = await red(line)
    async with await console.signed_in(StaffRole.AUDITOR) as auditor:
        page = await auditor.get(f"/cases/{case.id}")
        assert page.status_code == 200
        assert "data-act=" not in page.text
        assert (await send(auditor, case, "note", what="note", note="x")).status_code == 403


async def test_unmasked_the_data_is_readable_for_this_person_alone(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    who = await console.services.sessions.find(operator.token)
    assert who is not None
    await unmask.begin(console.services, who, case, unmask.Wish(RevealReason.CALLING, "核对身份"))
    page = await operator.get(f"/cases/{case.id}")
    assert resident.name in page.text
    assert resident.phones[0].value in page.text
    async with await console.signed_in(StaffRole.OPERATOR) as other:
        assert resident.phones[0].value not in (await other.get(f"/cases/{case.id}")).text


async def test_cases_of_the_same_campaign_are_named_in_the_area_and_counted_elsewhere(
    console: Stage, line: Line, operator: Client
) -> None:
    mule = line.account()
    await line.signal(confirmed(line, mule))
    here, near, far = await line.resident(), await line.resident(), await line.resident(division=YANBIAN)
    for each in (here, near, far):
        await line.signal(transfer(line, each, mule))
    cases = [await line.case(each) for each in (here, near, far)]
    assert len({case.danger.campaign for case in cases}) == 1

    async def known() -> bool:
        return all(case.id in console.services.hub.rows for case in cases)

    await until(known, SECONDS)
    page = (await operator.get(f"/cases/{cases[0].id}")).text
    assert f'href="/cases/{cases[1].id}"' in page
    assert cases[2].id not in page
    assert "其他辖区另有 1 起" in page


async def test_of_a_major_incident_the_page_has_what_all_are_to_say(
    console: Stage, line: Line, operator: Client
) -> None:
    mule = line.account()
    await line.signal(confirmed(line, mule))
    resident = await line.resident()
    await line.signal(transfer(line, resident, mule))
    case = await line.case(resident)
    incidents = console.services.line.incidents
    declared = Incident(
        id=f"m{secrets.token_hex(10)}",
        campaign=case.danger.campaign or "",
        area=CHANGCHUN,
        at=console.house.clock.now(),
        by="supervisor-1",
        reason="多人被同一账户骗",
        script="先问是否已经转账",
    )
    await incidents.put(declared)
    assert "先问是否已经转账" in (await operator.get(f"/cases/{case.id}")).text
    ended = {"ended_at": console.house.clock.now(), "ended_by": "supervisor-1"}
    await incidents.put(declared.model_copy(update=ended))
    assert "先问是否已经转账" not in (await operator.get(f"/cases/{case.id}")).text


async def test_another_case_of_the_resident_is_named(console: Stage, line: Line, operator: Client) -> None:
    resident, case = await red(line)
    other = case.model_copy(update={"id": f"{resident.id}-2", "number": 2, "state": CaseState.CLOSED})
    redis, partition = console.house.line.redis, home(resident.id, console.house.settings.partitions)
    await redis.hset(key("earlier", partition), other.id, other.model_dump_json())
    page = (await operator.get(f"/cases/{case.id}")).text
    assert f'href="/cases/{other.id}"' in page
    await redis.hdel(key("earlier", partition), other.id)


async def test_the_story_is_told_in_the_language_of_the_page(console: Stage, line: Line, operator: Client) -> None:
    _, case = await red(line)
    await line.advance(minutes=1)
    await send(operator, await latest(console, case), "note", what="note", note="她说在开会")
    page = (await operator.get(f"/cases/{case.id}/story")).text
    assert 'data-whole="yes"' in page
    for words in ("预警生成", "闪信提醒第 1 次", "备注：她说在开会"):
        assert words in page
    english = (await operator.get(f"/cases/{case.id}/story", headers={"accept-language": "en"})).text
    assert "Note: 她说在开会" in english
    assert "Opened" in english


async def test_the_story_names_people_instead_of_their_logins(console: Stage, line: Line, operator: Client) -> None:
    _, case = await red(line)
    assert (await operator.post(f"/cases/{case.id}/claim")).status_code < 400
    await line.settle()
    story = (await operator.get(f"/cases/{case.id}/story")).text
    assert f"{operator.account.name} 接手" in story
    assert operator.account.login not in story


# ------------------------------------------------------------ live


async def test_a_page_that_is_open_is_told_what_another_does_and_not_what_its_person_does(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    begun = asyncio.Event()

    async def listen() -> None:
        async with operator.stream("GET", f"/cases/{case.id}/events", timeout=60) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for text in stream.aiter_lines():
                if text.startswith("event: begin"):
                    begun.set()
                elif text.startswith("data: {"):
                    heard.put_nowait(orjson.loads(text.removeprefix("data: ")))

    task = asyncio.create_task(listen())
    try:
        await asyncio.wait_for(begun.wait(), SECONDS)
        await send(operator, case, "note", what="note", note="我写的")
        async with await console.signed_in(StaffRole.OPERATOR) as other:
            await send(other, case, "note", what="note", note="别人写的")
        told: list[dict[str, Any]] = []
        while not told or "别人写的" not in str(told[-1]["words"]):
            told.append(await asyncio.wait_for(heard.get(), SECONDS))
        assert told[-1]["grave"]
        assert "我写的" not in str(told)
        assert [each["own"]["refused"] for each in told if each["own"]] == [[]]  # taken, and that is told too
        assert [each["version"] for each in told] == sorted({int(str(each["version"])) for each in told})
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_the_stream_of_a_case_ends_when_the_case_leaves_the_readers_area(
    console: Stage, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_routes, "LOOK_SECONDS", 0.1)
    resident, case = await red(line)
    place = key("cases", home(resident.id, console.house.settings.partitions))
    stored = await console.house.line.redis.hget(place, resident.id)
    elsewhere = case.model_copy(update={"profile": case.profile.model_copy(update={"division": "220202001"})})
    async with await console.signed_in(StaffRole.OPERATOR, CHANGCHUN) as client:
        async with client.stream("GET", f"/cases/{case.id}/events", timeout=SECONDS) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "event: begin"
            await console.house.line.redis.hset(place, resident.id, elsewhere.model_dump_json())
            rest = [text async for text in lines if text.startswith("event:")]
        await console.house.line.redis.hset(place, resident.id, stored)
    assert rest == ["event: signed-out"], "the page loads again, and is told that there is no such case"


async def test_an_open_page_is_told_that_the_day_has_changed(
    console: Stage, line: Line, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_routes, "LOOK_SECONDS", 0.1)
    _, case = await red(line)
    async with operator.stream("GET", f"/cases/{case.id}/events", timeout=SECONDS) as stream:
        events = (text async for text in stream.aiter_lines() if text.startswith("event:"))
        assert await anext(events) == "event: begin"
        await asyncio.sleep(0.3)
        monkeypatch.setattr(case_routes, "local_date", lambda at: local_date(at + timedelta(days=1)))
        async with asyncio.timeout(SECONDS):
            while (event := await anext(events)) != "event: day":
                assert event == "event: change"


async def test_the_parts_of_an_open_page_show_what_has_become_of_the_case(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    await done(console, operator, case, "outcome", outcome="dissuaded", ground="relative")
    await line.settle()
    parts = (await operator.get(f"/cases/{case.id}/parts")).text
    assert "<html" not in parts
    assert "已劝阻" in parts
    assert 'id="act-call_again"' not in parts
