"""Calls from the operator's own telephone: the voice gateway rings a real one, and its reports reach the case page."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from schemas.casework.acts import CloseAct
from schemas.casework.cases import Case, CaseState
from schemas.levels import CallResult
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, SECONDS, red
from tests.console.harness.desk_phone import desk_phone
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.tools.gateway.sipp import answering, refusing_every, ringing


async def state(client: Client, case: Case) -> dict[str, str | bool]:
    """How the call stands, as the page asks for it."""
    found: dict[str, str | bool] = (await client.get(f"/cases/{case.id}/call", headers=JSON)).json()
    return found


async def page_says(client: Client, case: Case, words: str) -> None:
    """Wait until the page's parts say it."""

    async def said() -> bool:
        return words in (await client.get(f"/cases/{case.id}/parts")).text

    await until(said, SECONDS)


async def calls(client: Client, case: Case) -> int:
    return (await client.post(f"/cases/{case.id}/call", headers=JSON)).status_code


async def acts(client: Client, case: Case, act: str) -> int:
    answer = await client.post(f"/cases/{case.id}/call-acts", data={"act": act}, headers=JSON)
    return answer.status_code


def _applied(line: Line, resident: Resident, true: Callable[[Case], bool]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return true(await line.case(resident))

    return look


async def test_the_call_rings_the_operators_telephone_and_the_case_follows_it_to_its_end(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    resident, case = await red(line)
    async with desk_phone(console, operator.account.login, tmp_path, answering()) as (phone, trunk):
        assert "data-phone-url" in (await operator.get(f"/cases/{case.id}")).text
        began = time.monotonic()
        assert await calls(operator, case) == 202
        await page_says(operator, case, "通话中")
        assert time.monotonic() - began < 3
        assert 'data-call-act="hang_up"' in (await operator.get(f"/cases/{case.id}/parts")).text
        await until(_applied(line, resident, lambda case: case.state is CaseState.IN_CONVERSATION), SECONDS)
        after = await line.case(resident)
        assert after.claimed_by == operator.account.login
        assert after.desk_call is not None
        assert (after.desk_call.result, after.desk_call.by) == (CallResult.ANSWERED, operator.account.login)
        assert await calls(operator, case) == 409
        assert await acts(operator, case, "hold") == 200
        await page_says(operator, case, "保持中")
        assert await acts(operator, case, "resume") == 200
        await page_says(operator, case, 'data-call-act="hold"')
        async with await console.signed_in(StaffRole.SUPERVISOR) as colleague:  # sees it, and cannot end it
            assert "通话中" in (await colleague.get(f"/cases/{case.id}/parts")).text
            assert await acts(colleague, case, "hang_up") == 409
        phone.press("b")  # the operator puts the telephone down
        await page_says(operator, case, "已挂断")
        assert (await state(operator, case))["goes_on"] is False
        await until(_applied(line, resident, lambda case: bool(case.desk_call and not case.desk_call.goes_on)), SECONDS)
        assert trunk.invites() == 1
    assert "look-call" in {entry.act for entry in await audited(console, on=case.id)}
    english = await operator.get(f"/cases/{case.id}", headers={"accept-language": "en"})
    assert "data-phone-url" not in english.text  # without a gateway everything is as before


async def test_a_resident_who_is_busy_is_so_in_the_case_by_the_gateways_word(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    resident, case = await red(line)
    async with desk_phone(console, operator.account.login, tmp_path, refusing_every(486)):
        assert await calls(operator, case) == 202
        await page_says(operator, case, "已挂断（占线）")
        await until(_applied(line, resident, lambda case: case.desk_call is not None), SECONDS)
        call = (await line.case(resident)).desk_call
        assert (call and call.result) is CallResult.BUSY
        for language, words in (("en", "Hung up (busy)"), ("ko", "전화 끊음(통화 중)")):
            page = await operator.get(f"/cases/{case.id}", headers={"accept-language": language})
            assert words in page.text
        assert await calls(operator, case) == 202  # and again, if the operator wants


async def test_while_it_rings_nobody_calls_a_second_time_and_hanging_up_leaves_no_word_in_the_case(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    resident, case = await red(line)
    async with desk_phone(console, operator.account.login, tmp_path, ringing()) as (_, trunk):
        assert await calls(operator, case) == 202
        await page_says(operator, case, "呼叫居民")
        async with await console.signed_in(StaffRole.SUPERVISOR) as colleague:
            assert await calls(colleague, case) == 409
        assert await acts(operator, case, "hold") == 409  # nobody talks
        assert await acts(operator, case, "fly") == 422
        known = await state(operator, case)
        asked = asyncio.create_task(operator.get(f"/cases/{case.id}/call", params=known, headers=JSON))
        await asyncio.sleep(0.5)
        assert not asked.done()  # it waits for a change
        assert await acts(operator, case, "hang_up") == 200
        changed = (await asyncio.wait_for(asked, 2)).json()
        assert (changed["goes_on"], changed["state"] == known["state"]) == (False, False)
        await page_says(operator, case, "已挂断（未接通）")
        assert trunk.invites() == 1
    await line.settle()
    assert (await line.case(resident)).desk_call is None


async def test_who_has_no_telephone_is_told_so_and_records_calls_as_before(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    _, case = await red(line)
    async with desk_phone(console, "somebody-else", tmp_path, ringing()) as (_, trunk):
        page = (await operator.get(f"/cases/{case.id}")).text
        assert "未给您配置座机" in page
        assert 'value="no_answer"' in page
        assert "data-phone-url" not in page
        answer = await operator.post(f"/cases/{case.id}/call", headers=JSON)
        assert (answer.status_code, answer.json()["error"]) == (409, "no_phone")
        assert trunk.invites() == 0


async def test_the_number_of_the_resident_never_reaches_the_browser(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    resident, case = await red(line)
    number = resident.phones[0].value
    async with desk_phone(console, operator.account.login, tmp_path, answering()) as (_, trunk):
        answer = await operator.post(f"/cases/{case.id}/call", headers=JSON)
        await page_says(operator, case, "通话中")
        shown = [answer.text, (await operator.get(f"/cases/{case.id}")).text, str(await state(operator, case))]
        assert number.removeprefix("+86") in trunk.read()
        assert not [text for text in shown if number.removeprefix("+86") in text]
        assert await acts(operator, case, "hang_up") == 200
        await page_says(operator, case, "已挂断")


async def test_without_an_answer_of_the_gateway_nothing_is_said_to_ring(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    _, case = await red(line)
    async with desk_phone(console, operator.account.login, tmp_path, ringing()):
        phones = console.services.phones
        assert phones is not None
        phones._url = "http://127.0.0.1:1"  # the gateway is gone
        answer = await operator.post(f"/cases/{case.id}/call", headers=JSON)
        assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
        assert (await state(operator, case)) == {"state": "", "goes_on": False}


async def test_a_talk_whose_gateway_is_gone_ends_by_the_operators_word(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    resident, case = await red(line)
    async with desk_phone(console, operator.account.login, tmp_path, answering()):
        assert await calls(operator, case) == 202
        await page_says(operator, case, "通话中")
        await until(_applied(line, resident, lambda case: case.desk_call is not None), SECONDS)
        phones = console.services.phones
        assert phones is not None
        phones._url = "http://127.0.0.1:1"
        answer = await operator.post(f"/cases/{case.id}/call-acts", data={"act": "hang_up"}, headers=JSON)
        assert answer.status_code == 200
        assert answer.json()["words"] == "话务网关没有回答，已登记为结束。请挂上座机。"
        await until(_applied(line, resident, lambda case: bool(case.desk_call and not case.desk_call.goes_on)), SECONDS)


async def test_an_act_that_the_gateway_does_not_answer_is_not_called_impossible(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    _, case = await red(line)
    async with desk_phone(console, operator.account.login, tmp_path, answering()):
        assert await calls(operator, case) == 202
        await page_says(operator, case, "通话中")
        phones = console.services.phones
        assert phones is not None
        address, phones._url = phones._url, "http://127.0.0.1:1"
        answer = await operator.post(f"/cases/{case.id}/call-acts", data={"act": "hold"}, headers=JSON)
        assert (answer.status_code, answer.json()["words"]) == (200, "话务网关没有回答，可能已经执行：请看通话状态。")
        assert (await state(operator, case))["goes_on"] is True
        phones._url = address
        assert await acts(operator, case, "hang_up") == 200


async def test_a_closed_case_rings_no_telephone(console: Stage, line: Line, operator: Client, tmp_path: Path) -> None:
    resident, case = await red(line)
    await line.operator(resident, CloseAct(reason="重复预警"))
    async with desk_phone(console, operator.account.login, tmp_path, answering()) as (_, trunk):
        answer = await operator.post(f"/cases/{case.id}/call", headers=JSON)
        assert (answer.status_code, answer.json()["error"]) == (409, "closed")
        assert trunk.invites() == 0
