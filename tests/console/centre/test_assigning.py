"""A supervisor gives a case to an operator who is signed in: told, audited, and never over a claim of another."""

import asyncio
import re
from datetime import timedelta

import httpx
import pytest

from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.codes.people import CaseAssigned, CaseReassigned
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON
from tests.console.harness.stage import Client, Stage
from tests.console.harness.stops import caught_up
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

AREA, SECONDS = "220102", 15.0
SHORT = timedelta(seconds=2)
CHIEF, OPERATOR = StaffRole.SUPERVISOR, StaffRole.OPERATOR


async def waits(console: Stage, line: Line) -> tuple[Resident, Case]:
    """A red case that waits for an operator, as the console knows it."""
    resident = await line.resident(division=f"{AREA}001")
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    await line.advance(seconds=90)
    case = await line.case(resident)
    await caught_up(console, case)
    return resident, case


async def assign(client: Client, case: Case, to: str, **more: str) -> httpx.Response:
    return await client.post(f"/cases/{case.id}/assign", data={"to": to, **more})


def offered(page: str, case: Case) -> list[str]:
    """Who can be chosen for a case in the list of what needs the supervisor: in the one list for the cases that are
    ticked, or by the case's own button.
    """
    if f'name="case" value="{case.id}"' in page:
        several = page.partition('id="assign-several"')[2].partition("</form>")[0]
        return re.findall(r'<option value="([^"]+)"', several)
    form = page.partition(f'action="/cases/{case.id}/assign"')[2].partition("</form>")[0]
    return re.findall(r'name="to" value="([^"]+)"', form)


async def banner(client: Client) -> str:
    """What the stream of news tells of assigned cases."""
    async with client.stream("GET", "/news", headers={"accept": "text/event-stream"}) as stream:
        lines = stream.aiter_lines()
        async for text in lines:
            if text == "event: assigned":
                return await anext(lines)
    raise AssertionError("no news")


async def test_an_unclaimed_case_is_given_to_an_operator_who_is_told_and_it_is_audited(
    console: Stage, line: Line
) -> None:
    resident, case = await waits(console, line)
    async with await console.signed_in(CHIEF, AREA) as chief, await console.signed_in(OPERATOR, AREA) as li:
        login = li.account.login
        assert login in offered((await chief.get("/desk")).text, case)
        answer = await assign(chief, case, login)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/desk?told={case.id}")
        assert f"已指派给 {li.account.name}" in (await chief.get(answer.headers["location"])).text
        told = await asyncio.wait_for(banner(li), SECONDS)
        assert "指派给您" in told
        assert f"/cases/{case.id}" in told
        assert "由您处理" in (await li.get(f"/cases/{case.id}")).text
        assert [entry.by for entry in await audited(console, "assign", case.id)] == [chief.account.login]
        await li.post(f"/cases/{case.id}/renew", headers=JSON)  # as its page does when it is opened
        now = await line.case(resident)
        assert (now.claimed_by, now.assigned) == (login, False)
    facts = [fact.what for fact in await line.facts(resident, FactKind.CLAIMED)]
    assert facts[0] == CaseAssigned(chief.account.login, login)


QUIET = "220112"  # nobody else is signed in there


async def test_one_operator_who_can_take_a_case_is_named_on_its_button(console: Stage, line: Line) -> None:
    resident = await line.resident(division=f"{QUIET}001")
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    await line.advance(seconds=90)
    case = await line.case(resident)
    await caught_up(console, case)
    async with await console.signed_in(CHIEF, QUIET) as chief, await console.signed_in(OPERATOR, QUIET) as li:
        page = (await chief.get("/desk")).text
        assert f"<span>指派 {li.account.name}</span></button>" in page
        assert offered(page, case) == [li.account.login]
        assert "assign-several" not in page
        async with await console.signed_in(OPERATOR, QUIET) as han:
            page = (await chief.get("/desk")).text
            assert {li.account.login, han.account.login, chief.account.login} == set(offered(page, case))
            needs = page.partition('data-live="needs"')[2].partition("</section>")[0]
            assert needs.count("<select") == 1, "one list for all rows"


async def test_several_cases_are_given_to_one_operator_and_what_a_colleague_has_is_not_taken(
    console: Stage, line: Line
) -> None:
    cases = [await waits(console, line) for _ in range(3)]
    ids = [case.id for _, case in cases]
    async with (
        await console.signed_in(CHIEF, AREA) as chief,
        await console.signed_in(OPERATOR, AREA) as han,
        await console.signed_in(OPERATOR, AREA) as li,
    ):
        assert (await han.post(f"/cases/{ids[2]}/claim", headers=JSON)).json()["held"]
        answer = await chief.post("/cases/assign", data={"case": ids, "to": li.account.login})
        assert answer.status_code == 303
        page = (await chief.get(answer.headers["location"])).text
        assert page.count(f"已指派给 {li.account.name}") == 2
        assert page.count("未指派：已由他人接手") == 1
        who = [(await line.case(resident)).claimed_by for resident, _ in cases]
        assert who == [li.account.login, li.account.login, han.account.login]
        gone = await console.account(OPERATOR, AREA)
        assert (await chief.post("/cases/assign", data={"case": ids, "to": gone.login})).status_code == 409
        alone = await chief.post("/cases/assign", data={"case": ids[2], "to": li.account.login})
        assert "正在处理此预警" in alone.text, "one case alone asks for the reason, as its own button does"
        assert (await han.post("/cases/assign", data={"case": ids, "to": han.account.login})).status_code == 403


