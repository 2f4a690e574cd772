"""An operator checks what the public page has reported: only then anything follows, in the area's desk and once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from console.web.auth.who import Who
from console.web.case import public_check
from console.web.routes.cases import public_reports
from domain.desk.public_reports import reference_number
from schemas.casework.orders import OrderState
from schemas.levels import Level
from schemas.people.public_reports import PublicReport, PublicReportState, RejectedAs
from schemas.people.residents import ReportSource
from schemas.people.staff import StaffRole
from streams.messaging.reader import read_all
from streams.messaging.topics import PUBLIC_REPORTS
from tests.console.cases.test_call_in import form
from tests.console.harness.audit import audited
from tests.console.harness.public_reports import SETTINGS, checking, filled_in, reported
from tests.console.harness.stage import Stage, stage
from tests.console.harness.visitors import Visitor
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A console that the public reaches."""
    async with stage(tmp_path_factory.mktemp("public"), **SETTINGS) as started:
        yield started


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
