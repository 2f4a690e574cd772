"""A call on 96110: the caller is found, a warning confirmed, a report goes to bank and watchlist; each form once."""

import asyncio
import re
import secrets

from console.web.auth.guests import guests
from domain.dispatches.messages import code
from domain.identity.identifiers import account_token
from schemas.casework.events import FactKind
from schemas.codes.people import CallerHandedOver, CallerReported, CodeConfirmed
from schemas.levels import Action
from schemas.people.calls import Call, CallerRequest
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchEntry, WatchStatus
from streams.messaging.reader import read_all
from streams.messaging.topics import CALLS
from streams.screening.payers import entry_of, spread
from streams.screening.subjects import Subjects
from streams.state.keys import key
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_app, transfer

YANBIAN = "222401"


def form(**fields: str) -> dict[str, str]:
    return {"form": secrets.token_hex(10), **fields}


async def called(client: Client, phone: str) -> str:
    """The page of a call from this telephone."""
    answer = await client.post("/call-in", data=form(phone=phone))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def watched(line: Line, subject: str) -> WatchEntry | None:
    """What the watchlist says of an account or a telephone."""
    settings, redis = line.house.settings, line.house.line.redis
    place = spread(subject.partition(":")[2], settings.partitions)
    raw = await redis.hget(key("watch", place), subject)
    return entry_of(raw) if raw else None


async def red(line: Line, mule: str) -> Resident:
    """Somebody who is paying a scammer while he is on the telephone with one."""
    resident = await line.resident()
    await line.signal(call(line, resident), transfer(line, resident, mule))
    return resident


async def test_a_caller_leads_to_the_case_masked_and_without_a_number_in_the_address(
    console: Stage, line: Line
) -> None:
    resident = await red(line, line.account())
    phone = resident.phones[0].value
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, phone)
        assert phone[3:] not in where
        page = (await client.get(where)).text
        assert f'href="/cases/{resident.id}-1"' in page
        assert "某*" in page
        assert phone[3:] not in page
        assert await audited(console, "look-call-in", resident.id, client.account.login)


async def test_a_right_code_is_noted_on_the_case_once(console: Stage, line: Line) -> None:
    resident = await red(line, line.account())
    sent = [d.id for e in await line.events(resident) for d in e.dispatches if d.action is Action.FLASH_SMS]
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        given = form(code=code(console.house.settings.key(), sent[0]))
        assert (await client.post(f"{where}/code", data=given)).status_code == 303
        assert (await client.post(f"{where}/code", data=given)).status_code == 303
        assert "属实" in (await client.get(where)).text
    await line.settle()
    notes = [fact.what for fact in await line.facts(resident, FactKind.NOTE)]
    assert [what for what in notes if isinstance(what, CodeConfirmed)] == [CodeConfirmed(sent[0])]


async def test_in_a_demo_the_page_tells_the_code_that_the_caller_would_read_out(console: Stage, line: Line) -> None:
    resident = await red(line, line.account())
    sent = [d.id for e in await line.events(resident) for d in e.dispatches if d.action is Action.FLASH_SMS]
    right = code(console.house.settings.key(), sent[0])
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        assert right not in (await client.get(where)).text
        console.services.guests = guests(console.house.clock.now(), "220104-officer-1")
        try:
            assert f"<strong>{right}</strong>" in (await client.get(where)).text
        finally:
            console.services.guests = ()


async def test_wrong_codes_are_told_and_slow_down(console: Stage, line: Line) -> None:
    resident = await red(line, line.account())
    sent = [d.id for e in await line.events(resident) for d in e.dispatches if d.action is Action.FLASH_SMS]
    right = code(console.house.settings.key(), sent[0])
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        for _ in range(3):
            assert (await client.post(f"{where}/code", data=form(code=wrong))).status_code == 303
        assert "不是我们的核验码" in (await client.get(where)).text
        assert (await client.post(f"{where}/code", data=form(code=right))).status_code == 429


async def test_a_recording_without_encryption_is_not_linked(console: Stage, line: Line) -> None:
    resident = await red(line, line.account())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        for link, status in (("http://recorder.example/1", 422), ("https://recorder.example/1", 303)):
            given = form(what="report", text="他让我转到安全账户", recording=link)
            assert (await client.post(f"{where}/told", data=given)).status_code == status


async def test_a_report_of_an_account_stops_the_payment_and_puts_it_on_the_watchlist_once(
    console: Stage, line: Line
) -> None:
    mule = line.account()
    resident = await red(line, mule)
    token = account_token(console.house.settings.key(), mule)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        given = form(what="report", text="他让我转到安全账户", suspect_account=mule, amount="30,000")
        for _ in range(2):
            assert (await client.post(f"{where}/told", data=given)).status_code == 303
        page = (await client.get(where)).text
        assert "已请求银行止付" in page
        assert "涉诈账户已进入名单" in page
        assert mule not in page
    await line.settle()
    line.expect_stop(mule)
    entry = await watched(line, f"account:{token}")
    assert entry is not None
    assert (entry.standing, entry.uid.partition(":")[0]) == (WatchStatus.REPORTED, "console")
    assert (
        len(
            [
                f
                for f in await line.facts(resident, FactKind.NOTE)
                if isinstance(f.what, CallerReported) and "安全账户" in f.what.text
            ]
        )
        == 1
    )


