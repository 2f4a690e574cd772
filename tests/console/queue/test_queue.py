"""The queue: in its order, in one's own area, filtered and searched, and told as it changes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from html import escape
from typing import Any

import httpx
import orjson
import pytest

from console.web.auth.who import Who
from console.web.kit.i18n import LANGUAGES
from console.web.live.filters import Filters
from console.web.live.row import Row, latest, row_of
from domain.payments.headline import HeadlineKind, headline_of
from domain.wording.codes import in_language, yuan
from domain.wording.labels import of_step
from schemas.casework.acts import ClaimAct
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.casework.orders import OrderState
from schemas.levels import Action, Level, Outcome
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from schemas.risk.signals import AppKind
from streams.operations import rules
from streams.runtime.settings import POLICY
from streams.state.keys import milliseconds
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage
from tests.domain.builders import policy
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_app, transfer

SECONDS = 10.0
# The state of the money; a call in progress.
WORTH = {
    HeadlineKind.AT_STAKE: {"zh": "尚未止付", "en": "Not stopped", "ko": "지불정지 전"},
    HeadlineKind.STOPPED: {"zh": "止付生效", "en": "Stop in force", "ko": "지불정지 시행 중"},
}
CALLING = {"zh": "可疑通话中，已 ", "en": "suspicious call for ", "ko": "의심 통화 중 "}
ON_THE_DESK = timedelta(minutes=3)  # after so long a red resident waits for an operator


async def yellow(line: Line, division: str, name: str = "某某") -> Resident:
    resident = await line.resident(division=division, name=name)
    await line.signal(scam_app(line, resident))
    return resident


async def red(line: Line, division: str, name: str = "某某") -> Resident:
    """A red resident whose operator's call is on the desk."""
    resident = await line.resident(division=division, name=name)
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    await line.advance(minutes=ON_THE_DESK.total_seconds() / 60)
    return resident


async def known(console: Stage, line: Line, *residents: Resident) -> list[Case]:
    """The cases as they stand, once the console knows them so."""
    cases = [await line.case(resident) for resident in residents]

    async def up_to_date() -> bool:
        rows = [console.services.hub.rows.get(case.id) for case in cases]
        return all(row and row.case.version >= case.version for row, case in zip(rows, cases, strict=True))

    await until(up_to_date, SECONDS)
    return cases


def ids(answer: httpx.Response) -> list[str]:
    """The cases on a page, in their order."""
    return re.findall(r'data-id="([^"]+)"', answer.text)


async def test_a_row_says_why_and_what_comes_next_and_shows_no_name_or_phone(console: Stage, line: Line) -> None:
    resident = await red(line, "220302001", name="欧阳测试")
    (case,) = await known(console, line, resident)
    async with await console.signed_in(StaffRole.OPERATOR, "2203") as client:
        page = (await client.get("/queue")).text
    assert "欧***" in page
    assert "欧阳测试" not in page
    assert escape(in_language("zh").sentence(case.danger.reasons[0])) in page
    row = console.services.hub.rows[case.id]
    assert row.next_step is not None
    assert of_step(row.next_step) in page
    assert 'class="countdown"' in page


async def test_who_is_offered_comes_first_and_then_by_worth(console: Stage, line: Line) -> None:
    low = await yellow(line, "220402001")
    high = await red(line, "220402001")
    await known(console, line, low, high)
    async with await console.signed_in(StaffRole.SUPERVISOR, "2204") as client:
        shown = ids(await client.get("/queue"))
    assert [name for name in shown if name[:-2] in (low.id, high.id)] == [f"{high.id}-1", f"{low.id}-1"]


async def test_a_row_says_in_each_language_what_its_worth_comes_from(console: Stage, line: Line) -> None:
    resident = await red(line, "220402002")
    (case,) = await known(console, line, resident)
    row = console.services.hub.rows[case.id]
    told = {language: plain(console.services.queue.html(row, language)) for language in LANGUAGES}
    money = headline_of(case)  # the bank may have stopped it within these minutes
    for language, words in WORTH[money.kind].items():
        assert f"{yuan(money.amount_fen)} {words}" in told[language]
        assert CALLING[language] in told[language]
    assert "超过等待上限" in told["zh"]
    html = console.services.queue.html(row, "zh")
    assert row.deadline is not None
    assert f'data-label="剩余时间"><time class="countdown" data-at="{milliseconds(row.deadline.at)}"' in html


