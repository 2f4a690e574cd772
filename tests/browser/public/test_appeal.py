"""The holder of a listed number appeals, a supervisor decides, and the check says so: in a real browser."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from domain.desk.public_reports import check_due
from schemas.people.staff import StaffRole
from schemas.risk.signals import Watch, WatchState
from tests.browser.cases.looks import NARROW, wrong_in_each_look
from tests.browser.people import DESKTOP, People
from tests.browser.public.test_public_page import FILLS_IN
from tests.browser.test_incidents import wrong
from tests.console.harness.stage import Stage, stage

LISTED = "19800099083"
SECONDS = 20_000.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A console of which the public may ask, with a confirmed number."""
    async with stage(tmp_path_factory.mktemp("appeal"), public_check=True) as started:
        told = {"source": "police", "id": "appealed", "at": started.services.line.clock.now(), "subject": "phone"}
        watch = Watch.model_validate({**told, "value": f"+86{LISTED}", "state": WatchState.CONFIRMED})
        await started.line().signal(watch)
        await listed(started, 1)
        yield started


async def listed(console: Stage, count: int) -> None:
    known = console.services.check_list
    assert known is not None
    for _ in range(300):
        if known.listed == count:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{known.listed} are listed, not {count}")


async def answer(page: Page, title: str) -> None:
    """Ask about the number; the answer has this title."""
    await page.goto("/check")
    await page.locator("#subject").fill(LISTED)
    await page.locator("#ask-now").click()
    await expect(page.get_by_role("heading", name=title)).to_be_visible(timeout=SECONDS)


async def test_the_forms_are_for_everybody(console: Stage, people: People) -> None:
    async def opened(language: str, size: dict[str, int]) -> Page:
        page = await people.page_of(None, language=language, size=size, dark=language == "ko")
        await page.goto("/check/appeal")
        await expect(page.locator("form[action='/check/appeal'] button")).to_be_visible()
        assert await page.locator("html").get_attribute("lang") == language[:2]
        return page

    assert await wrong_in_each_look(people, "appeal", opened) == []


async def test_a_supervisor_removes_a_number_that_has_a_new_holder_and_the_check_knows_it_no_more(
    console: Stage, people: People
) -> None:
    holder = await people.page_of(None, size=NARROW)
    await answer(holder, "已确认涉诈")
    await holder.get_by_role("link", name="这是我的号码，被误列了：申诉").click()
    await holder.get_by_label("号码、账号或链接").fill(LISTED)
    await holder.get_by_label("您的姓名").fill("某新")
    await holder.get_by_label("能联系到您的电话").fill("19800099084")
    await holder.get_by_label("您所在的县（市、区）").select_option("220102")
    await holder.get_by_label("为什么应当移出名单，您有什么证明").fill("号码是上月新办的")
    await holder.wait_for_timeout(FILLS_IN)
    await holder.get_by_role("button", name="提交申诉").click()
    await expect(holder.get_by_role("heading", name="申诉已收到")).to_be_visible(timeout=SECONDS)
    await expect(holder.locator("main")).to_contain_text("最迟决定时间")
    assert await wrong(people, holder, "received") == []
    [appeal] = await console.services.line.public_reports.all()
    assert check_due(appeal) > appeal.at

    boss = await people.page(StaffRole.SUPERVISOR, size=DESKTOP)
    await boss.goto(f"/public-reports/{appeal.id}")
    assert await wrong(people, boss, "decision") == []
    await boss.get_by_label("决定和原因").select_option("removed_reassigned")
    await boss.locator("form[action$='/appeal'] button").click()
    await boss.wait_for_url("**/public-reports")
    await console.house.settle([])
    await listed(console, 0)
    await answer(holder, "名单中没有")