async def test_a_reported_telephone_is_on_the_watchlist_as_reported(console: Stage, line: Line) -> None:
    resident = await red(line, line.account())
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        suspect = line.phone()
        given = form(what="report", text="自称公安", suspect_phone=suspect)
        assert (await client.post(f"{where}/told", data=given)).status_code == 303
        assert "涉诈电话已进入名单" in (await client.get(where)).text
    await line.settle()
    entry = await watched(line, Subjects(console.house.settings.key()).phone(suspect) or "")
    assert entry is not None
    assert entry.standing is WatchStatus.REPORTED


async def test_a_resident_without_a_case_who_reports_gets_one(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        assert "没有预警" in (await client.get(where)).text
        given = form(what="report", text="有人让我转账", suspect_account=line.account())
        assert (await client.post(f"{where}/told", data=given)).status_code == 303
        await line.settle()
        assert f"/cases/{(await line.case(resident)).id}" in (await client.get(where)).text


async def test_a_question_raises_nothing(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        assert (await client.post(f"{where}/told", data=form(what="question", text="96110 是什么"))).status_code == 303
    await line.settle()
    assert await line.no_case(resident)


async def test_what_a_stranger_tells_is_taken_down_with_the_number(console: Stage, line: Line) -> None:
    phone = line.phone()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, phone)
        assert "不在居民名册中" in (await client.get(where)).text
        given = form(what="report", text="收到冒充客服的电话", recording="https://pbx.example.invalid/r/1")
        assert (await client.post(f"{where}/told", data=given)).status_code == 303
    found = [Call.model_validate_json(r.value or b"") async for r in read_all(console.house.settings, CALLS.name)]
    latest = next(each for each in reversed(found) if each.phone == phone)
    assert [(each.what, each.text) for each in latest.statements] == [(CallerRequest.REPORT, "收到冒充客服的电话")]
    assert latest.recording == "https://pbx.example.invalid/r/1"


async def test_another_prefectures_resident_is_told_where_and_handed_over_by_a_note(console: Stage, line: Line) -> None:
    resident = await line.resident(division=YANBIAN, name="金某某")
    await line.signal(scam_app(line, resident))
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        page = (await client.get(where)).text
        assert "延边" in page
        assert resident.id not in page
        assert "金*" not in page
        assert (await client.post(f"{where}/code", data=form(code="000000"))).status_code == 404
        assert (await client.post(f"{where}/hand-over", data=form(text="请尽快回电"))).status_code == 303
    await line.settle()
    assert CallerHandedOver("请尽快回电") in [fact.what for fact in await line.facts(resident, FactKind.NOTE)]


async def test_a_call_is_seen_by_the_operator_who_has_it_and_by_nobody_else(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with (
        await console.signed_in(StaffRole.OPERATOR) as first,
        await console.signed_in(StaffRole.OPERATOR) as second,
    ):
        where = await called(first, resident.phones[0].value)
        assert (await second.get(where)).status_code == 404
        assert (await second.post(f"{where}/told", data=form(what="question", text="谁"))).status_code == 404


async def test_what_cannot_be_read_is_told_and_what_was_written_is_kept(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert (await client.post("/call-in", data=form(phone="abc"))).status_code == 422
        where = await called(client, resident.phones[0].value)
        given = form(what="report", text="写了很久的内容", suspect_account="???")
        answer = await client.post(f"{where}/told", data=given)
        assert (answer.status_code, "写了很久的内容" in answer.text) == (422, True)
    assert await line.no_case(resident)


async def test_of_two_who_take_a_call_that_rings_one_has_it(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with (
        await console.signed_in(StaffRole.OPERATOR) as pbx,
        await console.signed_in(StaffRole.OPERATOR) as first,
        await console.signed_in(StaffRole.OPERATOR) as second,
    ):
        body = {"id": "pbx-1", "phone": resident.phones[0].value}
        names = {(await pbx.post("/api/v1/calls", json=body)).json()["call"] for _ in range(2)}
        (name,) = names
        assert (await first.post(f"/call-in/ringing/{name}", data=form())).status_code == 303
        assert (await second.post(f"/call-in/ringing/{name}", data=form())).status_code == 404
        assert "某*" in (await first.get(f"/call-in/{name}")).text
        refused = await pbx.post("/api/v1/calls", json={"id": "pbx-2", "phone": "xyz"})
        assert (refused.status_code, "xyz" in refused.text) == (422, False)


async def test_an_unknown_caller_in_danger_gets_an_entry_a_case_and_its_operator(console: Stage, line: Line) -> None:
    mule, phone = line.account(), "+8619800099001"
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, phone)
        page = (await client.get(where)).text
        assert page.index("本人正在被骗") < page.index("来电内容")
        given = form(name="某新", place="南关", bank="某银行", amount="20000", suspect_account=mule)
        answers = [await client.post(f"{where}/danger", data=given) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303], answers[0].text
        assert len({answer.headers["location"] for answer in answers}) == 1
        case_id = answers[0].headers["location"].removeprefix("/cases/")
        case = await console.services.desk.load(case_id)
        assert case is not None
        assert (case.claimed_by, case.profile.division) == (client.account.login, "220102")
        assert case.desk_call is not None
        assert case.desk_call.answered
        page = (await client.get(f"/cases/{case_id}")).text
        assert "由您处理" in page
        assert "data-say" in page
        assert page.count("未询问") == 2, "sex and occupation"
        assert not re.search(r'class="age">', page)
    found = await console.house.line.residents.standing([case.resident])
    assert [held.value for held in found[case.resident].phones] == [phone]
    assert len(await audited(console, "caller-entered", case.resident)) == 1
    assert await watched(line, f"account:{account_token(console.house.settings.key(), mule)}") is not None


async def test_a_caller_in_danger_is_asked_for_a_name_and_a_place_within_the_area(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, "+8619800099002")
        wrong = {"name": "", "place": "延吉市", "age": "old", "amount": "many", "paid_at": "soon"}
        wrong |= {"id_number": "123", "from_account": "??", "reference": "a b", "holder": "x" * 200}
        right = {"name": "某新", "place": "南关区", "bank": "某银行", "amount": "5000", "age": "70"}
        for field, value in wrong.items():
            answer = await client.post(f"{where}/danger", data=form(**{**right, field: value}))
            assert answer.status_code == 422, field
            assert 'value="某银行"' in answer.text
    assert await console.house.line.residents.by_phone([("+8619800099002", console.house.clock.now())]) == [None]


async def test_the_account_and_the_amount_are_asked_for_before_the_name_and_the_place(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        page = (await client.get(await called(client, "+8619800099003"))).text
    first = page.partition('class="pair first"')[2].partition("<fieldset")[0]
    asked = re.findall(r'<input id="d-(\w+)"', first)
    assert asked == ["suspect_account", "amount", "institution", "bank", "name", "place"]
    assert re.findall(r'<input id="d-(\w+)"[^>]*autofocus', first) == ["suspect_account"]


async def test_a_resident_in_danger_without_a_case_gets_one_at_once(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        answer = await client.post(f"{where}/danger", data=form(bank="某银行", amount="8000"))
        assert answer.headers["location"] == f"/cases/{resident.id}-1"
    await line.end()


async def test_a_suspect_account_that_cannot_be_read_is_refused_before_anything_is_written(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, "+8619800099003")
        given = form(name="某新", place="南关区", bank="某银行", amount="5000", suspect_account="???")
        answer = await client.post(f"{where}/danger", data=given)
        assert (answer.status_code, "涉诈账户无法识别" in answer.text) == (422, True)
    assert await console.house.line.residents.by_phone([("+8619800099003", console.house.clock.now())]) == [None]


async def test_danger_is_taken_down_once_though_its_form_is_sent_again_meanwhile(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        given = form(bank="某银行", amount="8000")
        answers = await asyncio.gather(*(client.post(f"{where}/danger", data=given) for _ in range(2)))
        assert [answer.status_code for answer in answers] == [303, 303]
        known = await console.house.line.calls.get(where.rpartition("/")[2])
        assert known is not None
        assert len(known.statements) == 1


async def test_what_is_written_down_of_a_call_at_the_same_time_is_all_kept(console: Stage, line: Line) -> None:
    resident = await line.resident()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        where = await called(client, resident.phones[0].value)
        forms = [form(what="question", text=f"问题 {number}") for number in range(6)]
        answers = await asyncio.gather(*(client.post(f"{where}/told", data=given) for given in forms))
        assert {answer.status_code for answer in answers} == {303}
    stored = await console.house.line.calls.get(where.rpartition("/")[2])
    assert stored is not None
    assert sorted(each.text for each in stored.statements) == [f"问题 {number}" for number in range(6)]


async def test_the_first_page_says_who_waits_and_what_to_do(console: Stage, line: Line) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        page = (await client.get("/call-in")).text
        assert "谁在等候" in page
        assert "请来电人不要挂断、不要转账。" in page
        assert "待核实的网上举报" in page
        body = {"id": "pbx-9", "phone": (await line.resident()).phones[0].value}
        assert (await client.post("/api/v1/calls", json=body)).status_code == 202
        rings = re.search(r"正在振铃的来电</span> <strong>(\d+)", (await client.get("/call-in")).text)
        assert rings is not None
        assert int(rings[1]) >= 1
