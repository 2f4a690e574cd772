"""Residents ask about numbers and paste a text: in a real browser, from which no number and no text goes out."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from urllib.parse import unquote

import phonenumbers
import pytest
import pytest_asyncio
from phonenumbers import PhoneNumberType
from playwright.async_api import Page, Request, expect

from domain.identity.identifiers import normal_account, normal_phone
from domain.identity.links import link_forms, normal_link
from domain.public_check.listing import listing_of
from domain.public_check.scan import rules_data, scanned
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.signals import Watch, WatchState
from tests.browser.cases.looks import wrong_in_each_look
from tests.browser.people import People
from tests.browser.test_incidents import wrong
from tests.console.harness.stage import Stage, stage
from tests.domain.public_check.hostile_texts import KINDS, hostile_text
from tests.domain.public_check.odd_texts import ODD, odd_text
from tests.domain.public_check.scam_texts import EVERYDAY, SCAMS

SIZES = ({"width": 390, "height": 844}, {"width": 1440, "height": 900})
CONFIRMED, UNKNOWN = "19800099081", "19800099082"
SITE = "scam.example.invalid"
PASTED = f"做任务返佣金，加客服{CONFIRMED}，打款6200 0000 0000 0099 001，下载 https://dl.{SITE}/app?id=7"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A console of which the public may ask, with a confirmed number and site."""
    async with stage(tmp_path_factory.mktemp("check"), public_check=True, public_page=True) as started:
        at = started.services.line.clock.now()
        for number, (subject, value) in enumerate((("phone", f"+86{CONFIRMED}"), ("link", SITE))):
            told = {"source": "police", "id": f"check{number}", "at": at, "subject": subject, "value": value}
            watch = Watch.model_validate({**told, "state": WatchState.CONFIRMED})
            await started.line().signal(watch)
        known = started.services.check_list
        assert known is not None
        for _ in range(300):
            if known.listed == 2:
                break
            await asyncio.sleep(0.1)
        yield started


