"""A supervisor at the screen: the overview keeps itself up to date, the hand-over is printed, noted and taken over."""

import re

from playwright.async_api import expect

from schemas.people.staff import StaffRole
from schemas.risk.reported_frauds import UnmatchedReason
from streams.state.keys import AFTER_WARNING, AFTER_WARNING_READING
from tests.browser.people import DESKTOP, PHONE, People
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up, red_in, stopped
from tests.console.suspects.test_reported_frauds_page import groups, known, match, read

SUPERVISOR = StaffRole.SUPERVISOR
TELEPHONE = {"width": 390, "height": 844}
LOOKS = (("zh-CN", DESKTOP, False), ("en", DESKTOP, True), ("zh-CN", TELEPHONE, True), ("ko", TELEPHONE, False))


async def test_the_overview_counts_a_new_red_without_being_loaded_again(console: Stage, people: People) -> None:
    page = await people.page(SUPERVISOR, "220381")
    await page.goto("/desk")
    load = page.locator('[data-live="load"]')
    cell = load.locator("tbody tr").first.locator("td").first
    await expect(cell).to_have_text("0")
    place = await page.locator("#h-needs").bounding_box()
    await red_in(console.line(), "220381")
    await expect(cell).to_have_text("1")
    assert await page.locator("#h-needs").bounding_box() == place, "nothing has jumped"
    await people.shot(page, "desk")


async def test_what_needs_the_supervisor_is_the_first_screen_with_one_act_each(console: Stage, people: People) -> None:
    stop = await stopped(console, division="220324")
    console.house.clock.move_to(stop.line.after(hours=42))
    await stop.line.settle()
    line = console.line()
    case = await red_in(line, "220324", sms=[None])
    await line.advance(minutes=8)
    await caught_up(console, await line.case(next(each for each in line.residents if each.id == case.resident)))
    for language, size, dark in LOOKS:
        page = await people.page(SUPERVISOR, "220324", language=language, size=size, dark=dark)
        await page.goto("/desk")
        rows = page.locator("table.needs tbody tr")
        await expect(rows).not_to_have_count(0)
        await expect(rows.first).to_be_in_viewport()
        assert await rows.count() == await rows.locator(":is(button, a.button)").count(), "one act each"
        wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
        await people.shot(page, f"needs-{language}-{size['width']}{'-dark' if dark else ''}")


async def test_what_the_keyboard_is_in_is_not_replaced_under_it(console: Stage, people: People) -> None:
    stop = await stopped(console, division="220382")
    console.house.clock.move_to(stop.line.after(hours=42))
    await stop.line.settle()
    page = await people.page(SUPERVISOR, "220382")
    await page.goto("/desk")
    link = page.locator('[data-live="needs"] a[href^="/release/stops/"]').first
    await link.focus()
    cell = page.locator('[data-live="load"] tbody tr').first.locator("td").first
    before = int(await cell.inner_text())
    await red_in(console.line(), "220382")
    await expect(cell).to_have_text(str(before + 1))
    await expect(link).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("一笔止付")


async def test_a_sheet_is_printed_noted_and_taken_over_by_another(console: Stage, people: People) -> None:
    case = await red_in(console.line(), "220322")
    anna, bert = await people.page(SUPERVISOR, "220322"), await people.page(SUPERVISOR, "220322", size=PHONE)
    await anna.goto("/handover")
    link = anna.locator(f'#main a[href="/cases/{case.id}"]').first
    await expect(link).to_contain_text("梨树县")
    await expect(anna.get_by_text(case.id)).to_be_hidden()
    await anna.emulate_media(media="print")
    await expect(anna.locator("header.top")).to_be_hidden()
    await expect(anna.get_by_text(case.id)).to_be_visible()
    await people.shot(anna, "handover-printed")
    await anna.emulate_media(media="screen")
    await anna.locator("#note").fill("银行专线今晚很忙")
    await anna.get_by_role("button", name="交班并留存此单").click()
    await expect(anna.locator(".confirm")).to_contain_text("等待接班人确认")
    await bert.goto("/desk")
    await bert.get_by_role("link", name="查看交接班单").click()
    await expect(bert.get_by_text("银行专线今晚很忙").first).to_be_visible()
    await people.shot(bert, "handover-waiting")
    confirm = bert.get_by_role("button", name="确认接班")
    for y in (0, 10_000):
        await bert.evaluate(f"window.scrollTo(0, {y})")
        await expect(confirm).to_be_in_viewport()
    await confirm.click()
    await expect(bert.locator("p.good")).to_contain_text("接班")
    await people.shot(bert, "handover-taken")


