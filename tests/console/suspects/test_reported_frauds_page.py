"""The page of the police's records: who sees which, what they matched after which warning, and why others did not."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from schemas.administration.after_warning import AfterWarningReading, DissuadedGroup, WarnedGroup
from schemas.casework.cases import Case
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from schemas.risk.reported_frauds import FraudMatch, MatchedBy, MatchStrength, UnmatchedReason
from streams.casework.after_warning_watch import AfterWarningWatch
from streams.state.keys import AFTER_WARNING, AFTER_WARNING_READING
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call
from tests.end_to_end.warnings.test_reported_frauds import report


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_figures(console: Stage) -> AsyncIterator[None]:
    """Nobody has counted yet, and the house's worker does not count meanwhile."""
    redis = console.house.line.redis
    await redis.set(AFTER_WARNING_READING, 1)
    await redis.delete(AFTER_WARNING)
    yield
    await redis.delete(AFTER_WARNING, AFTER_WARNING_READING)


def match(console: Stage, division: str | None, **fields: object) -> FraudMatch:
    """A new record; matched to somebody unknown by the ID number, unless fields say otherwise."""
    now, number = console.house.clock.now(), next(console.numbers)
    known = {"id": f"police:A2201{number:08}", "version": 1, "change": 1, "digest": "0" * 32, "division": division}
    times = dict.fromkeys(("happened_at", "reported_at", "received_at"), now) | {"dated": True}
    found = {"resident": "r" + "q" * 16, "by": MatchedBy.ID_NUMBER, "strength": MatchStrength.CERTAIN}
    return FraudMatch.model_validate({**known, **times, **({} if "why" in fields else found), **fields})


async def known(console: Stage, *records: FraudMatch) -> None:
    """Store records, and return when the console's figures have them."""
    for each in records:
        await console.house.line.fraud_matches.put(each)

    async def seen() -> bool:
        kept = [console.services.figures.frauds.get(each.id) for each in records]
        return all(one is not None and one.why is each.why for one, each in zip(kept, records, strict=True))

    await until(seen, 10)


async def read(console: Stage, after: frozenset[str] = frozenset(), *groups: WarnedGroup) -> AfterWarningReading:
    """Store figures as a worker would have."""
    now = console.house.clock.now() + timedelta(seconds=1)
    reading = AfterWarningReading(at=now, since=now - timedelta(days=120), groups=list(groups), after_warning=after)
    values = {"at": now.isoformat(), "reading": reading.model_dump_json()}
    await console.house.line.redis.hset(AFTER_WARNING, mapping=values)
    return reading


def group(division: str, dimension: str, value: str, n: int, k: int) -> WarnedGroup:
    return WarnedGroup(division=division, dimension=dimension, value=value, warned=n, old=(n, n), defrauded=(k, k))


def groups(division: str, n: int, k: int) -> list[WarnedGroup]:
    named = {"all": "", "level": "red", "channel": "sms", "message": "sms.zh.police", "station": division}
    return [group(division, dimension, value, n, k) for dimension, value in named.items()]