async def test_a_row_says_that_a_stop_order_waits_for_approval(console: Stage, line: Line) -> None:
    (case,) = await known(console, line, await red(line, "220402004"))
    row = console.services.hub.rows[case.id]
    (order, *_) = case.orders
    for state, said in ((OrderState.PROPOSED, True), (OrderState.APPROVED, False)):
        orders = (order.model_copy(update={"state": state}),)
        other = replace(row, case=case.model_copy(update={"orders": orders}), seq=row.seq + 1 + said)
        assert ('<b class="approve">待审批</b>' in console.services.queue.html(other, "zh")) is said


async def test_when_another_policy_is_in_force_all_rows_are_weighed_anew_and_screens_read_them_anew(
    console: Stage, line: Line
) -> None:
    (case,) = await known(console, line, await red(line, "220402003"))
    hub, text = console.services.hub, POLICY.read_text("utf-8")
    before, mark = hub.rows[case.id], hub.mark
    easier = text.replace("reached = 0.6", "reached = 0.9").replace("busy = 0.1", "busy = 0.9")
    with hub.watching() as screen:
        await rules.publish(line.house.line, easier, "wang")
        await until(lambda: weighs_other(console, before), SECONDS)
        assert await screen.get() is None
    assert hub.since(mark) is None
    assert console.services.queue.html(hub.rows[case.id], "zh") != console.services.queue.html(before, "zh")
    await rules.publish(line.house.line, text, "wang")
    await until(lambda: weighs_as(console, before), SECONDS)


async def test_another_prefectures_cases_are_not_in_the_list_the_stream_or_a_search(console: Stage, line: Line) -> None:
    resident = await yellow(line, "220502001", name="别处之人")
    (case,) = await known(console, line, resident)
    async with await console.signed_in(StaffRole.OPERATOR, "2206") as client:
        assert case.id not in ids(await client.get("/queue"))
        assert ids(await client.post("/queue/search", data={"q": case.id})) == []
        assert ids(await client.post("/queue/search", data={"q": "别处"})) == []
        async with stream(client, mark_before(console, case)) as told:
            first = await anext(told)
    assert case.id not in {row["id"] for row in first["data"]["rows"]}


async def test_filters_leave_out_what_does_not_fit(console: Stage, line: Line) -> None:
    here, there = await line.resident(division="220702001"), await red(line, "220721001")
    await line.signal(scam_app(line, here, kind=AppKind.INVESTMENT))
    one, other = await known(console, line, here, there)
    expected = {
        "": {one.id, other.id},
        "level=yellow": {one.id},
        "area=220721": {other.id},
        "area=2201": set(),
        f"scam={one.danger.scam_type}": {one.id},
        "channel=payment": {other.id},
        "state=offered": {other.id},
        "state=claimed": set(),
        "state=raised": {case.id for case in (one, other) if case.state == "raised"},
        "state=nonsense": {one.id, other.id},
    }
    assert one.danger.scam_type != other.danger.scam_type
    async with await console.signed_in(StaffRole.OPERATOR, "2207") as client:
        for query, wanted in expected.items():
            shown = set(ids(await client.get(f"/queue?{query}")))
            assert shown & {one.id, other.id} == wanted, query


async def test_a_chip_leads_to_those_whose_deadline_expires_within_a_minute_and_counts_them(
    console: Stage, line: Line
) -> None:
    (case,) = await known(console, line, await red(line, "220402005"))
    now, who = console.house.clock.now(), Who("op", "", StaffRole.OPERATOR, "220402005", None, None, "")
    row, chip = console.services.hub.rows[case.id], Filters(state="expiring")
    for seconds, fits in ((61, False), (-5, True), (59, True)):
        due = now + timedelta(seconds=seconds)
        step = Step(id="red.operator", action=Action.OPERATOR_CALL, state=StepState.SENT, due=due)
        changed = case.model_copy(update={"steps": [step], "payments": [], "orders": ()})
        assert chip.fits(replace(row, case=changed), who, now) is fits, seconds
    settled = case.model_copy(update={"steps": [step], "payments": [], "state": CaseState.DISSUADED})
    assert not chip.fits(replace(row, case=settled), who, now)
    async with await console.signed_in(StaffRole.OPERATOR, "220402005") as client:
        told = (await client.get("/queue/rows?state=expiring")).json()
        page = (await client.get("/queue")).text
        assert bool(told["soonest"]) is bool(told["expiring"])
        assert ('<p id="soonest" hidden>' in page) is not bool(told["expiring"])
        assert told["expiring"] == told["total"] == int(chip.fits(row, who, console.house.clock.now()))
        assert f"<strong data-expiring>{told['total']}</strong>" in page
        assert 'href="/queue?state=expiring" data-key="e" title=' in page
        chosen = (await client.get("/queue?state=expiring")).text
        assert 'href="/queue?state=expiring" data-key="e" aria-current="true"' in chosen


