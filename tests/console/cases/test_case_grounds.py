"""No false success over HTTP: nothing is preset, the call decides what is offered, and refusals have codes."""

import re
import secrets

import pytest

from schemas.casework.cases import Case, CaseState
from schemas.levels import OutcomeGround
from tests.console.harness.case_forms import JSON, done, latest, red, send
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line


async def page_of(client: Client, case: Case) -> str:
    return (await client.get(f"/cases/{case.id}")).text


def outcomes(page: str) -> list[str]:
    return re.findall(r'name="outcome" value="([a-z_]+)"', page)


async def test_no_outcome_is_preset_and_the_call_decides_which_are_offered(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    page = await page_of(operator, case)
    assert outcomes(page) == ["already_defrauded", "false_alarm", "dissuaded"]
    assert not re.search(r'name="outcome"[^>]*checked', page)
    assert 'name="ground"' in page
    await done(console, operator, case, "note", what="no_answer")
    page = await page_of(operator, case)
    assert outcomes(page)[0] == "unreachable"
    assert "无人接听" in page
    await done(console, operator, case, "note", what="conversation")
    page = await page_of(operator, case)
    assert outcomes(page) == ["dissuaded", "not_persuaded", "already_defrauded", "false_alarm"]
    assert not re.search(r'name="outcome"[^>]*checked', page)
    assert 'name="ground"' not in page


async def test_dissuaded_without_a_talk_needs_a_ground_which_the_page_then_shows(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line)
    lacks = await send(operator, case, "outcome", outcome="dissuaded", headers=JSON)
    assert (lacks.status_code, lacks.json()["field"]) == (422, "ground")
    note = await send(operator, case, "outcome", outcome="dissuaded", ground="other", note="好", headers=JSON)
    assert (note.status_code, note.json()["field"]) == (422, "note")
    assert (await line.case(resident)).state is not CaseState.DISSUADED
    await done(console, operator, case, "outcome", outcome="dissuaded", ground="relative")
    await line.settle()
    after = await line.case(resident)
    assert (after.state, after.ground) == (CaseState.DISSUADED, OutcomeGround.RELATIVE)
    assert "依据：家属在场证实" in await page_of(operator, case)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ({"do": "outcome", "outcome": "dissuaded"}, "ground_missing"),
        ({"do": "outcome", "outcome": "dissuaded", "ground": "call"}, "ground_missing"),
        ({"do": "outcome", "outcome": "dissuaded", "ground": "other"}, "ground_needs_note"),
        ({"do": "answers", "script": "police", "answers": {"opening": "yes"}}, "no_talk_yet"),
    ],
)
async def test_a_program_is_refused_with_a_code(
    console: Stage, line: Line, operator: Client, act: dict[str, object], code: str
) -> None:
    _, case = await red(line)
    await line.settle()
    body = {"seen": (await latest(console, case)).version, "act": act}
    key = {"Idempotency-Key": secrets.token_hex(8), "content-type": "application/json"}
    answer = await operator.post(f"/api/v1/cases/{case.id}/acts", json=body, headers=key)
    assert (answer.status_code, answer.json()["why"]["code"]) == (409, code)


async def test_answers_are_locked_until_the_call_is_answered(console: Stage, line: Line, operator: Client) -> None:
    _, case = await red(line)
    for what in (None, "no_answer"):
        if what:
            await done(console, operator, case, "note", what=what)
        page = await page_of(operator, case)
        assert "接通后可用" in page
        assert not re.search(r'<button name="answer"[^>]* value="[a-z_]+" data-key', page)
    refused = await send(
        operator,
        await latest(console, case),
        "answers",
        script="police",
        question="opening",
        answer="yes",
        headers=JSON,
    )
    assert (refused.status_code, refused.json()["why"]["code"]) == (409, "no_talk_yet")
    await done(console, operator, case, "note", what="conversation")
    page = await page_of(operator, case)
    assert re.search(r'<button name="answer" value="[a-z_]+" data-key', page)


async def test_the_call_stands_in_the_header_once_with_its_time(console: Stage, line: Line, operator: Client) -> None:
    _, case = await red(line)
    await done(console, operator, case, "note", what="conversation")
    page = await page_of(operator, case)
    head = page[page.index('id="head"') : page.index('id="why"')]
    assert head.count("通话中") == 1
    assert re.search(r'data-state="connected".*<time class="elapsed" data-since="\d+"', head, re.DOTALL)
    await done(console, operator, case, "note", what="conversation_ended")
    assert 'data-state="ended"' in await page_of(operator, case)
