"""An auditor at the browser: are the chains whole, who did what, and a case taken out; by the keyboard alone."""

import re
from pathlib import Path

from playwright.async_api import expect

from domain.access import bundle
from domain.access.key_rings import KeyPurpose
from schemas.people.staff import StaffRole
from tests.browser.people import PHONE, People
from tests.console.harness.case_forms import reveal
from tests.console.harness.stage import Stage
from tests.console.programs.test_api import note, red


async def test_an_auditor_verifies_the_chains_finds_what_was_done_to_a_case_and_takes_it_out(
    console: Stage, people: People, tmp_path: Path
) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        await note(operator, case, "seen-by-the-auditor")
    page = await people.page(StaffRole.AUDITOR, "")
    await page.goto("/audit")
    await page.get_by_role("button", name="立即核验").press("Enter")
    await expect(page.get_by_text("全部相符。")).to_be_visible()
    await page.get_by_label("对象（编号）").fill(case.id)
    await page.keyboard.press("Enter")
    row = page.get_by_role("row").filter(has_text=operator.account.name)
    await expect(row).to_have_count(1)
    await expect(row.get_by_text(case.id)).to_be_hidden()
    await row.locator("summary").press("Enter")
    await expect(row.get_by_text(case.id)).to_be_visible()
    await page.get_by_label("行为", exact=True).select_option("备注")
    await page.get_by_role("button", name="筛选").press("Enter")
    await expect(row).to_have_count(1)
    assert case.id not in page.url
    await people.shot(page, "audit")
    await row.get_by_role("link", name="打开预警").press("Enter")
    await page.get_by_role("link", name="导出预警").press("Enter")
    await page.get_by_label("导出理由").fill("检察机关调取")
    async with page.expect_download() as started:
        await page.get_by_role("button", name="导出").press("Enter")
    file = tmp_path / "case.zip"
    await (await started.value).save_as(file)
    checked = bundle.check(file.read_bytes(), console.services.keys(KeyPurpose.AUDIT))
    assert checked.manifest is not None
    assert (checked.manifest.case, checked.faults, checked.decided) == (case.id, (), True)


async def test_the_pages_of_the_audit_read_in_three_languages_on_a_telephone_and_on_a_desk(
    console: Stage, people: People
) -> None:
    case = await red(console.line())
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        await reveal(operator, case)
    for language, words, size in (
        ("zh-CN", "审计记录", None),
        ("en", "Audit records", PHONE),
        ("ko", "감사 기록", PHONE),
    ):
        page = await people.page(StaffRole.AUDITOR, "", language=language, size=size, dark=language == "ko")
        for path, name in (("/audit", "audit"), ("/unmask", "counts"), (f"/audit/export/{case.id}", "export")):
            answer = await page.goto(path)
            assert answer is not None
            assert answer.status == 200
            await people.shot(page, f"{name}-{language}")
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await page.goto("/audit")
        await page.locator(".keys summary").first.click()
        await people.shot(page, f"audit-keys-{language}")
        await expect(page.get_by_role("heading", name=words)).to_be_visible()


async def test_a_time_in_another_form_is_held_back_by_the_page_itself(console: Stage, people: People) -> None:
    page = await people.page(StaffRole.AUDITOR, "", language="en")
    await page.goto("/audit")
    since = page.get_by_label("From", exact=True)
    await expect(since).to_have_accessible_description(re.compile("YYYY-MM-DD HH:MM"))
    await since.fill("03/02/2026")
    await page.keyboard.press("Enter")
    assert await since.evaluate("field => field.validity.patternMismatch")
    await expect(since).to_be_focused()
    await expect(since).to_have_value("03/02/2026")  # it was not sent
    await since.fill("2026-03-02")
    async with page.expect_response("**/audit") as answered:
        await page.keyboard.press("Enter")
    assert (await answered.value).status == 200
    await expect(since).to_have_value("2026-03-02")
