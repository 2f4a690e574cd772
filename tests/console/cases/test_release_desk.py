"""The release desk: two persons lift a stop, every bank message is there, and the day is reconciled as a file."""

import asyncio
import csv
import io
import re
from datetime import timedelta

import pytest

from console.web.case import answers
from console.web.kit.pages import lasted
from domain.calendar import day_of
from domain.payments import releases
from schemas.casework.cases import StopState
from schemas.casework.inputs import BankState
from schemas.channels.releases import ReleaseRequest, ReleaseState
from schemas.levels import Action
from schemas.people.staff import StaffRole
from simulators.providers.bank import BankSays
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import reveal
from tests.console.harness.stage import Client, Stage
from tests.console.harness.stops import Stopped, hidden, known, later, stopped

DESK = StaffRole.RELEASE_DESK
MINUTE = timedelta(minutes=1)


async def ask(console: Stage, client: Client, stop: Stopped, reason: str = "the rent is due") -> ReleaseRequest:
    """Ask for a release by the form of the page; gives the request that came of it."""
    page = (await client.get(stop.path)).text
    told = {"form": hidden(page, "form"), "reason": reason, "evidence": "a bill of the hospital"}
    answer = await client.post(f"{stop.path}/ask", data=told)
    assert answer.status_code == 303, answer.text
    found = await console.services.line.releases.get(answer.headers["location"].rpartition("/")[2])
    assert found is not None
    return found


async def decide(client: Client, request: ReleaseRequest, what: str, **fields: str) -> int:
    """Approve or refuse by the form of the page; gives the status."""
    page = (await client.get(f"/release/requests/{request.id}")).text
    told = {name: hidden(page, name) if f'name="{name}"' in page else "1" for name in ("form", "seen")}
    return (await client.post(f"/release/requests/{request.id}/{what}", data=told | fields)).status_code


async def test_one_asks_another_approves_and_the_bank_lifts_the_stop(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK) as bert:
        request = await ask(console, anna, stop)
        assert await decide(bert, request, "approve") == 303
        await stop.line.advance(minutes=3)
        await known(console, stop, StopState.RELEASED)
        (line,) = await audited(console, "release-stop", stop.case.id)
        page = (await bert.get(stop.path)).text
    (payment,) = (await stop.now()).payments
    assert payment.stop is not None
    assert payment.stop.state is StopState.RELEASED
    stop.line.expect_stop(stop.mule, Action.STOP_RELEASE)
    assert line.by == bert.account.login
    assert anna.account.login in line.reason
    assert "银行已收到" in page
    assert stop.mule not in page, "the account is masked"
    kept = await console.services.line.releases.get(request.id)
    assert kept is not None
    assert (kept.state, kept.asked_by, kept.decided_by) == (
        ReleaseState.APPROVED,
        anna.account.login,
        bert.account.login,
    )


async def cut_off(stop: Stopped, request: ReleaseRequest, by: str) -> None:
    """An approval that came as far as the case, and no further: nobody has noted it on the request."""
    await stop.line.operator(stop.resident, releases.act_of(request), by=by)
    await stop.line.settle()


async def test_an_approval_that_was_cut_off_is_noted_by_pressing_again_and_the_bank_is_asked_once(
    console: Stage,
) -> None:
    stop = await stopped(console)
    async with (
        await console.signed_in(DESK) as anna,
        await console.signed_in(DESK) as bert,
        await console.signed_in(StaffRole.SUPERVISOR) as chief,
    ):
        request = await ask(console, anna, stop)
        await cut_off(stop, request, bert.account.login)
        assert "只差登记" in (await chief.get(f"/release/requests/{request.id}")).text
        assert await decide(anna, request, "approve") == 409, "who asked does not note it either"
        assert await decide(chief, request, "refuse", reason="no proof was shown") == 409
        assert await decide(chief, request, "approve") == 303
        assert await decide(bert, request, "approve") == 303, "his own approval, noted meanwhile"
        (noted,) = await audited(console, "release-noted", stop.case.id)
        assert await audited(console, "release-stop", stop.case.id) == []
    kept = await console.services.line.releases.get(request.id)
    assert kept is not None
    assert (kept.state, kept.decided_by) == (ReleaseState.APPROVED, bert.account.login)
    assert noted.by == chief.account.login
    assert bert.account.login in noted.detail
    await stop.line.advance(minutes=3)
    await known(console, stop, StopState.RELEASED)
    stop.line.expect_stop(stop.mule, Action.STOP_RELEASE)
    assert [each for each in stop.line.bank.left if each.action == Action.STOP_RELEASE] == []


async def test_an_approval_that_was_cut_off_is_noted_also_when_the_bank_has_lifted_the_stop(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK) as bert:
        request = await ask(console, anna, stop)
        await cut_off(stop, request, bert.account.login)
        await stop.line.advance(minutes=3)
        await known(console, stop, StopState.RELEASED)
        assert await decide(bert, request, "approve") == 303
        assert "只差登记" not in (await bert.get(f"/release/requests/{request.id}")).text
    kept = await console.services.line.releases.get(request.id)
    assert kept is not None
    assert (kept.state, kept.decided_by) == (ReleaseState.APPROVED, bert.account.login)


