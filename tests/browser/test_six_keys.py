"""From a red case in the queue to "dissuaded", by five keys at most, the answered call among them."""

from playwright.async_api import expect

from schemas.levels import Level, Outcome
from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.signals import call, transfer

TAKE_THE_NEXT, ANSWERED, RECORD, DISSUADED, PUT_DOWN = "n", "p", "d", "1", "Enter"
KEYS = (TAKE_THE_NEXT, ANSWERED, RECORD, DISSUADED, PUT_DOWN)
SECONDS = 10.0


async def test_from_a_red_case_in_the_queue_to_dissuaded_in_at_most_five_keys(console: Stage, people: People) -> None:
    line = console.line()
    resident = await line.resident(division="220381001")
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    await line.advance(seconds=95)  # the operator's turn; nobody is sent yet
    case = await line.case(resident)
    assert case.level is Level.RED

    async def waits() -> bool:
        row = console.services.hub.rows.get(case.id)
        return row is not None and row.offered

    await until(waits, SECONDS)
    page = await people.page(StaffRole.OPERATOR, case.profile.division)
    await page.goto("/queue")
    await expect(page.locator(f"tr[data-id='{case.id}']")).to_be_visible()

    await page.keyboard.press(TAKE_THE_NEXT)
    await page.wait_for_url(f"**/cases/{case.id}")
    await page.keyboard.press(ANSWERED)
    await expect(page.locator("#call[data-state=connected]")).to_be_visible()
    await line.settle()  # a talk takes longer than this test does: the page knows by then what else has happened
    version = str((await line.case(resident)).version)
    await expect(page.locator("#act-outcome input[name=seen]")).to_have_value(version)
    await page.keyboard.press(RECORD)
    await expect(page.locator("input[name=outcome][value=dissuaded]")).to_be_focused()
    await people.shot(page, "outcome")
    await page.keyboard.press(DISSUADED)
    await page.keyboard.press(PUT_DOWN)
    await page.wait_for_url("**/queue?told=none")  # and on: nobody else waits here

    async def dissuaded() -> bool:
        return (await line.case(resident)).outcome is Outcome.DISSUADED

    await until(dissuaded, SECONDS)
    assert len(KEYS) <= 5
    await line.end()