async def test_the_operator_and_the_reason_are_asked_for_together_if_none_is_named(console: Stage, line: Line) -> None:
    _, case = await waits(console, line)
    async with (
        await console.signed_in(CHIEF, AREA) as chief,
        await console.signed_in(OPERATOR, AREA) as han,
        await console.signed_in(OPERATOR, AREA) as li,
    ):
        assert (await han.post(f"/cases/{case.id}/claim", headers=JSON)).json()["held"]
        await line.settle()
        asked = await chief.post(f"/cases/{case.id}/assign", data={"holder": han.account.login})
        assert asked.status_code == 409
        options = re.findall(r'<option value="([^"]+)"', asked.text)
        assert li.account.login in options
        assert han.account.login not in options


async def test_the_same_button_twice_is_one_assignment(console: Stage, line: Line) -> None:
    resident, case = await waits(console, line)
    async with await console.signed_in(CHIEF, AREA) as chief, await console.signed_in(OPERATOR, AREA) as li:
        answers = await asyncio.gather(*(assign(chief, case, li.account.login) for _ in range(2)))
        assert {answer.status_code for answer in answers} == {303}
        assert (await assign(chief, case, li.account.login)).status_code == 303
    assert len(await line.facts(resident, FactKind.CLAIMED)) == 1


async def test_a_claim_that_came_first_is_asked_about_and_needs_a_reason(console: Stage, line: Line) -> None:
    resident, case = await waits(console, line)
    async with (
        await console.signed_in(CHIEF, AREA) as chief,
        await console.signed_in(OPERATOR, AREA) as han,
        await console.signed_in(OPERATOR, AREA) as li,
    ):
        assert (await han.post(f"/cases/{case.id}/claim", headers=JSON)).json()["held"]
        asked = await assign(chief, case, li.account.login)
        assert asked.status_code == 409
        assert f"{han.account.name} 正在处理此预警" in asked.text
        assert (await line.case(resident)).claimed_by == han.account.login
        for reason in ("", "x"):
            answer = await assign(chief, case, li.account.login, holder=han.account.login, reason=reason)
            assert answer.status_code in (409, 422)
        done = await assign(chief, case, li.account.login, holder=han.account.login, reason="同事离岗")
        assert done.status_code == 303
        assert (await line.case(resident)).claimed_by == li.account.login
        lost = (await han.post(f"/cases/{case.id}/renew", headers=JSON)).json()
        assert not lost["held"]
        assert li.account.name in lost["why"]
        assert (await li.post(f"/cases/{case.id}/renew", headers=JSON)).json()["held"]
    told = [fact.what for fact in await line.facts(resident, FactKind.CLAIMED)]
    assert CaseReassigned(chief.account.login, han.account.login, li.account.login, "同事离岗") in told
    (entry,) = [each for each in await audited(console, "assign", case.id) if each.reason]
    assert entry.reason == "同事离岗"


async def test_a_claim_in_flight_is_not_overridden_although_the_case_does_not_show_it(
    console: Stage, line: Line
) -> None:
    resident, case = await waits(console, line)
    assert await console.services.desk.take(case.id, "a-colleague")
    async with await console.signed_in(CHIEF, AREA) as chief, await console.signed_in(OPERATOR, AREA) as li:
        answer = await assign(chief, case, li.account.login)
    assert (answer.status_code, "a-colleague" in answer.text) == (409, True)
    assert (await line.case(resident)).claimed_by is None
    await console.services.desk.release(case.id)


async def test_nobody_who_is_signed_out_or_of_another_area_is_given_a_case(console: Stage, line: Line) -> None:
    resident, case = await waits(console, line)
    async with await console.signed_in(CHIEF, AREA) as chief, await console.signed_in(OPERATOR, "2224") as far:
        gone = await console.account(OPERATOR, AREA)
        page = (await chief.get("/desk")).text
        assert not {gone.login, far.account.login} & set(offered(page, case))
        for login in (gone.login, far.account.login, "nobody"):
            answer = await assign(chief, case, login)
            assert (answer.status_code, "不在线" in answer.text) == (409, True)
    assert (await line.case(resident)).claimed_by is None


async def test_a_supervisor_who_keeps_the_case_is_led_to_it(console: Stage, line: Line) -> None:
    _, case = await waits(console, line)
    async with await console.signed_in(CHIEF, AREA) as chief:
        answer = await assign(chief, case, chief.account.login)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{case.id}")


async def test_an_assigned_case_that_nobody_opens_comes_back_to_the_list(
    console: Stage, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, case = await waits(console, line)
    monkeypatch.setattr(console.services.desk, "lease", SHORT)
    async with await console.signed_in(CHIEF, AREA) as chief, await console.signed_in(OPERATOR, AREA) as li:
        await assign(chief, case, li.account.login)
        assert "已指派，未打开" in (await chief.get("/desk")).text

        async def back() -> bool:
            return (await line.case(resident)).returned_from == li.account.login

        await until(back, SECONDS)

        async def listed() -> bool:
            return bool(offered((await chief.get("/desk")).text, case))

        await until(listed, SECONDS)


@pytest.mark.parametrize("role", [OPERATOR, StaffRole.RELEASE_DESK, StaffRole.AUDITOR])
async def test_only_a_supervisor_assigns(console: Stage, line: Line, role: StaffRole) -> None:
    _, case = await waits(console, line)
    async with await console.signed_in(role, AREA) as other:
        assert (await assign(other, case, other.account.login)).status_code == 403


async def test_a_case_of_another_area_is_not_found(console: Stage, line: Line) -> None:
    _, case = await waits(console, line)
    async with await console.signed_in(CHIEF, "2224") as other:
        assert (await assign(other, case, other.account.login)).status_code == 404
