"""The map by keyboard and by pointer, and the wall display: what a person does at them, on a real line."""

import re
from typing import Any

from playwright.async_api import Page, expect

from domain.calendar import local_date
from schemas.people.staff import StaffRole
from tests.browser.people import DESKTOP, PHONE, People
from tests.console.centre.test_wall_page import saved
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up, red_in

FULL_HD = {"width": 1920, "height": 1080}
ULTRA_HD = {"width": 3840, "height": 2160}
WALL_SIZES = (
    *(("zh-CN", FULL_HD, False), ("en", DESKTOP, True), ("ko", FULL_HD, True), ("zh-CN", PHONE, False)),
    ("en", ULTRA_HD, False),
)
SCREENS = ({"width": 1024, "height": 768}, DESKTOP, FULL_HD, ULTRA_HD)
LANGUAGES = ("zh-CN", "en", "ko")
WAITING, MANY = 3, 12  # red cases; more than the wall shows
UNTIL_OFFERED = 3  # minutes

# All in one call, so that nothing is replaced between finding and measuring.
MEASURED = """() => {
  const size = (each) => { const { width, height } = each.getBoundingClientRect(); return { width, height }; };
  const panels = [...document.querySelectorAll(".panel")];
  return {
    map: size(document.querySelector("svg.map")),
    panels: Object.fromEntries(panels.map((each) => [each.className.split(" ")[1], size(each)])),
    said: document.querySelector(".contains").innerText,
    listed: [...document.querySelectorAll(".reds-list li")].filter((each) => each.getClientRects().length).length,
    unread: [...document.querySelectorAll(".reds-list .scam")].filter((each) => each.getClientRects().length)
      .filter((each) => {
        const [name, line] = [each, each.parentElement].map((one) => one.getBoundingClientRect());
        return name.right > line.right + 1 || name.bottom > line.bottom + 1 || each.scrollWidth > each.clientWidth + 1;
      }).map((each) => each.textContent),
    buttons: [...document.querySelectorAll(".controls button")].map(size),
    cut: panels.filter((each) => getComputedStyle(each).overflowY === "hidden")
      .filter((each) => each.scrollHeight > each.clientHeight + 1)
      .map((each) => `${each.className}: ${each.scrollHeight} of ${each.clientHeight}`),
    blank: Object.fromEntries(panels.map((each) => {
      const foot = (one) => one.getBoundingClientRect().bottom;
      // beside a marked name, a sentence's own text may have a further line
      const own = (one) => [...one.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
      const says = (one) => !one.children.length || own(one);
      return [each.className, foot(each) - Math.max(...[...each.querySelectorAll("*")].filter(says).map(foot))];
    })),
    smallest: Math.min(...[...document.querySelectorAll("#wall :is(p, dt, dd, li, small)")]
      .map((each) => parseFloat(getComputedStyle(each).fontSize))),
    rem: parseFloat(getComputedStyle(document.documentElement).fontSize),
    below: document.querySelector(".story-panel .who").getBoundingClientRect().top
      - document.querySelector("#w-story").getBoundingClientRect().bottom,
    apart: document.querySelector(".apart").getBoundingClientRect().left
      >= document.querySelector(".classes").getBoundingClientRect().left,
    wide: panels.filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className),
    page: [document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight],
  };
}"""


async def test_the_keyboard_goes_down_to_the_counties_and_up_again(console: Stage, people: People) -> None:
    await caught_up(console, await red_in(console.line(), "220422"))
    page = await people.page(StaffRole.SUPERVISOR, "")
    await page.goto("/desk")
    await page.locator('svg.map [data-key="2204"]').focus()
    await page.keyboard.press("Enter")
    await expect(page.locator('svg.map [data-key="220422"]')).to_be_visible()
    await expect(page.locator('[data-key="up"]')).to_be_focused()
    assert "area=2204" in page.url
    await people.shot(page, "desk-counties")
    await page.keyboard.press("Enter")
    await expect(page.locator('svg.map [data-key="2204"]')).to_be_visible()


