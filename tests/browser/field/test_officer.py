"""An officer at his telephone: a visit from accepting to its result, handing over, alarms that supervisors see."""

import re
from datetime import timedelta
from urllib.parse import quote

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from domain.visits.check_in import GLANCE, WITHIN
from schemas.casework.events import FactKind
from schemas.codes.people import InterpreterNeeded, OfficerArrived, VisitMade, VisitRefused
from schemas.levels import EvidenceClass, Outcome
from schemas.people.alarms import Alarm
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


async def hold(page: Page) -> None:
    """Put the finger on the alarm; it stays there."""
    box = await page.locator("#duress").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()


async def test_a_visit_from_accepting_to_its_result_with_one_thumb(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-1") as visit:
        page = await opened(people, "thumb-1")
        await people.shot(page, "list")
        await on(page)
        await expect(page.locator("#one")).to_contain_text(visit.resident.address)
        await expect(page.locator("[data-slot=way]")).to_contain_text("车程约")
        await expect(page.locator("[data-slot=stop]")).to_have_text("第 1 站，共 1 站")
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


async def test_the_bar_takes_less_than_an_eighth_of_the_screen(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-23"):
        for language in ("zh-CN", "en", "ko"):
            page = await opened(people, "thumb-23", language=language, size={"width": 390, "height": 844})
            await on(page)
            box = await page.locator(".bar").bounding_box()
            assert box is not None
            assert box["height"] <= 0.12 * 844, language
            await people.shot(page, f"bar-{language}")


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


async def test_one_long_press_alarms_the_supervisor_and_a_short_one_nobody(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-6"):
        page = await opened(people, "thumb-6")
        supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
        await supervisor.goto("/alarms")
        await on(page)
        await page.locator("#duress").click()
        await hold(page)
        alarm = supervisor.locator("[data-alarm]", has_text="thumb-6")
        await expect(alarm).to_contain_text("求助警报")
        await expect(alarm.locator("time.elapsed")).to_have_text(re.compile(r"^[0-9]+:[0-9]{2}"))
        await page.mouse.up()
        await expect(alarm).to_have_count(1)
        await expect(page.locator("#said")).to_have_text("警报已发出")
        await people.shot(supervisor, "alarm")
        await alarm.get_by_label("处置").fill("派最近的巡逻车")
        await alarm.get_by_role("button", name="我来处理").click()
        await expect(alarm).to_have_count(0)
        await supervisor.reload()
        await expect(supervisor.get_by_role("cell", name="派最近的巡逻车")).to_be_visible()


async def test_a_silent_alarm_shows_nothing_on_the_telephone(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-7"):
        page = await opened(people, "thumb-7")
        supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
        await supervisor.goto("/alarms")
        operator = await people.page(StaffRole.OPERATOR, size=WIDE)
        await operator.goto("/queue")
        silent = page.get_by_role("button", name="静默报警")
        await silent.click()  # short: it is the long press that counts
        await silent.focus()
        await page.keyboard.down("Space")
        alarm = supervisor.locator("[data-alarm]", has_text="thumb-7")
        await expect(alarm).to_contain_text("静默：不要给他打电话")
        await expect(operator.locator("[data-alarm]", has_text="thumb-7")).to_be_visible()  # who looks at the queue too
        await page.keyboard.up("Space")
        await expect(page.locator("#said")).to_be_empty()
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await alarm.get_by_role("button", name="我来处理").click()
        await expect(alarm).to_have_count(0)


async def test_who_does_not_check_in_is_on_the_supervisors_screen(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-8") as visit:
        page = await opened(people, "thumb-8")
        supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
        await supervisor.goto("/alarms")
        await on(page)
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        await expect(page.locator("#check-in")).to_be_visible()
        await visit.line.until(console.house.clock.now() + WITHIN + timedelta(seconds=1))
        alarm = supervisor.locator("[data-alarm]", has_text="thumb-8")
        await expect(alarm).to_contain_text("未按时签到")
        await page.get_by_role("button", name="我安全").click()
        await expect(alarm).to_contain_text("后已签到")
        await alarm.get_by_role("button", name="我来处理").click()
        await expect(alarm).to_have_count(0)


async def test_alarms_folded_on_the_overview_are_reached_by_the_keyboard_and_stay_unfolded(
    console: Stage, people: People
) -> None:
    now, made = console.house.clock.now(), console.house.line.alarms
    names = [f"folded-{n}" for n in range(GLANCE + 2)]
    for age, name in enumerate(names):
        plain = {"id": name, "kind": "check_in_missed", "at": now - timedelta(minutes=age), "told_at": now}
        await made.raise_(Alarm.model_validate(plain | {"officer": name, "name": name, "area": "220102"}))
    supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
    await supervisor.goto("/desk")
    fold = supervisor.locator("[data-alarms] summary")
    await expect(fold).to_contain_text("其余未按时签到警报")
    oldest = supervisor.locator("[data-alarm]", has_text=names[-1])
    await expect(oldest).to_be_hidden()
    await fold.focus()
    await supervisor.keyboard.press("Enter")
    await expect(oldest).to_be_visible()
    await people.shot(supervisor, "alarms-unfolded")
    await oldest.get_by_label("处置").fill("已联系")
    await supervisor.keyboard.press("Enter")
    await expect(oldest).to_have_count(0)
    await expect(supervisor.locator("[data-alarm]", has_text=names[-2])).to_be_visible()
    assert await faults(supervisor, "desk") == []
    for name in names[:-1]:
        await made.acknowledge(name, "a test", "", now)


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