async def test_an_approval_that_the_case_has_not_answered_yet_is_not_noted_as_approved(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK) as bert:
        request = await ask(console, anna, stop)
        with monkeypatch.context() as impatient:
            impatient.setattr(answers, "ANSWER_SECONDS", 0.0)
            assert await decide(bert, request, "approve") == 202
        kept = await console.services.line.releases.get(request.id)
        assert kept is not None
        assert releases.is_open(kept), "it may still be refused"
        await stop.line.settle()
        assert await decide(bert, request, "approve") == 303
    kept = await console.services.line.releases.get(request.id)
    assert kept is not None
    assert (kept.state, kept.decided_by) == (ReleaseState.APPROVED, bert.account.login)
    await stop.line.advance(minutes=3)
    await known(console, stop, StopState.RELEASED)
    stop.line.expect_stop(stop.mule, Action.STOP_RELEASE)
    assert [each for each in stop.line.bank.left if each.action == Action.STOP_RELEASE] == []


async def test_who_asked_is_refused_as_the_one_who_decides(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna:
        request = await ask(console, anna, stop)
        for what in ("approve", "refuse"):
            assert await decide(anna, request, what, reason="as I like") == 409
        answer = await anna.get(f"/release/requests/{request.id}")
    assert "申请人不能审批自己的申请" in answer.text
    (payment,) = (await stop.now()).payments
    assert payment.stop is not None
    assert payment.stop.state is StopState.IN_FORCE
    assert await audited(console, "release-stop", stop.case.id) == []


async def test_an_approval_of_what_has_changed_since_is_not_taken(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK) as bert:
        request = await ask(console, anna, stop)
        assert await decide(bert, request, "approve", seen="1") == 409
        kept = await console.services.line.releases.get(request.id)
        assert kept is not None
        assert kept.state is ReleaseState.ASKED
        assert await decide(bert, request, "approve") == 303, "looked at again it is"


async def test_a_refusal_has_a_reason_and_leaves_the_stop_in_force(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK) as bert:
        request = await ask(console, anna, stop)
        assert await decide(bert, request, "refuse", reason=" ") == 422
        assert await decide(bert, request, "refuse", reason="no proof was shown") == 303
        (line,) = await audited(console, "release-refused", stop.case.id)
        page = (await anna.get(f"/release/requests/{request.id}")).text
        assert await decide(bert, request, "approve") == 409
    assert "no proof was shown" in page
    assert anna.account.login in line.detail
    assert bert.account.login in line.detail


async def test_a_form_sent_twice_is_one_request_and_a_second_one_is_refused(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna:
        page = (await anna.get(stop.path)).text
        told = {"form": hidden(page, "form"), "reason": "the rent is due"}
        first, again = [await anna.post(f"{stop.path}/ask", data=told) for _ in range(2)]
        assert first.headers["location"] == again.headers["location"]
        answer = await anna.post(f"{stop.path}/ask", data={**told, "form": "another"})
        assert answer.status_code == 409
    assert len([each for each in await console.services.line.releases.all() if each.case == stop.case.id]) == 1


async def test_a_request_or_a_decision_without_a_forms_id_is_not_taken(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK) as bert:
        answer = await anna.post(f"{stop.path}/ask", data={"reason": "the rent is due"})
        assert answer.status_code == 422
        request = await ask(console, anna, stop)
        assert await decide(bert, request, "approve", form="") == 422
        assert await decide(bert, request, "approve") == 303


async def test_an_overdue_request_stands_on_top_and_says_so(console: Stage) -> None:
    stop = await stopped(console, division="220211")
    async with await console.signed_in(DESK, "220211") as anna:
        await ask(console, anna, stop)
        assert "已超时" not in (await anna.get("/release")).text
        await later(console, stop, hours=25)
        assert "已超时" in (await anna.get("/release")).text


async def test_another_area_is_told_of_nothing(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK, "2224") as far:
        request = await ask(console, anna, stop)
        (bank, day), *_ = console.services.figures.book.days(anna_sees)
        reading = [stop.path, f"/release/requests/{request.id}", f"/release/reconciliation/{bank}/{day}.csv"]
        for path in reading:
            assert (await far.get(path)).status_code == 404, path
        told = {"form": "f", "seen": "1", "reason": "as I like"}
        for path in (
            f"{stop.path}/ask",
            f"/release/requests/{request.id}/approve",
            f"/release/requests/{request.id}/refuse",
        ):
            assert (await far.post(path, data=told)).status_code == 404, path
        assert stop.case.id not in (await far.get("/release")).text


def anna_sees(division: str) -> bool:
    return division.startswith("2201")


async def test_the_days_reconciliation_finds_a_difference_and_its_download_is_in_the_audit(console: Stage) -> None:
    feedback = [BankSays(MINUTE, BankState.IN_FORCE, 0), BankSays(2 * MINUTE, BankState.FROZEN, 400_000)]
    stop = await stopped(console, feedback)
    day = day_of(console.house.clock.now())
    async with await console.signed_in(DESK) as anna:
        path = f"/release/reconciliation/bank/{day}"
        answer = await anna.get(f"{path}.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        screen = (await anna.get(path)).text
        entries = await audited(console, "bank-reconciliation", f"bank {day}")
    rows = [row for row in csv.DictReader(io.StringIO(answer.text)) if row["case"] == stop.case.id]
    assert [(row["differences"], row["answered_fen"]) for row in rows] == [("amounts_differ", "400000")]
    assert "金额不一致" in screen
    assert stop.mule not in answer.text, "accounts are masked in the file too"
    assert entries[-1].by == anna.account.login
    assert entries[-1].detail in answer.text, "the audit has the file's digest"


async def test_requests_outlive_a_lost_redis(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna:
        request = await ask(console, anna, stop)
    line = console.services.line
    await line.redis.delete("releases")
    await line.releases.restore()
    assert await line.releases.get(request.id) == request


async def test_of_two_who_ask_at_once_one_has_asked_and_the_other_is_told(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK) as bert:
        told = {"reason": "the rent is due"}
        asking = (each.post(f"{stop.path}/ask", data=told | {"form": each.account.login}) for each in (anna, bert))
        answers = await asyncio.gather(*asking)
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert len([each for each in await console.services.line.releases.all() if each.case == stop.case.id]) == 1


async def test_of_two_who_decide_at_once_one_decides_and_the_other_is_told(console: Stage) -> None:
    stop = await stopped(console)
    async with (
        await console.signed_in(DESK) as anna,
        await console.signed_in(DESK) as bert,
        await console.signed_in(StaffRole.SUPERVISOR) as chief,
    ):
        request = await ask(console, anna, stop)
        decided = await asyncio.gather(
            decide(bert, request, "approve"), decide(chief, request, "refuse", reason="no proof was shown")
        )
    assert sorted(decided) == [303, 409]
    kept = await console.services.line.releases.get(request.id)
    assert kept is not None
    assert kept.state is (ReleaseState.APPROVED if decided[0] == 303 else ReleaseState.REFUSED)


async def test_whoever_stands_at_the_desk_is_found_by_case_name_telephone_and_account(console: Stage) -> None:
    stop = await stopped(console)
    (phone,) = stop.resident.phones
    texts = {
        stop.case.id: "case-number",
        stop.resident.name: "name",
        phone.value[-11:]: "phone-tail",
        phone.value[-4:]: "phone-tail",
        stop.mule: "phone-tail",
        stop.mule[-4:]: "phone-tail",
    }
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK, "2224") as far:
        for text, by in texts.items():
            answer = await anna.post("/release/search", data={"q": text})
            assert (answer.status_code, stop.path in answer.text) == (200, True), text
            assert (await audited(console, "look-search", by))[-1].by == anna.account.login
            assert stop.path not in (await far.post("/release/search", data={"q": text})).text
        for part in (phone.value[-5:], stop.mule[-7:], stop.mule[1:]):
            assert stop.path not in (await anna.post("/release/search", data={"q": part})).text, part
        assert "辖区内没有这样的止付" in (await anna.post("/release/search", data={"q": "1112223334"})).text
        assert (await anna.post("/release/search", data={"q": "12"})).status_code == 422
        assert (await anna.get("/release/search")).headers["location"] == "/release", "its words are kept nowhere"


async def test_the_desk_reads_whose_payment_it_is_only_for_a_reason(console: Stage) -> None:
    stop = await stopped(console)
    number = stop.resident.phones[0].value.removeprefix("+86")
    async with await console.signed_in(DESK) as anna:
        assert number not in (await anna.get(stop.path)).text
        answer = await reveal(anna, stop.case, why="stopping", reason="核对来人身份", back=stop.path)
        assert answer.headers["location"] == stop.path
        assert number in (await anna.get(stop.path)).text
        (line,) = await audited(console, "look-unmask", stop.case.id)
    assert (line.by, line.reason) == (anna.account.login, "核对来人身份")


async def test_the_scorecards_tell_how_fast_an_institution_answers(console: Stage) -> None:
    stop = await stopped(console)
    async with await console.signed_in(DESK) as client, await console.signed_in(DESK, area="2224") as elsewhere:
        page = (await client.get("/release/banks")).text
        empty = (await elsewhere.get("/release/banks")).text
    row = re.search(r'<th scope="row">([^<]+)</th>(.*?)</tr>', page, re.DOTALL)
    assert row is not None
    sent, came = console.services.figures.book.of(stop.case.id, stop.case.payments[0].transfer)
    assert row[1] == sent[0].institution
    took = lasted(came[0].at - sent[0].at)
    assert row[2].count(took) >= 2  # as p50 and p95, and in its part of the day
    assert "还没有与银行的往来" in empty
