"""The strip above a case at any scroll position, and a case that a supervisor gives to an operator; by keyboard."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from schemas.casework.cases import Case
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from tests.browser.people import DESKTOP, People
from tests.console.harness.case_forms import done
from tests.console.harness.softphone import Softphone
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

AREA, QUIET, SEVERAL, SECONDS = "220103", "220106", "220112", 15_000.0  # milliseconds, as Playwright counts
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
SIZES = (DESKTOP, {"width": 1024, "height": 768}, {"width": 390, "height": 844})
MEASURED = """() => {
  const strip = document.getElementById("head"), box = strip.getBoundingClientRect();
  const shown = [...strip.querySelectorAll("button, .figure, .call, .stop")].filter((each) => each.offsetParent);
  const places = shown.map((each) => each.getBoundingClientRect());
  const size = (selector) => parseFloat(getComputedStyle(strip.querySelector(selector)).fontSize);
  return {
    outside: places.filter((each) =>
      each.left < box.left || each.right > box.right + 1 || each.bottom > box.bottom + 1).length,
    own: size(".figure.own time"), sooner: size("#sooner time"),
    label: strip.querySelector("#sooner small").textContent,
  };
}"""

CUT = """() => {
  const strip = document.getElementById("head"), about = strip.querySelector(".about small");
  const past = (each, box) => each.getBoundingClientRect().right > box.getBoundingClientRect().right + 1;
  const shown = [...strip.querySelectorAll("button, .figure, .call, .stop")].filter((each) => each.offsetParent);
  const first = [...about.children].filter((each) => each.offsetTop === about.firstElementChild.offsetTop);
  return [...shown.filter((each) => past(each, strip)), ...first.filter((each) => past(each, about))]
    .map((each) => each.textContent.trim());
}"""

NUMBERED = """() => {
  const number = document.querySelector(".strip .id").getBoundingClientRect();
  const about = document.querySelector(".strip .about").getBoundingClientRect();
  const strip = document.getElementById("head").getBoundingClientRect();
  return number.width > 0 && number.right <= about.right + 1 && number.bottom <= strip.bottom + 1;
}"""


@pytest.fixture
def softphone(console: Stage) -> Iterator[Softphone]:
    made = Softphone()
    console.services.telephone = made
    yield made
    console.services.telephone = None


async def red(console: Stage, line: Line, area: str = AREA) -> tuple[Resident, Case]:
    """A red case with a payment, at the operator's turn, as the console knows it."""
    resident = await line.resident(division=f"{area}001")
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    await line.advance(seconds=90)
    case = await line.case(resident)
    await caught_up(console, case)
    return resident, case


async def opened(people: People, case: Case, size: dict[str, int] = DESKTOP) -> Page:
    page = await people.page(StaffRole.OPERATOR, AREA, size=size)
    await page.goto(f"/cases/{case.id}")
    await expect(page.locator("[data-story-here] ol.story")).to_be_visible(timeout=SECONDS)
    return page


async def accessible(page: Page) -> None:
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()


async def test_the_strip_stops_all_money_once_from_any_place_on_the_page(
    console: Stage, people: People, line: Line, softphone: Softphone
) -> None:
    _, case = await red(console, line)
    for size in SIZES:
        page = await opened(people, case, size)
        stop = page.locator("#stop-strip button")
        for y in (0, 600, 10_000):
            await page.evaluate(f"window.scrollTo(0, {y})")
            await expect(stop).to_be_in_viewport(ratio=1)
            await expect(page.locator("#call button")).to_be_in_viewport(ratio=1)
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await expect(stop).to_contain_text("全部止付 ¥30,000")
        await _stopped(page)
        assert len(await console.services.kept_back.waiting(case.id)) == 1
        await page.keyboard.press("z")
        await expect(stop).to_contain_text("全部止付 ¥30,000", timeout=SECONDS)
        if size is SIZES[-1]:  # once more, for what may take longer than there is to take it back
            await _stopped(page)
            await people.shot(page, f"strip-{size['width']}")
            await accessible(page)
        await page.context.close()


