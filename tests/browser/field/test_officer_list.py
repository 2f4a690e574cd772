"""The officer's list: what is no longer needed in one line, and the visits in the order in which to make them."""

import re
from datetime import timedelta

from playwright.async_api import Locator, Page, expect

from console.web.kit.pages import hour_minute
from domain.payments.headline import secured_fen
from domain.wording.codes import yuan
from schemas.codes.visits import OfficerArrived
from schemas.people.rosters import TaskState
from tests.browser.field.test_officer import faults, opened, press
from tests.browser.people import People
from tests.console.harness.stage import Stage
from tests.console.harness.visiting import NAME, Visiting, visiting
from tests.end_to_end.harness.signals import call, transfer

TELEPHONE = {"width": 390, "height": 844}
LANGUAGES = {
    "zh-CN": ("3 项任务不必再去", "已作废；以 {at} 派给您的任务为准"),
    "en": ("3 tasks are no longer needed", "Void: the task given to you at {at} stands"),
    "ko": ("임무 3건은 가지 않아도 됩니다", "무효: {at}에 배정된 임무가 유효합니다"),
}
TOO_FAR = {
    "zh-CN": re.compile(r"^到达约 \d\d:\d\d，晚于时限 [1-9]\d* 分钟$"),
    "en": re.compile(r"^There about \d\d:\d\d, [1-9]\d* min after the deadline$"),
    "ko": re.compile(r"^\d\d:\d\d쯤 도착, 시한보다 [1-9]\d*분 늦음$"),
}
AHEAD = re.compile(r"\d+")


async def withdrawn(visit: Visiting, count: int) -> None:
    """Give the officer so many earlier visits to the same case, all of them late."""
    for number in range(1, count + 1):
        changes = {
            "dispatch": f"{visit.task.dispatch}-before-{number}",
            "at": visit.task.at - timedelta(minutes=number),
            "state": TaskState.LATE,
        }
        await visit.line.house.line.outgoing.rosters._tasks.put(visit.task.model_copy(update=changes))


async def test_what_is_no_longer_needed_is_one_line_and_says_which_visit_to_the_case_stands(
    console: Stage, people: People
) -> None:
    async with visiting(console, "list-1") as visit:
        await withdrawn(visit, 3)
        found = []
        for language, (line, stands) in LANGUAGES.items():
            page = await opened(people, "list-1", language=language, size=TELEPHONE)
            title = page.locator("#gone-title")
            await expect(title).to_have_text(line)
            assert await _height(page, "#gone") <= 64
            await expect(page.get_by_role("link", name=NAME)).to_be_in_viewport(ratio=1)
            await people.shot(page, f"folded-{language}")
            await title.click()
            at = hour_minute(visit.task.at)
            await expect(page.locator("#gone li").first).to_contain_text(stands.replace("{at}", at))
            found += await faults(page, f"list {language}")
            await people.shot(page, f"opened-{language}")
        assert found == []
        page = await opened(people, "list-1", size=TELEPHONE)
        await page.locator("#gone").get_by_role("button", name="知道了").click()
        await expect(page.locator("#gone")).to_be_hidden()
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await page.reload()
        await expect(page.get_by_role("link", name=NAME)).to_be_visible()
        await expect(page.locator("#gone")).to_be_hidden()


async def test_a_visit_to_accept_stands_above_the_one_that_has_begun_and_the_time_left_is_the_largest_figure(
    console: Stage, people: People
) -> None:
    async with visiting(console, "list-2") as visit:
        second = await visit.line.resident(name="李华")
        await visit.line.signal(call(visit.line, second), transfer(visit.line, second, visit.line.account()))
        await visit.line.advance(minutes=3)
        page = await opened(people, "list-2", size=TELEPHONE)
        names = page.locator("#list a.task [data-slot=name]")
        await expect(names).to_have_text([NAME, "李华"])  # both red: the first must be accepted first
        figures = page.locator("#list a.task").first.locator("time.left b")
        await expect(figures.first).to_have_text(AHEAD)
        sizes = await page.locator("#list a.task").first.evaluate(SIZES)
        assert sizes["figure"] >= 28
        assert sizes["figure"] == sizes["largest"]
        assert sizes["numeric"] == "tabular-nums"
        await page.get_by_role("link", name="李华").click()
        await press(page, "接受", "已接受")
        await press(page, "出发", "在路上")
        await page.get_by_role("link", name="返回列表").click()
        await expect(names).to_have_text([NAME, "李华"])
        await people.shot(page, "on-the-way")


