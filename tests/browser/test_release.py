"""The release desk with two people at two browsers: one asks, the other decides. What a person has revealed is masked
again on an open page.
"""

import re
import secrets
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from schemas.casework.cases import StopState
from schemas.levels import Action
from schemas.people.staff import StaffRole
from streams.state.keys import UNMASKED
from tests.browser.people import DESKTOP, PHONE, People
from tests.browser.test_every_page import LOOKS, RULES
from tests.console.cases.test_call_in import called, form
from tests.console.cases.test_release_orders import proposed
from tests.console.centre.test_complaints_page import taken
from tests.console.harness.case_forms import send
from tests.console.harness.stage import Stage
from tests.console.harness.stops import known, stopped

DESK = StaffRole.RELEASE_DESK
SECRET, MASKED = "13900000001", "*******0001"
SMALL = {"width": 1024, "height": 768}
ENDS = 10_000  # ms


async def test_one_asks_the_other_approves_and_the_stop_is_lifted(console: Stage, people: People) -> None:
    stop = await stopped(console)
    anna, bert = await people.page(DESK), await people.page(StaffRole.SUPERVISOR)
    await anna.goto("/release")
    await anna.locator(f'a[href="{stop.path}"]').click()
    await anna.locator("#reason").fill("生活困难，本月房租到期")
    await anna.locator("#evidence").fill("租房合同")
    await anna.get_by_role("button", name="申请解除").click()
    await expect(anna.get_by_text("须由另一人审批")).to_be_visible()
    await expect(anna.get_by_role("button", name="批准解除")).to_have_count(0)
    await bert.goto("/release")
    row = bert.get_by_role("row", name=console.services.hub.number(stop.case.id)).first
    await row.get_by_role("link", name="审批").click()
    await expect(bert.get_by_text("租房合同")).to_be_visible()
    await people.shot(bert, "release-request")
    await bert.get_by_role("button", name="批准解除").click()
    await expect(bert.locator("#h-request")).to_have_text("已批准")
    await stop.line.advance(minutes=3)
    await known(console, stop, StopState.RELEASED)
    stop.line.expect_stop(stop.mule, Action.STOP_RELEASE)
    await anna.goto(stop.path)
    await expect(anna.locator("dl.facts").first).to_contain_text("已解除")
    await people.shot(anna, "release-stop")


async def test_an_order_appears_on_an_open_desk_and_goes_when_it_is_decided(console: Stage, people: People) -> None:
    anna, bert = await people.page(DESK), await people.page(StaffRole.SUPERVISOR)
    await anna.goto("/release")
    case = await proposed(console, console.line(), console.line().account())
    path = f"/release/orders/{case.id}/stop.0"
    link = anna.locator(f'a[href="{path}"]')
    await expect(link).to_be_visible(timeout=ENDS)
    await bert.goto(path)
    await bert.get_by_role("button", name="批准止付").click()
    await expect(link).to_have_count(0, timeout=ENDS)


async def test_what_an_operator_asks_for_on_the_cases_page_waits_there_for_a_second_person(
    console: Stage, people: People
) -> None:
    stop = await stopped(console)
    page, bert = await people.page(StaffRole.OPERATOR), await people.page(DESK)
    await page.goto(f"/cases/{stop.case.id}")
    await page.locator("#money details.act summary").click()
    await page.locator("#release-1").fill("生活困难，本月房租到期")
    await page.get_by_role("button", name="申请解除", exact=True).click()
    await page.locator("[data-second-yes]").click()
    await expect(page.locator("#money")).to_contain_text("已申请解除止付，等另一人审批")
    await expect(page.locator("#money details.act")).to_have_count(0)
    await expect(page.locator("#said")).to_contain_text("等另一人审批")
    await people.shot(page, "release-asked-on-the-case")
    await bert.goto("/release")
    row = bert.get_by_role("row", name=console.services.hub.number(stop.case.id)).first
    await row.get_by_role("link", name="审批").click()
    await bert.get_by_role("button", name="批准解除").click()
    await expect(bert.locator("#h-request")).to_have_text("已批准")
    await stop.line.advance(minutes=3)
    await known(console, stop, StopState.RELEASED)
    stop.line.expect_stop(stop.mule, Action.STOP_RELEASE)
    await expect(page.locator("#money")).to_contain_text("止付已解除")


async def test_both_tables_have_their_columns_below_each_other_and_a_bank_stays_on_one_line(
    console: Stage, people: People
) -> None:
    await stopped(console)
    line = console.line()
    await proposed(console, line, line.account())
    for language in ("zh-CN", "en", "ko"):
        page = await people.page(DESK, language=language)
        await page.goto("/release")
        await expect(page.locator("table.stops")).to_be_visible()
        for size in (DESKTOP, SMALL):
            await page.set_viewport_size({"width": size["width"], "height": size["height"]})
            found: dict[str, Any] = await page.evaluate(COLUMNS)
            await people.shot(page, f"columns-{language}-{size['width']}")
            assert len(found["lefts"]) >= 2
            assert all(lefts == found["lefts"][0] for lefts in found["lefts"]), (language, size)
            assert found["bank"] == 1, (language, size)
            assert found["wide"] == [], (language, size)
            assert all(found["below"]), "what is empty says so below its heading, in each card"


COLUMNS = """() => {
  const bank = document.querySelector("table.stops td:nth-child(3)");
  bank.textContent = "示范支付机构甲";
  const range = document.createRange();
  range.selectNodeContents(bank);
  return {
    lefts: [...document.querySelectorAll("table.money thead tr")].map((row) =>
      [...row.children].map((cell) => Math.round(cell.getBoundingClientRect().left))),
    bank: range.getClientRects().length,
    wide: [...document.querySelectorAll("table.money td")].filter((each) => each.scrollWidth > each.clientWidth + 1)
      .map((each) => each.textContent),
    below: [...document.querySelectorAll(".waits .card:not(:has(table))")].map((card) => {
      const [head, text] = ["h2", "p.soft"].map((each) => card.querySelector(each).getBoundingClientRect());
      return text.top >= head.bottom - 1;
    }),
  };
}"""


