"""What an administrator does with accounts and programs' tokens, over HTTP."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest_asyncio

from schemas.administration.audit import AuditEntry
from schemas.people.staff import Account, StaffRole
from streams.messaging.reader import read_all
from streams.messaging.topics import AUDIT
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import Visitor, person, secret_on, sign_in


@pytest_asyncio.fixture(loop_scope="session")
async def admin(console: Stage) -> AsyncIterator[Visitor]:
    """An administrator at work."""
    async with Visitor(console) as visitor:
        await sign_in(visitor, await person(console, StaffRole.ADMINISTRATOR, ""))
        yield visitor


async def acts(console: Stage, on: str) -> list[AuditEntry]:
    """What the audit says was done to it."""
    entries = [
        AuditEntry.model_validate_json(record.value or b"")
        async for record in read_all(console.house.settings, AUDIT.name)
    ]
    return [entry for entry in entries if entry.on == on]


async def form_of(admin: Visitor, login: str) -> dict[str, str]:
    """The form that changes an account, as the page has it."""
    page = (await admin.get(f"/staff/{login}")).text
    role = re.search(r'value="(\w+)" selected', page)
    fields = {name: re.search(rf'name="{name}" value="(.*?)"', page) for name in ("seen", "name", "area", "officer")}
    assert role
    return {name: found[1] for name, found in fields.items() if found} | {"role": role[1]}


async def now(console: Stage, login: str) -> Account:
    found = await console.services.staff.get(login)
    assert found is not None
    return found


async def test_an_account_is_made_with_a_one_time_password_and_used(console: Stage, admin: Visitor) -> None:
    form = {
        "login": "zhang.wei",
        "name": "张伟",
        "role": "officer",
        "area": "220102",
        "officer": "p-7",
        "station": "南关所",
    }
    page = await admin.write("/staff", **form)
    word = secret_on(page)
    assert page.status_code == 200
    made = await now(console, "zhang.wei")
    assert (made.role, made.area, made.officer, made.must_change) == (StaffRole.OFFICER, "220102", "p-7", True)
    assert "张伟" in (await admin.get("/staff")).text
    async with Visitor(console) as visitor:
        answer = await visitor.post("/sign-in", data={"login": "zhang.wei", "password": word})
        assert answer.headers["location"] == "/sign-in/password"
    again = await admin.write("/staff", **form)
    assert again.status_code == 409
    assert "已经有这个账号" in again.text
    [entry] = await acts(console, "zhang.wei")
    assert (entry.act, entry.by, entry.detail) == ("account-made", admin.login, "officer in 220102")


async def test_a_form_with_a_mistake_says_which_and_keeps_the_rest(admin: Visitor) -> None:
    good = {"login": "li.na", "name": "李娜", "role": "operator", "area": "2201"}
    for wrong, words in (
        ({"login": "Li Na"}, "小写字母"),
        ({"name": ""}, "请填写姓名"),
        ({"role": "king"}, "请选择角色"),
        ({"area": "220"}, "行政区划代码"),
        ({"area": "2299"}, "没有这个行政区划代码"),
        ({"role": "officer"}, "警员编号"),
    ):
        answer = await admin.write("/staff", **good | wrong)
        assert answer.status_code == 422
        assert words in answer.text
        assert 'value="2201"' in answer.text or "area" in wrong


async def test_a_change_of_role_ends_the_sessions_and_a_change_of_area_does_not(console: Stage, admin: Visitor) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        form = await form_of(admin, somebody.login)
        await admin.write(f"/staff/{somebody.login}", **form | {"area": "2202"})
        assert (await visitor.get("/account")).status_code == 200
        form = await form_of(admin, somebody.login)
        answer = await admin.write(f"/staff/{somebody.login}", **form | {"role": "supervisor"})
        assert answer.headers["location"] == f"/staff/{somebody.login}"
        assert (await visitor.get("/account")).headers["location"] == "/sign-in"
    told = [entry.detail for entry in await acts(console, somebody.login) if entry.act == "account-changed"]
    assert told == [
        "area: operator in 2201 -> operator in 2202",
        "role: operator in 2202 -> supervisor in 2202",
    ]


async def test_of_two_administrators_the_second_sees_that_it_changed_and_keeps_his_text(
    console: Stage, admin: Visitor
) -> None:
    somebody = await person(console)
    form = await form_of(admin, somebody.login)
    await admin.write(f"/staff/{somebody.login}", **form | {"area": "2202"})
    answer = await admin.write(f"/staff/{somebody.login}", **form | {"area": "2203"})
    assert answer.status_code == 409
    assert "刚刚改过" in answer.text
    assert 'value="2203"' in answer.text
    assert (await now(console, somebody.login)).area == "2202"


async def test_an_administrator_does_not_change_his_own_role(console: Stage, admin: Visitor) -> None:
    login = admin.login
    answer = await admin.write(f"/staff/{login}", **await form_of(admin, login) | {"role": "auditor"})
    assert answer.status_code == 409
    assert "不能更改自己的角色" in answer.text
    assert (await now(console, login)).role is StaffRole.ADMINISTRATOR


async def test_a_disabled_account_is_out_and_stays_out_until_it_is_enabled(console: Stage, admin: Visitor) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        await admin.write(f"/staff/{somebody.login}/disable")
        assert (await visitor.get("/account")).status_code == 303
        await admin.write(f"/staff/{somebody.login}/enable")
        assert (await visitor.get("/account")).status_code == 303
        assert (await sign_in(visitor, somebody)).headers["location"] == "/"
    done = [entry.act for entry in await acts(console, somebody.login)]
    assert done == ["signed-in", "account-disabled", "account-enabled", "signed-in"]


async def test_a_lost_second_factor_is_set_up_anew_and_lost_sessions_are_ended(console: Stage, admin: Visitor) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        await admin.write(f"/staff/{somebody.login}/end-sessions")
        assert (await visitor.get("/account")).status_code == 303
        await admin.write(f"/staff/{somebody.login}/reset-factor")
        word = secret_on(await admin.write(f"/staff/{somebody.login}/one-time"))
        answer = await visitor.post("/sign-in", data={"login": somebody.login, "password": word})
        assert answer.headers["location"] == "/sign-in/password"
    assert (await now(console, somebody.login)).recovery == []


async def test_nobody_else_opens_the_pages_of_accounts(console: Stage) -> None:
    for role in set(StaffRole) - {StaffRole.ADMINISTRATOR}:
        async with await console.signed_in(role) as client:
            assert (await client.get("/staff")).status_code == 403
            assert (await client.get("/integrations")).status_code == 403


async def bearer(console: Stage, token: str, path: str = "/account", **form: str) -> httpx.Response:
    """What a program gets that has nothing but its token."""
    async with httpx.AsyncClient(base_url=console.address, timeout=20) as program:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if form:
            return await program.post(path, data=form, headers=headers)
        return await program.get(path, headers=headers)


async def test_a_program_works_with_a_token_as_its_account_until_it_is_revoked(console: Stage, admin: Visitor) -> None:
    account = await console.account(StaffRole.OPERATOR)
    page = await admin.write("/integrations/tokens", login=account.login, purpose="地图大屏", days="30")
    token = secret_on(page)
    assert token not in (await admin.get("/integrations")).text
    answer = await bearer(console, token)
    assert answer.status_code == 200
    assert account.login in answer.text
    assert (await bearer(console, token, "/staff")).status_code == 403
    assert (await bearer(console, token + "x")).status_code == 401
    kept = next(each for each in await console.services.staff.tokens() if each.login == account.login)
    assert token not in kept.model_dump_json()
    await admin.write(f"/integrations/tokens/{kept.id}/revoke")
    assert (await bearer(console, token)).status_code == 401
    assert [entry.act for entry in await acts(console, kept.id)] == ["token-made", "token-revoked"]


async def test_a_token_ends_by_itself_and_with_its_account(console: Stage, admin: Visitor) -> None:
    account = await console.account(StaffRole.OPERATOR)
    page = await admin.write("/integrations/tokens", login=account.login, purpose="地图大屏", days="30")
    token = secret_on(page)
    staff = console.services.staff
    kept = next(each for each in await staff.tokens() if each.login == account.login)
    await staff.put_token(kept.model_copy(update={"until": kept.made_at - timedelta(seconds=1)}))
    assert (await bearer(console, token)).status_code == 401
    await staff.put_token(kept)
    assert (await bearer(console, token)).status_code == 200
    await admin.write(f"/staff/{account.login}/disable")
    assert (await bearer(console, token)).status_code == 401


async def test_a_program_does_not_manage_accounts(console: Stage, admin: Visitor) -> None:
    page = await admin.write("/integrations/tokens", login=admin.login, purpose="地图大屏", days="30")
    token = secret_on(page)
    assert (await bearer(console, token, "/staff")).status_code == 200
    form = {"login": "by.program", "name": "某某", "role": "administrator"}
    assert (await bearer(console, token, "/staff", **form)).status_code == 403
    assert (await bearer(console, token, "/integrations/tokens", login=admin.login, purpose="x")).status_code == 403
    assert await console.services.staff.get("by.program") is None


async def test_a_session_and_a_token_are_not_mixed(console: Stage, admin: Visitor) -> None:
    answer = await admin.get("/account", headers={"authorization": "Bearer qz_none_none", "accept": "text/html"})
    assert answer.headers["location"] == "/sign-in"
    basic = {"authorization": "Basic eDp5"}
    assert (await admin.post("/account/sign-out-everywhere", headers=basic)).status_code == 403


async def test_a_tokens_last_day_is_told_in_chinas_time(console: Stage, admin: Visitor) -> None:
    account = await console.account(StaffRole.OPERATOR)
    await admin.write("/integrations/tokens", login=account.login, purpose="地图大屏", days="30")
    staff = console.services.staff
    kept = next(each for each in await staff.tokens() if each.login == account.login)
    await staff.put_token(kept.model_copy(update={"until": datetime(2033, 5, 6, 17, 30, tzinfo=UTC)}))
    text = (await admin.get("/integrations")).text
    assert "2033-05-07" in text
    assert "2033-05-06" not in text