async def test_a_visit_to_accept_stands_above_a_result_to_write_and_its_clock_is_red_below_five_minutes(
    console: Stage, people: People
) -> None:
    async with visiting(console, "list-5") as visit:
        page = await opened(people, "list-5", size=TELEPHONE)
        names = page.locator("#list a.task [data-slot=name]")
        for name, then in ((NAME, "李华"), ("李华", "张伟")):
            await page.get_by_role("link", name=name).click()
            await press(page, "接受", "已接受")
            await press(page, "出发", "在路上")
            await press(page, "到达", "已到达")
            await page.get_by_role("link", name="返回列表").click()
            other = await visit.line.resident(name=then)
            await visit.line.signal(call(visit.line, other), transfer(visit.line, other, visit.line.account()))
            await visit.line.advance(minutes=3)
        await expect(names).to_have_text(["张伟", "李华", NAME], timeout=20_000)
        clocks = page.locator("#list a.task time.left")
        await expect(clocks.nth(0)).to_have_class(re.compile("late"))
        await expect(clocks.nth(1)).not_to_have_class(re.compile("late"))  # half an hour for the result
        steps = page.locator("#list li.card [data-next]:visible")
        await expect(steps).to_have_count(1)
        await expect(steps).not_to_have_class(re.compile("second"))
        await expect(page.locator("#list [data-slot=where]").nth(1)).to_contain_text("您已在现场")
        await people.shot(page, "accept-first")
        await page.get_by_role("link", name="张伟").click()
        await expect(page.locator("[data-slot=stop]")).to_have_text("第 3 站，共 3 站")


async def test_an_officer_stands_at_one_door_and_the_door_before_lacks_its_result(
    console: Stage, people: People
) -> None:
    async with visiting(console, "list-3") as visit:
        second = await visit.line.resident(name="李华")
        await visit.line.signal(call(visit.line, second), transfer(visit.line, second, visit.line.account()))
        await visit.line.advance(minutes=3)
        page = await opened(people, "list-3", size=TELEPHONE)
        for name in (NAME, "李华"):
            await page.get_by_role("link", name=name).click()
            await press(page, "接受", "已接受")
            await press(page, "出发", "在路上")
            await press(page, "到达", "已到达")
            await page.get_by_role("link", name="返回列表").click()
            await visit.line.advance(minutes=1)
        await expect(_stage(page, "李华")).to_have_text("已到达")
        await expect(_stage(page, NAME)).to_have_text("待交结果")
        await page.get_by_role("link", name=NAME).click()
        await expect(page.locator("#one [data-slot=stage]")).to_have_text("待交结果")
        await expect(page.get_by_role("button", name="提交结果")).to_be_visible()
        await people.shot(page, "one-door")


async def test_a_task_too_far_to_arrive_in_time_says_so_before_it_is_accepted_and_no_figure_leaves_its_unit(
    console: Stage, people: People
) -> None:
    async with visiting(console, "list-4") as visit:
        page = await opened(people, "list-4", size=TELEPHONE)
        mark = page.locator("#list [data-slot=too-far]")
        await expect(page.get_by_role("link", name=NAME)).to_be_visible()
        await expect(mark).to_be_hidden()
        await visit.line.officers(
            "list-4", division="222401002"
        )  # over 5 hours away, of the 40 minutes in which to arrive
        for language, words in TOO_FAR.items():
            page = await opened(people, "list-4", language=language, size=TELEPHONE)
            await expect(page.locator("#list [data-slot=too-far]")).to_have_text(words)
            where = await page.locator("#list [data-slot=where]").text_content() or ""
            assert "332" in where, "the road to Yanji, 328 km in a straight line"
            assert not re.search(r"\d | \d", where), "a line may break there"
            await people.shot(page, f"too-far-{language}")
            await page.locator("#list [data-decline]").click()  # the reason why is asked for, as in the task
            await expect(page.locator("#refuse")).to_be_visible()
            await page.keyboard.press("Escape")
            await expect(page.locator("#one [data-slot=too-far]")).to_have_text(words)
        await press(page, "수락", "수락함")
        await expect(page.locator("#one [data-slot=too-late]")).to_be_visible(timeout=20_000)
        await expect(page.locator("#one [data-slot=too-far]")).to_be_hidden()


