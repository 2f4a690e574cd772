"""Mutes and the stop for all outgoing contact: a second look, a word typed, an area of one's own."""

import re
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from console.web.routes.cases.holds import PRESET_WORDS
from domain.desk.hold_presets import PRESETS
from schemas.casework.events import FactKind
from schemas.casework.inputs import Hold
from schemas.errors import UserError
from schemas.levels import Action
from schemas.people.staff import StaffRole
from streams.operations import rules
from tests.console.harness.audit import audited, unaudited
from tests.console.harness.stage import Client, Stage, first_banner
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app

SEEN_SECONDS = 10.0


@pytest_asyncio.fixture(loop_scope="session")
async def line(console: Stage) -> AsyncIterator[Line]:
    """The residents of one test; no hold is left behind."""
    begun = console.line()
    try:
        yield begun
    finally:
        for hold in await rules.holds_in_force(begun.house.line):
            await rules.lift(begun.house.line, hold.id, "test", "the test is over", "drop")
        await begun.settle()
        await begun.end()


def form(**fields: str) -> dict[str, str]:
    return {"form": secrets.token_hex(10), "for": "1h", "reason": "网关故障", **fields}


async def in_force(console: Stage) -> list[Hold]:
    return await rules.holds_in_force(console.house.line)


async def seen(console: Stage, line: Line) -> None:
    """Return when the console has what the journal tells of this test's cases."""
    cases = [await line.case(each) for each in line.residents]

    async def there() -> bool:
        rows = console.services.hub.rows
        return all(case.id in rows and rows[case.id].case.version >= case.version for case in cases)

    await until(there, SEEN_SECONDS)


async def everything(client: Client, **more: str) -> int:
    answer = await client.post("/holds", data=form(kind="everything", area="2201", **more))
    return answer.status_code


async def test_a_usual_hold_fills_in_the_form_and_its_reason_can_be_changed(console: Stage) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        page = (await client.get("/holds")).text
        assert re.findall(r'href="/holds\?preset=([a-z-]+)#mute" data-key="(\d)"', page) == [
            (preset.id, str(n)) for n, preset in enumerate(PRESETS, 1)
        ]
        for preset in PRESETS:
            page = (await client.get(f"/holds?preset={preset.id}")).text
            form = page.partition('name="kind" value="mute"')[2].partition("</form>")[0]
            reason = PRESET_WORDS[preset.id][1]
            assert reason in form
            assert form.count(" selected") == 2, "its channel or action, and its duration"
            assert ("checked" in form) is preset.spare_red
            assert reason not in page.partition('value="everything"')[2]
        english = (await client.get("/holds?preset=sms-down", headers={"accept-language": "en"})).text
        assert "waiting for the carrier" in english
        assert (await client.get("/holds?preset=nothing")).status_code == 200
    assert await in_force(console) == []