async def _stopped(page: Page) -> None:
    for key in ("s", "s", "Enter", "Enter"):
        await page.keyboard.press(key)
    await expect(page.locator("#stop-strip .status")).to_contain_text("即将发出", timeout=SECONDS)


@pytest.mark.parametrize("language", ["zh-CN", "en", "ko"])
async def test_the_nearest_clock_is_the_largest_and_nothing_leaves_the_strip(
    language: str, console: Stage, line: Line, people: People
) -> None:
    resident, case = await red(console, line)
    async with await console.signed_in(StaffRole.OPERATOR, AREA) as operator:
        assert (await operator.post(f"/cases/{case.id}/claim")).status_code == 303
        await line.settle()
        for size in SIZES[:2]:
            page = await people.page_of(operator.token, language=language, size=size, dark=size is DESKTOP)
            await page.goto(f"/cases/{case.id}")
            found: dict[str, Any] = await page.evaluate(MEASURED)
            await people.shot(page, f"strip-{language}-{size['width']}")
            assert found["outside"] == 0, size
            assert found["sooner"] > found["own"] >= 16
            assert found["label"]
            assert await page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert (await line.case(resident)).claimed_by == operator.account.login


@pytest.mark.parametrize("language", ["zh-CN", "en", "ko"])
async def test_in_a_call_with_a_stop_under_way_nothing_leaves_the_strip_and_no_word_of_it_is_cut(
    language: str, console: Stage, line: Line, people: People
) -> None:
    resident, case = await red(console, line)
    async with await console.signed_in(StaffRole.OPERATOR, AREA) as operator:
        assert (await operator.post(f"/cases/{case.id}/claim")).status_code == 303
        await done(console, operator, case, "note", what="conversation")
        page = await people.page_of(operator.token, language=language, size=SIZES[1])
        await page.goto(f"/cases/{case.id}")
        assert await page.evaluate(CUT) == []
        (payment,) = case.payments
        await done(console, operator, case, "ask_stop", transfer=payment.transfer)
        await expect(page.locator(".stop.asked")).to_be_visible(timeout=SECONDS)
        await people.shot(page, f"strip-call-{language}")
        assert await page.evaluate(CUT) == []
        assert await page.evaluate(NUMBERED), "the number by which people call the case"
    assert (await line.case(resident)).claimed_by == operator.account.login


async def test_two_who_press_the_same_key_place_one_call(
    console: Stage, people: People, line: Line, softphone: Softphone
) -> None:
    _, case = await red(console, line)
    softphone.rings_until = asyncio.Event()
    first, second = await opened(people, case), await opened(people, case)
    await first.evaluate("window.scrollTo(0, 10000)")
    await first.keyboard.press("p")
    await first.keyboard.press("p")
    await expect(first.locator("#call[data-state=ringing]")).to_be_visible(timeout=SECONDS)
    await expect(first.locator("[data-call]")).to_be_disabled()
    await second.locator("[data-call]").click()
    await expect(second.locator(".heard")).to_contain_text("不重复拨打", timeout=SECONDS)
    softphone.rings_until.set()
    await expect(first.locator("#call")).to_have_attribute("data-state", "ended", timeout=SECONDS)
    assert softphone.rang == 1


