"""The panel for third parties and transfers, on the case page while somebody talks."""

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.browser.test_strip_and_assign import AREA, RULES, SECONDS, SIZES
from tests.console.harness import case_forms
from tests.console.harness.desk_phone import desk_phone
from tests.console.harness.stage import Stage
from tests.console.operator_calls.test_third_parties import noted_talk
from tests.end_to_end.harness.rig import Line
from tests.tools.gateway.sipp import answering


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", ("不能邀请第三方", "亲友联系人", "正在邀请", "已取消邀请")),
        ("en", ("no third party can be called", "Trusted contact", "being called", "call cancelled")),
        ("ko", ("제3자를 련결할 수 없습니다", "련락처", "련결 중", "련결 취소")),
    ],
)
async def test_a_contact_is_called_with_the_consent_and_dropped_again(
    console: Stage, people: People, line: Line, tmp_path: Path, language: str, words: tuple[str, str, str, str]
) -> None:
    _, case = await case_forms.red(line, friends=1, division=f"{AREA}001")
    account = await console.account(StaffRole.OPERATOR, AREA)
    async with desk_phone(console, account.login, tmp_path, answering(), "third_parties = 1") as (_, trunk):
        client = await console.client(account)
        page = await people.page_of(client.token, language=language)
        await page.goto(f"/cases/{case.id}")
        await page.keyboard.press("p")
        panel, told = page.locator("#third"), page.locator("[data-phone-url]")
        await expect(panel).to_be_visible(timeout=SECONDS)
        await noted_talk(console, case)
        await panel.locator("#third-party").select_option("contact:0")
        await panel.locator("form[data-third] button").first.click()
        await expect(told).to_contain_text(words[0], timeout=SECONDS)
        assert trunk.invites() == 1  # nobody is called without a ground
        await panel.locator("#third-party").select_option("contact:0")
        await panel.get_by_role("checkbox").check()
        await panel.locator("form[data-third] button").first.click()
        await expect(panel).to_contain_text(words[2], timeout=SECONDS)
        await expect(panel).to_contain_text(words[1])
        for size in SIZES:
            await page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of the same keys
            rights = await panel.locator("*").evaluate_all("(all) => all.map((e) => e.getBoundingClientRect().right)")
            assert max(rights) <= size["width"]
            await people.shot(page, f"three-way-{language}-{size['width']}")
        found = await Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        await page.set_viewport_size(SIZES[0])  # type: ignore[arg-type]
        await panel.locator('[data-call-act="drop_third"]').click()
        await expect(panel).to_contain_text(words[3], timeout=SECONDS)
        assert trunk.invites() == 2
        await page.locator('[data-call-act="hang_up"]').click()
        await expect(panel).to_have_count(0, timeout=SECONDS)
        await client.aclose()
    assert people.errors == []
