"""The queue in real browsers: what changes is seen by all within a second, and nobody loses his place."""

import asyncio
import os
import re
import time
from datetime import timedelta
from urllib.parse import urlsplit

from playwright.async_api import expect

from schemas.casework.cases import Case
from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.browser.queue import ROWS, SECONDS, claimed, opened, red, yellows
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.tools.servers.proxy import Proxy

# Seconds until every other screen shows a change: on a machine that does nothing else (QUANZU_QUIET=1), and on any.
WITHIN = 1.0 if os.environ.get("QUANZU_QUIET") else 5.0
WHEN = """(id) => new Promise((tell) => {
  const row = document.querySelector(`tr[data-id="${id}"]`);
  const look = () => row.querySelector(".by") && tell(Date.now());
  new MutationObserver(look).observe(row, { subtree: true, childList: true });
  look();
})"""

# Counts how often the page's script asks for an element's place, for which the browser must lay the page out.
ASKED = """() => {
  window.asked = 0;
  const place = Element.prototype.getBoundingClientRect;
  Element.prototype.getBoundingClientRect = function () { window.asked += 1; return place.call(this); };
}"""


async def test_a_change_is_on_all_screens_within_a_second_and_nobody_loses_his_place_or_what_he_types(
    console: Stage, line: Line, people: People
) -> None:
    cases = await yellows(console, line, "220202001", ROWS)
    typing, reading = await opened(people, "2202"), await opened(people, "2202")
    await typing.locator("#q").fill("正在输入")
    await typing.evaluate("scrollTo(0, 300)")
    row = reading.locator("a.open").nth(10)
    await row.focus()
    place = await reading.evaluate("scrollY")
    watching = [asyncio.create_task(page.evaluate(WHEN, cases[0].id)) for page in (typing, reading)]
    began = time.time()
    await claimed(console, cases[0], "op-elsewhere")
    assert max(await asyncio.gather(*watching)) / 1000 - began < WITHIN
    assert await typing.locator("#q").input_value() == "正在输入"
    await expect(typing.locator("#q")).to_be_focused()
    assert await typing.evaluate("scrollY") == 300
    await expect(row).to_be_focused()
    assert await reading.evaluate("scrollY") == place


async def test_an_update_does_not_lay_the_whole_table_out_at_once(console: Stage, line: Line, people: People) -> None:
    case, *_ = await yellows(console, line, "220202003", ROWS)
    page = await opened(people, "220202003")
    await page.evaluate(ASKED)
    await claimed(console, case, "op-elsewhere")
    await expect(page.locator(f"tr[data-id='{case.id}'] .by")).to_be_visible(timeout=SECONDS * 1000)
    assert await page.evaluate("asked") == 0


async def test_a_new_case_above_is_announced_and_does_not_move_what_is_read(
    console: Stage, line: Line, people: People
) -> None:
    await yellows(console, line, "220202002", ROWS)
    page = await opened(people, "220202002")
    await page.locator("a.open").nth(12).focus()
    place = await page.locator("a.open").nth(12).bounding_box()
    case = await red(console, line, "220202002")
    await expect(page.locator("#above")).to_have_text("上方有 1 条新预警")
    assert await page.locator("a.open").nth(12).bounding_box() == place
    await expect(page.locator("#rows tr.case")).to_have_count(ROWS)
    await page.keyboard.press("g")
    await expect(page.locator("#rows tr.case").first).to_have_attribute("data-id", case.id)
    await expect(page.locator("#above")).to_be_hidden()


async def test_a_new_case_comes_in_by_itself_while_nobody_is_in_the_list(
    console: Stage, line: Line, people: People
) -> None:
    page = await opened(people, "220202003")
    await expect(page.locator("#empty")).to_be_visible()
    (case,) = await yellows(console, line, "220202003")
    await expect(page.locator("#rows tr.case").first).to_have_attribute("data-id", case.id)
    await expect(page.locator("#empty")).to_be_hidden()
    await expect(page.locator("[data-count=yellow]")).to_have_text("1")


async def test_a_case_that_is_settled_fades_out(console: Stage, line: Line, people: People) -> None:
    (case,) = await yellows(console, line, "220202004")
    page = await opened(people, "220202004")
    await page.keyboard.press("j")
    await line.dissuade(line.residents[0])
    await expect(page.locator(f"tr[data-id='{case.id}']")).to_have_count(0)
    await expect(page.locator("#empty")).to_be_visible()


