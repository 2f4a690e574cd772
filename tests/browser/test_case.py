"""The case page in a browser: a conversation to its outcome, a stop taken back, two on one case, keys, sizes."""

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from console.web.case import answers
from console.web.case.scripts import tree_of
from domain.desk.questions import Ending, next_question
from schemas.casework.cases import Case, CaseState
from schemas.casework.events import FactKind
from schemas.codes.people import OfficerAskedFor, StopAskedFor
from schemas.levels import OutcomeGround
from schemas.people.residents import Flag, Language, Resident
from schemas.people.staff import StaffRole
from tests.browser.people import DESKTOP, PHONE, People
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
SMALL = {"width": 1024, "height": 768}
# Where each ends: of the decision the key to it, of money and next step the first line.
PLACES = """() => {
  const end = (path) => document.querySelector(path).getBoundingClientRect().bottom;
  return {
    strip: document.querySelector("#head").getBoundingClientRect().height,
    decision: end("#head [data-key=d]"),
    money: end("#money li"),
    coming: end("#coming li"),
    wide: document.documentElement.scrollWidth - innerWidth,
    page: document.documentElement.scrollHeight,
  };
}"""
SECONDS = 15_000.0  # milliseconds, as Playwright counts


async def red(line: Line, **fields: object) -> tuple[Resident, Case]:
    resident = await line.resident(**fields)  # type: ignore[arg-type]  # as the rig's
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    await line.advance(seconds=90)  # the operator's turn; the plan itself asks for a stop at two minutes
    return resident, await line.case(resident)


async def opened(people: People, case: Case, **options: object) -> Page:
    page = await people.page(StaffRole.OPERATOR, **options)  # type: ignore[arg-type]  # as the fixture's
    await page.goto(f"/cases/{case.id}")
    await expect(page.locator("[data-story-here] ol.story")).to_be_visible(timeout=SECONDS)
    return page


async def connected(page: Page, line: Line) -> None:
    """The operator has dialled, and says that the resident answers; the page knows what else has happened by then."""
    await expect(page.locator("[data-story-here] ol.story")).to_be_visible(timeout=SECONDS)  # the page's script runs
    await page.keyboard.press("p")
    await expect(page.locator("#call[data-state=connected]")).to_be_visible(timeout=SECONDS)
    await line.settle()
    version = str((await line.case(line.residents[0])).version)
    await expect(page.locator("#act-outcome input[name=seen]")).to_have_value(version, timeout=SECONDS)


async def said(page: Page, words: str) -> None:
    await expect(page.locator("#said")).to_contain_text(words, timeout=SECONDS)


async def test_a_red_case_is_taken_talked_through_and_dissuaded_with_the_amount(people: People, line: Line) -> None:
    resident, case = await red(line)
    page = await opened(people, case)
    await page.keyboard.press("a")
    await expect(page.get_by_text("由您处理")).to_be_visible(timeout=SECONDS)
    await connected(page, line)
    tree, answers = tree_of(case.danger.scam_type), dict[str, str]()
    while not isinstance(at := next_question(tree, answers), Ending):
        await expect(page.locator("[data-say]")).to_have_text(at.say.zh, timeout=SECONDS)
        await page.keyboard.press("1")
        answers[at.id] = at.answers[0].id
    await expect(page.get_by_text(at.advice.zh)).to_be_visible(timeout=SECONDS)
    await page.locator("[data-choose]").click()
    form = page.locator("#act-outcome form")
    await expect(form.locator("label", has_text="已劝阻")).to_contain_text("只保留回访")
    await page.locator("#outcome-money summary").click()
    await form.locator("input[name=kept]").check()
    await form.get_by_label("金额（元）").fill("30000")
    await form.get_by_role("button", name="登记并打开下一件").click()
    await page.wait_for_url("**/queue?told=none")
    await expect(page.locator("#put-down")).to_contain_text("已劝阻")
    await line.settle()
    after = await line.case(resident)
    assert (after.state, after.answers) == (CaseState.DISSUADED, answers)
    assert after.kept[case.payments[0].transfer].amount_fen == 3_000_000


async def test_a_marker_of_resistance_chooses_the_next_question(people: People, line: Line) -> None:
    _, case = await red(line)
    page = await opened(people, case)
    await connected(page, line)
    marker = tree_of(case.danger.scam_type).markers["secret"]
    await page.get_by_role("button", name=marker.title.zh).click()
    await expect(page.locator("[data-say]")).to_have_text(marker.question.say.zh, timeout=SECONDS)


