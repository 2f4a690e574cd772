"""The API as another program uses it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from httpx import Response

from schemas.cases import Case
from schemas.staff import StaffRole
from tests.console.stage import Client, Stage
from tests.line.rig import Line
from tests.line.signals import call, transfer

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


async def test_a_case_of_another_prefecture_is_not_told_apart_from_none(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR, "2202") as client:
        client.headers["accept"] = "application/json"
        elsewhere, nowhere = [await client.get(f"{API}/cases/{each}") for each in (case.id, f"{case.resident}-99")]
        listed = (await client.get(f"{API}/cases")).json()["cases"]
    assert (elsewhere.status_code, elsewhere.content) == (404, nowhere.content)
    assert case.id not in {each["id"] for each in listed}


async def test_an_act_sent_again_under_its_key_counts_once(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        first = await note(client, case, "the-same-key")
        again = await note(client, case, "the-same-key")
        after = (await client.get(f"{API}/cases/{case.id}")).json()
    assert (first.status_code, again.status_code) == (200, 202)
    assert after["version"] == first.json()["version"]


async def test_an_act_on_what_has_changed_meanwhile_is_refused_with_409(console: Stage) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        await note(client, case, "something-happens")
        lowered = {"act": {"do": "lower", "level": "yellow", "reason": "looked into"}, "seen": case.version}
        late = await client.post(f"{API}/cases/{case.id}/acts", json=lowered, headers={"Idempotency-Key": "lower-it"})
    assert late.status_code == 409
    assert late.json()["words"]


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


async def test_the_description_names_every_act(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR) as client:
        described = (await client.get(f"{API}/openapi.json")).json()
    assert f"{API}/cases/{{case_id}}/acts" in described["paths"]
    assert "OutcomeAct" in described["components"]["schemas"]
