"""The queue in real browsers: its rows, filters, search and keys, on each screen and in each language."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.people import DESKTOP, PHONE, People
from tests.browser.queue import ROWS, claimed, opened, red, yellows
from tests.browser.test_every_page import RULES
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.rig import Line

VISIBLE = """() => {
  const places = [...document.querySelectorAll("#rows tr.case")].map((row) => row.getBoundingClientRect());
  const whole = places.filter(({ top, bottom }) => top >= 0 && bottom <= innerHeight);
  return [places.map(({ height }) => Math.round(height)), whole.length];
}"""
SMALL = {"width": 1024, "height": 768}


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


async def test_one_key_shows_whose_deadline_expires_within_a_minute_and_once_more_all(
    console: Stage, line: Line, people: People
) -> None:
    (case,) = await yellows(console, line, "220283001")
    page = await opened(people, "220283")
    chip, row = page.locator("#expiring"), page.locator(f"tr[data-id='{case.id}']")
    await expect(row).to_be_visible()
    due = console.services.hub.rows[case.id].deadline
    assert due is None or due.at > console.house.clock.now() + timedelta(minutes=1)
    await page.keyboard.press("e")
    await expect(chip).to_have_attribute("aria-current", "true")
    await expect(row).to_have_count(0)
    assert page.url.endswith("/queue?state=expiring")
    assert await page.locator("#f-state").input_value() == "expiring"
    await page.keyboard.press("e")
    await expect(row).to_be_visible()
    await expect(chip).not_to_have_attribute("aria-current", "true")
    assert page.url.endswith("/queue")


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
    await expect(listed.get_by_role("button", name="关闭")).to_be_focused()  # a stray Space turns no keys off
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


@pytest.mark.parametrize("width", [800, 1024])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_time_left_is_never_cut_off(
    console: Stage, line: Line, people: People, language: str, width: int
) -> None:
    case = await red(console, line, "220203005", minutes=3)
    page = await opened(people, "220203005", size={"width": width, "height": 768}, language=language)
    row = page.locator(f"tr[data-id='{case.id}']")
    await expect(row.locator(".left time")).to_have_text(re.compile(r"^\+?[0-9:]{4,}$"))
    left, following = await row.locator(".left time").bounding_box(), await row.locator(".left + td").bounding_box()
    assert left is not None
    assert following is not None
    assert left["x"] + left["width"] <= following["x"]
    await row.locator(".left time").evaluate("time => { delete time.dataset.at; time.textContent = '48:00:00'; }")
    longest = await row.locator(".left").evaluate("cell => [cell.scrollWidth, cell.clientWidth]")
    assert longest[0] <= longest[1], "the longest stop has room, too"


async def test_a_red_case_that_nobody_has_taken_is_red_once_and_says_so_in_bold(
    console: Stage, line: Line, people: People
) -> None:
    case = await red(console, line, "220203006", minutes=3)
    page = await opened(people, "220203006")
    free = page.locator(f"tr[data-id='{case.id}'] .free")
    await expect(free).to_have_css("font-weight", "700")
    row = page.locator(f"tr[data-id='{case.id}']")
    red_colour = await row.locator(".level").evaluate("level => getComputedStyle(level).color")
    assert red_colour == await page.locator(".counts .level.red").evaluate("level => getComputedStyle(level).color")
    colours = await row.locator("td :is(strong, small, b, span):not(.level, [hidden])").evaluate_all(
        "found => found.map((each) => getComputedStyle(each).color)"
    )
    assert colours
    assert red_colour not in colours, "beside the level only an overdue time limit is red"


async def test_a_row_explains_why_it_is_there_by_the_keyboard_and_its_figure_is_the_one_that_sorts(
    console: Stage, line: Line, people: People
) -> None:
    await red(console, line, "220203007", minutes=3)
    await red(console, line, "220203007", minutes=3)
    for language, dark, size in (("zh-CN", False, None), ("en", True, SMALL), ("ko", False, PHONE)):
        page = await opened(people, "220203007", language=language, dark=dark, size=size)
        worth = page.locator("#rows tr.case [data-worth]")
        await expect(worth).to_have_count(2)
        figures = [int(re.sub(r"\D", "", each.partition("/")[0])) for each in await worth.all_inner_texts()]
        assert figures == sorted(figures, reverse=True)
        first = page.locator("#rows [data-why]").first
        await first.focus()
        await page.keyboard.press("Enter")
        panel = page.locator("#why")
        await expect(panel).to_be_visible()
        shown = (await worth.first.inner_text()).rpartition(" ")[2]
        await expect(panel.locator("[data-line=worth] dd")).to_have_text(shown)
        await expect(panel.locator("[data-line=stake] dd")).to_have_text(re.compile("^¥[0-9,.]+"))
        await expect(panel.locator("[data-beside=before]")).to_be_hidden()
        await expect(panel.locator("[data-beside=after]")).to_contain_text(re.compile(r"\d"))
        assert "{" not in await panel.inner_text()
        assert (await Axe().run(page, options=RULES)).response["violations"] == []
        box = await panel.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= await page.evaluate("innerWidth")
        await people.shot(page, f"why-{language}{'-dark' if dark else ''}")
        await page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(first).to_be_focused()
        await page.close()


async def test_one_box_finds_by_number_id_name_and_a_telephone_or_its_last_four_digits(
    console: Stage, line: Line, people: People
) -> None:
    (case,) = await yellows(console, line, "220221001", name="司马某")
    page = await opened(people, "220221")
    number = console.services.hub.rows[case.id].number
    phone = line.residents[0].phones[0].value.removeprefix("+86")
    await expect(page.locator("#rows small").first).to_have_text(number)
    for words in (number, number[3:], case.id[:9], "司马", phone, phone[-4:]):
        await page.locator(".queue").click(position={"x": 2, "y": 2})
        await page.keyboard.press("Control+k")
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.type(words)
        await page.keyboard.press("Enter")
        await expect(page.locator("#rows tr.case")).to_have_attribute("data-id", case.id)
        await expect(page.locator("a.open")).to_be_focused()


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


@pytest.mark.parametrize("width", [1024, 1440])
async def test_the_line_of_what_expires_keeps_a_distance_from_the_table_and_the_filters(
    console: Stage, line: Line, people: People, width: int
) -> None:
    await red(console, line, "220203006", minutes=3)
    page = await opened(people, "220203006", size={"width": width, "height": 768}, language="ko")
    await page.locator("#soonest").evaluate("line => { line.hidden = false; line.textContent = '1분 내 만료, 우선:'; }")
    above, told, head = [
        await page.locator(each).bounding_box() for each in (".tools", "#soonest", ".queue thead th >> nth=0")
    ]
    assert above is not None
    assert told is not None
    assert head is not None
    assert told["y"] - (above["y"] + above["height"]) >= 4
    assert head["y"] - (told["y"] + told["height"]) >= 4
