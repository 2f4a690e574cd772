"""What administrators do with accounts, two by two, over HTTP."""

import re

from domain.access.requests import WITHIN
from schemas.administration.requests import AdminAct, RequestState
from schemas.people.staff import Account, StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.stage import Stage
from tests.console.harness.two_persons import agreed, asked, open_requests
from tests.console.harness.visitors import Visitor, person, secret_on, sign_in


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


async def test_who_confirms_sees_that_an_account_is_for_the_whole_province(
    console: Stage, admin: Visitor, second: Visitor
) -> None:
    form = {"login": "li.na", "name": "李娜", "role": "supervisor", "area": ""}
    assert (await admin.write("/staff", **form)).headers["location"] == "/approvals"
    found = await asked(console, AdminAct.ACCOUNT_NEW, "li.na")
    card = (await second.get("/approvals")).text.split(f'id="{found.id}"')[1].split("</article>")[0]
    assert "全省" in card


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
    asking, confirming, making = await audited(console, on="zhang.wei")
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
    told = [each.detail.split(";")[0] for each in await audited(console, "account-changed", somebody.login)]
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
    done = [entry.act for entry in await audited(console, on=somebody.login)]
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
