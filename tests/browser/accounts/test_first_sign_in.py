"""A newcomer's first sign-in in a browser, by keyboard alone, and the pages of signing in and of accounts."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from console.web.auth.sessions import COOKIE
from schemas.people.staff import StaffRole
from tests.browser.people import DESKTOP, PHONE, People
from tests.browser.test_every_page import RULES
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import PASSWORD, Authenticator, newcomer, person

LOOKS = (("zh-CN", DESKTOP, False), ("en", PHONE, True), ("ko", PHONE, False))


async def looked_at(people: People, page: Page, name: str) -> Path:
    """Nothing sticks out, axe finds nothing, and a picture is kept."""
    wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name}: {wide} px stick out"
    found = (await Axe().run(page, options=RULES)).response["violations"]
    assert found == [], name
    return await people.shot(page, name)


async def typed(page: Page, *texts: str) -> None:
    """Type one text into the field that has the focus, Tab to the next; Enter at the end."""
    for number, text in enumerate(texts):
        if number:
            await page.keyboard.press("Tab")
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")


@pytest.mark.parametrize(("language", "size", "dark"), LOOKS)
async def test_a_newcomer_signs_in_by_keyboard_alone_and_is_at_work(
    console: Stage, people: People, language: str, size: dict[str, int], dark: bool
) -> None:
    account, word = await newcomer(console)
    page = await people.page_of(None, language=language, size=size, dark=dark)
    await page.goto("/")
    await expect(page).to_have_url(re.compile("/sign-in$"))
    await looked_at(people, page, "1-sign-in")
    await typed(page, account.login, word)
    await expect(page).to_have_url(re.compile("/sign-in/password$"))
    await looked_at(people, page, "2-password")
    await typed(page, PASSWORD, PASSWORD)
    await expect(page).to_have_url(re.compile("/sign-in/set-up$"))
    await expect(page.locator("img.qr")).to_have_js_property("complete", True)
    await looked_at(people, page, "3-set-up")
    authenticator = Authenticator((await page.locator("code.secret").inner_text()).replace(" ", ""))
    await typed(page, authenticator.code())
    await expect(page.locator("ol.codes li")).to_have_count(10)
    await looked_at(people, page, "4-recovery")
    cookies = {cookie.get("name"): cookie for cookie in await page.context.cookies()}
    assert cookies[COOKIE].get("sameSite") == "Strict"
    assert cookies[COOKIE].get("httpOnly")
    await page.locator("a.button[href='/']").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".person .name")).to_contain_text(account.name)


async def test_who_mistypes_hears_it_and_comes_in_by_the_code(console: Stage, people: People) -> None:
    somebody = await person(console)
    page = await people.page_of(None, language="en", size=PHONE)
    await page.goto("/sign-in")
    await expect(page.get_by_label("Login")).to_be_focused()
    await typed(page, somebody.login, "not the password")
    await expect(page.get_by_role("alert")).to_contain_text("wrong")
    await looked_at(people, page, "1-wrong")
    await typed(page, PASSWORD)  # the login stayed, the password has the focus
    await expect(page).to_have_url(re.compile("/sign-in/code$"))
    await page.locator("summary").click()
    await looked_at(people, page, "2-code")
    await page.locator("#code").fill(somebody.authenticator.code())
    await page.keyboard.press("Enter")
    await expect(page.locator(".person .name")).to_contain_text(somebody.account.name)


async def test_two_administrators_make_an_account_and_a_token(console: Stage, people: People) -> None:
    page = await people.page(StaffRole.SYSTEM_ADMINISTRATOR, "")
    second = await people.page(StaffRole.SECURITY_ADMINISTRATOR, "")
    await console.account(StaffRole.SERVICE, name="地图")
    await page.goto("/staff")
    await page.locator("#login").fill("sun.li")
    await page.locator("#name").fill("孙丽")
    await page.locator("#role").select_option("operator")
    await page.locator("#area").fill("2201")
    await page.get_by_role("button", name="申请建立账号").click()
    await looked_at(people, page, "0-asked")
    await confirmed(page, second)
    await expect(page.locator("code.secret")).to_have_text(re.compile(r"^(\w{5}-){3}\w{5}$"))
    await looked_at(people, page, "1-one-time")
    await page.get_by_role("link", name="完成").click()
    await expect(page.get_by_role("heading", name="孙丽")).to_be_visible()
    await page.locator("summary", has_text="停用账号").click()
    await looked_at(people, page, "2-account")
    await page.get_by_role("button", name="停用账号").click()
    await expect(page.locator("main")).to_contain_text("已停用")
    await page.goto("/integrations")
    await page.locator("#purpose").fill("地图大屏")
    await page.get_by_label("读取预警").check()
    await page.get_by_role("button", name="申请令牌").click()
    await confirmed(page, second)
    await expect(page.locator("code.secret")).to_have_text(re.compile("^qz_"))
    await looked_at(people, page, "3-token")


async def confirmed(page: Page, second: Page) -> None:
    """The second administrator confirms what is asked for, and the first carries it out."""
    await second.goto("/approvals")
    await second.get_by_role("button", name="同意", exact=True).click()
    await expect(second.get_by_role("button", name="同意", exact=True)).to_have_count(0)
    await page.goto("/approvals")
    await page.get_by_role("button", name="办理申请").click()


async def test_a_session_on_another_device_is_ended_from_here(console: Stage, people: People) -> None:
    account = await console.account(StaffRole.OPERATOR)
    here, there = [await console.services.sessions.begin(account, agent=name) for name in ("Here", "There")]
    page, other = await people.page_of(here, size=PHONE), await people.page_of(there)
    await page.goto("/account")
    await looked_at(people, page, "account")
    await page.locator("tr", has_text="There").get_by_role("button").click()
    await expect(page.locator("tr", has_text="There")).to_have_count(0)
    await other.goto("/account")
    await expect(other).to_have_url(re.compile("/sign-in$"))
