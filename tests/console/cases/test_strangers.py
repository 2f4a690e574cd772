"""A stranger who has paid calls: an entry, a red case, an order; then the bank's record and the register's row come."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from domain.calendar import JILIN
from domain.identity.entries import changed
from schemas.casework.cases import Case
from schemas.casework.orders import OrderState
from schemas.casework.reported import PaidBy
from schemas.codes.refusals import CannotBeStopped
from schemas.levels import Level
from schemas.people.calls import CameOf
from schemas.people.residents import ReportSource, Resident
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchEntry, WatchStatus
from streams.repositories.residents.files import import_file
from streams.screening.subjects import Subjects
from streams.screening.watchlist import Watchlist
from tests.console.cases.test_call_in import called, form
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer


async def stranger(console: Stage, line: Line, client: Client, **told: str) -> tuple[Resident, Case]:
    """The entry and the case of somebody unknown who calls. The test decides on the order."""
    line.approves = False
    where = await called(client, line.phone())
    given = form(**{"name": "某新", "place": "南关", "bank": "某银行", "amount": "30000", **told})
    answer = await client.post(f"{where}/danger", data=given)
    assert answer.status_code == 303, answer.text
    case = await console.services.desk.load(answer.headers["location"].removeprefix("/cases/"))
    assert case is not None
    [entry] = (await console.house.line.residents.standing([case.resident])).values()
    line.residents.append(entry)
    return entry, case


async def listed(console: Stage, link: str) -> WatchEntry:
    """The watchlist's entry of a link, once screening has made it."""
    line = console.house.line
    own = Subjects(line.settings.key()).links(link)[0]
    watchlist = Watchlist(line.redis, line.settings, seconds=5)
    async with asyncio.timeout(60):
        while True:
            if found := await watchlist.entries([own]):
                return found[own]
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("place", ["南关", "Nanguan"])
async def test_on_an_english_page_the_county_may_be_written_in_chinese_too(console: Stage, place: str) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        client.headers["Accept-Language"] = "en"
        entry, _ = await stranger(console, console.line(), client, place=place)
    assert entry.division == "220102"


async def test_the_banks_record_that_comes_later_is_of_the_same_payment_and_the_bank_is_asked_once(
    console: Stage, line: Line
) -> None:
    mule, own = line.account(), line.account()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        told = {"suspect_account": mule, "from_account": own, "institution": "工行"}
        entry, _ = await stranger(console, line, client, **told)
    assert entry.accounts[0].value == own
    await line.settle()
    await line.signal(transfer(line, entry, mule, ago=10))
    case = await line.case(entry)
    [payment] = case.payments
    assert (payment.transfer.partition(":")[0], (payment.feed or "").partition(":")[0]) == ("reported", "bank")
    assert (payment.amount_fen, len(case.orders)) == (3_000_000, 1)
    await line.approve(entry)
    await line.advance(minutes=3)
    line.expect_stop(mule)
    assert line.bank.left == []
    assert len((await line.case(entry)).orders) == 1


async def test_the_registers_row_confirms_the_stranger_whose_case_goes_on(
    console: Stage, line: Line, tmp_path: Path
) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        entry, case = await stranger(console, line, client)
    assert entry.provisional is ReportSource.HOTLINE
    house, file = console.house, tmp_path / "residents.csv"
    row = f"某新,{entry.phones[0].value},990101198001010014,retired,220102"
    await asyncio.to_thread(file.write_text, f"name,phones,id_number,occupation,division\n{row}\n", "utf-8")
    keys = house.settings.id_number_keys()
    report = await import_file(file, house.line.residents, keys, at=house.clock.now())
    assert (report.imported, report.refused) == (1, [])
    known = (await house.line.residents.standing([entry.id]))[entry.id]
    assert (known.id, known.provisional, known.birth_year) == (entry.id, None, 1980)
    before = (await line.case(entry)).version
    await line.signal(call(line, known))
    after = await line.case(entry)
    assert (after.id, after.open) == (case.id, True)
    assert after.version > before
    assert after.profile.birth_year == 1980