def rows(page: str, table: str) -> list[str]:
    body = page.partition(f'id="{table}"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return re.findall(r"<tr.*?</tr>", body, re.DOTALL)


def cells(row: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]


def counted(page: str, why: str) -> str:
    [row] = [each for each in rows(page, "unmatched") if f'data-why="{why}"' in each]
    return cells(row)[1]


async def defrauded(console: Stage, line: Line) -> tuple[Resident, Case, FraudMatch]:
    """Somebody who was warned by telephone and defrauded three days later, as the police say."""
    resident = await line.resident()
    await line.signal(call(line, resident))
    await line.dissuade(resident)
    await line.advance(days=3)
    name = f"A22012026{next(console.numbers):06}"
    await report(line, resident, name, loss_fen=1_234_500, scam_type="police")
    found = await console.house.line.fraud_matches.get(f"police:{name}")
    assert found is not None
    await known(console, found)
    return resident, await line.case(resident), found


async def test_a_matched_record_shows_the_warning_before_it_and_leads_to_its_case(console: Stage) -> None:
    resident, case, record = await defrauded(console, console.line())
    line = console.house.line
    figures = await AfterWarningWatch(line.settings, line.redis, line.store, line.fraud_matches, line.clock).read()
    assert figures is not None
    assert record.id in figures.after_warning
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        answer = await client.get("/reported-frauds", params={"by": "phone_name", "after": "1"})
        assert answer.status_code == 200
        [row] = [each for each in rows(answer.text, "matched") if record.id[-4:] in each]
        assert (await client.get(f"/cases/{case.id}")).status_code == 200
    _, number, victim, loss, scam, by, days, level, channel, link = cells(row)
    assert (number, victim) == (f"police ********{record.id[-4:]}", resident.name[0] + "*" * (len(resident.name) - 1))
    assert (loss, by) == ("¥12,345", "手机号和姓名 · 较确定")
    assert scam not in ("", "–", "police")
    assert 3.0 <= float(days) < 3.1
    assert (level, channel) == ({"yellow": "黄", "orange": "橙", "blue": "蓝", "red": "红"}[case.level.value], "电话")
    assert link
    assert f'href="/cases/{case.id}"' in row
    for hidden in (resident.name, resident.phones[0].value, resident.phones[0].value[3:], record.id):
        assert hidden not in answer.text


async def test_records_and_figures_are_those_of_the_persons_area(console: Stage) -> None:
    here = match(console, "220402001", why=UnmatchedReason.NOT_IN_REGISTER)
    mine, elsewhere = match(console, "220402001"), match(console, "220502001")
    nowhere = match(console, None, why=UnmatchedReason.NO_IDENTIFIER)
    await known(console, here, mine, elsewhere, nowhere)
    await read(console, frozenset(), *groups("220402001", 10, 1), *groups("220502001", 100, 50))
    async with await console.signed_in(StaffRole.SUPERVISOR, "2204") as client:
        page = (await client.get("/reported-frauds")).text
    assert mine.id[-4:] in page
    assert elsewhere.id[-4:] not in page
    assert (counted(page, "not_in_register"), counted(page, "no_identifier")) == ("1", "0")
    [total] = re.findall(r'<tr data-group="">.*?</tr>', page, re.DOTALL)
    assert cells(total)[1:3] == ["10", "1 / 10"]
    assert cells(total)[3] == "10.0 % 1.8–40.4", "Wilson's interval"
    async with await console.signed_in(StaffRole.AUDITOR, "") as client:
        page = (await client.get("/reported-frauds")).text
    assert '<tr data-group="220502001">' in page
    assert int(counted(page, "no_identifier")) >= 1


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", "已劝阻的，一周后再问"),
        ("en", "The dissuaded, asked again after a week"),
        ("ko", "설득된 사람, 일주일 후 재질문"),
    ],
)
async def test_what_the_dissuaded_answered_a_week_later_stands_beside_them_for_a_persons_area(
    console: Stage, language: str, words: str
) -> None:
    mine = {"dissuaded": 20, "nothing_paid": 6, "paid_since": 1, "no_answer": 3, "waiting": 1}
    areas = [("220402001", mine), ("220502001", {"dissuaded": 9, "nothing_paid": 9})]
    reading = (await read(console)).model_copy(
        update={"dissuaded": [DissuadedGroup(division=division, cases=cases) for division, cases in areas]}
    )
    await console.house.line.redis.hset(AFTER_WARNING, mapping={"reading": reading.model_dump_json()})
    async with await console.signed_in(StaffRole.SUPERVISOR, "2204") as client:
        page = (await client.get("/reported-frauds", headers={"accept-language": language})).text
    found = dict(re.findall(r'<tr data-answer="(\w+)">(.*?)</tr>', page, re.DOTALL))
    assert {name: cells(row)[1] for name, row in found.items()} == {
        **{"dissuaded": "20", "asked": "11", "nothing_paid": "6", "paid_since": "1"},
        **{"contacted_again": "0", "no_answer": "3", "waiting": "1"},
    }
    assert cells(found["nothing_paid"])[2] == "60.0 % 31.3–83.2", "Wilson's interval"
    assert words in page


async def test_somebody_else_sees_no_name_and_no_link_of_who_has_moved_away(console: Stage) -> None:
    resident, case, record = await defrauded(console, console.line())
    moved = match(console, "220602001", resident=resident.id)
    await known(console, moved)
    async with await console.signed_in(StaffRole.SUPERVISOR, "2206") as client:
        page = (await client.get("/reported-frauds")).text
        assert (await client.get(f"/cases/{case.id}")).status_code == 404
    [row] = [each for each in rows(page, "matched") if moved.id[-4:] in each]
    assert (cells(row)[2], cells(row)[-1]) == ("–", "–")
    assert record.id[-4:] not in page