async def test_a_supervisor_gives_a_case_by_one_key_to_the_only_operator_who_sees_it_at_once(
    console: Stage, people: People, line: Line
) -> None:
    resident, case = await red(console, line, QUIET)
    operator = await people.page(StaffRole.OPERATOR, QUIET)  # the only one who is signed in there
    await operator.goto("/queue")
    chief = await people.page(StaffRole.SUPERVISOR, QUIET)
    await chief.goto("/desk")
    await expect(chief.locator(f'form[action="/cases/{case.id}/assign"]')).to_be_visible(timeout=SECONDS)
    await accessible(chief)
    await people.shot(chief, "assign")
    await chief.keyboard.press("1")
    await expect(chief.locator("p.good").first).to_contain_text("已指派给", timeout=SECONDS)
    await expect(operator.locator(".news.assigned")).to_contain_text("指派给您", timeout=SECONDS)
    await people.shot(operator, "assigned")
    await accessible(operator)
    await operator.keyboard.press("g")
    await operator.wait_for_url(f"**/cases/{case.id}")
    await expect(operator.locator("#head")).to_contain_text("由您处理")

    async def at_work() -> bool:
        now = await line.case(resident)
        return now.claimed_by is not None and not now.assigned

    await until(at_work, SECONDS / 1000)
    await expect(operator.locator(".news.assigned")).to_have_count(0, timeout=SECONDS)


async def test_of_several_operators_one_is_chosen_for_all_cases_that_are_ticked_by_keyboard(
    console: Stage, people: People, line: Line
) -> None:
    cases = [await red(console, line, SEVERAL) for _ in range(2)]
    for _ in range(2):
        await (await people.page(StaffRole.OPERATOR, SEVERAL)).goto("/queue")
    chief = await people.page(StaffRole.SUPERVISOR, SEVERAL)
    await chief.goto("/desk")
    boxes, menu = chief.locator("table.needs [name=case]"), chief.locator("#assign-to")
    await expect(boxes).to_have_count(2, timeout=SECONDS)
    await chief.keyboard.press("1")
    await expect(menu).to_be_focused()
    await expect(menu).to_have_value("")  # nobody is chosen for the supervisor
    await expect(boxes.first).to_be_checked()
    await chief.keyboard.press("Escape")
    await chief.keyboard.press("2")
    await expect(menu).to_be_focused()
    await accessible(chief)
    await people.shot(chief, "assign-several")
    await chief.keyboard.press("Enter")
    assert chief.url.endswith("/desk")
    await chief.keyboard.press("ArrowDown")
    await chief.keyboard.press("Enter")
    await expect(chief.locator("p.good[role=status]")).to_have_count(2, timeout=SECONDS)
    holders = {(await line.case(resident)).claimed_by for resident, _ in cases}
    assert len(holders) == 1
    assert None not in holders


async def test_a_case_that_a_colleague_has_claimed_is_given_away_only_with_a_reason(
    console: Stage, people: People, line: Line
) -> None:
    resident, case = await red(console, line)
    chief = await people.page(StaffRole.SUPERVISOR, AREA)
    holder, other = await opened(people, case), await people.page(StaffRole.OPERATOR, AREA)
    await other.goto("/queue")
    await chief.goto("/desk")
    box, menu = chief.locator(f'[name=case][value="{case.id}"]'), chief.locator("#assign-to")
    await expect(box).to_be_visible(timeout=SECONDS)
    await box.check()
    await menu.focus()  # what is seen stays as it is while it is being used
    await holder.keyboard.press("a")
    await expect(holder.get_by_text("由您处理")).to_be_visible(timeout=SECONDS)
    mine = (await line.case(resident)).claimed_by
    to = next(
        value
        for value in await menu.locator("option").evaluate_all("options => options.map(({ value }) => value)")
        if value and value != mine
    )
    await menu.select_option(to)
    await chief.keyboard.press("Enter")
    await expect(chief.locator("h1")).to_contain_text("正在处理此预警", timeout=SECONDS)
    await accessible(chief)
    await people.shot(chief, "reassign")
    assert (await line.case(resident)).claimed_by == mine
    await expect(chief.locator("#reason")).to_be_focused()
    await chief.keyboard.type("同事离岗")
    await chief.keyboard.press("Enter")
    await chief.wait_for_url("**/desk?told=*", timeout=SECONDS)
    assert (await line.case(resident)).claimed_by == to
    await expect(holder.locator("#case-news")).to_contain_text("同事离岗", timeout=SECONDS)
