"""A caller asks whether the warning is genuine, and reports an account: on a real browser, on real servers."""

import asyncio
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from domain.dispatches.messages import code
from domain.identity.identifiers import account_token
from schemas.levels import Action
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from streams.screening.payers import entry_of, spread
from streams.state.keys import key
from tests.browser.people import PHONE, People
from tests.browser.test_incidents import wrong
from tests.console.harness.stage import Stage
from tests.console.harness.stops import money_at_two_banks
from tests.end_to_end.harness.signals import call, transfer
from tests.uploads import photograph, picture

MINUTE = 60.0
TRACE_SECONDS = 30.0  # from the last bank's answer until persons see where the money went
BANK_TAKES = timedelta(minutes=1)


async def test_a_callers_warning_is_confirmed_by_its_code_and_a_report_goes_to_bank_and_watchlist(
    console: Stage, people: People
) -> None:
    line = console.line()
    resident, mule = await line.resident(), line.account()
    await line.signal(call(line, resident), transfer(line, resident, mule))
    sent = [d.id for e in await line.events(resident) for d in e.dispatches if d.action is Action.FLASH_SMS]
    page = await people.page(StaffRole.OPERATOR)
    await page.goto("/call-in")
    await people.shot(page, "call-in")
    await page.get_by_label("来电号码").fill(resident.phones[0].value)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="打开预警")).to_be_visible()
    assert resident.phones[0].value[3:] not in page.url

    await page.get_by_label("核验码", exact=True).fill(code(console.house.settings.key(), sent[0]))
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("属实：这条消息是我们发出的。")).to_be_visible()

    await page.get_by_label("举报诈骗").check()
    await page.get_by_label("来电人怎么说").fill("对方自称公安，要我把钱转到安全账户")
    await page.get_by_label("涉诈账户").fill(mule)
    await page.get_by_role("button", name="登记", exact=True).click()
    await expect(page.get_by_text("已请求银行止付")).to_be_visible()
    await expect(page.get_by_text("涉诈账户已进入名单")).to_be_visible()
    assert await wrong(people, page, "call-in-told") == []

    await line.settle()
    line.expect_stop(mule)
    token = account_token(console.house.settings.key(), mule)
    where = key("watch", spread(token, console.house.settings.partitions))
    raw = await console.house.line.redis.hget(where, f"account:{token}")
    assert raw is not None
    assert entry_of(raw).standing is WatchStatus.REPORTED
    await line.end()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_an_unknown_caller_in_danger_is_a_case_with_its_questions_within_a_minute_by_keyboard(
    console: Stage, people: People, language: str
) -> None:
    page = await people.page(StaffRole.OPERATOR, language=language)
    await page.goto("/call-in")
    began = time.monotonic()
    await page.keyboard.type("198009910" + ("01" if language == "en" else "02"))
    await page.keyboard.press("Enter")
    await expect(page.locator("#d-suspect_account")).to_be_focused()
    for words in ("", "20000", "", "某银行", "某新"):  # the account and its bank are not known
        await page.keyboard.type(words)
        await page.keyboard.press("Tab")
    await page.keyboard.type("南关" if language == "zh-CN" else "Nanguan")
    await people.shot(page, f"danger-{language}")
    assert await wrong(people, page, f"danger-wide-{language}") == []
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/cases/*", timeout=20_000)
    await expect(page.locator("[data-say]")).to_be_visible()
    await expect(page.locator("#call[data-state=connected]")).to_be_visible()
    await expect(page.locator(".answers button").first).to_be_enabled()
    assert time.monotonic() - began < MINUTE
    await people.shot(page, f"danger-case-{language}")


async def test_what_the_call_is_about_is_chosen_once_and_shows_the_form_for_it(people: People) -> None:
    page = await people.page(StaffRole.OPERATOR)
    await page.goto("/call-in")
    await page.keyboard.type("19800991004")
    await page.keyboard.press("Enter")
    await expect(page.locator("#d-suspect_account")).to_be_focused()
    assert await page.locator("[name=what]").count() == 3
    assert (await page.locator(".caution").inner_text()).strip() == "请来电人不要挂断、不要转账。"
    await page.locator("#what-danger").focus()
    for kind in ("report", "question"):
        await page.keyboard.press("ArrowRight")
        await expect(page.locator(f"#what-{kind}")).to_be_checked()
        await expect(page.locator("#danger")).to_be_hidden()
    await people.shot(page, "kind-question")
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_be_focused()
    await page.locator(".kinds label", has_text="本人正在被骗").click()
    await expect(page.locator("#d-suspect_account")).to_be_focused()
    await expect(page.locator("#text")).to_be_hidden()
    await page.locator(".kinds label", has_text="举报诈骗").click()
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("收到冒充客服的电话")
    await page.get_by_role("button", name="登记", exact=True).click()
    await expect(page.locator("#statements strong")).to_have_text("举报诈骗")


async def test_a_stranger_calls_and_the_money_is_held_at_the_second_bank_by_keyboard_only(
    console: Stage, people: People
) -> None:
    line = console.line()
    line.approves = False
    desk = await people.page(StaffRole.RELEASE_DESK)
    page = await people.page(StaffRole.OPERATOR)
    await page.goto("/call-in")
    pressed, began = 0, time.monotonic()

    async def write(*fields: str) -> None:
        nonlocal pressed
        for number, words in enumerate(fields):
            if number:
                await page.keyboard.press("Tab")
            await page.keyboard.type(words)
        await page.keyboard.press("Enter")
        pressed += sum(map(len, fields)) + len(fields)

    mule, second = money_at_two_banks(line, BANK_TAKES)
    await write("19800991003")
    await expect(page.locator("#d-suspect_account")).to_be_focused()
    await write(mule, "20000", "工商银行", "某银行", "某新", "南关")
    await page.wait_for_url("**/cases/*", timeout=20_000)
    case = page.url.rpartition("/")[2]
    answered = time.monotonic() - began
    await expect(page.locator(".payments li")).to_contain_text("20,000")
    await people.shot(page, "stranger-case")

    async def approve(desk: Page, order: Locator) -> float:
        """Wait for an order on the desk's page and approve it by keyboard. Returns the seconds since the call."""
        nonlocal pressed
        async with asyncio.timeout(MINUTE):
            while not await order.count():
                await desk.goto("/release")  # the page reads it as it loads
        waits = time.monotonic() - began
        await order.focus()
        await desk.keyboard.press("Enter")
        await expect(desk.locator("#h-order")).to_have_text("待审批")
        await people.shot(desk, "stranger-order")
        await desk.keyboard.press("a")
        await expect(desk.get_by_role("button", name="批准止付")).to_have_count(0)
        pressed += 2
        return waits

    waits = await approve(desk, desk.locator(f"a[href='/release/orders/{case}/stop.0']"))
    print(f"\nfrom the call to the order that waits: {pressed - 2} keys, {waits:.1f} s (the case: {answered:.1f} s)")
    assert waits < MINUTE
    await line.settle()
    line.expect_stop(mule)
    told = time.monotonic() - began
    await line.advance(seconds=BANK_TAKES.total_seconds())

    traced = desk.locator("tr", has_text="资金转入")
    waits = await approve(desk, traced.locator(f"a[href^='/release/orders/{case}/']"))
    print(f"from the bank's answer to the order about the next account: at most {waits - told:.1f} s")
    assert waits - told < TRACE_SECONDS
    await line.settle()
    line.expect_stop(second)
    await line.advance(seconds=BANK_TAKES.total_seconds())
    await page.goto(f"/cases/{case}")
    await people.shot(page, "stranger-held")
    await expect(page.locator("#headline")).to_have_text(re.compile("¥20,000.*止付生效"))
    await expect(page.locator("summary", has_text="资金去向")).to_contain_text("银行已控制 ¥20,000")
    print(f"from the call until it is held at the second bank: {pressed} keys, {time.monotonic() - began:.1f} s")


async def test_a_call_that_rings_is_answered_from_the_page_and_rings_on_no_other_any_more(
    console: Stage, people: People
) -> None:
    line = console.line()
    resident = await line.resident()
    first, second = await people.page(StaffRole.OPERATOR), await people.page(StaffRole.OPERATOR, size=PHONE)
    for page in (first, second):
        await page.goto("/call-in")
    pbx = await console.signed_in(StaffRole.OPERATOR)
    await pbx.post("/api/v1/calls", json={"id": "ring", "phone": resident.phones[0].value})
    for page in (first, second):
        await expect(page.get_by_role("button", name="接听")).to_be_visible()
    await people.shot(second, "ringing-360")
    await first.get_by_role("button", name="接听").click()
    await expect(first.get_by_text("在册居民，没有预警")).to_be_visible()
    await expect(second.get_by_role("button", name="接听")).to_have_count(0)
    await pbx.aclose()


async def test_the_pages_of_a_call_fit_a_telephone_in_every_language(console: Stage, people: People) -> None:
    line = console.line()
    resident = await line.resident()
    await line.signal(call(line, resident), transfer(line, resident, line.account()))
    for language in ("zh-CN", "en-US", "ko-KR"):
        page = await people.page(StaffRole.OPERATOR, language=language, size=PHONE, dark=language == "ko-KR")
        await page.goto("/call-in")
        await page.locator("#phone").fill(resident.phones[0].value)
        await page.keyboard.press("Enter")
        await expect(page.locator("#say")).to_be_visible()
        assert await wrong(people, page, f"call-{language}") == []
    await line.end()


async def test_screenshots_go_with_the_report_and_are_shown_for_a_reason_on_a_telephone(
    console: Stage, people: People, tmp_path: Path
) -> None:
    line = console.line()
    line.approves = False
    chat, receipt, paper = tmp_path / "微信 聊天.png", tmp_path / "receipt.jpg", tmp_path / "bill.pdf"
    await asyncio.to_thread(chat.write_bytes, picture(size=(300, 1200)))
    await asyncio.to_thread(receipt.write_bytes, photograph())
    await asyncio.to_thread(paper.write_bytes, b"%PDF-1.7")
    page = await people.page(StaffRole.OPERATOR)
    await page.goto("/call-in")
    await page.keyboard.type("19800991009")
    await page.keyboard.press("Enter")
    for name, words in (("name", "某新"), ("place", "南关"), ("bank", "某银行"), ("amount", "20000")):
        await page.locator(f"#d-{name}").fill(words)
    await page.locator("#d-evidence summary").click()
    await page.get_by_label("截图、收据").set_input_files([chat, paper])
    assert await wrong(people, page, "danger-files") == []
    await page.get_by_role("button", name="生成预警并打开问答").click()
    await page.wait_for_url("**/evidence?refused=pdf", timeout=60_000)
    await expect(page.get_by_role("alert")).to_contain_text("不接受 PDF")
    await expect(page.get_by_role("heading", name="已保存 1 份")).to_be_visible()
    assert "聊天" not in await page.content()

    where = page.url.partition("?")[0]
    phone = await people.page(StaffRole.SUPERVISOR, size=PHONE)
    await phone.goto(where)
    assert await phone.get_by_label("拍照").get_attribute("capture") == "environment"
    await phone.get_by_label("拍照").set_input_files(receipt)
    await phone.get_by_role("button", name="保存证据材料").click()
    await expect(phone.get_by_role("heading", name="已保存 2 份")).to_be_visible(timeout=60_000)
    assert await phone.locator("img").count() == 0
    await phone.get_by_label("类别").select_option("checking")
    await phone.get_by_label("理由").fill("核对转账收据")
    await phone.get_by_role("button", name="查看", exact=True).click()
    await expect(phone.locator("#watermark")).to_be_attached()
    await phone.locator("img").last.scroll_into_view_if_needed()
    await expect(phone.locator("img").last).to_have_js_property("naturalWidth", 40)
    await phone.locator("#picture-1").click()
    await expect(phone.locator("img").first).to_have_js_property("naturalHeight", 1200)
    assert await wrong(people, phone, "evidence") == []
    await phone.get_by_role("button", name="恢复隐藏").click()
    await expect(phone.locator("img")).to_have_count(0)
    await line.end()
