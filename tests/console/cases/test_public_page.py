"""Anybody reports on the public page; nothing follows before an operator has checked it, and hostile forms fail."""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from console.web.auth.who import Who
from console.web.case import public_check
from console.web.case.public_form import proof_of
from console.web.routes.cases import public_reports
from domain.desk.public_reports import reference_number
from domain.identity.divisions import PROVINCE
from domain.identity.identifiers import account_token
from domain.ids import short_hash
from schemas.casework.orders import OrderState
from schemas.levels import Level
from schemas.people.public_reports import PublicReport, PublicReportState, RejectedAs
from schemas.people.residents import ReportSource
from schemas.people.staff import StaffRole
from streams.messaging.reader import read_all
from streams.messaging.topics import PUBLIC_REPORTS
from streams.repositories.residents.register import Asked
from tests.console.cases.test_call_in import form, watched
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage, stage
from tests.console.harness.visitors import Visitor
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line

COUNTY = "220102"
SETTINGS = {"public_page": True, "rate_report": "5/hour", "rate_report_phone": "500/hour"}
SETTINGS |= {"rate_report_county": "500/hour", "rate_reports": "500/hour"}
NARROW = {"public_page": True, "rate_report": "4/hour", "rate_report_phone": "2/hour", "rate_report_county": "3/hour"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A console that the public reaches."""
    async with stage(tmp_path_factory.mktemp("public"), **SETTINGS) as started:
        yield started


def told(console: Stage, age: float = 20, /, **fields: str) -> dict[str, str]:
    """A form as the page would have issued it `age` seconds ago."""
    name, issued = secrets.token_hex(10), round((time.time() - age) * 1000)
    own = {"form": name, "issued": str(issued), "proof": proof_of(console.house.settings.key(), name, issued)}
    return {**own, "name": "某新", "phone": "19800099031", "place": COUNTY, **fields}


async def send(console: Stage, given: dict[str, str], **headers: str) -> httpx.Response:
    """Send a form from an address of its own."""
    async with Visitor(console) as visitor:
        return await visitor.post("/report", data=given, headers=headers)


async def stored(console: Stage, given: dict[str, str]) -> PublicReport | None:
    name = f"w{short_hash('public-report', given['form'])}"
    return await console.services.line.public_reports.get(name)


async def reported(console: Stage, **fields: str) -> PublicReport:
    given = told(console, **fields)
    answer = await send(console, given)
    assert answer.status_code == 200, answer.text
    found = await stored(console, given)
    assert found is not None
    return found


async def checking(client: Client, report: PublicReport) -> str:
    """The page of the call by which somebody checks a report."""
    answer = await client.post(f"/public-reports/{report.id}/check", data=form())
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def filled_in(page: str) -> dict[str, str]:
    """What the form for a caller in danger has in its fields."""
    part = page[page.index("/danger") :]
    part = part[: part.index("</form>")]
    fields = dict(re.findall(r'<input[^>]* name="([a-z_]+)"[^>]* value="([^"]*)"', part))
    chosen = re.findall(r'<select[^>]* name="([a-z_]+)".*?<option value="([^"]*)" selected', part)
    text = re.findall(r'<textarea[^>]* name="text"[^>]*>([^<]*)<', part)
    return {**fields, **dict(chosen), "text": text[0]}


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
                assert answer.status_code == 400, (field, charset)
    assert (await send(console, {**given, "proof": "é" * 64})).status_code == 422
    assert await stored(console, given) is None


async def test_the_audit_has_only_decisions_that_were_made(console: Stage) -> None:
    report = await reported(console, phone="19800099064")
    place = f"/public-reports/{report.id}"
    async with await console.signed_in(StaffRole.OPERATOR) as li, await console.signed_in(StaffRole.OPERATOR) as bo:
        assert (await li.post(f"{place}/reject", data=form(why="denied"))).headers["location"] == "/public-reports"
        assert (await li.post(f"{place}/reject", data=form(why="duplicate"))).headers["location"] == place
        assert (await bo.post(f"{place}/reject", data=form(why="denied"))).headers["location"] == place
        made, person = console.services, bo.account
        who = Who(person.login, "", StaffRole.OPERATOR, "", None, None, "")
        assert await public_check.begin_check(made, who, report) is None, "it waited when it was read"
    written = [(each.act, each.by, each.reason) for each in await audited(console, on=report.id)]
    assert written == [("public-report-rejected", li.account.login, "denied")]


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


async def test_the_queue_has_pages_and_a_report_is_found_by_its_number(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_reports, "SHOWN", 2)
    told_now = [await reported(console, phone=f"1980009909{number}", place="220283") for number in range(5)]
    numbers = [reference_number(each.id) for each in told_now]
    async with await console.signed_in(StaffRole.OPERATOR, "220283") as client:
        pages = [(await client.get(f"/public-reports?page={nth}")).text for nth in ("1", "2", "3", "99", "x", "-1")]
        found = [[number for number in numbers if number in each] for each in pages]
        assert found == [numbers[:2], numbers[2:4], numbers[4:], numbers[4:], numbers[:2], numbers[:2]]
        assert "第 2 页，共 3 页，5 件" in pages[1]
        typed = numbers[4].replace("-", " ")
        answer = await client.get("/public-reports", params={"number": typed})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/public-reports/{told_now[4].id}")
        assert "没有这个编号的举报" in (await client.get("/public-reports?number=0000-0000-0000")).text
    async with await console.signed_in(StaffRole.OPERATOR, "2224") as elsewhere:
        assert "没有这个编号的举报" in (await elsewhere.get(f"/public-reports?number={numbers[4]}")).text
    async with await console.signed_in(StaffRole.SUPERVISOR, "220283") as boss:
        assert "网上举报待核实 1</a>" in (await boss.get("/desk")).text, "four are shown"


async def gone(console: Stage, report: PublicReport) -> bool:
    return await console.services.line.public_reports.get(report.id) is None


async def test_old_reports_go_although_nobody_opens_the_queue(console: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_check, "EXPIRE_SECONDS", 0.05)
    report = await reported(console, phone="19800099063")
    services = console.services
    kept = (await services.line.policies.live()).retention.calls
    await services.line.public_reports.put(report.model_copy(update={"at": services.line.clock.now() - kept}))
    running = asyncio.create_task(public_check.expiring(services))
    try:
        await until(lambda: gone(console, report), 10)
    finally:
        running.cancel()


async def test_an_operator_checks_a_report_and_one_key_opens_a_red_case_with_its_order(
    console: Stage, line: Line
) -> None:
    line.approves = False
    mule, own = line.account(), line.account()
    more = {"holder": "某某", "institution": "工行", "bank": "某银行", "paid_by": "third_party", "from_account": own}
    more |= {"suspect_phone": "+8619800099034", "wechat": "wx-invented", "text": "自称客服"}
    report = await reported(console, phone="19800099033", suspect_account=mule, amount="20000.50", **more)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert reference_number(report.id) in (await client.get("/public-reports")).text
        await client.get(f"/public-reports/{report.id}")
        where = await checking(client, report)
        assert await checking(client, report) == where
        fields = filled_in((await client.get(where)).text)
        assert (fields["name"], fields["amount"], fields["suspect_account"]) == ("某新", "20000.50", mule)
        assert (fields["source"], fields["paid_by"], fields["text"]) == ("public", "third_party", "自称客服")
        answer = await client.post(f"{where}/danger", data=fields)
        assert answer.status_code == 303, answer.text
        case = await console.services.desk.load(answer.headers["location"].removeprefix("/cases/"))
        login = client.account.login
        assert "已核实" in (await client.get(f"/public-reports/{report.id}")).text
        assert fields["name"] not in (await client.get("/public-reports")).text
    assert case is not None
    [payment], [order] = case.payments, case.orders
    assert (case.level, payment.amount_fen, payment.institution) == (Level.RED, 2_000_050, "icbc")
    assert payment.reported is not None
    assert payment.reported.source is ReportSource.PUBLIC
    assert (order.state, order.persons) == (OrderState.PROPOSED, 2)
    [entry] = (await console.house.line.residents.standing([case.resident])).values()
    assert (entry.provisional, entry.phones[0].value) == (ReportSource.PUBLIC, "+8619800099033")
    done = await console.services.line.public_reports.get(report.id)
    assert done is not None
    assert (done.state, done.decided_by, done.case) == (PublicReportState.CHECKED, login, case.id)
    acts = {each.act for each in await audited(console, by=login)}
    assert {"look-public-report", "public-report-taken", "public-report-checked"} <= acts
    line.residents.append(entry)


async def test_a_rejected_report_leads_to_nothing_and_the_first_decision_stays(console: Stage) -> None:
    report = await reported(console, phone="19800099035")
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        place = f"/public-reports/{report.id}"
        assert (await client.post(f"{place}/reject", data=form(why="because"))).status_code == 422
        assert (await client.post(f"{place}/reject", data=form(why="denied"))).status_code == 303
        assert (await client.post(f"{place}/reject", data=form(why="duplicate"))).status_code == 303
        assert (await client.post(f"{place}/check", data=form())).headers["location"] == place
        assert "机主称没有举报过" in (await client.get(place)).text
    found = await console.services.line.public_reports.get(report.id)
    assert found is not None
    assert (found.state, found.rejected_as) == (PublicReportState.REJECTED, RejectedAs.DENIED)


async def test_only_the_desk_of_the_area_sees_a_report(console: Stage) -> None:
    report = await reported(console, phone="19800099036")
    place = f"/public-reports/{report.id}"
    async with await console.signed_in(StaffRole.OPERATOR, "2224") as elsewhere:
        assert (await elsewhere.get(place)).status_code == 404
        assert (await elsewhere.post(f"{place}/check", data=form())).status_code == 404
        assert reference_number(report.id) not in (await elsewhere.get("/public-reports")).text
    async with await console.signed_in(StaffRole.OFFICER) as officer:
        assert (await officer.get(place)).status_code == 403
    async with Visitor(console) as visitor:
        assert (await visitor.get(place)).status_code in (302, 303, 401)


async def test_a_supervisor_sees_that_a_report_waits(console: Stage) -> None:
    await reported(console, phone="19800099037")
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        page = (await client.get("/desk")).text
    assert "网上举报待核实" in page
    assert "19800099037" not in page


async def test_a_report_older_than_the_policys_days_is_gone_from_topic_and_store(console: Stage) -> None:
    report = await reported(console, phone="19800099038")
    services = console.services
    kept = (await services.line.policies.live()).retention.calls
    old = report.model_copy(update={"at": services.line.clock.now() - kept})
    await services.line.public_reports.put(old)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert (await client.get(f"/public-reports/{report.id}")).status_code == 404
        assert reference_number(report.id) not in (await client.get("/public-reports")).text
    assert await services.line.public_reports.get(report.id) is None
    last = [
        each.value
        async for each in read_all(console.house.settings, PUBLIC_REPORTS.name)
        if each.key == report.id.encode()
    ]
    assert last[-1] is None


async def test_two_operators_who_check_at_once_decide_once(console: Stage) -> None:
    report = await reported(console, phone="19800099039")
    async with await console.signed_in(StaffRole.OPERATOR) as li, await console.signed_in(StaffRole.OPERATOR) as bo:
        places = await asyncio.gather(checking(li, report), checking(bo, report))
        assert len(set(places)) == 2
        said = form(what="report", text="自称客服")
        assert (await li.post(f"{places[0]}/told", data=said)).status_code == 303
        assert (await bo.post(f"/public-reports/{report.id}/reject", data=form(why="denied"))).status_code == 303
        assert 'value="某新"' not in (await bo.get(places[1])).text
    found = await console.services.line.public_reports.get(report.id)
    assert found is not None
    assert (found.state, found.decided_by) == (PublicReportState.CHECKED, li.account.login)
