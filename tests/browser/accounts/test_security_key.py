"""Security keys in a browser, with Chromium's virtual authenticator: added, used for a grave act, used to sign in."""

import re

from playwright.async_api import Page, expect

from schemas.people.staff import StaffRole
from tests.browser.accounts.test_first_sign_in import looked_at
from tests.browser.people import PHONE, People
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import PASSWORD, person

VERIFIED = {"hasUserVerification": True, "isUserVerified": True}


async def virtual_authenticator(page: Page) -> None:
    """Give the page's browser a key of its own, which verifies whoever holds it."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    options: dict[str, object] = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": options | VERIFIED})


async def test_a_key_is_added_proves_a_grave_act_and_signs_in(console: Stage, people: People) -> None:
    somebody = await person(console, StaffRole.SYSTEM_ADMINISTRATOR, "", security_keys=[])
    origin = console.services.settings.origin or ""
    page = await people.page_of(None, size=PHONE)
    await virtual_authenticator(page)
    await page.goto(f"{origin}/sign-in")
    await page.get_by_label("登录名").fill(somebody.login)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator("#code").fill(somebody.authenticator.code())
    await page.keyboard.press("Enter")
    await expect(page).not_to_have_url(re.compile("/sign-in"))

    await page.goto(f"{origin}/account")
    await page.get_by_label("新密钥的名字").fill("办公室的密钥")
    await page.get_by_role("button", name="添加安全密钥").click()
    await expect(page.get_by_role("heading", name="请再次证明您的身份")).to_be_visible()
    await looked_at(people, page, "1-step-up-by-code")
    await page.locator("#code").fill(somebody.authenticator.code())
    await page.get_by_role("button", name="用验证器").click()
    await expect(page.get_by_role("heading", name="添加安全密钥")).to_be_visible()
    await looked_at(people, page, "2-new-key")
    await page.get_by_role("button", name="添加这个密钥").click()
    await expect(page).to_have_url(f"{origin}/account")
    await expect(page.get_by_role("cell", name="办公室的密钥", exact=True)).to_be_visible()
    await looked_at(people, page, "3-account")

    await page.get_by_role("button", name="生成新的恢复码").click()
    await expect(page.get_by_role("heading", name="请再次证明您的身份")).to_be_visible()
    await looked_at(people, page, "4-step-up-by-key")
    await page.get_by_role("button", name="用安全密钥").click()
    await expect(page.locator("li code")).to_have_count(10)

    await page.get_by_role("button", name="退出", exact=True).click()
    await expect(page).to_have_url(re.compile("/sign-in$"))
    await page.get_by_label("登录名").fill(somebody.login)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="验证码")).to_be_visible()
    await looked_at(people, page, "5-sign-in-by-key")
    await page.get_by_role("button", name="用安全密钥").click()
    await expect(page).not_to_have_url(re.compile("/sign-in"))
    kept = await console.services.staff.get(somebody.login)
    assert kept is not None
    assert kept.security_keys[0].counter > 1, "it was used, and counted"