async def test_a_stop_can_be_undone_for_some_seconds(people: People, line: Line) -> None:
    resident, case = await red(line)
    page = await opened(people, case)
    await page.keyboard.press("s")
    await expect(page.locator("#second")).to_contain_text("请银行止付")
    await page.keyboard.press("Enter")
    await expect(page.locator("form[data-undo] output")).to_contain_text("秒后发出", timeout=SECONDS)
    await page.keyboard.press("z")
    await said(page, "没有发给银行")
    await expect(page.locator("form[data-undo]")).to_have_count(0)
    assert StopAskedFor() not in [fact.what for fact in await line.facts(resident, FactKind.NOTE)]


async def test_one_key_proposes_all_stops_with_amount_and_bank_and_each_is_undone_by_itself(
    people: People, line: Line
) -> None:
    resident = await line.resident()
    moves = [transfer(line, resident, line.account(), amount_fen=1_000_000 * number) for number in (1, 2)]
    await line.signal(call(line, resident, ongoing=True), *moves)
    await line.advance(seconds=90)
    page = await opened(people, await line.case(resident))
    await page.keyboard.press("s")
    for words in ("¥10,000 付款行 bank", "¥20,000 付款行 bank"):
        await expect(page.locator("#second dl")).to_contain_text(words)
    await people.shot(page, "stops")
    await page.keyboard.press("Escape")
    await page.locator("#money input[name=transfer]").first.uncheck()
    await expect(page.locator("[data-stops]")).to_contain_text("止付所选")
    await page.locator("#money input[name=transfer]").first.check()
    await page.keyboard.press("s")
    await page.keyboard.press("Enter")
    await expect(page.locator("form[data-undo]")).to_have_count(2, timeout=SECONDS)
    await page.keyboard.press("z")
    await expect(page.locator("form[data-undo]")).to_have_count(1, timeout=SECONDS)


async def test_of_two_on_one_case_the_second_sees_what_changed_and_keeps_his_text(people: People, line: Line) -> None:
    resident, case = await red(line)
    first, second = await opened(people, case), await opened(people, case)
    await second.keyboard.press("d")
    await second.get_by_label("误报").check()
    await second.locator("#outcome-note").fill("我写了很久")
    await first.keyboard.press("m")
    await first.locator("#note-text").fill("女儿已到场")
    await first.locator("#act-note").get_by_role("button", name="记录").click()
    await expect(second.locator("#case-news")).to_contain_text("女儿已到场", timeout=SECONDS)
    await expect(second.locator("#outcome-note")).to_have_value("我写了很久")
    await second.locator("#act-outcome").get_by_role("button", name="登记处置结果").click()
    await expect(second.locator("#case-news strong")).to_contain_text("您看到的内容已经更新", timeout=SECONDS)
    await expect(second.locator("#outcome-note")).to_have_value("我写了很久")
    await line.settle()
    assert not (await line.case(resident)).settled
    await second.locator("#act-outcome").get_by_role("button", name="登记处置结果").click()
    await expect(second.locator("#head .state")).to_have_text("误报", timeout=SECONDS)


async def test_who_acts_on_anothers_case_is_asked_whether_he_means_it(people: People, line: Line) -> None:
    resident, case = await red(line)
    holder = await opened(people, case)
    await holder.keyboard.press("a")
    await expect(holder.get_by_text("由您处理")).to_be_visible(timeout=SECONDS)
    other = await opened(people, case)
    await other.keyboard.press("o")
    await other.locator("#officer-reason").fill("请去看看")
    await other.locator("#act-send_officer").get_by_role("button", name="派人上门").click()
    await expect(other.locator("#second")).to_contain_text("正在处理此预警", timeout=SECONDS)
    await expect(other.locator("[data-second-no]")).to_be_focused()
    await people.shot(other, "colleague")
    await other.keyboard.press("Enter")
    await expect(other.locator("#second")).to_be_hidden()
    await other.locator("#act-send_officer").get_by_role("button", name="派人上门").click()
    await expect(other.locator("[data-second-yes]")).to_be_disabled(timeout=SECONDS)
    await other.get_by_label("仍要执行的理由").fill("同事已离岗")
    await other.keyboard.press("Enter")
    await other.locator("[data-second-yes]").focus()
    await other.keyboard.press("Enter")
    await expect(other.locator("#second")).to_be_visible()
    await line.settle()
    assert OfficerAskedFor("请去看看") not in [fact.what for fact in await line.facts(resident, FactKind.NOTE)]
    await other.keyboard.press("y")
    # What is said of it may be overtaken at once by what came of it; that the form is closed stays.
    await expect(other.locator("#act-send_officer[open]")).to_have_count(0, timeout=SECONDS)
    await line.settle()
    assert OfficerAskedFor("请去看看") in [fact.what for fact in await line.facts(resident, FactKind.NOTE)]