async def test_further_rows_come_in_pieces_with_the_mark_to_listen_from(console: Stage, line: Line) -> None:
    residents = [await line.resident(division="220882003") for _ in range(3)]
    await line.signal(*(scam_app(line, resident) for resident in residents))
    await known(console, line, *residents)
    async with await console.signed_in(StaffRole.OPERATOR, "220882003") as client:
        whole = ids(await client.get("/queue"))
        piece = (await client.get("/queue/rows?offset=1&count=1")).json()
    assert piece["total"] == 3
    assert piece["mark"] == console.services.hub.mark
    assert re.findall(r'data-id="([^"]+)"', piece["rows"]) == whole[1:2]


async def test_a_search_finds_by_number_name_and_phone_tail_and_the_audit_has_the_kind_alone(
    console: Stage, line: Line
) -> None:
    resident = await yellow(line, "222402001", name="金某某")
    (case,) = await known(console, line, resident)
    number = resident.phones[0].value
    tail = number[-4:]
    async with await console.signed_in(StaffRole.OPERATOR, "2224") as client:
        for words in (case.id, case.id[:12], "金某", tail, f"{tail[:2]} {tail[2:]}"):
            assert ids(await client.post("/queue/search", data={"q": words})) == [case.id], words
        for part in (number[-5:], number[-10:], number[3:7], number[3:13], number[:13]):
            assert ids(await client.post("/queue/search", data={"q": part})) == [], part
        for whole in (number, number.removeprefix("+"), number.removeprefix("+86")):
            assert case.id in ids(await client.post("/queue/search", data={"q": whole})), whole
        login = client.account.login
    looks = await audited(console, "look-search", by=login)
    assert [look.on for look in looks] == ["case-number", "case-number", "name", *["phone-tail"] * 10]
    assert {(look.reason, look.detail) for look in looks} == {("", "")}


