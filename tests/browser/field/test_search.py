"""A search in the browser: a supervisor starts it, two officers look, one finds, the other's search ends."""

import re

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from schemas.casework.cases import CaseState
from schemas.casework.searches import SearchEnd
from schemas.people.staff import StaffRole
from tests.browser.people import DESKTOP, People
from tests.browser.test_every_page import RULES
from tests.console.harness.searching import ADDRESSES, BRANCH, HOTEL, USUAL, search_wanted
from tests.console.harness.stage import Stage

TELEPHONE = {"width": 390, "height": 844}


async def telephone(people: People, name: str, language: str = "zh-CN") -> Page:
    page = await people.page(StaffRole.OFFICER, account={"officer": name}, size=TELEPHONE, language=language)
    await page.goto("/tasks")
    await page.get_by_role("heading", name=re.compile("我的任务|My tasks|내 임무")).click()  # before it may vibrate
    return page


async def fits(page: Page) -> None:
    """Nothing sticks out, and axe finds nothing."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()


async def test_one_officer_finds_the_resident_and_the_others_search_ends(console: Stage, people: People) -> None:
    async with search_wanted(console, "seek-1", "seek-2") as wanted:
        one, other = await telephone(people, "seek-1"), await telephone(people, "seek-2")
        boss = await people.page(StaffRole.SUPERVISOR, size=DESKTOP)
        await boss.goto(await wanted.path())
        await fits(boss)
        await people.shot(boss, "form")
        await boss.get_by_label("被骗子要求独处、断联").check()
        await boss.get_by_label("名称").first.fill(USUAL)
        await boss.get_by_label("地址").first.fill(ADDRESSES[USUAL])
        await boss.get_by_role("button", name="启动查找").click()
        await expect(boss.get_by_role("heading", name="正在查找")).to_be_visible()
        await fits(boss)
        await people.shot(boss, "searching")
        await expect(one.get_by_role("heading", name="紧急查找")).to_be_visible(timeout=20_000)
        for place in (HOTEL, BRANCH, USUAL):
            await expect(one.locator("#searches")).to_contain_text(place)
        await fits(one)
        await people.shot(one, "telephone")
        search = await wanted.search()
        mine = next(each.number for each in search.places if each.officer == "seek-1")
        row = one.locator(".sought > li").filter(has_text=f"{mine[1:]}. ")
        await row.get_by_role("button", name="不在").click()
        await expect(row.locator("[data-slot=words]")).to_have_text("不在", timeout=20_000)
        await expect(boss.locator("tr.not_there .state")).to_have_text("不在", timeout=20_000)
        theirs = next(each.number for each in search.places if each.officer == "seek-2")
        row = other.locator(".sought > li").filter(has_text=f"{theirs[1:]}. ")
        await row.get_by_role("button", name="已找到").click()
        await people.shot(other, "asked-again")
        await other.get_by_role("button", name="确认已找到").click()
        await expect(one.locator("#searches")).to_contain_text("已找到当事人，不必再找", timeout=20_000)
        await expect(one.locator("#searches")).not_to_contain_text(USUAL)
        await people.shot(one, "telephone-ended")
        await expect(other.get_by_text("请登记结果：")).to_be_visible(timeout=20_000)
        await fits(other)
        await people.shot(other, "outcome")
        await expect(boss.get_by_role("heading", name="查找已结束 · 已找到")).to_be_visible(timeout=20_000)
        await people.shot(boss, "found")
        case = await wanted.case()
        assert (case.searches[-1].end, case.officer) == (SearchEnd.FOUND, "seek-2")
        await other.get_by_role("button", name="已劝阻").click()
        await expect(other.get_by_text("请登记结果：")).to_be_hidden(timeout=20_000)
        await expect(other.locator("#waiting")).to_be_hidden(timeout=20_000)
        assert (await wanted.case()).state is CaseState.DISSUADED
        await one.get_by_role("button", name="知道了").click()
        await expect(one.locator("#searches")).to_be_hidden()


async def test_the_page_and_the_telephone_fit_in_each_language_and_size(console: Stage, people: People) -> None:
    async with search_wanted(console, "seek-3", "seek-4") as wanted:
        async with await console.signed_in(StaffRole.SUPERVISOR) as boss:
            await wanted.started(boss)
        for language in ("zh-CN", "en", "ko"):
            for size in (TELEPHONE, DESKTOP):
                page = await people.page(StaffRole.SUPERVISOR, size=size, language=language)
                await page.goto(await wanted.path())
                await fits(page)
                await people.shot(page, f"searching-{language}-{size['width']}")
            held = await telephone(people, "seek-3", language)
            await expect(held.locator(".sought > li")).to_have_count(3, timeout=20_000)
            await fits(held)
            await people.shot(held, f"telephone-{language}")


async def test_an_answer_without_a_network_is_sent_when_it_is_back(console: Stage, afield: People) -> None:
    async with search_wanted(console, "seek-5", "seek-6") as wanted:
        page = await telephone(afield, "seek-5")
        async with await console.signed_in(StaffRole.SUPERVISOR) as boss:
            search = await wanted.started(boss)
        await expect(page.locator(".sought > li")).to_have_count(3, timeout=20_000)
        await page.context.set_offline(True)
        mine = next(each.number for each in search.places if each.officer == "seek-5")
        row = page.locator(".sought > li").filter(has_text=f"{mine[1:]}. ")
        await row.get_by_role("button", name="不在").click()
        await expect(row.locator("[data-slot=words]")).to_have_text("不在 · 待发送")
        await page.context.set_offline(False)
        await expect(row.locator("[data-slot=words]")).to_have_text("不在", timeout=30_000)
