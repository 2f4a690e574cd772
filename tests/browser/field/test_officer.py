"""An officer at his telephone: a visit from accepting to its result, handing over, an interpreter."""

import re
from urllib.parse import quote

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from schemas.casework.events import FactKind
from schemas.codes.people import InterpreterNeeded
from schemas.codes.visits import OfficerArrived, VisitMade, VisitRefused
from schemas.levels import EvidenceClass, Outcome
from schemas.people.residents import InterpreterLanguage
from schemas.people.staff import StaffRole
from tests.browser.people import PHONE, People
from tests.browser.test_every_page import RULES
from tests.console.harness.audit import audited
from tests.console.harness.stage import Stage
from tests.console.harness.visiting import NAME, visiting

SMALL = {"width": 360, "height": 640}
WIDE = {"width": 1440, "height": 900}


async def opened(
    people: People, name: str, language: str = "zh-CN", size: dict[str, int] | None = None, *, sync: bool = True
) -> Page:
    """The officer's page. `sync`: whether the browser has Background Sync."""
    account: dict[str, object] = {"officer": name}
    page = await people.page(StaffRole.OFFICER, account=account, size=size or PHONE, language=language)
    if not sync:
        await page.add_init_script("delete ServiceWorkerRegistration.prototype.sync")
    await page.goto("/tasks")
    return page


async def on(page: Page) -> None:
    """Open the one task."""
    await page.get_by_role("link", name=NAME).click()
    await expect(page.get_by_role("heading", name=NAME)).to_be_visible()


async def press(page: Page, button: str, then: str) -> None:
    """Press what is at the bottom, and see the stage that follows."""
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.locator("#one [data-slot=stage]")).to_have_text(then)


