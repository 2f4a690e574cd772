"""The forms of the case page: one at a time, folded by Escape; giving back; the outcome over the page."""

from playwright.async_api import expect

from tests.browser.people import People
from tests.browser.test_case import SECONDS, SMALL, opened, red
from tests.end_to_end.harness.rig import Line


async def test_one_form_is_open_at_a_time_and_escape_folds_it_with_what_was_typed(people: People, line: Line) -> None:
    _, case = await red(line)
    page = await opened(people, case)
    await page.keyboard.press("o")
    await expect(page.locator("#officer-reason")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#act-send_officer > summary")).to_be_focused()
    await expect(page.locator("#acts details.act[open]")).to_have_count(0)
    await page.keyboard.press("c")
    await page.locator("#act-send_officer > summary").click()
    await expect(page.locator("#acts details.act[open]")).to_have_count(1)
    await page.locator("#officer-reason").fill("他不接电话")
    await page.locator("#act-call_again > summary").click()
    await expect(page.locator("#acts details.act[open]")).to_have_count(2)  # what is being written stays in sight
    await expect(page.locator("#officer-reason")).to_have_value("他不接电话")


async def test_the_queue_says_what_was_given_back(people: People, line: Line) -> None:
    _, case = await red(line)
    page = await opened(people, case)
    await page.keyboard.press("a")
    await page.locator('form[action$="/release"] button').click(timeout=SECONDS)
    await page.wait_for_url("**/queue")
    await expect(page.locator("#put-down")).to_contain_text("已退回")
    await expect(page.locator("#put-down a")).to_have_attribute("href", f"/cases/{case.id}")


async def test_the_outcome_leaves_the_clock_of_the_strip_in_sight(people: People, line: Line) -> None:
    _, case = await red(line)
    page = await opened(people, case, size=SMALL)
    await page.keyboard.press("d")
    await expect(page.locator("#act-outcome")).to_be_visible()
    strip, over = await page.locator("#head").bounding_box(), await page.locator("#act-outcome").bounding_box()
    assert strip is not None
    assert over is not None
    assert over["y"] >= strip["y"] + strip["height"]
    assert over["y"] + over["height"] <= SMALL["height"]
