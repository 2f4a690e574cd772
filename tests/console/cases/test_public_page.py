"""Anybody reports on the public page; nothing follows before an operator has checked it, and hostile forms fail."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from domain.calendar import JILIN
from domain.desk.public_reports import reference_number
from domain.identity.divisions import PROVINCE
from domain.identity.identifiers import account_token
from schemas.people.public_reports import PublicReportState
from schemas.people.staff import StaffRole
from streams.messaging.reader import read_all
from streams.messaging.topics import PUBLIC_REPORTS
from streams.repositories.residents.register import Asked
from tests.console.cases.test_call_in import watched
from tests.console.harness.public_reports import SETTINGS, checking, reported, send, stored, told
from tests.console.harness.stage import Stage, stage
from tests.console.harness.visitors import Visitor
from tests.end_to_end.harness.rig import Line

NARROW = {"public_page": True, "rate_report": "4/hour", "rate_report_phone": "2/hour", "rate_report_county": "3/hour"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A console that the public reaches."""
    async with stage(tmp_path_factory.mktemp("public"), **SETTINGS) as started:
        yield started


async def test_the_page_loads_nothing_from_elsewhere_has_no_script_and_is_there_in_three_languages(
    console: Stage,
) -> None:
    async with Visitor(console) as visitor:
        for language, words in (("zh", "提交举报"), ("en", "Send the report"), ("ko", "신고 제출")):
            answer = await visitor.get("/report", headers={"accept-language": language})
            assert (answer.status_code, words in answer.text) == (200, True)
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
            assert "<script" not in answer.text
            assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
            assert "set-cookie" not in answer.headers


async def test_without_the_setting_there_is_no_such_page(tmp_path: Path) -> None:
    async with stage(tmp_path / "closed") as closed, Visitor(closed) as visitor:
        assert (await visitor.get("/report")).status_code == 404
        assert (await visitor.post("/report", data=told(closed))).status_code == 404


async def test_a_report_is_in_kafka_before_the_answer_and_nothing_follows_from_it(console: Stage, line: Line) -> None:
    mule = line.account()
    report = await reported(console, suspect_account=mule, amount="20000", scam_link="https://scam.invalid/p")
    on_topic = [each.key async for each in read_all(console.house.settings, PUBLIC_REPORTS.name)]
    assert report.id.encode() in on_topic
    assert (report.state, report.amount_fen, report.phone) == (PublicReportState.WAITING, 2_000_000, "+8619800099031")
    await line.settle()
    asked = Asked("phones", report.phone, console.services.line.clock.now())
    assert await console.house.line.residents.holders([asked]) == [()]
    assert not [row for row in console.services.hub.rows.values() if row.name == "某新"]
    assert await watched(line, f"account:{account_token(console.house.settings.key(), mule)}") is None


async def test_the_answer_is_the_same_for_a_resident_and_a_stranger(console: Stage, line: Line) -> None:
    resident = await line.resident()
    pages = []
    for phone, account in ((resident.phones[0].value, line.account()), ("19800099032", "6200000000000009")):
        given = told(console, phone=phone, suspect_account=account, amount="100")
        answer = await send(console, given)
        found = await stored(console, given)
        assert found is not None
        number = reference_number(found.id)
        assert number in answer.text
        pages.append(answer.text.replace(number, ""))
    assert pages[0] == pages[1]
    assert resident.name not in pages[0]


async def test_a_form_sent_again_corrects_its_report_until_its_check_begins(console: Stage) -> None:
    given = told(console, text="first")
    assert (await send(console, given)).status_code == 200
    before = await stored(console, given)
    mended = {**given, "text": "second", "place": "220103", "phone": "19800099062"}
    answer = await send(console, mended)
    found = await stored(console, given)
    assert before is not None
    assert found is not None
    assert (found.id, found.at, found.text, found.phone) == (before.id, before.at, "second", "+8619800099062")
    assert "没有保存" not in answer.text
    async with await console.signed_in(StaffRole.OPERATOR, "220103") as client:
        await checking(client, found)
        assert "没有保存" in (await send(console, {**given, "text": "third"})).text
        assert "没有保存" not in (await send(console, mended)).text, "that is what stands"
    taken = await stored(console, given)
    assert taken is not None
    assert (taken.text, taken.taken_by) == ("second", client.account.login)


async def test_the_page_promises_no_encryption(console: Stage) -> None:
    async with Visitor(console) as visitor:
        for language, words in (("zh", "加密"), ("en", "encrypt"), ("ko", "암호화")):
            assert words not in (await visitor.get("/report", headers={"accept-language": language})).text


async def test_hostile_headers_and_encodings_are_refused(console: Stage) -> None:
    given = told(console)
    async with Visitor(console) as visitor:
        del visitor.headers["sec-fetch-site"]
        assert (await visitor.post("/report", data=given, headers={"origin": "http://["})).status_code == 403
    async with Visitor(console) as visitor:
        for field in ("proof", "text"):
            for charset, value in (("raw_unicode_escape", "\\ud800"), ("idna", "xn--a"), ("undefined", "x")):
                parts = "".join(
                    f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
                    for name, text in {**given, field: value}.items()
                )
                plain = {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}
                answer = await visitor.post("/report", content=f"{parts}--x--\r\n".encode(), headers=plain)
                assert answer.status_code == 415, (field, charset)
    assert (await send(console, {**given, "proof": "é" * 64})).status_code == 422
    assert await stored(console, given) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"proof": "0" * 64},
        {"proof": ""},
        {"issued": "9" * 12},
        {"issued": "9" * 5000},
        {"issued": "-1"},
        {"issued": "１２"},
    ],
)
async def test_a_form_that_was_not_issued_here_is_refused_and_what_was_typed_stays(
    console: Stage, changed: dict[str, str]
) -> None:
    given = {**told(console, text="my words"), **changed}
    answer = await send(console, given)
    assert (answer.status_code, "my words" in answer.text) == (422, True)
    assert given["form"] not in answer.text
    assert await stored(console, given) is None


