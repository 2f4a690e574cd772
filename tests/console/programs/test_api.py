"""The API as another program uses it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from httpx import Response

from console.web.auth import tokens
from console.web.case import acts, answers
from schemas.casework.cases import Case
from schemas.codes.people import Noted
from schemas.people.staff import Scope, StaffRole
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

API = "/api/v1"


async def red(line: Line) -> Case:
    """A red case of somebody new."""
    somebody = await line.resident()
    await line.signal(call(line, somebody, ongoing=True), transfer(line, somebody, line.account()))
    await line.settle()
    return await line.case(somebody)


async def note(client: Client, case: Case, key: str, seen: int | None = None, words: str = "a note") -> Response:
    body = {"act": {"do": "note", "what": "note", "note": words}, "seen": seen or case.version}
    return await client.post(f"{API}/cases/{case.id}/acts", json=body, headers={"Idempotency-Key": key})


async def act(
    client: Client, case: Case, what: dict[str, Any], seen: int | None = None, *, anyway: str | None = None
) -> Response:
    """One act under a key of its own."""
    body = {"act": what, "seen": seen or case.version, "anyway": anyway}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    return await client.post(f"{API}/cases/{case.id}/acts", json=body, headers=headers)


async def events(answer: Response) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """Each event of a stream: its name, its id, its data."""
    found: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            found[name] = value
        elif "data" in found:
            yield found["event"], found["id"], orjson.loads(found["data"])
            found = {}


async def test_open_cases_are_told_a_page_at_a_time(console: Stage) -> None:
    line = console.line()
    made = {(await red(line)).id for _ in range(3)}
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        told, after = set[str](), ""
        while after is not None:
            page = (await client.get(f"{API}/cases", params={"most": 2, "after": after})).json()
            told |= {case["id"] for case in page["cases"]}
            assert len(page["cases"]) <= 2
            after = page["next"]
    assert made <= told


@pytest.mark.parametrize(
    "decision",
    [
        {"do": "approve_stop", "order": "stop.0"},
        {"do": "decline_stop", "order": "stop.0", "reason": "因测试"},
        {"do": "hand_over_stop", "order": "stop.0", "decision": "冻字1号", "authority": "某公安局"},
        {"do": "decide_objection", "objection": "a", "upheld": True, "reason": "因测试", "cause": "other"},
    ],
)
async def test_a_session_decides_on_a_stop_at_the_release_desk_alone_where_it_is_asked_again_who_acts(
    console: Stage, decision: dict[str, Any]
) -> None:
    case = await red(console.line())
    for role in (StaffRole.OPERATOR, StaffRole.SUPERVISOR):
        async with await console.signed_in(role) as client:
            assert (await act(client, case, decision)).status_code == 403


async def test_a_case_of_another_prefecture_is_not_told_apart_from_none(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR, "2202") as client:
        client.headers["accept"] = "application/json"
        elsewhere, nowhere = [await client.get(f"{API}/cases/{each}") for each in (case.id, f"{case.resident}-99")]
        listed = (await client.get(f"{API}/cases")).json()["cases"]
    assert (elsewhere.status_code, elsewhere.content) == (404, nowhere.content)
    assert case.id not in {each["id"] for each in listed}


async def test_an_act_sent_again_under_its_key_counts_once_and_is_answered_as_before(console: Stage) -> None:
    line = console.line()
    case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        first = await note(client, case, "the-same-key")
        again = await note(client, case, "the-same-key")
        after = (await client.get(f"{API}/cases/{case.id}")).json()
    assert (first.status_code, again.status_code, again.json()["answer"]) == (200, 200, "done")
    assert after["version"] == again.json()["version"]
    noted = [fact for fact in await line.facts(line.residents[0]) if fact.what == Noted("a note")]
    assert len(noted) == 1


async def test_an_act_that_was_not_answered_in_time_is_answered_when_it_is_sent_again(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = console.line()
    case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        with monkeypatch.context() as impatient:
            impatient.setattr(answers, "ANSWER_SECONDS", 0.0)
            first = await note(client, case, "not-in-time", case.version)
        await line.settle()
        again = await note(client, case, "not-in-time", case.version)
    assert (first.status_code, again.status_code) == (202, 200)


async def test_a_refused_act_sent_again_under_its_key_is_refused_as_before(console: Stage) -> None:
    line = console.line()
    case = await red(line)
    body = {"act": {"do": "lower", "level": "red", "reason": "looked into"}, "seen": case.version}
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        first, again = [
            await client.post(f"{API}/cases/{case.id}/acts", json=body, headers={"Idempotency-Key": "not-lower"})
            for _ in range(2)
        ]
    assert (first.status_code, again.status_code) == (409, 409)
    assert first.json()["words"] == again.json()["words"]


async def test_what_the_journal_tells_late_of_a_version_is_waited_for_and_what_it_does_not_tell_is_missing(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = console.line()
    case = await red(line)
    (*_, latest) = await line.events(line.residents[0])
    ahead = case.model_copy(update={"version": case.version + 1})  # as the store has it first
    late = latest.model_copy(update={"case": ahead, "input": "late"})
    monkeypatch.setattr(acts, "LATE_SECONDS", 20.0)
    asyncio.get_running_loop().call_later(0.2, console.services.stories.receive, late)
    told = await acts.news(console.services, ahead, case.version)
    assert ([each.version for each in told.told], told.whole) == ([ahead.version], True)
    further = ahead.model_copy(update={"version": ahead.version + 1})
    monkeypatch.setattr(acts, "LATE_SECONDS", 0.1)
    told = await acts.news(console.services, further, ahead.version)
    assert ([each.version for each in told.told], told.whole) == ([], False)


async def test_an_act_on_what_has_changed_meanwhile_is_refused_with_409(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await note(client, case, "something-happens")
        lowered = {"act": {"do": "lower", "level": "yellow", "reason": "looked into"}, "seen": case.version}
        late = await client.post(f"{API}/cases/{case.id}/acts", json=lowered, headers={"Idempotency-Key": "lower-it"})
    told = late.json()
    assert (late.status_code, told["answer"]) == (409, "refused")
    facts = [(fact["kind"], fact["what"]) for each in told["changes"] for fact in each["facts"]]
    assert ("note", {"code": "noted", "text": "a note"}) in facts
    assert "备注：a note" in [words for each in told["changes"] for words in each["words"]]
    assert (told["why"]["code"], "已经更新" in told["words"]) == ("case_changed", True)
    assert all(each["version"] > case.version for each in told["changes"])
    assert told["ask"] is None


async def test_after_a_look_at_what_has_changed_the_version_that_was_told_is_taken(console: Stage) -> None:
    line = console.line()
    case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await note(client, case, "something-happens")
        late = await act(client, case, {"do": "send_officer", "reason": "not reached"}, case.version)
        await line.settle()
        again = await act(client, case, {"do": "send_officer", "reason": "not reached"}, late.json()["version"])
    assert (late.status_code, again.status_code) == (409, 200)


async def test_a_claim_takes_the_case_until_it_is_given_back(console: Stage) -> None:
    case = await red(console.line())
    first, second = [await console.signed_in(StaffRole.OPERATOR) for _ in range(2)]
    took = [(await act(each, case, {"do": "claim"})).status_code for each in (first, first, second)]
    assert (took, await console.services.desk.leased([case.id])) == ([200, 200, 409], [True])
    assert (await first.get(f"{API}/cases/{case.id}")).json()["claimed_by"] == first.account.login
    assert (await act(first, case, {"do": "unclaim"})).status_code == 200
    assert (await act(second, case, {"do": "claim"})).status_code == 200
    for each in (first, second):
        await each.aclose()


async def test_acting_on_a_case_that_another_has_is_asked_about_with_what_changed(console: Stage) -> None:
    line = console.line()
    case = await red(line)
    first, second = [await console.signed_in(StaffRole.OPERATOR) for _ in range(2)]
    assert (await act(first, case, {"do": "claim"})).status_code == 200
    await line.settle()
    officer = {"do": "send_officer", "reason": "not reached"}
    asked = await act(second, case, officer)
    told = asked.json()
    assert (asked.status_code, told["ask"]) == (409, "anyway")
    assert "claimed" in {fact["kind"] for each in told["changes"] for fact in each["facts"]}
    assert (await act(second, case, officer, told["version"])).status_code == 409
    assert (await act(second, case, officer, told["version"], anyway="the colleague has left")).status_code == 200
    for each in (first, second):
        await each.aclose()


async def test_a_stream_that_broke_off_goes_on_without_missing_anything(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        async with client.stream("GET", f"{API}/stream") as answer:
            stream = events(answer)
            name, place, _ = await anext(stream)
            assert name == "begin"
        written = [(await note(client, case, f"while-away-{number}")).json()["version"] for number in range(3)]
        told = list[int]()
        async with (
            client.stream("GET", f"{API}/stream", headers={"Last-Event-ID": place}) as answer,
            asyncio.timeout(20),
        ):
            async for name, _, data in events(answer):
                told += [data["case"]["version"]] if name == "case" and data["case"]["id"] == case.id else []
                if told and told[-1] >= written[-1]:
                    break
    assert told == list(range(told[0], written[-1] + 1))
    assert told[0] <= written[0]


async def test_a_stream_tells_nothing_more_once_its_session_has_ended(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.web.routes.programs.api.LOOK_SECONDS", 0.0)
    case = await red(console.line())
    async with (
        await console.signed_in(StaffRole.OPERATOR) as listening,
        await console.signed_in(StaffRole.OPERATOR) as working,
        listening.stream("GET", f"{API}/stream") as answer,
        asyncio.timeout(20),
    ):
        stream = events(answer)
        assert (await anext(stream))[0] == "begin"
        first = (await note(working, case, "while-let-in")).json()["version"]
        async for _, _, data in stream:
            if (data["case"]["id"], data["case"]["version"]) == (case.id, first):
                break
        await console.services.sessions.end(listening.token)
        await note(working, case, "after-the-end")
        assert [event async for event in stream] == []


async def test_the_description_names_every_act(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR) as client:
        described = (await client.get(f"{API}/openapi.json")).json()
    assert f"{API}/cases/{{case_id}}/acts" in described["paths"]
    assert "OutcomeAct" in described["components"]["schemas"]
    rung = described["paths"][f"{API}/calls"]["post"]["responses"]
    assert {status for status in rung if status < "300"} == {"202"}


async def _token(console: Stage, *scopes: Scope) -> dict[str, str]:
    """The header of a program with a token of these scopes."""
    account, now = await console.account(StaffRole.SERVICE), datetime.now(UTC)
    wish = tokens.TokenWish("a test", scopes, now + timedelta(hours=1), "admin", "second")
    token, kept = tokens.make(account, wish, now)
    await console.services.staff.put_token(kept)
    return {"authorization": f"Bearer {token}"}


async def test_a_program_gets_what_people_wrote_only_if_its_token_was_granted_words_and_without_numbers(
    console: Stage,
) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        async with client.stream("GET", f"{API}/stream") as answer:
            _, place, _ = await anext(events(answer))
        assert (await note(client, case, "to-programs", words="女儿 13900000001")).status_code == 200
    facts = {}
    for scopes in ([Scope.FOLLOW_CASES], [Scope.FOLLOW_CASES, Scope.WORDS]):
        headers = await _token(console, *scopes) | {"Last-Event-ID": place}
        async with (
            httpx.AsyncClient(base_url=console.address) as program,
            program.stream("GET", f"{API}/stream", headers=headers) as answer,
            asyncio.timeout(20),
        ):
            facts[len(scopes)] = await _noted(answer, case)
    assert facts[1] == [{"kind": "note", "what": {"code": "noted"}}]
    said = "女儿 *******0001"
    assert facts[2] == [{"kind": "note", "what": {"code": "noted", "text": said}, "words": f"备注：{said}"}]


async def _noted(answer: Response, case: Case) -> list[dict[str, Any]]:
    """The facts that are notes in the first event of a case that has one."""
    async for name, _, data in events(answer):
        told = [each for each in data["facts"] if each["what"]["code"] == "noted"] if name == "case" else []
        if told and data["case"]["id"] == case.id:
            return told
    raise AssertionError("the stream ended without a note")