async def test_a_red_case_rings_once_its_switch_was_pressed_and_the_switch_is_kept(
    console: Stage, line: Line, people: People
) -> None:
    page = await opened(people, "220203001")
    switch = page.locator("#sound")
    await expect(switch).to_have_attribute("aria-pressed", "false")
    await red(console, line, "220203001")
    await expect(page.locator(".alarm")).to_have_count(1)
    assert await page.evaluate("tones") == 0
    await switch.click()
    assert await page.evaluate("tones") == 3
    second = await red(console, line, "220203001")
    await expect(page.locator(".alarm")).to_have_count(2)
    assert await page.evaluate("tones") == 6
    await people.shot(page, "red")
    await claimed(console, second, "op-elsewhere")
    await expect(page.locator(".alarm")).to_have_count(1)
    await page.reload()
    await expect(switch).to_have_attribute("aria-pressed", "true")


async def test_a_heading_says_how_many_wait_and_a_case_goes_under_the_other_when_it_is_claimed(
    console: Stage, line: Line, people: People
) -> None:
    case = await red(console, line, "220203003", minutes=3)
    page = await opened(people, "220203003")
    await expect(page.locator("[data-band='0'] h2")).to_have_text("待接手 1")
    await claimed(console, case, "op-elsewhere")
    await expect(page.locator("[data-band='0'] h2")).to_contain_text("目前没有待接手的预警")
    rows = page.locator("#rows tr")
    await expect(rows.nth(1)).to_have_attribute("data-band", "1")
    await expect(rows.nth(2)).to_have_attribute("data-id", case.id)


async def test_a_row_says_by_how_much_waiting_has_raised_it(console: Stage, line: Line, people: People) -> None:
    await red(console, line, "220203004", minutes=3)
    page = await opened(people, "220203004")
    shown = page.locator("#rows [data-raised]")
    await expect(shown).to_have_text(re.compile(r"^(×1\.[01])?$"))
    await line.advance(minutes=20)  # of the thirty that double its worth
    await page.reload()
    await expect(shown).to_have_text(re.compile(r"^×(1\.[6-9]|[2-9]\.[0-9])$"))


async def test_what_changed_while_the_stream_was_cut_is_there_after_it(
    console: Stage, line: Line, people: People
) -> None:
    cases = await yellows(console, line, "220202005", 2)
    with Proxy(urlsplit(console.address).port or 0) as network:
        page = await people.page(StaffRole.OPERATOR, "220202005")
        await page.goto(f"http://127.0.0.1:{network.port}/queue")
        live = page.locator("#live")
        await expect(live).to_have_attribute("data-state", "live")
        network.cut()
        await expect(live).to_have_attribute("data-state", "cut")
        await claimed(console, cases[0], "op-elsewhere")
        await until(lambda: _has(console, cases[0]), SECONDS)
        network.heal()
        await expect(page.locator(f"tr[data-id='{cases[0].id}'] .by")).to_have_text("op-elsewhere", timeout=10_000)
        await expect(live).to_have_attribute("data-state", "live")
        await page.close()
    people.errors[:] = [each for each in people.errors if "net::ERR_" not in each]  # of what was cut


async def test_an_open_page_keeps_its_claim_and_says_so_when_it_is_lost(
    console: Stage, line: Line, people: People
) -> None:
    (case,) = await yellows(console, line, "220202006")
    page = await opened(people, "220202006")
    await page.evaluate(
        """async (id) => {
          const place = document.createElement("p"), lost = document.createElement("b");
          place.dataset.claim = id;
          lost.dataset.claimLost = "";
          lost.hidden = true;
          lost.textContent = "lost";
          place.append(lost);
          document.querySelector("main").append(place);
          const headers = { "x-csrf-token": document.body.dataset.csrf, accept: "application/json" };
          await fetch(`/cases/${id}/claim`, { method: "POST", headers });
          await import("/static/claim.js");
        }""",
        case.id,
    )
    login = await page.locator("#queue").get_attribute("data-me")
    name = (await console.services.staff.names())[login or ""]
    await expect(page.locator(f"tr[data-id='{case.id}'] .by")).to_have_text(name)
    console.services.desk.lease = timedelta(seconds=1)
    try:
        await console.services.desk.keep(case.id, login or "")
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        ends = time.monotonic() + 3
        await until(lambda: _passed(ends), SECONDS)
        assert await console.services.desk.leased([case.id]) == [True]
        await line.dissuade(line.residents[0], by=login or "")
        await expect(page.locator("[data-claim-lost]")).to_be_visible()
    finally:
        console.services.desk.lease = timedelta(minutes=10)


async def _has(console: Stage, case: Case) -> bool:
    return console.services.hub.rows[case.id].case.claimed_by == "op-elsewhere"


async def _passed(ends: float) -> bool:
    return time.monotonic() > ends