async def test_what_is_not_answered_in_time_is_told_at_its_own_form_when_it_is(
    people: People, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, case = await red(line)
    page = await opened(people, case)
    monkeypatch.setattr(answers, "ANSWER_SECONDS", 0.0)
    await page.locator("#acts-more > summary").click()
    await page.locator("#act-recording summary").click()
    await page.locator("#link").fill("REC-2026-000017")
    await page.locator("#act-recording").get_by_role("button", name="记录").click()
    await page.keyboard.press("o")
    await page.locator("#officer-reason").fill("请去看看")
    await page.locator("#act-send_officer").get_by_role("button", name="派人上门").click()
    await expect(page.locator("#link")).to_have_value("", timeout=SECONDS)
    await line.settle()
    told = [fact.what for fact in await line.facts(resident)]
    taken = OfficerAskedFor("请去看看") in told
    await expect(page.locator("#officer-reason")).to_have_value("" if taken else "请去看看", timeout=SECONDS)


async def test_an_outcome_that_is_answered_late_leads_to_the_next_case_too(
    people: People, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, case = await red(line)
    page = await opened(people, case)
    await page.keyboard.press("a")
    await expect(page.get_by_text("由您处理")).to_be_visible(timeout=SECONDS)
    await connected(page, line)
    monkeypatch.setattr(answers, "ANSWER_SECONDS", 0.0)
    await page.keyboard.press("d")
    form = page.locator("#act-outcome form")
    await form.get_by_label("误报").check()
    await form.get_by_role("button", name="登记并打开下一件").click()
    await page.wait_for_url("**/queue?told=none")
    await expect(page.locator("#put-down")).to_contain_text("误报")
    await line.settle()
    assert (await line.case(resident)).state is CaseState.FALSE_ALARM


async def test_no_outcome_is_preset_and_enter_alone_puts_nothing_down(people: People, line: Line) -> None:
    resident, case = await red(line)
    page = await opened(people, case)
    await page.keyboard.press("d")
    await expect(page.locator("#act-outcome[open] input:focus")).to_be_visible(timeout=SECONDS)
    assert await page.locator("#act-outcome input[name=outcome]:checked").count() == 0
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.locator("#second")).to_be_hidden()
    await line.settle()
    assert not (await line.case(resident)).settled


async def test_one_key_alone_gives_no_case_back(people: People, line: Line) -> None:
    resident, case = await red(line)
    page = await opened(people, case)
    await page.keyboard.press("a")
    give_back = page.locator("#head [data-key=r]")
    await expect(give_back).to_be_visible(timeout=SECONDS)
    await page.keyboard.press("r")
    await expect(give_back).to_be_focused()
    assert (await line.case(resident)).claimed_by is not None
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/queue**")
    await expect(page.locator("#put-down")).to_contain_text("已退回")
    await line.settle()
    assert (await line.case(resident)).claimed_by is None


async def test_without_a_talk_dissuaded_asks_for_a_ground_and_the_page_says_which(people: People, line: Line) -> None:
    resident, case = await red(line)
    page = await opened(people, case)
    await page.keyboard.press("w")
    await expect(page.locator("#call[data-state=no_answer]")).to_be_visible(timeout=SECONDS)
    await page.keyboard.press("d")
    await expect(page.get_by_label("联系不上")).to_be_focused(timeout=SECONDS)
    await expect(page.get_by_label("劝阻依据")).to_be_hidden()
    await page.keyboard.press("4")
    await expect(page.get_by_label("劝阻依据")).to_be_visible()
    await people.shot(page, "ground")
    await page.keyboard.press("Enter")
    await expect(page.locator("#act-outcome [data-problem]")).to_contain_text("须选择依据", timeout=SECONDS)
    await page.get_by_label("劝阻依据").select_option(label="家属在场证实")
    await page.locator("#act-outcome form").get_by_role("button", name="登记处置结果").click()
    await expect(page.locator("#head .ground")).to_have_text("依据：家属在场证实", timeout=SECONDS)
    await line.settle()
    assert (await line.case(resident)).ground is OutcomeGround.RELATIVE


async def test_the_call_has_one_state_with_its_seconds_and_answers_wait_for_it(people: People, line: Line) -> None:
    _, case = await red(line)
    page = await opened(people, case)
    await expect(page.locator("#call-words")).to_have_text("人工外呼 0 次")
    await expect(page.locator(".answers button").first).to_be_disabled()
    await expect(page.locator(".markers button").first).to_be_disabled()
    await people.shot(page, "before")
    await connected(page, line)
    await expect(page.locator("#call time")).to_have_text(re.compile(r"^[0-9]+:[0-9]{2}$"))
    await expect(page.locator("#head")).not_to_contain_text("无人接听")
    await expect(page.locator(".answers button").first).to_be_enabled(timeout=SECONDS)
    await people.shot(page, "connected")
    await page.keyboard.press("h")
    await expect(page.locator("#call-words")).to_have_text("通话结束", timeout=SECONDS)
    await expect(page.locator(".answers button").first).to_be_enabled()


async def test_from_a_red_case_to_the_next_it_takes_three_keys(people: People, line: Line) -> None:
    resident, case = await red(line)
    _, later = await red(line)
    await line.advance(minutes=2)  # both wait for an operator
    page = await opened(people, case)
    await page.keyboard.press("a")
    await expect(page.get_by_text("由您处理")).to_be_visible(timeout=SECONDS)
    await connected(page, line)
    await page.keyboard.press("d")
    await expect(page.locator("#act-outcome[open] input:focus")).to_be_visible(timeout=SECONDS)
    await people.shot(page, "overlay")
    await page.keyboard.press("1")
    await expect(page.locator("#act-outcome [value=dissuaded]:checked")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/cases/{later.id}")
    await expect(page.locator("#said")).to_contain_text("已劝阻", timeout=SECONDS)
    await expect(page.get_by_text("由您处理")).to_be_visible(timeout=SECONDS)
    await line.settle()
    assert (await line.case(resident)).state is CaseState.DISSUADED


@pytest.mark.parametrize("language", ["zh-CN", "en", "ko"])
@pytest.mark.parametrize("size", [SMALL, DESKTOP], ids=["1024", "1440"])
async def test_the_first_screen_has_the_strip_the_decision_the_money_and_the_next_step(
    people: People, line: Line, size: dict[str, int], language: str
) -> None:
    _, case = await red(line, friends=1)
    page = await opened(people, case, size=size, language=language)
    places = await page.evaluate(PLACES)
    await people.shot(page, "first")
    assert places["strip"] == 56
    assert max(places["decision"], places["money"], places["coming"]) <= size["height"] - 28  # above the line below
    assert places["wide"] <= 0
    assert places["page"] < 3 * size["height"]
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert await page.locator("#head").evaluate("strip => strip.getBoundingClientRect().top") == 0


async def test_what_a_form_lacks_is_said_at_the_form(people: People, line: Line) -> None:
    _, case = await red(line)
    page = await opened(people, case)
    await page.locator("#acts-more > summary").click()
    await page.locator("#act-recording summary").click()
    await page.locator("#link").fill("javascript:alert(1)")
    await page.locator("#act-recording").get_by_role("button", name="记录").click()
    await expect(page.locator("#act-recording [data-problem]")).to_contain_text("https://", timeout=SECONDS)
    await expect(page.locator("#link")).to_have_value("javascript:alert(1)")


@pytest.mark.parametrize(("size", "dark"), [(PHONE, True), (DESKTOP, False)], ids=["phone", "desk"])
async def test_every_form_open_and_the_second_look_are_for_everybody(
    people: People, line: Line, size: dict[str, int], dark: bool
) -> None:
    _, case = await red(line, friends=1)
    page = await opened(people, case, size=size, dark=dark)
    await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    await people.shot(page, "forms")
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    found = [each["id"] for each in (await Axe().run(page, options=RULES)).response["violations"]]
    await page.keyboard.press("d")
    await page.get_by_label("误报").check()
    found += [each["id"] for each in (await Axe().run(page, options=RULES)).response["violations"]]
    await people.shot(page, "outcome")
    await page.keyboard.press("Escape")
    await page.locator("#act-close summary").scroll_into_view_if_needed()
    await page.locator("#close-reason").fill("已核实")
    await page.locator("#act-close").get_by_role("button", name="办结预警").click()
    await expect(page.locator("#second")).to_contain_text("已核实")
    await page.screenshot(path=(await people.shot(page, "second")).with_name("look.png"))
    found += [each["id"] for each in (await Axe().run(page, options=RULES)).response["violations"]]
    assert found == []


@pytest.mark.parametrize("size", [PHONE, DESKTOP, {"width": 2560, "height": 1300}], ids=["phone", "desk", "wall"])
@pytest.mark.parametrize("language", ["zh-CN", "en", "ko"])
async def test_the_page_fits_each_size_and_language(
    people: People, line: Line, size: dict[str, int], language: str
) -> None:
    flags = frozenset({Flag.HARD_OF_HEARING, Flag.VICTIM_BEFORE})
    _, case = await red(line, friends=2, flags=flags, language=Language.KOREAN)
    page = await opened(people, case, size=size, language=language, dark=language == "ko")
    width = await page.evaluate("document.documentElement.scrollWidth")
    await people.shot(page, "case")
    assert width <= size["width"]
    if language == "en":
        text = await page.locator("#parts").inner_text()
        assert re.search("Outcome", text)
