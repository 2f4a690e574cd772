"""Calls to the centre at the desk: real telephones ring, the page says who calls, and whoever was missed is called."""

import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx

from console.web.operator_calls.readiness import end_readiness
from schemas.channels.incoming_calls import IncomingCallReport
from schemas.people.staff import StaffRole
from streams.state.keys import CALL_BACKS, INCOMING_CALLS
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, SECONDS, red
from tests.console.harness.incoming_phone import incoming_phones
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line

NUMBER, MASKED_END = "19900001234", "1234"


async def nobody_waits(console: Stage) -> None:
    """Forget what another test has left."""
    await console.services.line.redis.delete(INCOMING_CALLS, CALL_BACKS)


async def send(client: Client, path: str, **fields: str) -> httpx.Response:
    """Send a form of the page."""
    return await client.post(path, data={"form": secrets.token_hex(10), **fields})


async def line_says(client: Client, language: str = "zh") -> str:
    """The line of calls to the centre, as the page shows it."""
    answer = await client.get("/incoming", headers={**JSON, "accept-language": language})
    html: str = answer.json()["html"]
    return html


async def banner(client: Client) -> str:
    """What stands above every page about the call of one's own telephone, "" without one."""
    async with client.stream("GET", "/news", headers={"accept": "text/event-stream"}) as stream:
        event = ""
        async for text in stream.aiter_lines():
            if text.startswith("event: "):
                event = text
            elif text.startswith("data:") and event == "event: incoming":
                return text
            elif event == "event: banner":  # comes after it
                return ""
    return ""


def shows(look: Callable[[], Awaitable[str]], words: str) -> Callable[[], Awaitable[bool]]:
    """Whether something says words by now."""

    async def said() -> bool:
        return words in await look()

    return said


async def test_a_stranger_who_calls_is_brought_to_a_ready_operator_with_the_form_and_the_number(
    console: Stage, operator: Client, tmp_path: Path
) -> None:
    await nobody_waits(console)
    async with incoming_phones(console, operator.account.login, tmp_path) as phones:
        assert 'aria-checked="false"' in await line_says(operator)
        phones.call()
        await until(shows(lambda: line_says(operator), "1 人在等候"), SECONDS)
        assert "1 waiting" in await line_says(operator, "en")
        assert "1명 대기 중" in await line_says(operator, "ko")
        assert await banner(operator) == ""
        assert (await send(operator, "/incoming/ready", ready="yes")).status_code == 303
        assert 'aria-checked="true"' in await line_says(operator)
        await until(shows(lambda: banner(operator), "通话中"), SECONDS)
        shown = await banner(operator)
        assert "未登记号码" in shown
        assert MASKED_END in shown
        assert NUMBER not in shown
        found = re.search(r"/incoming/(c[0-9a-f]{20})/open", shown)
        assert found
        async with await console.signed_in(StaffRole.OPERATOR) as colleague:
            assert await banner(colleague) == ""
            assert (await send(colleague, f"/incoming/{found[1]}/open")).status_code == 404
            assert (await send(colleague, f"/incoming/{found[1]}/acts", act="hang_up")).status_code == 404
        opened = await send(operator, f"/incoming/{found[1]}/open")
        assert opened.headers["location"] == f"/call-in/{found[1]}"
        page = (await operator.get(opened.headers["location"])).text
        assert MASKED_END in page
        assert NUMBER not in page
        assert (await send(operator, f"/incoming/{found[1]}/acts", act="fly")).status_code == 422
        assert (await send(operator, f"/incoming/{found[1]}/acts", act="hold")).status_code == 303
        await until(shows(lambda: banner(operator), "恢复通话"), SECONDS)
        assert (await send(operator, f"/incoming/{found[1]}/acts", act="hang_up")).status_code == 303
        await until(shows(lambda: _reversed(banner(operator)), "none"), SECONDS)
        assert (await send(operator, "/incoming/ready", ready="no")).status_code == 303
        assert 'aria-checked="false"' in await line_says(operator)
        assert "待回电" not in await line_says(operator)
    assert {"call-ready", "call-not-ready"} <= {each.act for each in await audited(console, on=operator.account.login)}


async def _reversed(text: Awaitable[str]) -> str:
    return "" if await text else "none"


