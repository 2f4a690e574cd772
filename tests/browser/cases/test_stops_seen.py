"""A stop as those see it who decide on it: from a stranger's call to the second bank, its release, objection, renewal
and freeze. Banks have names, and each amount is the one that is held.
"""

import re
from datetime import timedelta
from typing import Any

from playwright.async_api import Page, expect

from console.web.kit.i18n import translations
from domain.wording import money_labels
from schemas.casework.cases import StopState
from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.browser.test_release import SMALL
from tests.console.cases.test_call_in import form
from tests.console.cases.test_release_desk import ask
from tests.console.cases.test_strangers import stranger
from tests.console.harness.stage import Stage
from tests.console.harness.stops import Stopped, later, money_at_two_banks
from tests.end_to_end.harness.house import until

DESK, CHIEF = StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR
LONG = "本月房租到期，孩子的学费也要在周五之前交清，房东已经催了两次，附租房合同和学校的缴费通知" * 2
BANK_TAKES = timedelta(minutes=2)
LANGUAGES = ("zh-CN", "en", "ko")
CODES = re.compile(r"(?<![\w/.:-])(icbc|abc)(?![\w/:-])")
LINES = """(replies) => {
  const crowded = [];
  const measure = (cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const shown = cell.querySelector(".clamped") ?? range;
    const lines = shown.getBoundingClientRect().height / parseFloat(getComputedStyle(cell).lineHeight);
    if (lines > 2.3) crowded.push(cell.textContent.trim());
    if (cell.scrollWidth > cell.clientWidth + 1) crowded.push("wide: " + cell.textContent.trim());
  };
  document.querySelectorAll("table.money tbody td").forEach(measure);
  const reply = document.querySelector("table.stops td:nth-child(6)");
  for (const words of replies) {
    reply.firstChild.textContent = words + " ";
    measure(reply);
  }
  return crowded;
}"""


async def held_at_two_banks(console: Stage) -> Stopped:
    """A stranger's ¥20,000: ¥5,000 was left at the first bank, ¥15,000 went on to the second, and both hold them."""
    line = console.line()
    mule, _ = money_at_two_banks(line, BANK_TAKES)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        told = {"suspect_account": mule, "institution": "工商银行", "amount": "20000", "bank": "某银行"}
        entry, case = await stranger(console, line, client, **told)
    await line.settle()
    for _ in range(2):
        await line.approve(entry)
        await line.advance(seconds=BANK_TAKES.total_seconds() + 1)
    book = console.services.figures.book

    async def both() -> bool:
        held = [each for each in book.stops.values() if each.case == case.id and each.stop.state is StopState.IN_FORCE]
        return len(held) == 2 and len([each for each in book.came.values() if each.case == case.id]) >= 2

    await until(both, 20.0)
    return Stopped(line, entry, mule, await line.case(entry))


def replies(language: str) -> list[str]:
    """What the list of stops may say that a bank has answered, in a language."""
    translate = translations(language.partition("-")[0]).gettext
    return [translate(each) for each in ("银行确认止付", "尚未答复", *money_labels.BANK_STATES.values())]


async def see(page: Page, path: str) -> str:
    """Open a page, and return its text."""
    answer = await page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
    return await page.locator("main").inner_text()


async def test_pages_of_a_stop_name_banks_and_say_what_is_held(console: Stage, people: People) -> None:
    stop = await held_at_two_banks(console)
    case, orders = stop.case, f"/release/orders/{stop.case.id}"
    anna = await console.signed_in(DESK)
    async with anna:
        request = await ask(console, anna, stop, LONG)
        assert request.amount_fen == 500_000
        objects = form(who="holder", ground="lawful_payment", text="是货款")
        answer = await anna.post(f"/release/objections/{case.id}/stop.t0/take", data=objects)
        assert answer.status_code == 303, answer.text
    objection = answer.headers["location"]
    (bank, day), *_ = console.services.figures.book.days(lambda division: True)
    paths = {
        "desk": "/release",
        "order": f"{orders}/stop.0",
        "traced": f"{orders}/stop.t0",
        "print": f"{orders}/stop.0/print",
        "traced-print": f"{orders}/stop.t0/print",
        "stop": stop.path,
        "request": f"/release/requests/{request.id}",
        "objection": objection,
        "banks": "/release/banks",
        "day": f"/release/reconciliation/{bank}/{day}",
        "case": f"/cases/{case.id}",
        "needs": "/desk",
        "handover": "/handover",
        "official": "/official",
    }
    coded: dict[str, list[str]] = {}
    crowded: dict[str, Any] = {}
    for language in LANGUAGES:
        page = await people.page(CHIEF, "", language=language, size=SMALL if language == "en" else None)
        for name, path in paths.items():
            text = await see(page, path)
            if found := CODES.findall(text):
                coded[f"{name} {language}"] = found
            if name == "desk":
                crowded[language] = await page.evaluate(LINES, replies(language))
            await people.shot(page, f"{name}-{language}")
    await later(console, stop, 46)
    for language in LANGUAGES:
        page = await people.page(DESK, "", language=language, size=SMALL if language == "en" else None)
        await see(page, "/release")
        await expect(page.locator("tr.overdue").first).to_be_visible()
        crowded[f"later {language}"] = await page.evaluate(LINES, replies(language))
        await people.shot(page, f"renewal-{language}")
        await see(page, paths["traced-print"])
        last = page.locator("#document tbody tr").last.locator("td")
        assert await last.evaluate("(cell) => getComputedStyle(cell).borderBottomWidth") == "1px"
    assert coded == {}
    assert {name: found for name, found in crowded.items() if found} == {}