async def test_a_search_for_too_little_says_what_to_enter(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        answer = await client.post("/queue/search", data={"q": "12"})
    assert answer.status_code == 422
    assert "末四位" in answer.text


async def test_a_closed_case_is_found_by_its_whole_number(console: Stage, line: Line) -> None:
    resident = await yellow(line, "220802001")
    await line.end()
    case = await line.case(resident)
    async with await console.signed_in(StaffRole.OPERATOR, "2208") as client:
        assert ids(await client.post("/queue/search", data={"q": case.id})) == [case.id]


async def test_a_change_is_told_to_who_sees_it_and_a_case_that_no_longer_fits_leaves(
    console: Stage, line: Line
) -> None:
    resident = await yellow(line, "220602001")
    (case,) = await known(console, line, resident)
    client = await console.signed_in(StaffRole.OPERATOR, "2206")
    async with client, stream(client, console.services.hub.mark) as told:
        await anext(told)
        await line.operator(resident, ClaimAct(do="claim"), by="li")
        claimed = await next_of(told, case.id)
        await line.dissuade(resident, by="li")
        while (await next_of(told, case.id))["html"] is not None:
            pass  # the call before the outcome may be a change of its own
    assert 'class="by">li<' in claimed["html"]


async def test_after_a_cut_nothing_is_missed_and_an_unknown_mark_is_told_to_load_anew(
    console: Stage, line: Line
) -> None:
    resident = await yellow(line, "220602002")
    (case,) = await known(console, line, resident)
    async with await console.signed_in(StaffRole.OPERATOR, "2206") as client:
        async with stream(client, console.services.hub.mark) as told:
            last = (await anext(told))["id"]
        await line.operator(resident, ClaimAct(do="claim"), by="li")
        await known(console, line, resident)
        async with stream(client, "", last) as told:
            again = await anext(told)
        async with stream(client, "another-process-7") as told:
            lost = await anext(told)
    assert [row["id"] for row in again["data"]["rows"]] == [case.id]
    assert lost["event"] == "reload"


async def test_a_new_red_case_rings_whatever_is_filtered_and_rings_once(console: Stage, line: Line) -> None:
    mark = console.services.hub.mark
    resident = await red(line, "220622001")
    (case,) = await known(console, line, resident)
    async with await console.signed_in(StaffRole.OPERATOR, "2206") as client:
        async with stream(client, f"{mark}&level=blue") as told:
            row = await next_of(told, case.id)
        async with stream(client, console.services.hub.mark) as told:
            await anext(told)
            await line.operator(resident, ClaimAct(do="claim"), by="li")
            later = await next_of(told, case.id)
    assert row["html"] is None
    assert "靖宇县" in row["rings"]
    assert later["rings"] is None


async def test_a_stream_ends_with_its_session(console: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.web.live.stream.LOOK_SECONDS", 0.05)
    client = await console.signed_in(StaffRole.OPERATOR, "2206")
    async with client, stream(client, console.services.hub.mark) as told:
        await anext(told)
        await console.services.sessions.end(client.token)
        events = [event["event"] async for event in told]
    assert events[-1] == "signed-out"


async def test_all_who_listen_in_one_language_get_the_same_rendering(console: Stage, line: Line) -> None:
    resident = await yellow(line, "220602003")
    (case,) = await known(console, line, resident)
    queue, row = console.services.queue, console.services.hub.rows[case.id]
    assert queue.html(row, "zh") is queue.html(row, "zh")
    assert queue.html(row, "en") != queue.html(row, "zh")


async def test_the_next_free_case_is_claimed_and_two_who_ask_at_once_get_two(console: Stage, line: Line) -> None:
    made = await known(console, line, await red(line, "220623001"), await red(line, "220623001"))
    clients = [await console.signed_in(StaffRole.OPERATOR, "220623") for _ in range(3)]
    answers = await asyncio.gather(*(client.post("/queue/next") for client in clients))
    places = sorted(answer.headers["location"] for answer in answers)
    assert places == sorted([*(f"/cases/{case.id}" for case in made), "/queue?told=none"])
    for client in clients:
        await client.aclose()


async def test_of_many_changes_of_one_case_the_last_is_told_and_what_rang_has_rung(console: Stage, line: Line) -> None:
    resident = await red(line, "220602004")
    (case,) = await known(console, line, resident)
    first = replace(row_of(case, resident, None, policy(), console.house.clock.now()), seq=1, rings=True, was="220602")
    second = replace(row_of(case, resident, None, policy(), console.house.clock.now()), seq=2)
    claimed = replace(
        row_of(case.model_copy(update={"claimed_by": "li"}), resident, None, policy(), console.house.clock.now()), seq=3
    )
    assert [(row.seq, row.rings, row.was) for row in latest([first, second])] == [(2, True, "220602")]
    assert [row.rings for row in latest([first, second, claimed])] == [False]


async def test_the_counts_are_of_who_is_in_danger_in_the_area(console: Stage, line: Line) -> None:
    resident = await yellow(line, "220602005")
    await known(console, line, resident)
    before = console.services.hub.levels("220602005")
    await line.operator(resident, ClaimAct(do="claim"))
    await line.dissuade(resident)
    case = await line.case(resident)
    assert case.outcome is Outcome.DISSUADED
    await known(console, line, resident)
    assert (before[Level.YELLOW], console.services.hub.levels("220602005")[Level.YELLOW]) == (1, 0)


async def weighs_as(console: Stage, row: Row) -> bool:
    return console.services.hub.rows[row.id].weight == row.weight


async def weighs_other(console: Stage, row: Row) -> bool:
    return console.services.hub.rows[row.id].weight.fen > row.weight.fen


def plain(html: str) -> str:
    """What is read of it, with one blank where there are several."""
    return " ".join(re.sub("<[^>]+>", "", html).split())


# ---------------------------------------------------------------- listening


@asynccontextmanager
async def stream(client: Client, mark: str, last: str = "") -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The queue's events from a mark on; `last`: the browser's own mark after a cut."""
    headers = {"last-event-id": last} if last else {}
    async with client.stream("GET", f"/queue/events?from={mark}", headers=headers) as answer:
        assert answer.status_code == 200
        yield _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    found: dict[str, Any] = {"event": "message"}
    async for text in answer.aiter_lines():
        name, _, value = text.partition(":")
        if text and name:
            found[name] = value.strip()
        elif "data" in found:
            yield found | {"data": orjson.loads(found["data"]) if found["data"] else None}
            found = {"event": "message"}


async def next_of(told: AsyncIterator[dict[str, Any]], case_id: str) -> dict[str, Any]:
    """What is told next of a case."""
    async with asyncio.timeout(SECONDS):
        async for event in told:
            for row in event["data"]["rows"]:
                if row["id"] == case_id:
                    found: dict[str, Any] = row
                    return found
    raise AssertionError("the stream has ended")


def mark_before(console: Stage, case: Case) -> str:
    """The mark before the case's latest change."""
    hub = console.services.hub
    return hub.mark_of(hub.rows[case.id].seq - 1)
