"""A hand-over to another province in a browser: offered, acknowledged in time or late, and one part ended."""

from playwright.async_api import Page, expect

from schemas.casework.cases import Case, CaseState
from schemas.casework.provinces import OfferState
from schemas.people.staff import StaffRole
from tests.browser.cases.looks import wrong_in_each_look
from tests.browser.people import DESKTOP, People
from tests.browser.test_strip_and_assign import SECONDS
from tests.console.harness.stage import Stage
from tests.console.harness.stops import caught_up
from tests.console.provinces.test_province_page import OTHER, in_danger, taken
from tests.console.provinces.test_province_page import line as line  # its policy hands cases over
from tests.end_to_end.harness.provinces import THERE
from tests.end_to_end.harness.rig import Line

WAITS = {"zh-CN": "等待对方确认", "en": "waits for the acknowledgement", "ko": "상대 확인 대기"}
TAKEN = {"zh-CN": "对方已接收", "en": "accepted", "ko": "상대가 접수"}
BOTH = {"zh-CN": "两省同时办理", "en": "Both provinces handle the case", "ko": "두 성에서 동시 처리"}


async def looks(people: People, role: StaffRole, case: Case, name: str, words: dict[str, str]) -> list[str]:
    """What is wrong with the page of the case's hand-over, in each language and size, once it says these words."""

    async def opened(language: str, size: dict[str, int]) -> Page:
        page = await people.page(role, language=language, size=size, dark=language == "ko")
        await page.goto(f"/cases/{case.id}/province")
        await expect(page.locator("main")).to_contain_text(words[language], timeout=SECONDS)
        return page

    return await wrong_in_each_look(people, name, opened)


async def offered(people: People, case: Case) -> Page:
    """An operator's page, from which the case was offered."""
    page = await people.page(StaffRole.OPERATOR, size=DESKTOP)
    await page.goto(f"/cases/{case.id}")
    await page.get_by_role("link", name="跨省移交").click()
    await page.get_by_label("省份").select_option(THERE)
    await page.get_by_label("当事人现在该省").check()
    await page.get_by_role("button", name="移交", exact=True).click()
    await expect(page.locator("#offers")).to_contain_text(WAITS["zh-CN"], timeout=SECONDS)
    return page


async def test_an_operator_hands_a_case_over_and_sees_that_the_other_province_has_taken_it(
    console: Stage, people: People, line: Line
) -> None:
    resident, case = await in_danger(line)
    await caught_up(console, case)
    page = await offered(people, case)
    assert await looks(people, StaffRole.OPERATOR, case, "offered", WAITS) == []
    await taken(line, await line.case(resident))
    await page.reload()
    await expect(page.locator(f"#offers [title='{OTHER}']")).to_contain_text("对方编号", timeout=SECONDS)
    assert await looks(people, StaffRole.OPERATOR, case, "taken", TAKEN) == []
    ended = await line.case(resident)
    assert (ended.state, ended.offers[-1].state) == (CaseState.HANDED_OVER, OfferState.ACCEPTED)


async def test_a_supervisor_ends_this_provinces_part_of_a_case_that_both_handle(
    console: Stage, people: People, line: Line
) -> None:
    resident, case = await in_danger(line)
    await caught_up(console, case)
    await offered(people, case)
    await line.advance(seconds=70)
    await taken(line, await line.case(resident))
    boss = await people.page(StaffRole.SUPERVISOR, size=DESKTOP)
    assert await looks(people, StaffRole.SUPERVISOR, case, "both", BOTH) == []
    await boss.goto(f"/cases/{case.id}/province")
    await boss.get_by_role("button", name="结束本省办理").click()
    await expect(boss.locator("#offers")).to_contain_text("本省已结束办理", timeout=SECONDS)
    assert (await line.case(resident)).state is CaseState.HANDED_OVER