async def test_another_layer_is_shown_in_place_and_stays_when_a_case_comes(console: Stage, people: People) -> None:
    page = await people.page(StaffRole.SUPERVISOR, "", language="en", dark=True)
    await page.goto("/desk")
    await page.evaluate("window.kept = true")
    await page.locator('[data-key="layer-waiting"]').click()
    chosen = page.locator('[data-key="layer-waiting"]')
    await expect(chosen).to_have_attribute("aria-current", "true")
    await expect(chosen).to_be_focused()
    await page.locator("h1").click()
    await caught_up(console, await red_in(console.line(), "220283"))
    await expect(page.locator('svg.map [data-key="2202"]')).to_have_attribute("aria-label", re.compile("red 1"))
    await expect(chosen).to_have_attribute("aria-current", "true")
    assert await page.evaluate("window.kept"), "the page was not loaded again"
    await people.shot(page, "desk-waiting")


async def test_the_wall_fits_its_screen_and_its_clocks_run(console: Stage, people: People) -> None:
    await saved(console, "220503")
    await caught_up(console, await red_in(console.line(), "220502"))
    for language, size, dark in WALL_SIZES:
        page = await people.page(StaffRole.DISPLAY, "", language=language, size=size, dark=dark)
        await page.goto("/")
        clock = page.locator("time.elapsed").first
        before = await clock.inner_text()
        await expect(clock).not_to_have_text(before)
        await expect(page.locator(".story")).to_be_visible()
        if size is not PHONE:
            assert await page.evaluate("document.documentElement.scrollHeight <= window.innerHeight"), size
        await _whole_story(page)
        await people.shot(page, f"wall-{language}-{size['width']}{'-dark' if dark else ''}")


async def test_all_of_the_wall_grows_with_its_screen(console: Stage, people: People) -> None:
    await caught_up(console, await red_in(console.line(), "220502"))
    page = await people.page(StaffRole.DISPLAY, "", size=FULL_HD)
    await page.goto("/wall")
    await expect(page.locator("svg.map")).to_be_visible()
    small = await _boxes(page, ".sum, .strip dd, svg.map, #wall-clock, .reds-panel")
    await page.set_viewport_size({"width": 3840, "height": 2160})
    large = await _boxes(page, ".sum, .strip dd, svg.map, #wall-clock, .reds-panel")
    assert len(small) >= 8
    grown = [after["height"] / before["height"] for before, after in zip(small, large, strict=True)]
    assert all(1.9 < each < 2.1 for each in grown), grown


async def test_what_was_lost_stands_beside_what_was_kept_and_apart_from_estimates(people: People) -> None:
    for language, size in (("zh-CN", FULL_HD), ("en", DESKTOP), ("ko", {"width": 1024, "height": 768})):
        page = await people.page(StaffRole.DISPLAY, "", language=language, size=size)
        await page.goto("/wall")
        kept, lost, estimate = await _boxes(page, ".sums .sum, .classes.apart")
        assert (kept["top"], kept["height"]) == (lost["top"], lost["height"]), language
        assert kept["right"] <= lost["left"]
        assert estimate["top"] > kept["bottom"]


