"""After a loss, in a browser: the pages say until when the resident is shielded, and what came of the support."""

from playwright.async_api import Page, expect

from schemas.casework.cases import StepState
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from tests.browser.cases.looks import wrong_in_each_look
from tests.browser.people import DESKTOP, People
from tests.browser.test_strip_and_assign import SECONDS
from tests.console.harness.case_forms import latest
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call
from tests.end_to_end.warnings.test_shield import after_loss

UNTIL = {"zh-CN": "保护期至", "en": "Shielded until", "ko": "까지 보호"}
MARK = {"zh-CN": "保护", "en": "Shield", "ko": "보호"}
DECLINED = "不要再打关怀电话"


async def test_the_case_says_until_when_and_an_operator_records_what_came_of_the_support(
    console: Stage, people: People, line: Line
) -> None:
    case = await line.case(await after_loss(line))
    await caught_up(console, case)
    async with await console.signed_in(StaffRole.OPERATOR) as operator:

        async def opened(language: str, size: dict[str, int]) -> Page:
            page = await people.page_of(operator.token, language=language, size=size, dark=language == "ko")
            await page.goto(f"/cases/{case.id}")
            await expect(page.locator(".about .shield")).to_contain_text(UNTIL[language], timeout=SECONDS)
            return page

        assert await wrong_in_each_look(people, "shielded", opened) == []
        page = await opened("zh-CN", DESKTOP)
        act = page.locator("#act-support")
        await act.locator("summary").click()
        await act.get_by_label(DECLINED).check()
        await act.get_by_label("备注").fill("家人在旁")
        await people.shot(page, "support")
        await act.get_by_role("button", name="记录").click()
        await expect(page.locator("main")).to_contain_text("家人在旁", timeout=SECONDS)
        await line.settle()
        calls = [step for step in (await latest(console, case)).steps if step.action is Action.SUPPORT_CALL]
        assert {step.state for step in calls} == {StepState.WITHDRAWN}
        assert len(calls) == 3


async def test_the_queue_marks_a_resident_whom_a_new_signal_raises_within_the_shield(
    console: Stage, people: People, line: Line
) -> None:
    resident = await after_loss(line)
    await line.advance(hours=1)
    await line.signal(call(line, resident))
    case = await line.case(resident)
    assert case.level is Level.ORANGE, "without the shield it would be blue"
    await caught_up(console, case)
    async with await console.signed_in(StaffRole.OPERATOR) as operator:

        async def opened(language: str, size: dict[str, int]) -> Page:
            page = await people.page_of(operator.token, language=language, size=size, dark=language == "en")
            await page.goto("/queue")
            mark = page.locator(f"#case-{case.id} .shield")
            await expect(mark).to_have_text(MARK[language], timeout=SECONDS)
            assert UNTIL[language] in (await mark.get_attribute("title") or "")
            return page

        assert await wrong_in_each_look(people, "queue", opened) == []