def listening(page: Page) -> list[Request]:
    """All requests that a page sends."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    return sent


def told(request: Request) -> str:
    """Everything that a request tells the server."""
    return unquote(request.url) + (request.post_data or "") + json.dumps(request.headers)


def paste(text: str) -> str:
    """The text without halves of a sign, which no browser gets."""
    return text.encode("utf-8", "ignore").decode()


async def ask(page: Page, kind: str, subject: str) -> None:
    await page.get_by_label(kind).check()
    await page.locator("#subject").fill(subject)
    await page.locator("#ask-now").click()


@pytest.mark.parametrize("size", SIZES, ids=["telephone", "desktop"])
async def test_a_confirmed_number_and_an_unknown_one_are_told_apart_and_neither_leaves_the_browser(
    console: Stage, people: People, size: dict[str, int]
) -> None:
    page = await people.page_of(None, size=size)
    sent = listening(page)
    await page.goto("/check")
    assert await wrong(people, page, f"check-{size['width']}") == []
    await ask(page, "电话号码", f"+86 {CONFIRMED}")
    await expect(page.get_by_role("heading", name="已确认涉诈")).to_be_visible()
    await expect(page.get_by_role("link", name="举报").last).to_have_attribute("href", "/report")
    assert await wrong(people, page, f"check-confirmed-{size['width']}") == []
    await ask(page, "电话号码", UNKNOWN)
    await expect(page.get_by_role("heading", name="名单中没有")).to_be_visible()
    await expect(page.locator("#answer")).to_contain_text("没有记录不表示安全")
    questions = [each for each in sent if each.method == "POST"]
    assert len(questions) == 2
    for number in (CONFIRMED, UNKNOWN, CONFIRMED[3:], UNKNOWN[3:]):
        assert not [each.url for each in sent if number in told(each)]
    bodies = [json.loads(each.post_data or "") for each in questions]
    assert [sorted(each) for each in bodies] == [["bits", "buckets", "elements"]] * 2
    kept = await page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]")
    assert kept == ["", 0, 0]


async def test_a_link_below_a_confirmed_site_is_confirmed_and_every_link_asks_alike(
    console: Stage, people: People
) -> None:
    page = await people.page_of(None, size=SIZES[0])
    sent = listening(page)
    await page.goto("/check")
    await ask(page, "网址，或应用的下载链接", f"https://www.a.{SITE}/x/%7Ey?q=1#part")
    await expect(page.get_by_role("heading", name="已确认涉诈")).to_be_visible()
    await ask(page, "网址，或应用的下载链接", "other.invalid")
    await expect(page.get_by_role("heading", name="名单中没有")).to_be_visible()
    await ask(page, "网址，或应用的下载链接", "no link")
    await expect(page.locator("#answer .wrong")).to_contain_text("无法识别")
    questions = [json.loads(each.post_data or "") for each in sent if each.method == "POST"]
    assert [len(each["elements"]) for each in questions] == [7, 7]
    assert not [each.url for each in sent if SITE in told(each)]


async def test_a_reported_domain_says_nothing_about_the_links_below_it(console: Stage, people: People) -> None:
    known, secret = console.services.check_list, console.services.line.settings.key()
    assert known is not None
    told = {"subject": "link:reported", "standing": WatchStatus.REPORTED, "at": console.services.line.clock.now()}
    known.add_entry(WatchEntry.model_validate({**told, "check": listing_of(secret, "link", "bank.example.invalid")}))
    page = await people.page_of(None, size=SIZES[0])
    await page.goto("/check")
    await ask(page, "网址，或应用的下载链接", "https://bank.example.invalid/login")
    await expect(page.get_by_role("heading", name="名单中没有")).to_be_visible()
    await ask(page, "网址，或应用的下载链接", "bank.example.invalid")
    await expect(page.get_by_role("heading", name="有人举报，尚未确认")).to_be_visible()


async def test_a_failed_question_does_not_spoil_the_next(console: Stage, people: People) -> None:
    page = await people.page_of(None, size=SIZES[0])
    await page.goto("/check")
    await page.route("**/v1/check", lambda route: route.fulfill(status=502, body="<html>"))
    await ask(page, "电话号码", CONFIRMED)
    await expect(page.locator("#answer .wrong")).to_contain_text("暂时无法查询")
    await page.unroute("**/v1/check")
    [error] = people.errors
    assert "502" in error
    people.errors.clear()
    await ask(page, "电话号码", CONFIRMED)
    await expect(page.get_by_role("heading", name="已确认涉诈")).to_be_visible()


async def test_a_pasted_text_is_read_in_the_browser_and_each_number_in_it_can_be_asked_about(
    console: Stage, people: People
) -> None:
    page = await people.page_of(None, size=SIZES[0])
    await page.goto("/check", wait_until="networkidle")
    sent = listening(page)
    await page.locator("#text").fill(PASTED)
    await page.locator("#scan-now").click()
    await expect(page.locator("#found")).to_contain_text("刷单返利")
    await expect(page.locator("#found")).to_contain_text("所有刷单都违法")
    assert sent == [], "the text is not sent"
    await page.get_by_role("button", name=f"查询 {CONFIRMED}").click()
    await expect(page.get_by_role("heading", name="已确认涉诈")).to_be_visible()
    assert await wrong(people, page, "check-pasted") == []
    await page.get_by_role("button", name="查询 6200 0000 0000 0099 001").click()
    await expect(page.get_by_role("heading", name="名单中没有")).to_be_visible()
    await page.get_by_role("button", name=f"查询 https://dl.{SITE}/app?id=7").click()
    await expect(page.get_by_role("heading", name="已确认涉诈")).to_have_count(2)
    secrets = (CONFIRMED, SITE, "6200", "佣金")
    assert not [each.url for each in sent if any(part in told(each) for part in secrets)]


async def test_the_page_and_its_answers_are_for_everybody(console: Stage, people: People) -> None:
    async def opened(language: str, size: dict[str, int]) -> Page:
        page = await people.page_of(None, language=language, size=size, dark=language == "ko")
        await page.goto("/check")
        await page.locator("#subject").fill(CONFIRMED)
        await page.locator("#ask-now").click()
        await expect(page.locator("#answer .verdict.confirmed")).to_be_visible()
        await page.locator("#text").fill("Guaranteed profit! 원금 보장!")
        await page.locator("#scan-now").click()
        await expect(page.locator("#found li")).to_have_count(1)
        return page

    assert await wrong_in_each_look(people, "check", opened) == []


async def test_the_browser_has_the_same_normal_forms_as_the_server(console: Stage, people: People) -> None:
    page = await people.page_of(None, size=SIZES[0])
    await page.goto("/check")
    for kind, normal, texts in (("normalPhone", normal_phone, PHONES), ("normalAccount", normal_account, ACCOUNTS)):
        assert await in_browser(page, kind, texts) == {text: formed(normal, text) for text in texts}
    assert await in_browser(page, "normalLink", LINKS) == {text: formed(normal_link, text) for text in LINKS}
    numbers = {text: formed(normal_phone, text) for text in abroad()}
    known = {text: normal for text, normal in numbers.items() if normal}
    assert await in_browser(page, "normalPhone", tuple(known)) == known
    forms = await page.evaluate(
        "async (texts) => { const normal = await import(document.querySelector('script[type=module]').src"
        ".replace('page.js', 'normal.js')); return texts.map((text) => normal.linkForms(text)); }",
        NORMAL_LINKS,
    )
    assert forms == [list(link_forms(text)) for text in NORMAL_LINKS]


async def test_the_browser_finds_in_a_text_what_the_rules_find_here(console: Stage, people: People) -> None:
    page = await people.page_of(None, size=SIZES[0])
    await page.goto("/check")
    chance = random.Random(7)
    texts = [
        PASTED,
        "请联系19812345678 5000元",
        "卡号6200 0000 0000 0099 001",
        *(text for texts in SCAMS.values() for text in texts),
        *EVERYDAY,
        *(paste(hostile_text(KINDS[number % len(KINDS)], chance)) for number in range(70)),
        *(f"点赞{odd}返 ta{odd}k commission {odd}afe account https://{odd}.example/{odd}k?{odd}" for odd in ODD),
        *(odd_text(chance) for _ in range(1_000)),
    ]
    found = await page.evaluate(
        "async ([texts, rules]) => { const scan = await import(document.querySelector('script[type=module]').src"
        ".replace('page.js', 'scan.js')); return texts.map((text) => scan.scanned(text, rules)); }",
        [texts, rules_data()],
    )
    here = [scanned(text) for text in texts]
    assert found == [{"numbers": [list(each) for each in one.numbers], "scams": one.scams} for one in here]


def abroad() -> Iterator[str]:
    """The library's example numbers of all countries: as they are, with a trunk zero, and with a trunk 8. Without
    China, whose numbers PHONES has, and Colombia, where it depends on further digits whether a zero is dropped.
    """
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions if code not in (86, 57) else ():
            for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE):
                if example := phonenumbers.example_number_for_type(region, kind):
                    national = phonenumbers.national_significant_number(example)
                    yield from (f"+{code}{trunk}{national}" for trunk in ("", "0", *(["8"] if code == 7 else [])))


async def in_browser(page: Page, name: str, texts: tuple[str, ...]) -> dict[str, str | None]:
    found = await page.evaluate(
        "async ([name, texts]) => { const normal = await import(document.querySelector('script[type=module]').src"
        ".replace('page.js', 'normal.js')); return texts.map((text) => {"
        " try { return normal[name](text); } catch { return null; } }); }",
        [name, list(texts)],
    )
    return dict(zip(texts, found, strict=True))


def formed(normal: object, text: str) -> str | None:
    assert callable(normal)
    try:
        return str(normal(text))
    except ValueError:
        return None


PHONES = (
    *(
        "19800099001",
        "+8619800099001",
        "008619800099001",
        "+86 198-0009-9001",
        "１９８０００９９００１",
        "86 19800099001x",
    ),
    *(
        "0431-88888888",
        "043188888888",
        "010 88888888",
        "+86 10 8888 8888",
        "88888888",
        "(0431) 8888-8888",
        "02188888888",
    ),
    *("110", "96110", "95588", "+86 95588", "10086", "4001234567", "106900000001234", "12", "0", "", "abc", "１１０"),
    *(
        "+1 202 555 0100",
        "+44 20 7946 0958",
        "0082 2 1234 5678",
        "+8219800099001",
        "+",
        "++8619800099001",
        "1980009900",
    ),
    *(  # a trunk zero, or 8, after the country code
        "+82 010-1234-5678",
        "0082-010-1234-5678",
        "+44 (0)20 7946 0958",
        "+81 090 1234 5678",
        "+7 8 495 123 4567",
        "+7 800 555 01 23",
        "+39 06 1234 5678",
        "+225 01 23 45 67 89",
    ),
)
ACCOUNTS = (
    "6200 0000 0000 0099 001",
    "62-00-00",
    "abcdef",
    "ＡＢＣ１２３",
    "12345",
    "6200 0000_0000",
    "x" * 34,
    "x" * 35,
    "",
)
LINKS = (
    *("https://www.Scam.invalid/", "scam.invalid", "http://scam.invalid:8080/a//", "scam.invalid:443/x?y=1&z#f"),
    *("https://user:pw@scam.invalid/%7ea/%2fb%41", "https://例子.测试/路径?查=询", "ftp://scam.invalid/", "localhost"),
    *("http://198.51.100.7/x", "scam。invalid", "a b.invalid", "https://", "", "www.www.scam.invalid", "www.invalid"),
    *(
        "scam.invalid/a/../b/./c",
        "scam.invalid./x",
        "scam_x.invalid",
        "-scam.invalid",
        "scam.invalid/?",
        "scam.invalid\\x",
    ),
    *(
        "straße.invalid",
        "STRASSE.invalid",
        "σας.invalid",
        "1.2.3",
        "0x7f.1/x",
        "256.1.1.1",
        "1.2.3.4.5",
        "user@1.2.3:80",
    ),
    *("scam.invalid:0080/x", "scam.invalid:99999", "scam.invalid:/x", "scam.invalid:x", "[::1]/x", "a\u200bb.invalid"),
    *("%41.invalid", "HTTPS://SCAM.invalid", "//scam.invalid", f"{'ü' * 65}.invalid", f"scam.invalid/{'ü' * 600}"),
)
NORMAL_LINKS = ["a.b.c.d.e.f.g/x?y", "scam.invalid", "198.51.100.7/x", "a.scam.invalid:8080/x/y?z=1?2"]