@pytest.mark.parametrize(("age", "words"), [(0, "提交过快"), (7300, "页面已过期"), (-60, "提交过快")])
async def test_a_form_that_is_too_new_or_too_old_is_refused(console: Stage, age: float, words: str) -> None:
    given = told(console, age)
    answer = await send(console, given)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert await stored(console, given) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "a" * 200},
        {"name": "某\u202e新"},
        {"phone": "1"},
        {"phone": "<script>"},
        {"phone": "9" * 4000},
        {"place": ""},
        {"place": PROVINCE},
        {"place": "220102'; --"},
        {"amount": "-5"},
        {"amount": "1e9"},
        {"amount": "9" * 30},
        {"suspect_account": "../../etc"},
        {"from_account": "🙂" * 10},
        {"paid_at": "0001-01-01T00:00"},
        {"paid_at": "9999-12-31T23:59"},
        {"paid_at": "2026-13-45T99:99"},
        {"paid_at": "13-45 25:00"},
        {"scam_link": "x" * 301},
        {"text": "字" * 1001},
        {"wechat": "x" * 129},
    ],
)
async def test_a_wrong_field_is_refused_with_words_and_nothing_is_stored(
    console: Stage, fields: dict[str, str]
) -> None:
    given = told(console, **fields)
    answer = await send(console, given)
    assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    assert await stored(console, given) is None


async def test_markup_and_direction_marks_are_shown_as_text(console: Stage) -> None:
    report = await reported(
        console, text="<img src=x onerror=alert(1)>\u202e{{7*7}}", wechat="<b>", scam_link="javascript:alert(1)"
    )
    assert "\u202e" not in report.text
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        page = (await client.get(f"/public-reports/{report.id}")).text
        call = (await client.get(await checking(client, report))).text
    for each in (page, call):
        assert "&lt;img src=x" in each
        assert "<img src=x" not in each
        assert "{{7*7}}" in each
        assert 'href="javascript' not in each


async def test_other_sites_large_bodies_and_broken_ones_are_refused(console: Stage) -> None:
    given = told(console)
    assert (await send(console, given, **{"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await send(console, {**given, "more": "x" * 70_000})).status_code == 413
    assert (await send(console, {"name": "某新"})).status_code == 400
    async with Visitor(console) as visitor:
        plain = {"content-type": "application/x-www-form-urlencoded"}
        many = "&".join(f"f{number}=1" for number in range(5000)).encode()
        for raw in (b"\xff\xfe=\x80", b"form=%ff%fe", many):
            answer = await visitor.post("/report", content=raw, headers=plain)
            assert answer.status_code in (400, 413, 422), answer.text
    assert await stored(console, given) is None


async def test_an_address_above_its_limit_waits_and_others_do_not(console: Stage) -> None:
    async with Visitor(console) as visitor:
        codes = [(await visitor.post("/report", data=told(console))).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]
    assert (await send(console, told(console))).status_code == 200


async def test_one_network_telephone_or_county_above_its_limit_leaves_the_page_to_the_others(tmp_path: Path) -> None:
    async with stage(tmp_path / "narrow", **NARROW) as narrow:

        async def codes(address: str, *given: tuple[str, str]) -> list[int]:
            async with Visitor(narrow, address) as visitor:
                forms = [told(narrow, phone=phone, place=place) for phone, place in given]
                return [(await visitor.post("/report", data=form)).status_code for form in forms]

        counties = ["220102", "220103", "220104", "220105"]
        of_one = [(f"1980009907{number}", county) for number, county in enumerate(counties)]
        assert await codes("2001:db8:1:1::1", *of_one) == [200] * 4
        assert await codes("2001:db8:1:1:ffff::2", ("19800099075", "220106")) == [429]
        assert await codes("2001:db8:1:2::1", ("19800099075", "220106")) == [200]
        same = [("19800099076", county) for county in counties[:3]]
        assert await codes("198.19.1.1", *same) == [200, 200, 429]
        full = [(f"1980009908{number}", "220112") for number in range(4)]
        assert await codes("198.19.1.2", *full) == [200, 200, 200, 429]
        assert await codes("198.19.1.3", ("19800099084", "220113")) == [200]
        held = [name async for name in narrow.house.line.redis.scan_iter("LIMITS*report-phone*")]
        assert held
        assert not [name for name in held if b"198000" in name]


async def test_the_time_of_a_payment_is_read_as_its_field_asks_for_it(console: Stage) -> None:
    at = (console.house.clock.now() - timedelta(hours=1)).astimezone(JILIN).replace(second=0, microsecond=0)
    for typed in (f"{at:%Y-%m-%d %H:%M}", f"{at:%H:%M}"):
        assert (await reported(console, paid_at=typed)).paid_at == at
