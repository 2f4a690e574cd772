"""Policies in a browser: a wrong line found and mended, a preview, published by a second person, taken back."""

from playwright.async_api import expect

from schemas.people.staff import StaffRole
from tests.browser.people import PHONE, People
from tests.browser.test_rosters import accessible
from tests.console.harness.stage import Stage

WHOLE = ""


async def test_a_wrong_line_is_found_mended_previewed_and_published_by_another(console: Stage, people: People) -> None:
    text = console.house.settings.policy.read_text("utf-8").replace("red = 4.0 }", "red = 4.25 }")
    wrong = text.replace('soon = "1m"', 'soon = "1"')
    writer = await people.page(StaffRole.SUPERVISOR, WHOLE)
    await writer.goto("/policies")
    await accessible(writer)
    await people.shot(writer, "policies")
    await writer.get_by_label("上传 TOML 文件").set_input_files(
        {"name": "my.toml", "mimeType": "text/plain", "buffer": wrong.encode()}
    )
    await writer.get_by_role("button", name="保存为草稿").click()
    await expect(writer.get_by_text("有误，不能使用：")).to_be_visible()
    await accessible(writer)
    await people.shot(writer, "wrong")
    await writer.locator(".faults a").click()
    area = writer.get_by_label("策略全文")
    chosen = await area.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert chosen.startswith('soon = "1"'), "the faulty line is chosen"
    await area.fill(text)
    await area.press("Control+s")
    await expect(writer.get_by_text("可以使用。")).to_be_visible()
    await expect(writer.get_by_text("等级门槛", exact=True)).to_be_visible()
    await writer.get_by_role("button", name="开始预览").click()
    await expect(writer.get_by_text("重新评分 0 位。")).to_be_visible(timeout=60_000)
    await expect(writer.locator("#preview .effect")).to_contain_text("各等级都不变")
    await accessible(writer)
    await people.shot(writer, "draft")
    await expect(writer.get_by_role("button", name="发布，全省生效")).to_have_count(0)
    reviewer = await people.page(StaffRole.SUPERVISOR, WHOLE)
    await reviewer.goto(writer.url.partition("#")[0])
    await expect(reviewer.locator("form .effect")).to_contain_text("各等级都不变")
    await people.shot(reviewer, "publish")
    await reviewer.get_by_label("复核意见（理由）").fill("看过，门槛合适")
    await reviewer.get_by_role("button", name="发布，全省生效").click()
    await expect(reviewer.get_by_text("已发布").first).to_be_visible()
    await reviewer.get_by_label("：理由").fill("红色太少")
    await reviewer.get_by_role("button", name="退回上一版").click()
    await expect(reviewer.get_by_role("button", name="退回上一版")).to_have_count(0)
    await people.shot(reviewer, "back")


async def test_policies_read_on_a_telephone_in_every_language(console: Stage, people: People) -> None:
    for language, heading in (("zh-CN", "现行策略"), ("en-US", "The policy in force"), ("ko-KR", "시행 중인 정책")):
        page = await people.page(StaffRole.SUPERVISOR, language=language, size=PHONE, dark=language == "ko-KR")
        await page.goto("/policies")
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, "the page itself does not scroll sideways"
        await accessible(page)
        await people.shot(page, f"policies-{language}")