async def test_an_unmatched_record_is_counted_by_its_reason_with_what_can_be_done(console: Stage) -> None:
    await known(console, *(match(console, "222401001", why=why) for why in UnmatchedReason))
    never_warned, warned = match(console, "222401001"), match(console, "222401001")
    await known(console, never_warned, warned)
    async with await console.signed_in(StaffRole.SUPERVISOR, "2224") as client:
        assert counted((await client.get("/reported-frauds")).text, "not_warned") == "–"
        await read(console, frozenset({warned.id}))
        page = (await client.get("/reported-frauds")).text
    assert {counted(page, why.value) for why in UnmatchedReason} == {"1"}
    assert counted(page, "not_warned") == "1"
    assert "更新登记册后，把同一记录再发送一次。" in page
    [month] = re.findall(r"<tr data-month=.*?</tr>", page, re.DOTALL)
    assert cells(month)[1:] == ["police", "8", "2", "1", "6", "2"]


async def test_the_list_has_pages_and_filters_by_code(console: Stage) -> None:
    now = console.house.clock.now()
    many = [match(console, "220702001", reported_at=now - timedelta(minutes=each)) for each in range(51)]
    account = match(console, "220702001", by=MatchedBy.ACCOUNT, strength=MatchStrength.FAIR, id="railway:B1234567")
    await known(console, *many, account)
    await read(console, frozenset({many[3].id}))
    async with await console.signed_in(StaffRole.SUPERVISOR, "2207") as client:
        first = (await client.get("/reported-frauds?source=police")).text
        following = re.search(r'href="(/reported-frauds\?[^"]*page=2)"', first)
        assert following is not None
        second = (await client.get(following[1].replace("&amp;", "&"))).text
        only = (await client.get("/reported-frauds?by=account&source=railway")).text
        after = (await client.get("/reported-frauds?after=1")).text
        odd = await client.get("/reported-frauds?month=1999-01&source=x&by=x&after=x&page=9999999999")
    assert [len(rows(page, "matched")) for page in (first, second, only, after)] == [50, 1, 1, 1]
    assert many[0].id[-4:] in rows(first, "matched")[0], "the latest report comes first"
    assert many[50].id[-4:] in rows(second, "matched")[0]
    assert "4567" in rows(only, "matched")[0]
    assert many[3].id[-4:] in rows(after, "matched")[0]
    assert (odd.status_code, len(rows(odd.text, "matched"))) == (200, 50)


async def test_an_erased_record_leaves_the_page(console: Stage) -> None:
    gone, stays = match(console, "220802001"), match(console, "220802001")
    await known(console, gone, stays)
    await console.house.line.fraud_matches.drop(gone.id)

    async def dropped() -> bool:
        return console.services.figures.frauds.get(gone.id) is None

    await until(dropped, 10)
    async with await console.signed_in(StaffRole.SUPERVISOR, "2208") as client:
        page = (await client.get("/reported-frauds")).text
    assert len(rows(page, "matched")) == 1
    assert gone.id[-4:] not in page


async def test_without_records_the_page_says_how_they_come_in(console: Stage) -> None:
    async with await console.signed_in(StaffRole.AUDITOR, "220281") as client:
        for language, words in (("zh", "没有公安受案记录"), ("en", "No police records"), ("ko", "접수 기록이 없음")):
            page = (await client.get("/reported-frauds", headers={"accept-language": language})).text
            assert words in page
            assert "quanzu intake frauds day.csv --source police" in page
            assert "/v1/reported-frauds" in page


async def test_the_page_is_in_three_languages(console: Stage) -> None:
    await known(console, match(console, "220322001"), match(console, "220322001", why=UnmatchedReason.AMBIGUOUS))
    await read(console, frozenset(), *groups("220322001", 40, 2))
    async with await console.signed_in(StaffRole.SUPERVISOR, "220322") as client:
        for language, words in (("en", "namesakes"), ("ko", "동명이인"), ("zh", "同名")):
            page = (await client.get("/reported-frauds", headers={"accept-language": language})).text
            assert words in page
            assert "2 / 40" in page


async def test_supervisors_and_auditors_may_look_and_nobody_else(console: Stage) -> None:
    for role in StaffRole:
        if role is StaffRole.SERVICE:
            continue
        async with await console.signed_in(role) as client:
            answer = await client.get("/reported-frauds")
            allowed = role in (StaffRole.SUPERVISOR, StaffRole.AUDITOR)
            assert answer.status_code == (200 if allowed else 403), role
            assert ('href="/reported-frauds"' in answer.text) is allowed, role
