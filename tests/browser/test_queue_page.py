"""The queue in real browsers: what changes is seen by all within a second, and nobody loses his place."""

import asyncio
import os
import re
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.casework.inputs import ClaimAct, OperatorReport
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from tests.browser.people import DESKTOP, PHONE, People
from tests.browser.test_every_page import RULES
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_app, transfer
from tests.tools.servers.proxy import Proxy

# Seconds until every other screen shows a change: on a machine that does nothing else (QUANZU_QUIET=1), and on any.
WITHIN = 1.0 if os.environ.get("QUANZU_QUIET") else 5.0
TONES = "window.tones = 0; const begin = OscillatorNode.prototype.start;" + (
    "OscillatorNode.prototype.start = function (...at) { window.tones += 1; return begin.apply(this, at); };"
)
WHEN = """(id) => new Promise((tell) => {
  const row = document.querySelector(`tr[data-id="${id}"]`);
  const look = () => row.querySelector(".by") && tell(Date.now());
  new MutationObserver(look).observe(row, { subtree: true, childList: true });
  look();
})"""
VISIBLE = """() => {
  const places = [...document.querySelectorAll("#rows tr.case")].map((row) => row.getBoundingClientRect());
  const whole = places.filter(({ top, bottom }) => top >= 0 && bottom <= innerHeight);
  return [places.map(({ height }) => Math.round(height)), whole.length];
}"""
SMALL = {"width": 1024, "height": 768}
ROWS = 25  # more than a screen holds
SECONDS = 10.0


async def yellows(console: Stage, line: Line, division: str, number: int = 1, name: str = "某某") -> list[Case]:
    """Open cases of a place, once the console knows them."""
    residents = [await line.resident(division=division, name=name) for _ in range(number)]
    await line.signal(*(scam_app(line, resident) for resident in residents))
    return [await known(console, line, resident) for resident in residents]


async def red(console: Stage, line: Line, division: str, minutes: float = 0) -> Case:
    """A red case, so long after it was raised."""
    resident = await line.resident(division=division)
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    if minutes:
        await line.advance(minutes=minutes)
    return await known(console, line, resident)


async def known(console: Stage, line: Line, resident: Resident) -> Case:
    case = await line.case(resident)

    async def there() -> bool:
        row = console.services.hub.rows.get(case.id)
        return row is not None and row.case.version >= case.version

    await until(there, SECONDS)
    return case


async def claimed(console: Stage, case: Case, by: str) -> None:
    """Somebody takes the case, elsewhere."""
    await console.house.desk.report(
        OperatorReport(
            id=short_hash("test", case.id, by),
            at=console.house.clock.now(),
            resident=case.resident,
            case=case.id,
            by=by,
            seen=case.version,
            act=ClaimAct(do="claim"),
        )
    )


async def opened(people: People, area: str, query: str = "", **look: object) -> Page:
    """The queue of an operator, listening."""
    page = await people.page(StaffRole.OPERATOR, area, **look)  # type: ignore[arg-type]  # as People.page has them
    await page.add_init_script(TONES)
    await page.goto(f"/queue{query}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page


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
    await page.keyboard.press("u")
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


async def test_filters_narrow_the_list_without_losing_what_is_typed_in_the_search(
    console: Stage, line: Line, people: People
) -> None:
    (case,) = await yellows(console, line, "220204001")
    other = await red(console, line, "220211001")
    page = await opened(people, "2202", "?area=220204")
    await expect(page.locator("#rows tr.case")).to_have_count(1)
    await page.locator("#q").fill("还没搜")
    await page.locator("#f-area").select_option("220211")
    await expect(page.locator(f"tr[data-id='{other.id}']")).to_be_visible()
    await expect(page.locator(f"tr[data-id='{case.id}']")).to_have_count(0)
    assert await page.locator("#q").input_value() == "还没搜"
    assert page.url.endswith("/queue?area=220211")
    await page.locator(".counts a", has_text="黄").click()
    await expect(page.locator("#empty")).to_be_visible()
    assert page.url.endswith("/queue?area=220211&level=yellow")


async def test_a_search_finds_a_person_whose_name_is_not_shown(console: Stage, line: Line, people: People) -> None:
    (case,) = await yellows(console, line, "220281001", name="司马某")
    page = await opened(people, "220281")
    await page.keyboard.press("/")
    await page.keyboard.type("司马")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="搜索结果")).to_be_visible()
    await expect(page.locator("#rows tr.case")).to_have_attribute("data-id", case.id)
    await expect(page.locator("#rows")).not_to_contain_text("司马")
    await claimed(console, case, "op-elsewhere")
    await expect(page.locator("#rows .by")).to_have_text("op-elsewhere")


async def test_the_queue_is_worked_by_the_keyboard_alone(console: Stage, line: Line, people: People) -> None:
    cases = await yellows(console, line, "220282001", 3)
    page = await opened(people, "220282")
    links = page.locator("a.open")
    await page.keyboard.press("j")
    await expect(links.nth(0)).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("j")
    await expect(links.nth(2)).to_be_focused()
    await page.keyboard.press("k")
    await expect(links.nth(1)).to_be_focused()
    await page.keyboard.press("/")
    await page.keyboard.type("njk?")
    assert await page.locator("#q").input_value() == "njk?"
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    listed = page.locator("#keys")
    await expect(listed).to_be_visible()
    for words in ("接手下一件", "下一行", "编号、姓名或电话"):
        await expect(listed).to_contain_text(words)
    await people.shot(page, "keys")
    await page.keyboard.press("Escape")
    await expect(listed).to_be_hidden()
    await links.nth(1).focus()
    target = await links.nth(1).get_attribute("href")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**{target}")
    assert target in {f"/cases/{case.id}" for case in cases}


