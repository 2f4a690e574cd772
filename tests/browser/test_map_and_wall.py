"""The map by keyboard and by pointer, and the wall display: what a person does at them, on a real line."""

import re

from playwright.async_api import Page, expect

from schemas.people.staff import StaffRole
from tests.browser.people import DESKTOP, PHONE, People
from tests.console.centre.test_wall_page import saved
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up, red_in

FULL_HD = {"width": 1920, "height": 1080}
WALL_SIZES = (("zh-CN", FULL_HD, False), ("en", DESKTOP, True), ("ko", FULL_HD, True), ("zh-CN", PHONE, False))


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


async def _whole_story(page: Page) -> None:
    """Stop the story, so that all of it is shown."""
    await page.locator("#story-pause").click()
    await expect(page.locator(".story li").last).to_be_visible()