async def test_the_official_form_is_one_a4_page_in_each_language(console: Stage, people: People) -> None:
    await stopped(console)
    for language in ("zh-CN", "en", "ko"):
        page = await people.page(SUPERVISOR, "", language=language)
        await page.goto("/official")
        await expect(page.locator('tr[data-row="stopped"] td')).to_have_count(10)
        paper = await page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1, language
        await people.shot(page, f"official-{language}")
        await page.emulate_media(media="print")
        await page.set_viewport_size({"width": 1046, "height": 718})  # A4 across within its margins, at 96 dots an inch
        wide, high = await page.evaluate("[document.body.scrollWidth, document.querySelector('main').scrollHeight]")
        assert (wide <= 1046, high <= 718) == (True, True), (language, wide, high)
        await people.shot(page, f"official-{language}-printed")


async def test_the_situation_is_drawn_and_changes_with_what_is_asked_for(console: Stage, people: People) -> None:
    await stopped(console, division="220323")
    for language, dark in (("zh-CN", False), ("en", True), ("ko", False)):
        page = await people.page(SUPERVISOR, "", language=language, dark=dark)
        await page.goto("/situation")
        await expect(page.locator("svg.chart").first).to_be_visible()
        await people.shot(page, f"situation-{language}")
        await page.locator("#by").select_option("week")
        await page.locator("#days").select_option("28")
        await page.locator("form.row button").click()
        await expect(page.locator("#t-series")).not_to_have_text("按日")
        assert "by=week" in page.url


async def test_the_polices_records_fit_a_desk_and_a_telephone_and_are_filtered(console: Stage, people: People) -> None:
    now, division = console.house.clock.now(), "220421001"
    matched = [match(console, division, loss_fen=1_234_500, scam_type="police") for _ in range(2)]
    await known(console, *matched, match(console, division, why=UnmatchedReason.AMBIGUOUS))
    await console.house.line.redis.set(AFTER_WARNING_READING, 1)  # the worker does not count meanwhile
    await read(console, frozenset({matched[0].id}), *groups(division, 40, 2))
    for language, size, dark in LOOKS:
        page = await people.page(SUPERVISOR, "220421", language=language, size=size, dark=dark)
        await page.goto("/reported-frauds")
        await expect(page.locator("#matched tbody tr")).to_have_count(2)
        await expect(page.locator('#unmatched tr[data-why="ambiguous"] td').first).to_have_text("1")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (language, size)
        await people.shot(page, f"reported-frauds-{language}-{size['width']}{'-dark' if dark else ''}")
        await page.locator("#after").check()
        await page.locator("form.row button").click()
        await expect(page.locator("#matched tbody tr")).to_have_count(1)
        await expect(page.locator("#after")).to_be_checked()
        asked = {f"month={now:%Y-%m}", "source=", "by=", "after=1"}
        assert set(page.url.partition("?")[2].split("&")) == asked, "codes only"
    await console.house.line.redis.delete(AFTER_WARNING, AFTER_WARNING_READING)


async def test_the_name_of_who_is_signed_in_stays_on_a_narrow_desk(people: People) -> None:
    size = {"width": 1024, "height": 768}
    for role in (StaffRole.OPERATOR, SUPERVISOR):
        for language in ("zh-CN", "en", "ko"):
            page = await people.page(role, language=language, size=size, account={"name": "孙七"})
            await page.goto("/call-in")
            name = page.locator(".person .name")
            await expect(name).to_be_in_viewport(ratio=1)
            await expect(name).to_have_text(re.compile("孙七$"))
            assert await name.evaluate("(name) => name.scrollWidth <= name.clientWidth"), (role, language)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (role, language)
            header = await page.locator("header.top").bounding_box()
            assert header is not None
            assert header["height"] <= 52, (role, language)
            await people.shot(page, f"name-{role.value}-{language}")