async def test_a_visit_from_accepting_to_its_result_with_one_thumb(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-1") as visit:
        page = await opened(people, "thumb-1")
        await people.shot(page, "list")
        await on(page)
        await expect(page.locator("#one")).to_contain_text(visit.resident.address)
        await expect(page.locator("[data-slot=way]")).to_contain_text("车程约")
        await expect(page.locator("[data-slot=stop]")).to_have_text("第 1 站，共 1 站")
        await expect(page.locator("#one [data-slot=where]")).to_be_empty()  # the way is said once
        where = await page.get_by_role("link", name="导航").get_attribute("href")
        assert where == f"geo:0,0?q={quote(visit.resident.address)}"
        await press(page, "接受", "已接受")
        await expect(page.locator("#delivered-last")).to_have_text(re.compile(r"已接受 · 已送达 \d\d:\d\d"))
        await people.shot(page, "task")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        for box in ("通话和短信", "转账原因", "已保护账户"):
            await page.get_by_label(box).check()
        await page.get_by_label("已劝阻").check()
        await page.get_by_label("避免损失（元）").fill("30000")
        await people.shot(page, "result")
        await page.reload()
        await expect(page.get_by_label("避免损失（元）")).to_have_value("30000")
        await page.get_by_role("button", name="提交结果").click()
        await expect(page.get_by_text("没有待办任务。")).to_be_visible(timeout=20_000)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        case = await visit.line.case(visit.resident)
        assert case.outcome is Outcome.DISSUADED
        kept = case.kept[case.payments[0].transfer]
        assert (kept.evidence, kept.amount_fen) == (EvidenceClass.C, 3_000_000)
        made = (await visit.told())[-1]
        assert isinstance(made, VisitMade)
        assert made.checked == ("calls_and_sms", "reason_asked", "account_protected")


async def test_one_tap_calls_before_anything_is_revealed(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-21") as visit:
        page = await opened(people, "thumb-21")
        await on(page)
        async with page.expect_response("**/tasks/call") as answered:
            await page.get_by_role("button", name="拨打电话").click()
        number = visit.resident.phones[0].value
        assert (await (await answered.value).json()) == {"phone": number}
        assert number not in await page.content()
        (line,) = await audited(console, "look-call", visit.task.case)
        assert number not in line.model_dump_json()


async def test_nothing_checked_needs_a_reason(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-22") as visit:
        page = await opened(people, "thumb-22")
        await on(page)
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        why = page.get_by_label("未核查的原因")
        await expect(why).to_be_hidden()
        await page.get_by_label("劝阻未成功").check()
        await expect(why).to_be_visible()
        await people.shot(page, "unchecked")
        await page.get_by_role("button", name="提交结果").click()
        await expect(why).to_be_visible()  # without a reason it stays
        await why.select_option("当事人拒绝核查")
        await page.get_by_role("button", name="提交结果").click()
        await expect(page.get_by_text("没有待办任务。")).to_be_visible(timeout=20_000)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await expect(page.locator("#delivered-last")).to_contain_text("已送达")
        made = (await visit.told())[-1]
        assert isinstance(made, VisitMade)
        assert "未核查：当事人拒绝核查" in (made.note or "")


async def test_a_visit_that_the_drive_makes_too_late_says_so_and_offers_to_hand_it_over(
    console: Stage, people: People
) -> None:
    async with visiting(console, "thumb-41") as visit:
        page = await opened(people, "thumb-41")
        await on(page)
        late = page.locator("#one [data-part=too-late]")
        await press(page, "接受", "已接受")
        await expect(late).to_be_hidden()
        await visit.line.advance(minutes=36)  # of the 40 in which to be there
        await page.reload()
        await expect(late).to_contain_text(re.compile(r"到达约 \d\d:\d\d，晚于时限 [1-9]\d* 分钟"))
        await people.shot(page, "too-late")
        dialog = page.get_by_role("dialog", name="转交任务")
        await page.locator("#back").click()
        await page.get_by_role("button", name="申请改派").click()  # from the list too
        await expect(dialog).to_be_visible()
        await dialog.get_by_role("button", name="取消").click()
        await late.get_by_role("button", name="转交").click()
        await expect(dialog).to_be_visible()
        await dialog.get_by_role("button", name="取消").click()
        await page.locator(".bar").get_by_role("button", name="出发").click()
        await press(page, "到达", "已到达")
        await expect(late).to_be_hidden()
        await expect(page.locator("#one [data-part=way]")).to_be_hidden()


async def test_the_bar_takes_less_than_an_eighth_of_the_screen(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-23"):
        for language in ("zh-CN", "en", "ko"):
            page = await opened(people, "thumb-23", language=language, size={"width": 390, "height": 844})
            await on(page)
            await _low(page, language)
            await _alarm_stands_out(page, language)
            await people.shot(page, f"bar-{language}")
        page = await opened(people, "thumb-23", size={"width": 390, "height": 844})
        await on(page)
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        for language in ("zh-CN", "en", "ko"):
            page = await opened(people, "thumb-23", language=language, size={"width": 390, "height": 844})
            await on(page)
            await expect(page.locator("#check-in")).to_be_visible()
            await expect(page.locator("#finish")).to_be_in_viewport()
            await _low(page, f"{language} at the door")
            await _alarm_stands_out(page, f"{language} at the door")
            await people.shot(page, f"bar-arrived-{language}")


async def _low(page: Page, where: str) -> None:
    box = await page.locator(".bar").bounding_box()
    assert box is not None
    assert box["height"] <= 0.12 * 844, where


async def _alarm_stands_out(page: Page, where: str) -> None:
    """Check that the alarm is red and filled, 56 px high, in no smaller type than the silent one, and away from it."""
    found = await page.evaluate(ALARM)
    assert found["height"] >= 56, where
    assert found["apart"] >= 16, where
    assert found["size"] >= 16 > found["silent"], where
    assert found["filled"] == "rgb(198, 40, 40)", where
    assert found["inside"], f"{where}: the label is cut off"


ALARM = """() => {
  const [alarm, silent] = ["duress", "silent"].map((id) => document.getElementById(id));
  const [one, other] = [alarm, silent].map((each) => each.getBoundingClientRect());
  return {
    height: one.height, apart: other.left - one.right, filled: getComputedStyle(alarm).backgroundColor,
    size: parseFloat(getComputedStyle(alarm).fontSize), silent: parseFloat(getComputedStyle(silent).fontSize),
    inside: [...document.querySelectorAll(".bar button")].every((each) => each.scrollWidth <= each.clientWidth),
  };
}"""


async def test_the_time_to_check_in_is_one_line_and_its_button_two_at_most(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-26"):
        page = await opened(people, "thumb-26", size={"width": 390, "height": 844})
        await on(page)
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        for language in ("zh-CN", "en", "ko"):
            page = await opened(people, "thumb-26", language=language, size={"width": 390, "height": 844})
            await expect(page.locator("#safe")).to_be_visible()
            await people.shot(page, f"check-in-{language}")
            assert await page.locator("#safe time").evaluate("(time) => time.getClientRects().length") == 1, language
            assert await page.locator("#safe").evaluate("(safe) => safe.getBoundingClientRect().height") <= 60, language


async def test_the_result_is_always_one_tap_away_and_leads_to_its_form_first(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-24") as visit:
        page = await opened(people, "thumb-24", size={"width": 390, "height": 844})
        await on(page)
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        await page.locator("#finish").click()
        await expect(page.get_by_role("heading", name="上门核查")).to_be_in_viewport()
        await expect(page.get_by_label("通话和短信")).to_be_focused()
        bar = await page.locator(".bar").bounding_box()
        assert bar is not None
        await people.shot(page, "form")
        await page.locator("#finish").click()  # nothing was chosen: the browser asks for it, above the bar
        outcome = page.get_by_label("已劝阻")
        await expect(outcome).to_be_focused()
        at = await outcome.bounding_box()
        assert at is not None
        assert at["y"] + at["height"] <= bar["y"]
        assert not [what for what in await visit.told() if isinstance(what, VisitMade)]


async def test_a_deadline_is_said_as_time_left_and_as_a_time_of_day(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-25") as visit:
        looks = {
            "zh-CN": (r"^接受：(剩|超时) \d+:\d\d \d\d:\d\d 前$", r"^提交结果：剩 \d+:\d\d \d\d:\d\d 前$"),
            "en": (
                r"^Accept: \d+:\d\d (left|overdue) by \d\d:\d\d$",
                r"^Submit: \d+:\d\d left by \d\d:\d\d$",
            ),
            "ko": (r"^수락: \d+:\d\d (남음|초과) \d\d:\d\d까지$", r"^결과 제출: \d+:\d\d 남음 \d\d:\d\d까지$"),
        }
        for language, (accept, _) in looks.items():
            page = await opened(people, "thumb-25", language=language)
            await expect(page.locator("#list [data-part=due]")).to_have_text(re.compile(accept))
        page = await opened(people, "thumb-25")
        await on(page)
        address = page.get_by_role("link", name=visit.resident.address)
        assert await address.get_attribute("href") == f"geo:0,0?q={quote(visit.resident.address)}"
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        await expect(address).to_be_visible()
        for language, (_, result) in looks.items():
            page = await opened(people, "thumb-25", language=language)
            await on(page)
            await expect(page.locator("#one [data-part=due]")).to_have_text(re.compile(result))


async def test_a_refusal_has_a_reason_and_the_task_is_gone(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-2") as visit:
        page = await opened(people, "thumb-2")
        await on(page)
        await page.get_by_role("button", name="拒绝", exact=True).click()
        dialog = page.get_by_role("dialog", name="拒绝任务")
        await dialog.get_by_role("button", name="拒绝任务").click()
        await expect(dialog).to_be_visible()  # without a reason it stays
        await dialog.get_by_label("原因").select_option("距离太远")
        await dialog.get_by_role("button", name="拒绝任务").click()
        await expect(page.get_by_text("没有待办任务。")).to_be_visible(timeout=20_000)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        refused = (await visit.told())[-1]
        assert isinstance(refused, VisitRefused)
        assert refused.note.endswith("距离太远")


async def test_a_task_handed_over_at_the_end_of_the_shift_is_on_the_colleagues_screen(
    console: Stage, people: People
) -> None:
    async with visiting(console, "thumb-3", "thumb-4") as visit:
        page, other = await opened(people, "thumb-3"), await opened(people, "thumb-4", language="ko-KR")
        await expect(other.locator("#none")).to_be_visible()
        await on(page)
        await press(page, "接受", "已接受")
        await page.get_by_role("button", name="转交", exact=True).click()
        dialog = page.get_by_role("dialog", name="转交任务")
        await dialog.get_by_label("转交给").select_option("thumb-4")
        await dialog.get_by_role("button", name="转交任务").click()
        await expect(page.get_by_text("没有待办任务。")).to_be_visible(timeout=20_000)
        await visit.line.settle()
        await expect(other.get_by_role("link", name=NAME)).to_be_visible()  # by itself: it is live
        await expect(other.locator("#said")).to_have_text("새 임무가 있습니다")
        await people.shot(other, "handed-over-ko")


async def test_an_interpreter_asked_for_is_told_to_the_case(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-5") as visit:
        page = await opened(people, "thumb-5")
        await on(page)
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        await page.get_by_role("button", name="请翻译", exact=True).click()
        dialog = page.get_by_role("dialog", name="请翻译")
        await dialog.get_by_label("朝鲜语").check()
        await dialog.get_by_role("button", name="通知坐席").click()
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await visit.line.settle()
        notes = [fact.what for fact in await visit.line.facts(visit.resident, FactKind.NOTE)]
        assert InterpreterNeeded(InterpreterLanguage.KOREAN) in notes


async def test_the_whole_telephone_is_shown_for_a_reason_and_gone_with_the_task(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-20") as visit:
        page = await opened(people, "thumb-20")
        await on(page)
        await page.get_by_role("button", name="显示完整电话").click()
        dialog = page.get_by_role("dialog", name="显示完整电话")
        await dialog.get_by_label("类别").select_option("visiting")
        await dialog.get_by_label("理由").fill("门口无人应答")
        await dialog.get_by_role("button", name="显示", exact=True).click()
        await expect(page.locator("#phone a")).to_have_text(visit.resident.phones[0].value)
        await expect(page.locator("#watermark span").first).to_contain_text("-")
        await people.shot(page, "telephone")
        await page.get_by_role("link", name="返回列表").click()
        await expect(page.locator("#phone a")).to_have_count(0)


async def test_the_page_with_a_task_is_for_everybody(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-9", flags=["hard_of_hearing"]) as visit:
        found = []
        for language, size in (("zh-CN", SMALL), ("en", WIDE), ("ko", SMALL)):
            page = await opened(people, "thumb-9", language=language, size=size)
            await page.locator("details.map summary").click()
            found += await faults(page, f"list {language}")
            await people.shot(page, f"list-{language}-{size['width']}")
            await on(page)
            if language == "zh-CN":
                await press(page, "接受", "已接受")
                await press(page, "出发", "在路上")
                await press(page, "到达", "已到达")
            found += await faults(page, f"task {language}")
            await people.shot(page, f"task-{language}-{size['width']}")
            opens = page.locator("[data-open=hand-over]").locator("visible=true")
            await (opens if await opens.count() else page.locator("[data-open=refuse]")).first.click()
            found += await faults(page, f"dialog {language}")
        assert found == []
        assert len([what for what in await visit.told() if isinstance(what, OfficerArrived)]) == 1


async def faults(page: Page, where: str) -> list[str]:
    """What sticks out, and what axe finds."""
    wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    results = await Axe().run(page, options=RULES)
    nodes = [(each["id"], each["nodes"][0]["target"]) for each in results.response["violations"]]
    return [f"{where}: {wide} px stick out"] * (wide > 0) + [f"{where}: {node}" for node in nodes]
