"""Rosters in a browser: a shift, an absence with who takes over, an import; and an officer's swap on a telephone."""

from datetime import datetime, timedelta

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from console.web.kit.pages import ZONE
from schemas.people.staff import StaffRole
from tests.browser.people import PHONE, People
from tests.console.harness.rosters import clear, roster_of, station, with_shift
from tests.console.harness.stage import Stage

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}


async def accessible(page: Page) -> None:
    """No violation of WCAG 2.2 AA."""
    found = await Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()


def typed(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"


async def test_a_supervisor_plans_a_shift_and_fills_what_an_absence_frees(console: Stage, people: People) -> None:
    name = await station(console, "李某", "王某")
    page = await people.page(StaffRole.SUPERVISOR)
    await page.goto("/rosters")
    await page.get_by_role("link", name=name, exact=True).click()
    now = console.house.clock.now()
    adding = page.get_by_role("region", name="添加班次")
    await adding.get_by_label("人员").select_option(f"{name}-李某")
    await adding.get_by_label("上岗时间").fill(typed(now + timedelta(hours=2)))
    await adding.get_by_label("下岗时间").fill(typed(now + timedelta(hours=10)))
    await adding.get_by_role("button", name="添加").click()
    await expect(page.locator("a.shift").first).to_be_visible()
    await accessible(page)
    await people.shot(page, "week")
    away = page.get_by_role("region", name="缺勤")
    await away.get_by_label("人员").select_option(f"{name}-李某")
    await away.get_by_label("从").fill(typed(now + timedelta(hours=1)))
    await away.get_by_label("到").fill(typed(now + timedelta(hours=24)))
    await away.get_by_role("button", name="登记缺勤").click()
    free = page.get_by_role("region", name="空出的班次")
    await expect(free.get_by_label("可接班")).to_have_value(f"{name}-王某")
    await accessible(page)
    await people.shot(page, "free")
    await free.get_by_role("button", name="安排").click()
    await expect(free).to_contain_text("没有。")
    roster = await roster_of(console, name)
    assert [len(each.shifts) for each in roster.officers] == [0, 1]
    await clear(console, name)


async def test_a_file_with_a_wrong_row_is_mended_and_imported(console: Stage, people: People) -> None:
    name = await station(console, "旧人")
    header = "station,id,name,role,division,languages,start,end\n"
    row = f"{name},{name}-1,新人,{{role}},220102,zh,2026-12-01 08:00,2026-12-01 16:00\n"
    page = await people.page(StaffRole.SUPERVISOR)
    await page.goto(f"/rosters/import?station={name}")
    await accessible(page)

    async def choose(role: str) -> None:
        raw = (header + row.format(role=role)).encode("gb18030")
        await page.get_by_label("CSV 或日历（.ics）文件").set_input_files(
            {"name": "roster.csv", "mimeType": "text/csv", "buffer": raw}
        )
        await page.get_by_role("button", name="预览").click()

    await choose("警长")
    await expect(page.get_by_role("cell", name="role")).to_be_visible()
    await accessible(page)
    await people.shot(page, "wrong")
    await choose("民警")
    await expect(page.get_by_text("移除人员")).to_be_visible()
    await accessible(page)
    await people.shot(page, "preview")
    await page.get_by_role("button", name="确认导入").click()
    await expect(page.get_by_role("heading", name=name)).to_be_visible()
    assert [each.name for each in (await roster_of(console, name)).officers] == ["新人"]
    await clear(console, name)


async def test_two_officers_swap_on_their_telephones(console: Stage, people: People) -> None:
    name = await station(console, "李某", "王某")
    await with_shift(console, name, "李某", 24)
    await with_shift(console, name, "王某", 72)

    async def phone(person: str) -> Page:
        account: dict[str, object] = {"officer": f"{name}-{person}", "station": name}
        return await people.page(StaffRole.OFFICER, size=PHONE, account=account)

    asker, other = await phone("李某"), await phone("王某")
    await asker.goto("/rosters/mine")
    await asker.get_by_role("link", name="换班").click()
    await asker.get_by_label("请谁接，换回哪个班次").select_option(index=1)
    await accessible(asker)
    await people.shot(asker, "ask")
    await asker.get_by_role("button", name="提出").click()
    await expect(asker.get_by_text("待对方答复")).to_be_visible()
    await other.goto("/rosters/mine")
    await other.get_by_role("button", name="同意", exact=True).click()
    await expect(other.get_by_text("待值班长批准")).to_be_visible()
    boss = await people.page(StaffRole.SUPERVISOR)
    await boss.goto(f"/rosters?station={name}")
    await boss.get_by_role("button", name="批准", exact=True).click()
    await expect(boss.get_by_text("没有待批的换班。")).to_be_visible()
    await asker.reload()
    await expect(asker.get_by_text("已批准")).to_be_visible()
    await accessible(asker)
    await people.shot(asker, "done")
    await clear(console, name)


async def test_the_week_reads_on_a_telephone_in_every_language(console: Stage, people: People) -> None:
    name = await station(console, "李某", "王某")
    await with_shift(console, name, "李某", 24)
    for language, heading in (("zh-CN", "添加班次"), ("en-US", "Add a shift"), ("ko-KR", "근무 추가")):
        page = await people.page(StaffRole.SUPERVISOR, language=language, size=PHONE, dark=language == "ko-KR")
        await page.goto(f"/rosters?station={name}")
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, "the page itself does not scroll sideways"
        await accessible(page)
        await people.shot(page, f"week-{language}")
    await clear(console, name)
