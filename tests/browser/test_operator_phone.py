"""A call from the operator's own telephone, on the page and by keyboard."""

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.browser.test_strip_and_assign import AREA, RULES, SECONDS, SIZES, red
from tests.console.harness.desk_phone import desk_phone
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.rig import Line
from tests.tools.gateway.sipp import answering


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", ("通话中", "保持中", "已挂断")),
        ("en", ("In conversation", "On hold", "Hung up")),
        ("ko", ("통화 중", "통화 보류 중", "전화 끊음")),
    ],
)
async def test_the_header_follows_a_call_that_is_made_held_and_ended_by_keyboard(
    console: Stage, people: People, line: Line, tmp_path: Path, language: str, words: tuple[str, str, str]
) -> None:
    _, case = await red(console, line)
    account = await console.account(StaffRole.OPERATOR, AREA)
    async with desk_phone(console, account.login, tmp_path, answering()) as (_, trunk):
        client = await console.client(account)
        page = await people.page_of(client.token, language=language)
        await page.goto(f"/cases/{case.id}")
        state = page.locator("#call-words")
        await page.keyboard.press("p")
        await expect(state).to_have_text(words[0], timeout=SECONDS)
        await page.keyboard.press("q")
        await expect(state).to_have_text(words[1], timeout=SECONDS)
        for size in SIZES:
            await page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of the same keys
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            await expect(page.locator("#call button").last).to_be_in_viewport(ratio=1)
            await people.shot(page, f"operator-phone-{language}-{size['width']}")
        found = await Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        await page.set_viewport_size(SIZES[0])  # type: ignore[arg-type]
        await page.keyboard.press("h")
        await expect(state).to_have_text(words[2], timeout=SECONDS)
        await expect(page.locator("[data-call]")).to_be_visible()
        assert trunk.invites() == 1
        await client.aclose()
    assert people.errors == []