async def test_who_approves_has_a_key_for_each_of_the_two_acts_on_the_first_screen(
    console: Stage, people: People
) -> None:
    line = console.line()
    mule = line.account()
    case = await proposed(console, line, mule)
    path = f"/release/orders/{case.id}/stop.0"
    for language, size in (("zh-CN", None), ("en", SMALL), ("ko", SMALL)):
        page = await people.page(DESK, language=language, size=size, dark=language == "en")
        await page.goto(path)
        for act in (page.locator("[data-key=a]"), page.locator("[data-key=d]")):
            await expect(act).to_be_in_viewport()
        await people.shot(page, f"order-{language}")
    await page.keyboard.press("d")
    await expect(page.locator("#reason")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.locator("h1").click()
    await page.keyboard.press("a")
    await expect(page.locator("#h-order")).not_to_have_text("승인 대기")
    await line.settle()
    line.expect_stop(mule)


async def test_the_desk_shows_what_runs_out_and_the_day_to_be_reconciled(console: Stage, people: People) -> None:
    await stopped(console)
    for language, size in (("zh-CN", None), ("en", PHONE), ("ko", None)):
        page = await people.page(DESK, language=language, size=size)
        await page.goto("/release")
        await expect(page.locator("time.countdown").first).to_be_visible()
        await people.shot(page, f"release-{language}")
        await page.locator('a[href^="/release/reconciliation/"]:not([download])').first.click()
        await expect(page.locator("h1")).to_contain_text("bank")
        await people.shot(page, f"reconciliation-{language}")


async def test_the_days_file_is_downloaded(console: Stage, people: People) -> None:
    await stopped(console)
    page = await people.page(DESK)
    await page.goto("/release")
    async with page.expect_download() as download:
        await page.locator("a[download]").first.click()
    file = await download.value
    assert file.suggested_filename.startswith("reconciliation-bank-")


async def test_what_is_named_by_a_case_is_for_everybody_too(console: Stage, people: People) -> None:
    stop = await stopped(console)
    anna = await people.page(DESK)
    await anna.goto(stop.path)
    await anna.locator("#reason").fill("生活困难，本月房租到期")
    await anna.get_by_role("button", name="申请解除").click()
    await anna.wait_for_url("**/release/requests/*")
    (bank, day), *_ = console.services.figures.book.days(lambda division: True)
    found = []
    for language, size, dark in LOOKS:
        page = await people.page(StaffRole.SUPERVISOR, "", language=language, size=size, dark=dark)
        order = f"/release/orders/{stop.case.id}/{stop.case.orders[0].step}"
        for path in (stop.path, anna.url, f"/release/reconciliation/{bank}/{day}", order, f"{order}/print"):
            await page.goto(path)
            wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            found += [f"{path} {language}: {wide} px stick out"] if wide > 0 else []
            results = await Axe().run(page, options=RULES)
            found += [f"{path} {language}: {each['id']}" for each in results.response["violations"]]
    assert found == []


async def test_an_order_is_one_a4_page(console: Stage, people: People) -> None:
    stop = await stopped(console)
    (order,) = stop.case.orders
    for language in ("zh-CN", "ko"):
        page = await people.page(StaffRole.AUDITOR, language=language)
        await page.goto(f"/release/orders/{stop.case.id}/{order.step}/print")
        await expect(page.locator(".numbered")).to_have_text(order.number)
        paper = await page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
        await page.emulate_media(media="print")
        await page.set_viewport_size({"width": 658, "height": 987})  # A4 within its margins, at 96 dots per inch
        wide, high = await page.evaluate("[document.body.scrollWidth, document.querySelector('main').scrollHeight]")
        assert wide <= 658
        assert high <= 987
        await people.shot(page, f"order-{language}")


async def test_what_was_revealed_is_masked_again_on_an_open_page(console: Stage, people: People) -> None:
    stop = await stopped(console)
    case, redis = stop.case, console.house.line.redis
    (order,) = case.orders
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        frozen = form(decision=f"冻字 {SECRET}", authority="长春市公安局")
        at = f"/release/orders/{case.id}/{order.step}"
        assert (await client.post(f"{at}/hand-over", data=frozen)).status_code == 303
        await send(client, await stop.now(), "note", what="note", note=f"女儿 {SECRET}")
        complaint = f"/complaints/{await taken(client, text=f'女儿 {SECRET} 已投诉', case=case.id)}"
        call = await called(client, stop.resident.phones[0].value)
        question = form(what="question", text=f"女儿 {SECRET}")
        assert (await client.post(f"{call}/told", data=question)).status_code == 303
        page = await people.page_of(client.token)
        for path in (at, f"{at}/print", f"/cases/{case.id}/story", complaint, call):
            why = {"case": case.id, "why": "calling", "reason": "回电核实身份", "form": secrets.token_hex(10)}
            assert (await client.post("/unmask", data=why)).status_code == 303
            async for name in redis.scan_iter(f"{UNMASKED}*"):
                await redis.expire(name, 3)
            await page.goto(path)
            await expect(page.locator("main")).to_contain_text(SECRET)
            await expect(page.locator("main")).not_to_contain_text(SECRET, timeout=ENDS)
            await expect(page.locator("main")).to_contain_text(MASKED)
            await expect(page.locator(".watermark")).to_have_count(0)
    assert people.errors == []
