"""What administrators do with accounts and programs' tokens, two by two, over HTTP."""

import re
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from domain.access.requests import WITHIN
from schemas.administration.audit import AuditEntry
from schemas.administration.requests import AdminAct, RequestState
from schemas.people.staff import Account, ApiToken, Scope, StaffRole
from streams.messaging.reader import read_all
from streams.messaging.topics import AUDIT
from tests.console.harness.stage import Stage
from tests.console.harness.two_persons import agreed, asked, open_requests
from tests.console.harness.visitors import Visitor, person, secret_on, sign_in
from tests.console.programs.test_api import red


@pytest_asyncio.fixture(loop_scope="session")
async def admin(console: Stage) -> AsyncIterator[Visitor]:
    """A system administrator at work."""
    async with Visitor(console) as visitor:
        await sign_in(visitor, await person(console, StaffRole.SYSTEM_ADMINISTRATOR, ""))
        yield visitor


@pytest_asyncio.fixture(loop_scope="session")
async def second(console: Stage) -> AsyncIterator[Visitor]:
    """A security administrator at work."""
    async with Visitor(console) as visitor:
        await sign_in(visitor, await person(console, StaffRole.SECURITY_ADMINISTRATOR, ""))
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


async def test_an_account_is_made_by_two_with_a_one_time_password_that_the_asker_sees(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    form = {
        "login": "zhang.wei",
        "name": "张伟",
        "role": "officer",
        "area": "220102",
        "officer": "p-7",
        "station": "南关所",
    }
    assert (await admin.write("/staff", **form)).headers["location"] == "/approvals"
    assert await console.services.staff.get("zhang.wei") is None
    assert "张伟" in (await second.get("/approvals")).text
    page = await agreed(console, admin, second, AdminAct.ACCOUNT_NEW, "zhang.wei")
    word = secret_on(page)
    made = await now(console, "zhang.wei")
    assert (made.role, made.area, made.officer, made.must_change) == (StaffRole.OFFICER, "220102", "p-7", True)
    assert "张伟" in (await admin.get("/staff")).text
    async with Visitor(console) as visitor:
        answer = await visitor.post("/sign-in", data={"login": "zhang.wei", "password": word})
        assert answer.headers["location"] == "/sign-in/password"
    again = await admin.write("/staff", **form)
    assert again.status_code == 409
    assert "已经有这个账号" in again.text
    asking, confirming, making = await acts(console, "zhang.wei")
    assert (asking.act, asking.by) == ("admin-asked", admin.login)
    assert (confirming.act, confirming.by) == ("admin-confirmed", second.login)
    assert (making.act, making.by) == ("account-made", admin.login)
    assert making.detail.startswith("officer in 220102; request a")
    assert making.detail.endswith(f"asked by {admin.login}, decided by {second.login}")


async def test_the_asker_does_not_confirm_and_the_confirmer_sees_no_secret(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    somebody = await person(console)
    await admin.write(f"/staff/{somebody.login}/one-time")
    found = await asked(console, AdminAct.ONE_TIME, somebody.login)
    assert (await admin.write(f"/approvals/{found.id}/confirm")).status_code == 403
    assert (await admin.write(f"/approvals/{found.id}/carry-out")).status_code == 409  # nobody has confirmed
    assert (await second.write(f"/staff/{somebody.login}/one-time")).status_code == 403
    await second.write(f"/approvals/{found.id}/confirm")
    assert (await second.write(f"/approvals/{found.id}/carry-out")).status_code == 403
    async with Visitor(console) as third:
        await sign_in(third, await person(console, StaffRole.SYSTEM_ADMINISTRATOR, ""))
        answer = await third.write(f"/approvals/{found.id}/carry-out")
        assert answer.status_code == 409
        assert "只有申请人能办理" in answer.text
    assert (await admin.write(f"/approvals/{found.id}/carry-out")).status_code == 200
    assert (await admin.write(f"/approvals/{found.id}/carry-out")).status_code == 409  # once


async def test_a_security_administrator_does_not_decide_about_his_own_account(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    await admin.write(f"/staff/{second.login}/reset-factor")
    found = await asked(console, AdminAct.RESET_FACTOR, second.login)
    answer = await second.write(f"/approvals/{found.id}/confirm")
    assert answer.status_code == 409
    assert "不能复核关于自己账号的申请" in answer.text
    assert (await now(console, second.login)).totp is not None


async def test_a_request_is_refused_with_a_reason_and_lapses_by_itself(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    somebody = await person(console)
    await admin.write(f"/staff/{somebody.login}/reset-factor")
    found = await asked(console, AdminAct.RESET_FACTOR, somebody.login)
    assert (await second.write(f"/approvals/{found.id}/refuse")).status_code == 422
    await second.write(f"/approvals/{found.id}/refuse", reason="本人并未申请")
    kept = await console.services.line.admin_requests.get(found.id)
    assert kept is not None
    assert (kept.state, kept.words) == (RequestState.REFUSED, "本人并未申请")
    assert "本人并未申请" in (await admin.get("/approvals")).text
    await admin.write(f"/staff/{somebody.login}/reset-factor")
    late = await asked(console, AdminAct.RESET_FACTOR, somebody.login)
    earlier = late.model_copy(update={"until": late.until - WITHIN})
    await console.services.line.admin_requests.put(earlier)
    answer = await second.write(f"/approvals/{late.id}/confirm")
    assert answer.status_code == 409
    assert "已过期" in answer.text
    assert (await now(console, somebody.login)).totp is not None


async def test_the_same_request_is_not_asked_twice(console: Stage, admin: Visitor) -> None:
    somebody = await person(console)
    await admin.write(f"/staff/{somebody.login}/one-time")
    again = await admin.write(f"/staff/{somebody.login}/one-time")
    assert again.status_code == 409
    assert "正在等待复核" in again.text


async def test_a_form_with_a_mistake_says_which_and_keeps_the_rest(admin: Visitor) -> None:
    good = {"login": "li.na", "name": "李娜", "role": "operator", "area": "2201"}
    for wrong, words in (
        ({"login": "Li Na"}, "小写字母"),
        ({"name": ""}, "请填写姓名"),
        ({"role": "king"}, "请选择角色"),
        ({"area": "220"}, "行政区划代码"),
        ({"area": "2299"}, "没有这个行政区划代码"),
        ({"role": "officer"}, "警员编号"),
        ({"role": "service", "officer": "p-7"}, "服务账号没有密码"),
    ):
        answer = await admin.write("/staff", **good | wrong)
        assert answer.status_code == 422
        assert words in answer.text
        assert 'value="2201"' in answer.text or "area" in wrong


async def test_a_change_of_role_ends_the_sessions_and_a_change_of_area_does_not(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        form = await form_of(admin, somebody.login)
        await admin.write(f"/staff/{somebody.login}", **form | {"area": "2202"})
        assert (await now(console, somebody.login)).area == "2201"
        await agreed(console, admin, second, AdminAct.ACCOUNT_CHANGE, somebody.login)
        assert (await visitor.get("/account")).status_code == 200
        form = await form_of(admin, somebody.login)
        await admin.write(f"/staff/{somebody.login}", **form | {"role": "supervisor"})
        assert (await visitor.get("/account")).status_code == 200
        await agreed(console, admin, second, AdminAct.ACCOUNT_CHANGE, somebody.login)
        assert (await visitor.get("/account")).headers["location"] == "/sign-in"
    told = [each.detail.split(";")[0] for each in await acts(console, somebody.login) if each.act == "account-changed"]
    assert told == [
        "area: operator in 2201 -> operator in 2202",
        "role: operator in 2202 -> supervisor in 2202",
    ]


async def test_of_two_changes_that_were_asked_for_the_second_is_asked_for_again(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    somebody = await person(console)
    form = await form_of(admin, somebody.login)
    await admin.write(f"/staff/{somebody.login}/reset-factor")
    await admin.write(f"/staff/{somebody.login}", **form | {"area": "2202"})
    await agreed(console, admin, second, AdminAct.ACCOUNT_CHANGE, somebody.login)
    other = await asked(console, AdminAct.RESET_FACTOR, somebody.login)
    late = await second.write(f"/approvals/{other.id}/confirm")
    assert late.status_code == 409
    assert "又改过" in late.text
    await admin.write(f"/staff/{somebody.login}/reset-factor")
    reset = await open_requests(console, AdminAct.RESET_FACTOR, somebody.login)
    (again,) = [each for each in reset if each.id != other.id]
    assert (await second.write(f"/approvals/{again.id}/confirm")).headers["location"] == "/approvals"
    assert (await now(console, somebody.login)).totp is None
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
    assert (await now(console, login)).role is StaffRole.SYSTEM_ADMINISTRATOR


async def test_a_persons_account_does_not_become_a_programs_nor_the_reverse(console: Stage, admin: Visitor) -> None:
    for before, after in ((StaffRole.OPERATOR, "service"), (StaffRole.SERVICE, "operator")):
        account = await console.account(before)
        answer = await admin.write(f"/staff/{account.login}", **await form_of(admin, account.login) | {"role": after})
        assert answer.status_code == 409
        assert "请另建一个" in answer.text


async def test_a_disabled_account_is_out_at_once_and_stays_out_until_two_enable_it(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        await second.write(f"/staff/{somebody.login}/disable")
        assert (await visitor.get("/account")).status_code == 303
        await admin.write(f"/staff/{somebody.login}/enable")
        assert (await now(console, somebody.login)).disabled
        await agreed(console, admin, second, AdminAct.ACCOUNT_ENABLE, somebody.login)
        assert (await visitor.get("/account")).status_code == 303
        assert (await sign_in(visitor, somebody)).headers["location"] == "/"
    done = [entry.act for entry in await acts(console, somebody.login)]
    asking = ["admin-asked", "admin-confirmed"]
    assert done == ["signed-in", "account-disabled", *asking, "account-enabled", "signed-in"]


async def test_a_lost_second_factor_is_set_up_anew_and_lost_sessions_are_ended(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    somebody = await person(console)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        await admin.write(f"/staff/{somebody.login}/end-sessions")
        assert (await visitor.get("/account")).status_code == 303
        await admin.write(f"/staff/{somebody.login}/reset-factor")
        await agreed(console, admin, second, AdminAct.RESET_FACTOR, somebody.login)
        await admin.write(f"/staff/{somebody.login}/one-time")
        word = secret_on(await agreed(console, admin, second, AdminAct.ONE_TIME, somebody.login))
        answer = await visitor.post("/sign-in", data={"login": somebody.login, "password": word})
        assert answer.headers["location"] == "/sign-in/password"
    assert (await now(console, somebody.login)).recovery == []


async def test_nobody_else_opens_the_pages_of_accounts_and_who_manages_them_reads_no_audit(console: Stage) -> None:
    both = {StaffRole.SYSTEM_ADMINISTRATOR, StaffRole.SECURITY_ADMINISTRATOR}
    for role in set(StaffRole) - both - {StaffRole.SERVICE}:
        async with await console.signed_in(role) as client:
            for path in ("/staff", "/integrations", "/approvals"):
                assert (await client.get(path)).status_code == 403
    for role in both:
        async with await console.signed_in(role) as client:
            assert (await client.get("/audit")).status_code == 403
            assert (await client.get("/unmask")).status_code == 403


async def bearer(
    console: Stage, token: str, path: str = "/api/v1/cases", json: dict[str, object] | None = None, **form: str
) -> httpx.Response:
    """What a program gets that has nothing but its token."""
    async with httpx.AsyncClient(base_url=console.address, timeout=20) as program:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if json:
            return await program.post(path, json=json, headers=headers | {"Idempotency-Key": secrets.token_hex(8)})
        if form:
            return await program.post(path, data=form, headers=headers)
        return await program.get(path, headers=headers)


async def service(console: Stage) -> Account:
    return await console.account(StaffRole.SERVICE)


async def token_of(console: Stage, admin: Visitor, second: Visitor, login: str, *scopes: Scope) -> str:
    """A token of a service account, made by two."""
    form = {"login": login, "purpose": "地图大屏", "days": "30", "scope": [each.value for each in scopes]}
    answer = await admin.write("/integrations/tokens", **form)  # type: ignore[arg-type]  # a list is sent as often
    assert answer.headers.get("location") == "/approvals", answer.text
    return secret_on(await agreed(console, admin, second, AdminAct.TOKEN_NEW, login))


async def kept_of(console: Stage, login: str) -> ApiToken:
    return next(each for each in await console.services.staff.tokens() if each.login == login)


async def test_nobody_gets_a_token_that_acts_as_a_person(console: Stage, admin: Visitor) -> None:
    account = await console.account(StaffRole.SUPERVISOR)
    for login in (account.login, admin.login, "nobody-at-all"):
        answer = await admin.write(
            "/integrations/tokens", login=login, purpose="地图大屏", days="30", scope=Scope.READ_CASES.value
        )
        assert answer.status_code == 422
        assert "qz_" not in answer.text
        assert "不发给个人" in answer.text
    assert not await console.services.staff.tokens()


async def test_a_token_needs_a_purpose_and_a_scope(console: Stage, admin: Visitor) -> None:
    login = (await service(console)).login
    good = {"login": login, "purpose": "地图大屏", "days": "30", "scope": Scope.READ_CASES.value}
    for left_out, words in (("purpose", "给哪个程序用"), ("scope", "至少选一项权限")):
        form = {name: value for name, value in good.items() if name != left_out}
        answer = await admin.write("/integrations/tokens", **form)
        assert answer.status_code == 422
        assert words in answer.text


async def test_a_program_works_with_a_token_of_its_service_account_until_it_is_revoked(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    login = (await service(console)).login
    token = await token_of(console, admin, second, login, Scope.READ_CASES)
    assert token not in (await admin.get("/integrations")).text
    assert token not in (await admin.get("/approvals")).text
    assert (await bearer(console, token)).status_code == 200
    for page in ("/", "/account", "/queue", "/staff", "/audit", "/unmask"):
        assert (await bearer(console, token, page)).status_code == 403
    assert (await bearer(console, token + "x")).status_code == 401
    kept = await kept_of(console, login)
    assert token not in kept.model_dump_json()
    assert (kept.made_by, kept.confirmed_by) == (admin.login, second.login)
    await second.write(f"/integrations/tokens/{kept.id}/revoke")
    assert (await bearer(console, token)).status_code == 401
    assert [entry.act for entry in await acts(console, kept.id)] == ["token-made", "token-revoked"]


async def test_a_token_ends_by_itself_and_with_its_account(console: Stage, admin: Visitor, second: Visitor) -> None:
    account = await service(console)
    token = await token_of(console, admin, second, account.login, Scope.READ_CASES)
    staff = console.services.staff
    kept = await kept_of(console, account.login)
    await staff.put_token(kept.model_copy(update={"until": kept.made_at - timedelta(seconds=1)}))
    assert (await bearer(console, token)).status_code == 401
    await staff.put_token(kept)
    assert (await bearer(console, token)).status_code == 200
    await admin.write(f"/staff/{account.login}/disable")
    assert (await bearer(console, token)).status_code == 401


async def test_ending_the_sessions_of_a_service_account_revokes_its_tokens(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    account = await service(console)
    token = await token_of(console, admin, second, account.login, Scope.READ_CASES)
    await second.write(f"/staff/{account.login}/end-sessions")
    assert (await bearer(console, token)).status_code == 401
    assert "已失效" in (await admin.get("/integrations")).text
    new = await token_of(console, admin, second, account.login, Scope.READ_CASES)
    assert (await bearer(console, new)).status_code == 200


@pytest.mark.parametrize("scope", Scope)
async def test_a_token_does_what_its_scopes_name_and_nothing_else(
    scope: Scope, console: Stage, admin: Visitor, second: Visitor
) -> None:
    case = await red(console.line())
    login = (await service(console)).login
    token = await token_of(console, admin, second, login, scope)
    reads = {"/api/v1/cases": Scope.READ_CASES, f"/api/v1/cases/{case.id}": Scope.READ_CASES}
    for path, needed in reads.items():
        assert (await bearer(console, token, path)).status_code == (200 if needed is scope else 403)
    assert (await bearer(console, token, "/api/v1/openapi.json")).status_code == 200
    may = {"note": {Scope.NOTE, Scope.ACT}, "claim": {Scope.ACT}}
    for do, needed_by in may.items():
        act = {"do": do} | ({"what": "note", "note": "a note"} if do == "note" else {})
        answer = await bearer(console, token, f"/api/v1/cases/{case.id}/acts", {"act": act, "seen": case.version})
        assert answer.status_code == 403 if scope not in needed_by else answer.status_code < 300, (do, answer.text)


@pytest.mark.parametrize(
    "act",
    [
        {"do": "release_stop", "transfer": "t", "reason": "因测试"},
        {"do": "confirm", "reason": "因测试"},
        {"do": "lower", "level": "blue", "reason": "因测试"},
        {"do": "close", "reason": "因测试"},
        {"do": "approve_stop", "order": "red-stop"},
        {"do": "decline_stop", "order": "red-stop", "reason": "因测试"},
    ],
)
async def test_what_needs_a_persons_name_is_no_programs(
    act: dict[str, object], console: Stage, admin: Visitor, second: Visitor
) -> None:
    case = await red(console.line())
    login = (await service(console)).login
    token = await token_of(console, admin, second, login, *Scope)
    answer = await bearer(console, token, f"/api/v1/cases/{case.id}/acts", {"act": act, "seen": case.version})
    assert answer.status_code == 403


async def test_each_audit_line_written_through_a_token_names_it(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    case = await red(console.line())
    login = (await service(console)).login
    token = await token_of(console, admin, second, login, Scope.NOTE)
    body = {"act": {"do": "note", "what": "note", "note": "a note"}, "seen": case.version}
    assert (await bearer(console, token, f"/api/v1/cases/{case.id}/acts", body)).status_code == 200
    (entry,) = [each for each in await acts(console, case.id) if each.by == login]
    assert entry.token == (await kept_of(console, login)).id
    async with await console.signed_in(StaffRole.AUDITOR, "") as auditor:
        assert entry.token in (await auditor.post("/audit", data={"by": login})).text


async def test_a_service_account_has_no_sign_in(console: Stage, admin: Visitor) -> None:
    account = await service(console)
    token = await console.services.sessions.begin(account)
    assert await console.services.sessions.find(token) is None
    answer = await admin.write(f"/staff/{account.login}/one-time")
    assert answer.status_code == 422
    assert "服务账号没有密码" in answer.text


async def test_a_session_and_a_token_are_not_mixed(console: Stage, admin: Visitor) -> None:
    answer = await admin.get("/account", headers={"authorization": "Bearer qz_none_none", "accept": "text/html"})
    assert answer.headers["location"] == "/sign-in"
    basic = {"authorization": "Basic eDp5"}
    assert (await admin.post("/account/sign-out-everywhere", headers=basic)).status_code == 403


async def test_a_tokens_last_day_is_told_in_chinas_time(console: Stage, admin: Visitor, second: Visitor) -> None:
    login = (await service(console)).login
    await token_of(console, admin, second, login, Scope.READ_CASES)
    staff, kept = console.services.staff, await kept_of(console, login)
    await staff.put_token(kept.model_copy(update={"until": datetime(2033, 5, 6, 17, 30, tzinfo=UTC)}))
    text = (await admin.get("/integrations")).text
    assert "2033-05-07" in text
    assert "2033-05-06" not in text
