"""The holder of a listed number appeals, a supervisor decides with a reason, and a removed number is listed no more."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from console.web.auth.who import Who
from console.web.case.public_form import proof_of
from console.web.check import appeals
from domain.access.key_rings import KeyPurpose
from domain.calendar import local_date
from domain.desk.public_reports import OUTSIDE, check_due, reference_number
from domain.ids import short_hash
from schemas.people.public_reports import AppealOutcome, PublicReport, PublicReportState, Reporter
from schemas.people.staff import StaffRole
from schemas.risk.signals import Watch, WatchState
from streams.intake.acceptor import Intake
from streams.messaging.reader import read_all
from streams.messaging.topics import AUDIT
from streams.screening.subjects import Subjects
from streams.screening.watchlist import Watchlist
from tests.console.cases.test_call_in import form
from tests.console.check.test_check import asker
from tests.console.harness.audit import audited, unaudited
from tests.console.harness.public_reports import COUNTY, checking
from tests.console.harness.stage import Stage, stage
from tests.end_to_end.harness.rig import Line

LISTED = "+8619800099051"
RATES = {"rate_report": "100/hour", "rate_report_phone": "100/hour"}  # the tests send them from one address
NOT_LISTED = "本身不在名单中，没有可移出的记录。"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("appeals"), public_check=True, **RATES) as started:
        yield started


def written(console: Stage, **fields: str) -> dict[str, str]:
    """A form of an appeal, as the page issued it some time ago."""
    name, issued = secrets.token_hex(10), round((time.time() - 20) * 1000)
    proof = proof_of(console.services.keys(KeyPurpose.SESSION), name, issued)
    own = {"form": name, "issued": str(issued), "proof": proof, "kind": "phone", "subject": "19800099051"}
    return {**own, "name": "某新", "phone": "19800099052", "place": COUNTY, "text": "号码是上月新办的", **fields}


async def send(console: Stage, given: dict[str, str]) -> httpx.Response:
    async with asker(console) as visitor:
        return await visitor.post("/check/appeal", data=given)


async def appealed(console: Stage, **fields: str) -> PublicReport:
    given = written(console, **fields)
    answer = await send(console, given)
    assert answer.status_code == 200, answer.text
    found = await console.services.line.public_reports.get(f"w{short_hash('check-appeal', given['form'])}")
    assert found is not None
    assert reference_number(found.id) in answer.text
    return found


async def listed(console: Stage, count: int) -> None:
    known = console.services.check_list
    assert known is not None
    for _ in range(200):
        if known.listed == count:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{known.listed} are listed, not {count}")


async def test_an_appeal_that_a_supervisor_grants_takes_the_number_off_the_list(console: Stage, line: Line) -> None:
    at = console.services.line.clock.now()
    told = {"source": "police", "id": "appealed", "at": at, "subject": "phone", "value": LISTED}
    await line.signal(Watch.model_validate({**told, "state": WatchState.CONFIRMED}))
    await listed(console, 1)
    appeal = await appealed(console)
    assert (appeal.is_appeal, appeal.scammer_phone, appeal.payee) == (True, LISTED, "")

    operator = await console.signed_in(StaffRole.OPERATOR)
    page = (await operator.get(f"/public-reports/{appeal.id}")).text
    assert "由值班长决定" in page
    assert f"/public-reports/{appeal.id}/check" not in page
    assert await checking(operator, appeal) == f"/public-reports/{appeal.id}", "it is no report of a victim"
    outcome = {**form(), "outcome": AppealOutcome.REMOVED_REASSIGNED.value}
    assert (await operator.post(f"/public-reports/{appeal.id}/appeal", data=outcome)).status_code == 403

    supervisor = await console.signed_in(StaffRole.SUPERVISOR)
    assert reference_number(appeal.id) in (await supervisor.get("/public-reports")).text
    assert (await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=form())).status_code == 422
    for _ in range(2):  # a form that is sent again changes nothing
        answer = await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=outcome)
        assert (answer.status_code, answer.headers["location"]) == (303, "/public-reports")
    await line.settle()
    await listed(console, 0)
    decided = await console.services.line.public_reports.get(appeal.id)
    assert decided is not None
    assert (decided.state, decided.appeal) == (PublicReportState.CHECKED, AppealOutcome.REMOVED_REASSIGNED)
    assert "移出名单：号码已换持有人" in (await supervisor.get("/public-reports")).text
    audit = [each.value or b"" async for each in read_all(console.house.settings, AUDIT.name)]
    entries = [each for each in audit if b"appeal-decided" in each and appeal.id.encode() in each]
    assert entries
    assert all(b"removed_reassigned" in each and LISTED.encode() not in each for each in entries)


async def watched(console: Stage, line: Line, listed_before: int, subject: str, value: str) -> None:
    """Have the police confirm a suspect, and wait until it is listed."""
    told = {"source": "police", "id": f"confirmed-{value}", "at": console.services.line.clock.now()}
    watch = {**told, "subject": subject, "value": value, "state": WatchState.CONFIRMED}
    await line.signal(Watch.model_validate(watch))
    await line.settle()
    await listed(console, listed_before + 1)


def on_list(console: Stage) -> int:
    known = console.services.check_list
    assert known is not None
    return known.listed


async def test_what_is_not_listed_cannot_be_removed_or_it_would_be_immune(console: Stage) -> None:
    appeal = await appealed(console, subject="19800099059")
    removed = {**form(), "outcome": AppealOutcome.REMOVED_MISTAKEN.value}
    async with await console.signed_in(StaffRole.SUPERVISOR) as supervisor:
        assert NOT_LISTED in (await supervisor.get(f"/public-reports/{appeal.id}")).text
        answer = await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=removed)
        assert (answer.status_code, NOT_LISTED in answer.text) == (422, True)
        undecided = await console.services.line.public_reports.get(appeal.id)
        assert undecided == appeal
        kept = {**form(), "outcome": AppealOutcome.KEPT_NOT_LISTED.value}
        assert (await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=kept)).status_code == 303
    subject = Subjects(console.house.settings.key()).phone("+8619800099059")
    assert subject
    assert await Watchlist(console.services.line.redis, console.house.settings, 5).entries([subject]) == {}


async def test_a_supervisor_sees_that_the_domain_of_a_link_is_what_is_listed(console: Stage, line: Line) -> None:
    await watched(console, line, on_list(console), "link", "scam-host.invalid")
    appeal = await appealed(console, kind="link", subject="shop.scam-host.invalid/a")
    removed = {**form(), "outcome": AppealOutcome.REMOVED_MISUSED.value}
    async with await console.signed_in(StaffRole.SUPERVISOR) as supervisor:
        page = (await supervisor.get(f"/public-reports/{appeal.id}")).text
        assert "<td>scam-host.invalid</td><td>已确认涉诈</td>" in page
        assert NOT_LISTED in page
        assert (await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=removed)).status_code == 422


@pytest.mark.parametrize(
    ("subject", "value"),
    [("link", "rated-shop.invalid/a"), ("phone", "+8619800099058"), ("account", "6200000000000099058")],
)
async def test_what_a_source_lists_that_no_policy_names_can_be_removed(
    console: Stage, line: Line, subject: str, value: str
) -> None:
    at, before = console.services.line.clock.now(), on_list(console)
    told = {"source": "police", "id": f"rated-{subject}", "at": at, "subject": subject, "value": value}
    rating = {"state": WatchState.RATED, "verdict": "scam", "until": at + timedelta(days=30), "tlp": "clear"}
    await line.signal(Watch.model_validate(told | rating))
    await line.settle()
    await listed(console, before + 1)
    appeal = await appealed(console, kind=subject, subject=value.removeprefix("+86"))
    removed = {**form(), "outcome": AppealOutcome.REMOVED_MISTAKEN.value}
    async with await console.signed_in(StaffRole.SUPERVISOR) as supervisor:
        assert NOT_LISTED not in (await supervisor.get(f"/public-reports/{appeal.id}")).text
        assert (await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=removed)).status_code == 303
    await line.settle()
    await listed(console, before)


async def test_a_removal_that_was_not_sent_is_sent_later_and_once(
    console: Stage, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = on_list(console)
    await watched(console, line, before, "phone", "+8619800099057")
    appeal, sent = await appealed(console, subject="19800099057"), list[Watch]()
    accept = Intake.accept

    async def away(intake: Intake, signals: Sequence[Watch]) -> None:
        raise TimeoutError

    async def counted(intake: Intake, signals: Sequence[Watch]) -> dict[str, int]:
        sent.extend(signals)
        return await accept(intake, signals)

    monkeypatch.setattr(Intake, "accept", away)
    removed = {**form(), "outcome": AppealOutcome.REMOVED_MISTAKEN.value}
    async with await console.signed_in(StaffRole.SUPERVISOR) as supervisor:
        assert (await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=removed)).status_code == 503
    decided = await console.services.line.public_reports.get(appeal.id)
    assert decided is not None
    assert (decided.appeal, decided.removed_at) == (AppealOutcome.REMOVED_MISTAKEN, None)
    monkeypatch.setattr(Intake, "accept", counted)
    for _ in range(2):
        await appeals.remove_decided(console.services)
    await line.settle()
    await listed(console, before)
    assert [(each.id, each.at) for each in sent] == [(f"appeal-{appeal.id}", decided.decided_at)]


async def test_a_decision_that_came_second_removes_nothing(console: Stage, line: Line) -> None:
    before = on_list(console)
    await watched(console, line, before, "phone", "+8619800099056")
    appeal = await appealed(console, subject="19800099056")
    first, second = (Who(login, "某", StaffRole.SUPERVISOR, "22", None, None, "s") for login in ("first", "second"))
    assert await appeals.decide_appeal(console.services, first, appeal, AppealOutcome.KEPT_CONFIRMED)
    assert not await appeals.decide_appeal(console.services, second, appeal, AppealOutcome.REMOVED_MISTAKEN)
    await line.settle()
    assert on_list(console) == before + 1


async def test_a_holder_outside_the_province_appeals_to_the_centre(console: Stage) -> None:
    async with asker(console) as visitor:
        page = (await visitor.get("/check/appeal", headers={"accept-language": "en"})).text
    assert f'<option value="{OUTSIDE}">Outside Jilin Province</option>' in page
    appeal = await appealed(console, subject="19800099055", place=OUTSIDE)
    async with await console.signed_in(StaffRole.SUPERVISOR, "22") as centre:
        assert "吉林省以外" in (await centre.get(f"/public-reports/{appeal.id}")).text
    async with await console.signed_in(StaffRole.SUPERVISOR, "2201") as prefecture:
        assert (await prefecture.get(f"/public-reports/{appeal.id}")).status_code == 404


async def test_a_kept_entry_stays_and_the_decision_is_final(console: Stage) -> None:
    appeal = await appealed(console, kind="link", subject="https://www.scam-shop.invalid/")
    assert appeal.scam_link == "scam-shop.invalid"
    supervisor = await console.signed_in(StaffRole.SUPERVISOR)
    kept = {**form(), "outcome": AppealOutcome.KEPT_CONFIRMED.value}
    assert (await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=kept)).status_code == 303
    later = {**form(), "outcome": AppealOutcome.REMOVED_MISTAKEN.value}
    answer = await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=later)
    assert answer.headers["location"] == f"/public-reports/{appeal.id}"
    decided = await console.services.line.public_reports.get(appeal.id)
    assert decided is not None
    assert (decided.state, decided.appeal) == (PublicReportState.REJECTED, AppealOutcome.KEPT_CONFIRMED)


async def test_no_appeal_is_decided_without_its_audit_entry_and_a_form_sent_again_has_one(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    appeal = await appealed(console, kind="link", subject="https://www.scam-bank.invalid/")
    supervisor = await console.signed_in(StaffRole.SUPERVISOR)
    kept = {**form(), "outcome": AppealOutcome.KEPT_CONFIRMED.value}
    with monkeypatch.context() as away:
        unaudited(away)
        assert (await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=kept)).status_code == 503
    assert await console.services.line.public_reports.get(appeal.id) == appeal
    for _ in range(2):
        answer = await supervisor.post(f"/public-reports/{appeal.id}/appeal", data=kept)
        assert answer.headers["location"] == "/public-reports"
    (entry,) = await audited(console, "appeal-decided", on=appeal.id)
    assert (entry.by, entry.reason) == (supervisor.account.login, AppealOutcome.KEPT_CONFIRMED.value)


async def test_an_appeal_has_five_working_days_and_waits_behind_reports_of_fraud(console: Stage) -> None:
    appeal = await appealed(console, kind="account", subject="6200 0000 0000 0099 002")
    days = (local_date(check_due(appeal)) - local_date(appeal.at)) / timedelta(days=1)
    assert 6 <= days <= 8
    assert appeal.payee == "6200000000000099002"
    later = {"id": f"w{9:020x}", "reporter": Reporter.VICTIM, "at": appeal.at + timedelta(days=1)}
    young = appeal.model_copy(update=later)
    reports = console.services.line.public_reports
    await reports.put(young)
    waiting = [each.id for each in await reports.waiting(COUNTY.__eq__, 9)]
    assert waiting.index(young.id) < waiting.index(appeal.id)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"subject": "1"}, "无法识别"),
        ({"kind": "account", "subject": "??"}, "无法识别"),
        ({"name": ""}, "请填写您的姓名"),
        ({"phone": "1"}, "座机请加区号"),
        ({"place": "999999"}, "请选择您所在的县"),
        ({"text": ""}, "请说明为什么"),
        ({"proof": "0" * 64}, "页面已过期"),
    ],
)
async def test_an_invalid_appeal_is_refused_and_keeps_what_was_typed(
    console: Stage, fields: dict[str, str], words: str
) -> None:
    answer = await send(console, written(console, **fields))
    assert (answer.status_code, words in answer.text) == (422, True)
    assert fields.get("text") == "" or "号码是上月新办的" in answer.text


async def test_the_form_of_reports_makes_no_appeal(console: Stage) -> None:
    async with asker(console) as visitor:
        page = (await visitor.get("/check/appeal")).text
    assert 'action="/check/appeal"' in page
    assert "<script" not in page