async def test_a_resident_with_an_open_case_is_named_and_one_key_opens_the_case(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    await nobody_waits(console)
    resident, case = await red(line)
    user = resident.phones[0].value.removeprefix("+86")
    async with incoming_phones(console, operator.account.login, tmp_path, user=user) as phones:
        assert (await send(operator, "/incoming/ready", ready="yes")).status_code == 303
        phones.call()
        await until(shows(lambda: banner(operator), "在办预警"), SECONDS)
        shown = await banner(operator)
        assert resident.name not in shown  # masked
        assert resident.name[0] in shown
        found = re.search(r"/incoming/(c[0-9a-f]{20})/open", shown)
        assert found
        opened = await send(operator, f"/incoming/{found[1]}/open")
        assert opened.headers["location"] == f"/cases/{case.id}"


async def test_a_number_that_anybody_may_have_written_names_no_resident_and_opens_no_case(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    await nobody_waits(console)
    resident, _ = await red(line)
    user = resident.phones[0].value.removeprefix("+86")
    async with incoming_phones(console, operator.account.login, tmp_path, user=user, vouched="false") as phones:
        assert (await send(operator, "/incoming/ready", ready="yes")).status_code == 303
        phones.call()
        await until(shows(lambda: banner(operator), "号码未经网络核实"), SECONDS)
        shown = await banner(operator)
        assert "在办预警" not in shown
        found = re.search(r"/incoming/(c[0-9a-f]{20})/open", shown)
        assert found
        assert (await send(operator, f"/incoming/{found[1]}/open")).headers["location"] == "/call-in"


async def test_whoever_hung_up_is_called_back_by_one_operator_and_then_no_more(
    console: Stage, operator: Client, tmp_path: Path
) -> None:
    await nobody_waits(console)
    async with incoming_phones(console, operator.account.login, tmp_path) as phones:
        phones.call()
        await until(shows(lambda: line_says(operator), "1 人在等候"), SECONDS)
        phones.caller.press("b")
        await until(shows(lambda: line_says(operator), "待回电 1"), SECONDS)
        text = await line_says(operator)
        assert NUMBER not in text
        found = re.search(r"/call-backs/(c[0-9a-f]{20})", text)
        assert found
        async with await console.signed_in(StaffRole.OPERATOR) as colleague:  # has no telephone
            assert "/call-backs/" not in await line_says(colleague)
            assert (await send(colleague, f"/call-backs/{found[1]}")).status_code == 409
        assert (await send(operator, f"/call-backs/c{'0' * 20}")).status_code == 409
        placed = await send(operator, f"/call-backs/{found[1]}")
        assert placed.status_code == 303
        assert placed.headers["location"].startswith("/call-in/c")
        assert (await send(operator, f"/call-backs/{found[1]}")).status_code == 409  # is being called
        await until(shows(lambda: line_says(operator), "您正在回电"), SECONDS)

        async def both_talk() -> bool:
            return phones.caller.said().count("Call established") >= 2

        await until(both_talk, SECONDS)
        phones.caller.press("b")
        await until(shows(lambda: _absent(operator), "gone"), SECONDS)
    record = placed.headers["location"].rpartition("/")[2]
    assert "call-back" in {entry.act for entry in await audited(console, on=record)}


async def test_a_number_that_the_gateway_refuses_does_not_keep_others_from_being_called_back(
    console: Stage, operator: Client, tmp_path: Path
) -> None:
    await nobody_waits(console)
    board, now = console.services.incoming, console.house.clock.now()
    async with incoming_phones(console, operator.account.login, tmp_path, dials="+86199"):
        for number, caller in enumerate(("+442079460018", "+8619900001235"), 0x100):
            at = now + timedelta(seconds=number - 0x101)  # the number that cannot be dialled came first
            ended = {"call": f"c{number:020x}", "at": at, "sequence": 2, "state": "ended", "caller": caller}
            ended |= {"result": "abandoned", "call_back": True}
            assert await board.take(IncomingCallReport.model_validate(ended), at)
        foreign, other = board.requests_of("+442079460018")[0], board.requests_of("+8619900001235")[0]
        assert (await send(operator, f"/call-backs/{other}")).status_code == 409  # comes later
        assert (await send(operator, f"/call-backs/{foreign}")).status_code == 503
        assert f"/call-backs/{other}" in await line_says(operator)
        assert (await send(operator, f"/call-backs/{other}")).status_code == 303


async def _absent(client: Client) -> str:
    return "gone" if "待回电" not in await line_says(client) else ""


async def test_calls_ring_nobody_who_has_signed_out(console: Stage, tmp_path: Path) -> None:
    await nobody_waits(console)
    async with await console.signed_in(StaffRole.OPERATOR) as leaving:
        login = leaving.account.login
        async with incoming_phones(console, login, tmp_path):
            phones = console.services.phones
            assert phones is not None
            assert (await send(leaving, "/incoming/ready", ready="yes")).status_code == 303
            await end_readiness(console.services, phones)
            assert phones.is_ready(login)
            assert (await send(leaving, "/sign-out")).status_code == 303
            await end_readiness(console.services, phones)
            assert not phones.is_ready(login)


async def test_without_a_gateway_that_takes_calls_there_is_no_line(console: Stage, operator: Client) -> None:
    await nobody_waits(console)
    assert (await operator.get("/incoming", headers=JSON)).json() == {"state": "", "html": ""}
    assert (await send(operator, "/incoming/ready", ready="yes")).status_code == 409
    assert (await send(operator, f"/call-backs/c{'0' * 20}")).status_code == 404
    page = (await operator.get("/queue")).text
    assert 'data-from="/incoming"' in page
    officer = await console.signed_in(StaffRole.OFFICER)
    async with officer:
        assert (await officer.get("/incoming", headers=JSON)).status_code == 403
