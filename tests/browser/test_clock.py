"""The clock of a page: in a demo, whose time runs faster, it is asked for, and never runs far ahead of the server's."""

import asyncio

from playwright.async_api import Page, Route

from schemas.people.staff import StaffRole
from tests.browser.people import People

SHOWN = "import(document.querySelector('script[src*=\"/clock.js\"]').src).then((clock) => clock.serverNow())"
MINUTE = 60_000


async def test_the_clock_of_a_demo_goes_four_seconds_by_itself_and_then_waits_for_the_server(people: People) -> None:
    page, asked = await people.page(StaffRole.SUPERVISOR), asyncio.Event()

    async def no_answer(route: Route) -> None:
        asked.set()
        await route.abort()

    await page.route("**/clock", no_answer)
    await _opened_at_sixty_times(page)
    began = await page.evaluate(SHOWN)
    await page.clock.fast_forward(60 * MINUTE)
    await asyncio.wait_for(asked.wait(), 10)
    assert began < await page.evaluate(SHOWN) <= began + 4 * MINUTE

    await page.unroute("**/clock")
    async with page.expect_response("**/clock") as answer:
        await page.clock.fast_forward(2000)
    told = (await (await answer.value).json())["now"]
    await page.wait_for_function(f"() => {SHOWN.replace('serverNow()', f'serverNow() < {told} + {MINUTE}')}")
    people.errors.clear()  # the answers that the test kept back


async def test_the_clock_of_an_installation_goes_on_without_asking(people: People) -> None:
    page = await people.page(StaffRole.SUPERVISOR)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.clock.install()
    await page.goto("/account")
    began = await page.evaluate(SHOWN)
    await page.clock.fast_forward(60 * MINUTE)
    assert await page.evaluate(SHOWN) >= began + 60 * MINUTE
    assert not [url for url in requests if url.endswith("/clock")]


async def test_a_time_has_one_form_on_all_pages_minutes_and_seconds_and_above_an_hour_words(
    people: People,
) -> None:
    page = await people.page(StaffRole.SUPERVISOR)
    for path, place in (("/release", "#waits"), ("/desk", '[data-live="needs"]'), ("/account", "main")):
        await page.goto(path)
        said = await page.evaluate(SAID, place)
        spoken = path != "/account"
        assert said["left"] == ["0:36", "2:05", "59:59", "3 小时 5 分"], path
        assert said["over"] == ("超时 0:04" if spoken else "+0:04"), path
        assert said["lasted"] == "15:34", path


SAID = """async (place) => {
  const clock = await import(document.querySelector('script[src*="/clock.js"]').src), now = clock.serverNow();
  const made = (kind, field, at) => {
    const time = Object.assign(document.createElement("time"), { className: kind });
    time.dataset[field] = at;
    document.querySelector(place).append(time);
    return time;
  };
  const left = (seconds) => made("countdown", "at", now + seconds * 1000 + 400);
  const times = [36, 125, 3599, 11100].map(left), over = left(-4.5), lasted = made("elapsed", "since", now - 934_400);
  clock.tick(document.querySelector(place));
  return { left: times.map((each) => each.textContent), over: over.textContent, lasted: lasted.textContent };
}"""


async def _opened_at_sixty_times(page: Page) -> None:
    async def faster(route: Route) -> None:
        answer = await route.fetch()
        text = await answer.text()
        assert 'data-speed="1.0"' in text
        await route.fulfill(response=answer, body=text.replace('data-speed="1.0"', 'data-speed="60.0"'))

    await page.route("**/account", faster)
    await page.clock.install()
    await page.goto("/account")