async def test_single_keys_can_be_switched_off(console: Stage, line: Line, people: People) -> None:
    await yellows(console, line, "220283001")
    page = await opened(people, "220283")
    await page.keyboard.press("?")
    await page.locator("#keys-on").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await expect(page.locator("a.open")).not_to_be_focused()


async def test_n_takes_the_best_case_of_any_level_and_says_why_when_there_is_none(
    console: Stage, line: Line, people: People
) -> None:
    page = await opened(people, "220284")
    await page.keyboard.press("n")
    await page.wait_for_url("**/queue?told=none")
    await expect(page.locator("main .notice")).to_contain_text("目前没有处于危险中的居民")
    case = await red(console, line, "220284001", minutes=3)
    (lesser,) = await yellows(console, line, "220284001")
    for expected in (case, lesser):
        await page.goto("/queue")
        await page.keyboard.press("n")
        await page.wait_for_url(f"**/cases/{expected.id}")
        mine = await console.services.desk.load(expected.id)
        assert mine is not None
        assert mine.claimed_by is not None
    await page.goto("/queue")
    await page.keyboard.press("n")
    await expect(page.locator("main .notice")).to_contain_text("2 件已有人接手")


@pytest.mark.parametrize(
    ("language", "size", "least", "tall"),
    [
        ("zh-CN", DESKTOP, 14, 44),
        ("en", DESKTOP, 14, 52),
        ("ko", DESKTOP, 14, 44),
        ("zh-CN", SMALL, 11, 44),
        ("en", SMALL, 10, 52),
        ("zh-CN", {"width": 800, "height": 768}, 11, 44),
    ],
    ids=lambda given: given["width"] if isinstance(given, dict) else given,
)
async def test_the_first_screen_has_so_many_rows_and_who_waits_stands_above(
    console: Stage, line: Line, people: People, language: str, size: dict[str, int], least: int, tall: int
) -> None:
    division = "220203002"
    waits = await red(console, line, division, minutes=3)
    await yellows(console, line, division, ROWS)
    page = await opened(people, division, size=size, language=language)
    heights, seen = await page.evaluate(VISIBLE)
    assert max(heights) <= tall
    assert seen >= least
    bands = page.locator("#rows tr.band:visible")
    await expect(bands).to_have_count(2)
    order = await page.locator("#rows tr").evaluate_all("rows => rows.map((row) => row.dataset.band ?? row.dataset.id)")
    assert order[:3] == ["0", waits.id, "1"]
    await people.shot(page, f"rows-{language}-{size['width']}")


async def test_a_heading_says_how_many_wait_and_a_case_goes_under_the_other_when_it_is_claimed(
    console: Stage, line: Line, people: People
) -> None:
    case = await red(console, line, "220203003", minutes=3)
    page = await opened(people, "220203003")
    await expect(page.locator("[data-band='0'] h2")).to_have_text("等待接手 1")
    await claimed(console, case, "op-elsewhere")
    await expect(page.locator("[data-band='0'] h2")).to_contain_text("目前没有等待接手的预警")
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


async def test_one_box_finds_by_number_id_name_and_either_end_of_a_telephone(
    console: Stage, line: Line, people: People
) -> None:
    (case,) = await yellows(console, line, "220221001", name="司马某")
    page = await opened(people, "220221")
    number = console.services.hub.rows[case.id].number
    phone = line.residents[0].phones[0].value.removeprefix("+86")
    await expect(page.locator("#rows small").first).to_have_text(number)
    for words in (number, number[3:], case.id[:9], "司马", phone[:7], phone[-4:]):
        await page.locator(".queue").click(position={"x": 2, "y": 2})
        await page.keyboard.press("Control+k")
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.type(words)
        await page.keyboard.press("Enter")
        await expect(page.locator("#rows tr.case")).to_have_attribute("data-id", case.id)
        await expect(page.locator("a.open")).to_be_focused()


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
    await expect(page.locator(f"tr[data-id='{case.id}'] .by")).to_have_text(login or "")
    console.services.desk.lease = timedelta(seconds=1)
    try:
        await console.services.desk.keep(case.id, login or "")
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        ends = time.monotonic() + 3
        await until(lambda: _passed(ends), SECONDS)
        assert await console.services.desk.leased([case.id]) == [True]
        await line.dissuade(line.residents[0])
        await expect(page.locator("[data-claim-lost]")).to_be_visible()
    finally:
        console.services.desk.lease = timedelta(minutes=10)


async def test_the_queue_fits_a_telephone_and_a_dark_room_in_each_language(
    console: Stage, line: Line, people: People
) -> None:
    await yellows(console, line, "220202007", 2)
    await red(console, line, "220202007", minutes=3)
    for language, dark in (("zh-CN", False), ("en", True), ("ko", False)):
        for size in (PHONE, None):
            page = await opened(people, "220202007", size=size, dark=dark, language=language)
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0
            results = await Axe().run(page, options=RULES)
            assert results.response["violations"] == []
            await people.shot(page, f"queue-{language}-{'phone' if size else 'desktop'}")


async def _has(console: Stage, case: Case) -> bool:
    return console.services.hub.rows[case.id].case.claimed_by == "op-elsewhere"


async def _passed(ends: float) -> bool:
    return time.monotonic() > ends