async def test_the_next_step_of_a_visit_is_one_tap_in_the_list_without_network_too(
    console: Stage, afield: People
) -> None:
    async with visiting(console, "list-6") as visit:
        page = await opened(afield, "list-6", size=TELEPHONE)
        step = page.locator("#list [data-next]")
        for words, stage in (("接受", "已接受"), ("出发", "在路上")):
            await expect(step).to_have_text(words)
            await expect(step).to_have_accessible_name(f"{words} {NAME}")
            assert await _height(page, "#list [data-next]") >= 48
            await step.dblclick()  # of a double tap the second does not go one step further
            await expect(_stage(page, NAME)).to_have_text(stage)
        await afield.shot(page, "next-step")
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        await page.context.set_offline(True)
        await step.click()
        await expect(_stage(page, NAME)).to_have_text("已到达")
        await expect(page.locator("#waiting")).to_be_visible()
        await expect(step).to_be_hidden()
        await page.context.set_offline(False)
        await expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        assert any(isinstance(what, OfficerArrived) for what in await visit.told())


async def test_several_payments_have_a_sum_and_a_list_of_one_has_no_number(console: Stage, people: People) -> None:
    async with visiting(console, "list-7") as visit:
        page = await opened(people, "list-7", size=TELEPHONE)
        await page.get_by_role("link", name=NAME).click()
        await expect(page.locator("#one [data-list=payments] li")).to_have_count(1)
        await expect(page.locator("#one [data-slot=sum]")).to_be_hidden()
        first = page.locator("#one [data-list=first]")
        await first.locator("li").first.evaluate("(item) => item.after(item.cloneNode(true))")
        await expect(first.locator("li")).not_to_have_count(1)
        await expect(first).to_have_css("list-style-type", "decimal")
        await visit.line.signal(transfer(visit.line, visit.resident, visit.line.account(), amount_fen=500_000))
        await expect(page.locator("#one [data-list=payments] li")).to_have_count(2)
        case = await visit.line.case(visit.resident)
        paid, secured = sum(payment.amount_fen for payment in case.payments), secured_fen(case)
        told = f"共 {yuan(paid)}，其中已止付、未转出或已返还 {yuan(secured)}，其余 {yuan(paid - secured)}"
        await expect(page.locator("#one [data-slot=sum]")).to_have_text(told)
        await people.shot(page, "sum")
        one = "document.querySelectorAll('#one :is([data-list=first], [data-list=danger]) li:not(:first-child)')"
        await page.evaluate(f"{one}.forEach((each) => each.remove())")
        await expect(first).to_have_css("list-style-type", "none")
        caution = await page.locator("#one .caution").evaluate(IN_ONE_LINE)
        assert caution, "one caution stands beside its heading"


IN_ONE_LINE = """(caution) => {
  const [head, item] = ["h3", "li"].map((each) => caution.querySelector(each).getBoundingClientRect());
  return item.top < head.bottom && item.left > head.right;
}"""


async def test_the_header_is_one_row_and_the_languages_are_on_the_account_page(console: Stage, people: People) -> None:
    async with visiting(console, "list-8"):
        for language in LANGUAGES:
            page = await opened(people, "list-8", language=language, size=TELEPHONE)
            await expect(page.locator(".languages")).to_be_hidden()
            await expect(page.locator("header.top nav a").nth(1)).to_be_in_viewport(ratio=1)
            await expect(page.locator("header.top .person button")).to_be_in_viewport(ratio=1)
            assert await _height(page, "header.top") <= 56, language
            assert await faults(page, f"header {language}") == []
            await people.shot(page, f"header-{language}")
        await page.locator(".person a").last.click()
        await page.locator(".languages").get_by_role("link", name="中文").click()
        await expect(page.get_by_role("heading", name="我的账号")).to_be_visible()


def _stage(page: Page, name: str) -> Locator:
    return page.locator("#list a.task", has_text=name).locator("[data-slot=stage]")


SIZES = """(task) => {
  const size = (each) => parseFloat(getComputedStyle(each).fontSize);
  const figure = task.querySelector("time.left b");
  return {
    figure: size(figure), largest: Math.max(...[...task.querySelectorAll("*")].map(size)),
    numeric: getComputedStyle(figure).fontVariantNumeric,
  };
}"""


async def _height(page: Page, selector: str) -> float:
    box = await page.locator(selector).bounding_box()
    assert box is not None
    return box["height"]