async def test_the_map_is_the_largest_part_and_nothing_on_the_wall_is_cut_off(console: Stage, people: People) -> None:
    await saved(console, "220582")
    await reds_wait(console, "220523", MANY)
    for language in LANGUAGES:
        page = await people.page(StaffRole.DISPLAY, "", language=language, size=FULL_HD, dark=language == "en")
        await page.goto("/wall")
        await expect(page.locator("svg.map")).to_be_visible()
        await page.locator("#story-pause").click()
        for size in SCREENS:
            await page.set_viewport_size({"width": size["width"], "height": size["height"]})
            found: dict[str, Any] = await page.evaluate(MEASURED)
            await people.shot(page, f"wall-layout-{language}-{size['width']}")
            assert (found["cut"], found["wide"], found["page"]) == ([], [], [0, 0]), (language, size)
            assert found["unread"] == [], f"a scam's name is cut: {language}, {size}"
            assert found["apart"], f"the box of estimates sticks out: {language}, {size}"
            if size["width"] >= DESKTOP["width"]:
                assert max(found["blank"].values()) <= 48, (found["blank"], language, size)
                assert found["smallest"] >= 0.8 * found["rem"], (language, size)
                assert found["below"] <= 40, f"a hole below the story's heading: {language}, {size}"
            assert re.findall(r"[0-9]+", found["said"]).count(str(found["listed"])) == 1, (found["said"], size)
            for button in found["buttons"]:
                assert min(button["width"], button["height"]) >= 44, button
            if size["width"] >= FULL_HD["width"]:
                areas = {name: each["width"] * each["height"] for name, each in found["panels"].items()}
                assert areas["map-panel"] > sum(area for name, area in areas.items() if name != "map-panel")
                assert found["map"]["width"] >= size["width"] / 2
        await page.close()


async def test_the_list_says_how_many_of_how_many_it_contains_as_the_figures_above_do(
    console: Stage, people: People
) -> None:
    await reds_wait(console, "220581", WAITING)
    page = await people.page(StaffRole.DISPLAY, "220581")
    await page.goto("/wall")
    await expect(page.locator(".contains")).to_contain_text(f"共 {WAITING} 件")
    await expect(page.locator(".reds-list li")).to_have_count(WAITING)
    await expect(page.locator(".strip div", has_text="红色待接手").locator("dd")).to_have_text(str(WAITING))


async def test_a_red_on_the_wall_says_the_time_that_it_has_left_and_the_clock_its_date(
    console: Stage, people: People
) -> None:
    await reds_wait(console, "220211", 1)
    for language, words in (
        ("zh-CN", r"^(剩余|超时) \d+:\d\d$"),
        ("en", r"^\d+:\d\d (left|overdue)$"),
        ("ko", r"\d+:\d\d"),
    ):
        page = await people.page(StaffRole.DISPLAY, "220211", language=language)
        await page.goto("/wall")
        await expect(page.locator(".reds-list .left").first).to_have_text(re.compile(words))
        today = local_date(console.house.clock.now()).isoformat()
        await expect(page.locator("#wall-clock")).to_have_text(re.compile(rf"^{today} \d\d:\d\d:\d\d$"))


async def reds_wait(console: Stage, division: str, number: int) -> None:
    """So many red cases there that wait for an operator."""
    line = console.line()
    for _ in range(number):
        await red_in(line, division)
    await line.advance(minutes=UNTIL_OFFERED)
    for each in line.residents:
        await caught_up(console, await line.case(each))


async def test_the_story_can_be_stopped_and_played_again(console: Stage, people: People) -> None:
    await saved(console, "220521")
    page = await people.page(StaffRole.DISPLAY, "220521")
    await page.goto("/wall")
    scenes = page.locator(".story li")
    await expect(scenes.last).to_be_hidden()
    await page.get_by_role("button", name="暂停").press("Enter")
    await expect(scenes.last).to_be_visible()
    await page.get_by_role("button", name="重播").press("Enter")
    await expect(scenes.last).to_be_hidden()
    await expect(scenes.first).to_be_visible()


async def _boxes(page: Page, selector: str) -> list[dict[str, float]]:
    """Return the boxes, in px, of the elements that `selector` finds.

    One script finds and measures them: the wall replaces its parts while it is open, and a replaced part has no size.
    """
    script = "(found) => [...document.querySelectorAll(found)].map((each) => each.getBoundingClientRect().toJSON())"
    boxes: list[dict[str, float]] = await page.evaluate(script, selector)
    return boxes


async def _whole_story(page: Page) -> None:
    """Stop the story, so that all of it is shown."""
    await page.locator("#story-pause").click()
    await expect(page.locator(".story li").last).to_be_visible()
