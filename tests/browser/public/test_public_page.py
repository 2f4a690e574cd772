"""A victim reports on a telephone, an operator checks it with one key, and the case is red: in a real browser."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from console.web.case import public_form
from schemas.levels import Level
from schemas.people.public_reports import PublicReportState
from schemas.people.residents import ReportSource
from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.browser.test_incidents import wrong
from tests.console.harness.stage import Stage, stage

NARROW = {"width": 390, "height": 844}
FILLS_IN = public_form.LEAST_SECONDS * 1000 + 500  # ms: a person takes longer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A console that the public reaches."""
    async with stage(tmp_path_factory.mktemp("public"), public_page=True) as started:
        yield started


async def fill_in(page: Page, phone: str, account: str) -> None:
    await page.goto("/report")
    await page.get_by_label("您的姓名").fill("某新")
    await page.get_by_label("您的电话").fill(phone)
    await page.get_by_label("您所在的县（市、区）").select_option("220102")
    await page.get_by_label("金额（元，选填）").fill("20000")
    await page.get_by_label("钱转到了哪个账户（选填）").fill(account)
    await page.get_by_label("您从哪家银行付款（选填）").fill("某银行")
    await page.get_by_label("对方银行或支付机构（选填）").fill("工行")
    await page.get_by_label("骗子说了什么（选填）").fill("自称客服，要我转到安全账户")
    await page.wait_for_timeout(FILLS_IN)
    await page.get_by_role("button", name="提交举报").click()


async def test_a_report_on_a_telephone_becomes_a_red_case_once_an_operator_has_checked_it(
    console: Stage, people: People
) -> None:
    line = console.line()
    line.approves = False
    victim = await people.page_of(None, size=NARROW)
    await fill_in(victim, "19800099041", line.account())
    number = await victim.locator(".reference").inner_text()
    assert re.fullmatch(r"\d{4}-\d{4}-\d{4}", number)
    await expect(victim.get_by_role("link", name="96110")).to_be_visible()
    assert victim.url.endswith("/report"), "nothing of the report is in the address"
    assert console.services.hub.rows == {}

    page = await people.page(StaffRole.OPERATOR)
    await page.goto("/public-reports")
    await page.get_by_role("link", name=number).click()
    await expect(page.get_by_text("自称客服，要我转到安全账户")).to_be_visible()
    assert await wrong(people, page, "check") == []
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="本人正在被骗")).to_be_visible()
    await expect(page.get_by_label("姓名")).to_have_value("某新")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/cases/*", timeout=30_000)
    case = await console.services.desk.load(page.url.rpartition("/")[2])
    assert case is not None
    assert (case.level, len(case.orders)) == (Level.RED, 1)
    paid = case.payments[0].reported
    assert paid is not None
    assert paid.source is ReportSource.PUBLIC
    [report] = await console.services.line.public_reports.all()
    assert (report.state, report.case) == (PublicReportState.CHECKED, case.id)
    line.residents += (await console.house.line.residents.standing([case.resident])).values()
    await line.end()


@pytest.mark.parametrize("language", ["zh-CN", "en", "ko"])
@pytest.mark.parametrize("dark", [False, True])
async def test_the_public_page_is_for_everybody(people: People, language: str, dark: bool) -> None:
    page = await people.page_of(None, language=language, size=NARROW, dark=dark)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("/report")
    assert await wrong(people, page, f"report-{language}-{dark}") == []
    own = page.url.removesuffix("/report")
    assert all(url.startswith(own) for url in asked)
    assert await page.locator("script").count() == 0


async def test_a_refused_report_keeps_what_was_typed(people: People) -> None:
    page = await people.page_of(None, size=NARROW)
    await fill_in(page, "1", "6200000000000002")
    await expect(page.get_by_role("alert").filter(has_text="座机请加区号")).to_be_visible()
    await expect(page.get_by_label("您的姓名")).to_have_value("某新")
    await page.get_by_label("您的电话").fill("19800099042")
    await page.get_by_role("button", name="提交举报").click()
    await expect(page.get_by_role("heading", name="举报已收到")).to_be_visible()
    assert await wrong(people, page, "taken") == []
