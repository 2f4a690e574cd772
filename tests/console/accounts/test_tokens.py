"""What programs may do with tokens, which two administrators make, over HTTP."""

import secrets
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from schemas.administration.requests import AdminAct
from schemas.people.staff import Account, ApiToken, Scope, StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.stage import Stage
from tests.console.harness.two_persons import agreed
from tests.console.harness.visitors import Visitor, secret_on
from tests.console.programs.test_api import red


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
    assert [entry.act for entry in await audited(console, on=kept.id)] == ["token-made", "token-revoked"]


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
    (entry,) = await audited(console, on=case.id, by=login)
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