async def test_a_strangers_payment_has_a_red_case_and_an_order_that_waits_for_the_second_person(
    console: Stage, line: Line
) -> None:
    mule, phone = line.account(), "+8619800099011"
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, phone)
        told = {"suspect_account": mule, "institution": "工行", "holder": "某某", "paid_by": "third_party"}
        told |= {"suspect_phone": "+8619800099012", "wechat": "wx-invented", "scam_link": "https://scam.invalid/a"}
        told |= {"from_account": line.account(), "source": "110", "paid_at": "0:01"}
        given = form(name="某新", place="南关", bank="某银行", amount="20000", **told)
        answer = await client.post(f"{where}/danger", data=given)
        case = await console.services.desk.load(answer.headers["location"].removeprefix("/cases/"))
        login = client.account.login
    assert case is not None
    [payment], [order] = case.payments, case.orders
    assert (case.level, payment.amount_fen, payment.institution) == (Level.RED, 2_000_000, "icbc")
    assert payment.reported is not None
    assert (payment.reported.holder, payment.reported.paid_by) == ("某某", PaidBy.THIRD_PARTY)
    assert (payment.reported.wechat, payment.reported.scam_link) == ("wx-invented", "https://scam.invalid/a")
    assert (order.state, order.persons, [each.by for each in order.approvals]) == (OrderState.PROPOSED, 2, [login])
    assert (await listed(console, "https://scam.invalid/a")).standing is WatchStatus.REPORTED
    [entry] = (await console.house.line.residents.standing([case.resident])).values()
    assert (entry.provisional, len(entry.accounts)) == (ReportSource.EMERGENCY, 1)
    call = await console.house.line.calls.get(where.rpartition("/")[2])
    assert call is not None
    assert call.statements[0].payment == payment.reported
    async with await console.signed_in(StaffRole.RELEASE_DESK) as anna:
        page = (await anna.get(f"/release/orders/{case.id}/{order.step}/print")).text
    assert "付款银行</th><td>某银行 · 付款时间" in page
    assert "收款机构</th><td>中国工商银行</td>" in page


async def test_a_further_payment_of_a_caller_whose_case_is_open_gets_its_own_order(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        for amount in ("8000", "9000"):
            assert "补报一笔付款" in (await client.get(where)).text or amount == "8000"
            given = form(bank="某银行", amount=amount, suspect_account=line.account(), institution="支付宝")
            answer = await client.post(f"{where}/danger", data=given)
            assert answer.headers["location"] == f"/cases/{resident.id}-1"
        case = await console.services.desk.load(f"{resident.id}-1")
    assert case is not None
    assert [payment.amount_fen for payment in case.payments] == [800_000, 900_000]
    assert [order.state for order in case.orders] == [OrderState.PROPOSED] * 2


async def test_who_is_known_by_the_id_number_gets_no_second_entry(console: Stage, line: Line) -> None:
    resident, keys = await line.resident(), console.house.settings.id_number_keys()
    number = "990101199001010027"
    known = changed(resident, id_hash=keys.hashes(number)[-1])
    await console.house.line.residents.put([known])
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, "+8619800099013")
        given = form(name="某某", place="南关区", bank="某银行", amount="5000", id_number=number)
        answer = await client.post(f"{where}/danger", data=given)
        assert answer.headers["location"] == f"/cases/{resident.id}-1"


async def test_programs_get_neither_names_nor_numbers_of_what_was_told(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        told = {"suspect_account": line.account(), "holder": "某某某", "wechat": "wx-invented"}
        _, case = await stranger(console, line, client, **told)
        answer = await client.get(f"/api/v1/cases/{case.id}")
        assert answer.status_code == 200
        assert answer.json()["payments"][0]["reported"] is None
        page = (await client.get(f"/cases/{case.id}")).text
    for text in ("某某某", "wx-invented"):
        assert text not in answer.text + page
    assert "对方（来电人所述）" in page
    assert "某银行" in page, "the bank that was paid from"


async def test_a_caller_whose_payment_cannot_be_stopped_any_more_is_not_told_that_it_was_asked(
    console: Stage, line: Line
) -> None:
    long_ago = (console.house.clock.now() - timedelta(days=20)).astimezone(JILIN)
    told = {"suspect_account": line.account(), "institution": "工行", "paid_at": f"{long_ago:%m-%d %H:%M}"}
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        resident = await line.resident()
        where = await called(client, resident.phones[0].value)
        answer = await client.post(f"{where}/danger", data=form(bank="某银行", amount="8000", **told))
        assert answer.status_code == 303, answer.text
    call = await console.house.line.calls.get(where.rpartition("/")[2])
    assert call is not None
    [statement] = call.statements
    assert CameOf.STOP_REFUSED in statement.came_of
    assert CameOf.STOP_ASKED not in statement.came_of
    assert statement.why == CannotBeStopped()
