"""Calls to the centre at the desk, on the page and by keyboard: taking calls, the caller's banner, and calling back."""

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from schemas.people.staff import StaffRole
from streams.state.keys import CALL_BACKS, INCOMING_CALLS
from tests.browser.people import People
from tests.browser.test_strip_and_assign import AREA, RULES, SECONDS, SIZES
from tests.console.harness.incoming_phone import incoming_phones
from tests.console.harness.stage import Stage


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", ("待回电 1", "等候", "通话中")),
        ("en", ("To call back: 1", "waiting", "you are talking")),
        ("ko", ("회신할 전화 1", "대기 중", "통화 중")),
    ],
)
async def test_whoever_rings_is_answered_and_whoever_was_missed_is_called_back_by_keyboard(
    console: Stage, people: People, tmp_path: Path, language: str, words: tuple[str, str, str]
) -> None:
    await console.services.line.redis.delete(INCOMING_CALLS, CALL_BACKS)
    account = await console.account(StaffRole.OPERATOR, AREA)
    async with incoming_phones(console, account.login, tmp_path) as phones:
        client = await console.client(account)
        page = await people.page_of(client.token, language=language)
        await page.goto("/queue")
        line, banner = page.locator("#incoming"), page.locator('[data-news="incoming"]')
        await expect(line.get_by_role("switch")).to_have_attribute("aria-checked", "false", timeout=SECONDS)
        phones.call()
        await expect(line).to_contain_text(words[1], timeout=SECONDS)
        phones.caller.press("b")
        await expect(line).to_contain_text(words[0], timeout=SECONDS)
        for size in SIZES:
            await page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of the same keys
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            await expect(line.get_by_role("switch")).to_be_in_viewport(ratio=1)
            await people.shot(page, f"incoming-{language}-{size['width']}")
        found = await Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        await page.set_viewport_size(SIZES[0])  # type: ignore[arg-type]
        await page.keyboard.press("m")  # calls back
        await page.wait_for_url("**/call-in/c*", timeout=SECONDS)
        assert "9900001234" not in page.url
        await page.goto("/queue")
        await expect(line.get_by_role("switch")).to_be_visible(timeout=SECONDS)  # else nothing has the key yet
        phones.operator.press("b")
        await expect(line).not_to_contain_text(words[0], timeout=SECONDS)
        await page.keyboard.press("t")  # takes calls
        await expect(line.get_by_role("switch")).to_have_attribute("aria-checked", "true", timeout=SECONDS)
        phones.call()
        await expect(banner).to_contain_text(words[2], timeout=SECONDS)
        await expect(banner).to_contain_text("1234")
        for size in SIZES:
            await page.set_viewport_size(size)  # type: ignore[arg-type]
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            await expect(banner.get_by_role("button").last).to_be_in_viewport(ratio=1)
            await people.shot(page, f"incoming-banner-{language}-{size['width']}")
        found = await Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        await page.keyboard.press("i")
        await page.wait_for_url("**/call-in/c*", timeout=SECONDS)
        await expect(banner).to_contain_text(words[2], timeout=SECONDS)  # on every page
        await banner.get_by_role("button").last.focus()  # the form has the focus: a letter would be typed there
        await page.keyboard.press("Enter")
        await expect(banner).to_be_empty(timeout=SECONDS)
        await client.aclose()
    assert people.errors == []