async def test_an_operator_reads_holds_and_chooses_none(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert "preset=" not in (await client.get("/holds?preset=sms-down")).text


async def test_the_second_look_says_how_many_cases_and_steps_a_mute_would_touch(console: Stage, line: Line) -> None:
    for _ in range(2):
        await line.signal(scam_app(line, await line.resident()))
    await seen(console, line)
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        answer = await client.post("/holds/look", data=form(kind="mute", channel="phone"))
    cases, steps = re.findall(r"(\d+) 条在办预警、(\d+) 个", answer.text)[0]
    assert int(cases) >= 2
    assert int(steps) >= int(cases)
    assert await in_force(console) == []


async def test_a_mute_says_what_it_holds_back_in_the_words_of_its_reader(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        given = form(kind="mute", scam_type="brushing")
        chinese = (await client.post("/holds/look", data=given)).text
        assert "诈骗类型：刷单返利" in chinese
        assert re.search(r"红色预警也不联系（其中 \d+ 条）", chinese)
        english = (await client.post("/holds/look", data=given, headers={"accept-language": "en"})).text
        assert "Task scam" in english


async def test_a_mute_is_set_once_however_often_its_form_is_sent_and_lets_go_when_it_is_lifted(
    console: Stage, line: Line
) -> None:
    resident = await line.resident()
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        given = form(kind="mute", channel="sms")
        for _ in range(2):
            assert (await client.post("/holds", data=given)).status_code == 303
        (hold,) = await in_force(console)
        assert (hold.channel, hold.area, hold.by) == ("sms", "2201", client.account.login)
        await line.signal(scam_app(line, resident))
        await line.advance(minutes=6)
        assert await line.facts(resident, FactKind.HELD)
        await seen(console, line)
        held = (await client.get("/holds")).text
        (cases,) = re.findall(r"现在压着 (\d+) 条预警", held)
        assert int(cases) >= 1
        assert f'href="/cases/{(await line.case(resident)).id}"' in held
        given = form(what="release", reason="网关已恢复")
        assert (await client.post(f"/holds/{hold.id}/lift", data=given)).status_code == 303
    await line.settle()
    line.expect(Action.SMS, resident)
    assert {entry.act for entry in await audited(console, on=hold.id)} == {"hold-set", "hold-release"}


async def test_no_hold_is_set_or_lifted_without_its_audit_entry_which_says_what_is_intended(
    console: Stage, monkeypatch: pytest.MonkeyPatch, line: Line
) -> None:
    given, lifting = form(kind="mute", channel="visit"), form(what="drop", reason="道路已通")
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        with monkeypatch.context() as away:
            unaudited(away)
            assert (await client.post("/holds", data=given)).status_code == 503
        await line.settle()
        assert await in_force(console) == []
        assert (await client.post("/holds", data=given)).status_code == 303
        (hold,) = await in_force(console)
        with monkeypatch.context() as away:
            unaudited(away)
            assert (await client.post(f"/holds/{hold.id}/lift", data=lifting)).status_code == 503
        await line.settle()
        assert await in_force(console) == [hold]
        (entry,) = await audited(console, on=hold.id)
        assert (entry.act, entry.reason, entry.detail) == ("hold-set", "网关故障", "channel=visit, area=2201, for=1h")


async def test_a_hold_that_ends_while_it_is_lifted_leaves_an_entry_that_says_so(
    console: Stage, monkeypatch: pytest.MonkeyPatch, line: Line
) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        assert (await client.post("/holds", data=form(kind="mute", channel="visit"))).status_code == 303
        (hold,) = await in_force(console)

        async def ended(*_: object) -> None:
            raise UserError("no such hold is in force")

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(rules, "lift", ended)
            given = form(what="drop", reason="道路已通")
            assert (await client.post(f"/holds/{hold.id}/lift", data=given)).status_code == 404
        assert [entry.act for entry in await audited(console, on=hold.id)] == ["hold-set", "hold-drop", "hold-failed"]


async def test_the_stop_for_everything_needs_the_word(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        assert await everything(client, word="好") == 422
        assert await in_force(console) == []
        assert await everything(client, word="全部停止") == 303
        (hold,) = await in_force(console)
        assert (hold.channel, hold.action, hold.area, hold.spare_red) == (None, None, "2201", False)


async def test_the_stop_for_everything_stands_above_every_page_of_its_area_and_a_mute_does_not(
    console: Stage, line: Line
) -> None:
    async with (
        await console.signed_in(StaffRole.SUPERVISOR) as chief,
        await console.signed_in(StaffRole.OPERATOR) as operator,
        await console.signed_in(StaffRole.OPERATOR, area="2224") as elsewhere,
    ):
        assert (await chief.post("/holds", data=form(kind="mute", channel="sms"))).status_code == 303
        assert "停止全部外呼" not in await first_banner(operator)
        assert await everything(chief, word="全部停止", reason="网关被盗用") == 303
        told = await first_banner(operator)
        assert all(words in told for words in ("停止全部外呼", "红色预警也不联系", "网关被盗用", "长春市"))
        assert "停止全部外呼" not in await first_banner(elsewhere)


async def test_a_mute_that_names_nothing_is_refused(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        answer = await client.post("/holds/look", data=form(kind="mute"))
        assert (answer.status_code, "“停止全部外呼和止付”的表单" in answer.text) == (422, True)


async def test_nobody_sets_or_lifts_a_hold_outside_of_his_area(console: Stage, line: Line) -> None:
    async with (
        await console.signed_in(StaffRole.SUPERVISOR) as here,
        await console.signed_in(StaffRole.SUPERVISOR, area="2224") as there,
    ):
        given = form(kind="mute", channel="sms", area="2201")
        assert (await there.post("/holds", data=given)).status_code == 404
        assert (await here.post("/holds", data=given)).status_code == 303
        (hold,) = await in_force(console)
        lifted = await there.post(f"/holds/{hold.id}/lift", data=form(what="drop"))
        assert lifted.status_code == 404
        assert hold.id not in (await there.get("/holds")).text


async def test_operators_see_holds_and_set_none(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        page = await client.get("/holds")
        assert (page.status_code, 'action="/holds/look"' in page.text) == (200, False)
        assert (await client.post("/holds", data=form(kind="mute", channel="sms"))).status_code == 403
