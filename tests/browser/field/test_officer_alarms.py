"""An officer's alarm, and who does not check in: on the telephone and on the supervisor's screen."""

import re
from datetime import timedelta

from playwright.async_api import Page, expect

from domain.visits.check_in import GLANCE, WITHIN
from schemas.people.alarms import Alarm
from schemas.people.staff import StaffRole
from tests.browser.field.test_officer import WIDE, faults, on, opened, press
from tests.browser.people import People
from tests.console.harness.stage import Stage
from tests.console.harness.visiting import visiting


async def hold(page: Page) -> None:
    """Put the finger on the alarm; it stays there."""
    box = await page.locator("#duress").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()


async def test_one_long_press_alarms_the_supervisor_and_a_short_one_nobody(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-6"):
        page = await opened(people, "thumb-6")
        supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
        await supervisor.goto("/alarms")
        await on(page)
        await page.locator("#duress").click()
        await hold(page)
        alarm = supervisor.locator("[data-alarm]", has_text="thumb-6")
        await expect(alarm).to_contain_text("求助警报")
        await expect(alarm.locator("time.elapsed")).to_have_text(re.compile(r"^[0-9]+:[0-9]{2}"))
        await page.mouse.up()
        await expect(alarm).to_have_count(1)
        await expect(page.locator("#said")).to_have_text("警报已发出")
        await people.shot(supervisor, "alarm")
        await alarm.get_by_label("处置").fill("派最近的巡逻车")
        await alarm.get_by_role("button", name="我来处理").click()
        await expect(alarm).to_have_count(0)
        await supervisor.reload()
        await expect(supervisor.get_by_role("cell", name="派最近的巡逻车")).to_be_visible()


async def test_a_telephone_that_can_store_nothing_more_alarms_all_the_same(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-11"):
        page = await opened(people, "thumb-11")
        supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
        await supervisor.goto("/alarms")
        await on(page)
        await page.evaluate(
            "() => { IDBObjectStore.prototype.add = () => { throw new DOMException('full', 'QuotaExceededError') } }"
        )
        await hold(page)
        await expect(supervisor.locator("[data-alarm]", has_text="thumb-11")).to_contain_text("求助警报")
        await page.mouse.up()
        await expect(page.locator("#said")).to_have_text("警报已发出")


async def test_a_silent_alarm_shows_nothing_on_the_telephone(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-7"):
        page = await opened(people, "thumb-7")
        supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
        await supervisor.goto("/alarms")
        operator = await people.page(StaffRole.OPERATOR, size=WIDE)
        await operator.goto("/queue")
        silent = page.get_by_role("button", name="静默报警")
        await silent.click()  # short: it is the long press that counts
        await silent.focus()
        await page.keyboard.down("Space")
        alarm = supervisor.locator("[data-alarm]", has_text="thumb-7")
        await expect(alarm).to_contain_text("静默：不要给他打电话")
        await expect(operator.locator("[data-alarm]", has_text="thumb-7")).to_be_visible()  # who looks at the queue too
        await page.keyboard.up("Space")
        await expect(page.locator("#said")).to_be_empty()
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await alarm.get_by_role("button", name="我来处理").click()
        await expect(alarm).to_have_count(0)


async def test_who_does_not_check_in_is_on_the_supervisors_screen(console: Stage, people: People) -> None:
    async with visiting(console, "thumb-8") as visit:
        page = await opened(people, "thumb-8")
        supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
        await supervisor.goto("/alarms")
        await on(page)
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await press(page, "到达", "已到达")
        await expect(page.locator("#check-in")).to_be_visible()
        await visit.line.until(console.house.clock.now() + WITHIN + timedelta(seconds=1))
        alarm = supervisor.locator("[data-alarm]", has_text="thumb-8")
        await expect(alarm).to_contain_text("未按时签到")
        await page.get_by_role("button", name="报平安").click()
        await expect(alarm).to_contain_text("后已签到")
        await alarm.get_by_role("button", name="我来处理").click()
        await expect(alarm).to_have_count(0)


async def test_alarms_folded_on_the_overview_are_reached_by_the_keyboard_and_stay_unfolded(
    console: Stage, people: People
) -> None:
    now, made = console.house.clock.now(), console.house.line.alarms
    names = [f"folded-{n}" for n in range(GLANCE + 2)]
    for age, name in enumerate(names):
        plain = {"id": name, "kind": "check_in_missed", "at": now - timedelta(minutes=age), "told_at": now}
        await made.raise_(Alarm.model_validate(plain | {"officer": name, "name": name, "area": "220102"}))
    supervisor = await people.page(StaffRole.SUPERVISOR, size=WIDE)
    await supervisor.goto("/desk")
    fold = supervisor.locator("[data-alarms] summary")
    await expect(fold).to_contain_text("其余未按时签到警报")
    oldest = supervisor.locator("[data-alarm]", has_text=names[-1])
    await expect(oldest).to_be_hidden()
    await fold.focus()
    await supervisor.keyboard.press("Enter")
    await expect(oldest).to_be_visible()
    await people.shot(supervisor, "alarms-unfolded")
    await oldest.get_by_label("处置").fill("已联系")
    await supervisor.keyboard.press("Enter")
    await expect(oldest).to_have_count(0)
    await expect(supervisor.locator("[data-alarm]", has_text=names[-2])).to_be_visible()
    assert await faults(supervisor, "desk") == []
    for name in names[:-1]:
        await made.acknowledge(name, "a test", "", now)
