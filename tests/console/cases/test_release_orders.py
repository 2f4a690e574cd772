"""A stop order at the release desk: nothing reaches the bank before a person has read it and approved."""

import asyncio
import re
from datetime import datetime, time, timedelta

import pytest

from console.web.kit.described import WordedCase
from console.web.kit.wording import wording
from domain.calendar import JILIN, local_date
from domain.identity.own_words import masked_words, without_words
from domain.payments.capitals import capitals
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case, StopState
from schemas.casework.orders import OrderState
from schemas.levels import Result
from schemas.people.staff import StaffRole
from tests.console.centre.test_desk_page import EVENTS, parts
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import reveal
from tests.console.harness.stage import Stage
from tests.console.harness.stops import hidden, stopped
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

SECONDS = 10.0
VALUE = re.compile(r'value="[^"]*"')
DESK = StaffRole.RELEASE_DESK


async def proposed(console: Stage, line: Line, mule: str) -> Case:
    """A red case whose stop order waits, and the console knows of it."""
    line.approves = False
    somebody = await line.resident(calls=[Result.ACKNOWLEDGED])
    await line.signal(call(line, somebody), transfer(line, somebody, mule))
    await line.advance(minutes=2)
    case = await line.case(somebody)
    book = console.services.figures.book

    async def seen() -> bool:
        return (case.id, "stop.0") in book.orders

    await until(seen, SECONDS)
    return case


async def test_an_order_waits_at_the_desk_and_goes_to_the_bank_with_an_approval(console: Stage) -> None:
    line = console.line()
    mule = line.account()
    case = await proposed(console, line, mule)
    path = f"/release/orders/{case.id}/stop.0"
    assert line.bank.left == []
    async with await console.signed_in(DESK) as anna:
        assert path in (await anna.get("/release")).text
        page = (await anna.get(path)).text
        assert mule not in page, "the account is masked"
        assert "批准止付" in page
        assert int(hidden(page, "seen")) >= case.version, "an amount that changes meanwhile is not approved"
        answer = await anna.post(f"{path}/approve", data={"form": hidden(page, "form"), "seen": hidden(page, "seen")})
        assert answer.status_code == 303, answer.text
        await line.settle()
        again = await anna.post(f"{path}/approve", data={"form": "another-form"})
        assert again.status_code == 409
    line.expect_stop(mule)
    assert await audited(console, "approve-stop", case.id, anna.account.login)


async def test_state_amount_bank_and_time_left_come_first_in_each_list_and_on_each_page(console: Stage) -> None:
    stop, line = await stopped(console), console.line()
    case = await proposed(console, line, line.account())
    async with await console.signed_in(DESK) as anna:
        desk = (await anna.get("/release")).text
        own = [(await anna.get(path)).text for path in (f"/release/orders/{case.id}/stop.0", stop.path)]
    first = ["状态", "金额", "付款银行", "剩余时间"]
    tables = desk.split('<table class="money')[1:]
    assert len(tables) >= 2, "orders that wait, and stops"
    assert all(re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', table)[:4] == first for table in tables)
    for page in own:
        assert re.findall(r"<dt>([^<]+)</dt>", page.partition('class="facts key"')[2])[:4] == first
    row = tables[0].partition(f'/release/orders/{case.id}/stop.0"')[0].rpartition("<tr")[2]
    assert "待审批 <small>已批准 0 / " in row
    assert f"<td>{case.payments[0].transfer.partition(':')[0]}</td>" in row


async def test_the_desks_stream_tells_of_an_order_when_it_comes_and_when_it_is_decided(console: Stage) -> None:
    async with (
        await console.signed_in(DESK) as anna,
        anna.stream("GET", "/release/stream", headers=EVENTS) as answer,
    ):
        told = parts(answer)
        assert set(await anext(told)) == {"orders", "objections_waiting", "requests_waiting", "freezes"}
        case = await proposed(console, console.line(), console.line().account())
        path = f"/release/orders/{case.id}/stop.0"
        async with asyncio.timeout(10):
            async for changed in told:
                if path in changed.get("orders", ""):
                    break
        page = (await anna.get(path)).text
        assert (await anna.post(f"{path}/decline", data={"form": hidden(page, "form"), "reason": "误报"})).is_redirect
        async with asyncio.timeout(10):
            async for changed in told:
                if "orders" in changed and path not in changed["orders"]:
                    break
        assert (await anna.get("/release/stream")).headers["location"] == "/release"


async def test_an_order_that_is_declined_reaches_no_bank(console: Stage) -> None:
    line = console.line()
    mule = line.account()
    case = await proposed(console, line, mule)
    path = f"/release/orders/{case.id}/stop.0"
    async with await console.signed_in(DESK) as anna:
        page = (await anna.get(path)).text
        for reason in ("", "\x02\x96\u200b", "a\x02"):  # control characters and invisible ones are no reason
            short = await anna.post(f"{path}/decline", data={"form": hidden(page, "form"), "reason": reason})
            assert short.status_code == 422
        told = {"form": hidden(page, "form"), "reason": "his landlord"}
        assert (await anna.post(f"{path}/decline", data=told)).status_code == 303
    await line.advance(minutes=10)
    assert line.bank.left == []
    (order,) = (await line.case(line.residents[0])).orders
    assert order.state is OrderState.DECLINED


async def test_an_order_that_there_is_not_is_not_found(console: Stage) -> None:
    async with await console.signed_in(DESK) as anna:
        assert (await anna.get("/release/orders/raaaaaaaaaaaaaaaa-1/stop.0")).status_code == 404


@pytest.mark.parametrize("act", ["approve", "decline", "hand-over", "end-freeze"])
async def test_an_act_on_an_order_whose_name_cannot_be_one_is_not_found(console: Stage, act: str) -> None:
    case, given = (await stopped(console)).case, {"form": "a" * 16, "reason": "因测试需要核对", "decision": "9 号"}
    async with await console.signed_in(DESK) as anna:
        for name in ("Ă", "a" * 80):
            answer = await anna.post(f"/release/orders/{case.id}/{name}/{act}", data=given)
            assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("act", ["approve", "decline", "lift"])
async def test_an_act_on_a_hold_whose_name_cannot_be_one_is_not_found(console: Stage, act: str) -> None:
    case, given = (await stopped(console)).case, {"form": "a" * 16, "reason": "因测试需要核对"}
    async with await console.signed_in(DESK) as anna:
        for name in ("Ă", "a" * 80):
            answer = await anna.post(f"/release/own-account/{case.id}/{name}/{act}", data=given)
            assert answer.status_code == 404, answer.text


async def test_a_person_records_that_an_authority_has_frozen_the_account(console: Stage) -> None:
    stop = await stopped(console)
    (order,) = stop.case.orders
    path = f"/release/orders/{stop.case.id}/{order.step}"
    async with await console.signed_in(DESK) as anna:
        assert order.number in (await anna.get(stop.path)).text, "the stop's page names its orders"
        page = (await anna.get(path)).text
        given = {"form": hidden(page, "form"), "authority": "长春市公安局"}
        assert (await anna.post(f"{path}/hand-over", data=given)).status_code == 422
        given["decision"] = "吉公冻字〔2026〕17号 13900000001"
        answer = await anna.post(f"{path}/hand-over", data=given)
        assert answer.status_code == 303, answer.text
        page = (await anna.get(path)).text
        assert "吉公冻字〔2026〕17号 *******0001" in page
        assert "吉公冻字〔2026〕17号 *******0001" in (await anna.get(f"{path}/print")).text
        assert 'id="decision"' not in page, "what is handed over cannot be handed over again"
    case = await stop.now()
    (payment,) = case.payments
    assert payment.stop is not None
    assert payment.stop.state is StopState.FROZEN
    (masked,), (bare,) = (WordedCase.of(case, wording("zh"), each).orders for each in (masked_words, without_words))
    assert masked.freezing is not None
    assert masked.freezing.decision == "吉公冻字〔2026〕17号 *******0001"
    assert bare.freezing is None
    (entry,) = await audited(console, "hand-over-stop", stop.case.id)
    assert (entry.by, entry.reason) == (anna.account.login, order.step)


async def test_another_person_records_that_the_freeze_has_ended_and_all_pages_say_so(console: Stage) -> None:
    stop = await stopped(console)
    path = f"/release/orders/{stop.case.id}/{stop.case.orders[0].step}"
    async with await console.signed_in(DESK) as anna, await console.signed_in(StaffRole.SUPERVISOR) as chief:
        given = {
            "form": hidden((await anna.get(path)).text, "form"),
            "authority": "长春市公安局",
            "decision": "冻字17号",
        }
        assert (await anna.post(f"{path}/hand-over", data=given)).status_code == 303
        page = (await anna.get(path)).text
        assert 'id="renewal"' in page
        assert 'id="ended"' not in page, "who recorded the freeze does not record its end"
        page = (await chief.get(path)).text
        for until_day in ("yesterday", "9999-12-31"):
            renewal = {"form": hidden(page, "form"), "decision": "续冻字18号", "until": until_day}
            answer = await chief.post(f"{path}/hand-over", data=renewal)
            assert answer.status_code == 422
            assert {'value="续冻字18号"', f'value="{until_day}"'} <= set(VALUE.findall(answer.text)), "nothing is lost"
        answer = await chief.post(f"{path}/hand-over", data=renewal | {"until": "2020-01-01"})
        assert answer.status_code == 409, "the case refuses a day that is over"
        assert {'value="续冻字18号"', 'value="2020-01-01"'} <= set(VALUE.findall(answer.text)), "nothing is lost"
        end = {"form": hidden(page, "form"), "decision": ""}
        assert (await chief.post(f"{path}/end-freeze", data=end)).status_code == 422
        answer = await chief.post(f"{path}/end-freeze", data=end | {"decision": "解冻字3号"})
        assert answer.status_code == 303, answer.text
        for language, words in (
            ("zh", "原批准机关决定"),
            ("en", "Decided by the approving authority"),
            ("ko", "승인한 기관의 결정"),
        ):
            page = (await chief.get(path, headers={"accept-language": language})).text
            assert words in page
            assert words in (await chief.get(f"{path}/print", headers={"accept-language": language})).text
        for language, words in (("zh", "冻结已解除"), ("en", "Freeze ended"), ("ko", "동결 해제됨")):
            assert words in (await chief.get(f"/cases/{stop.case.id}", headers={"accept-language": language})).text
    (payment,) = (await stop.now()).payments
    assert payment.stop is not None
    assert payment.stop.state is StopState.RELEASED
    (entry,) = await audited(console, "end-freeze", stop.case.id)
    assert entry.by == chief.account.login


async def test_a_freeze_that_ends_within_a_week_is_listed_at_the_desk_and_shown_on_its_case(console: Stage) -> None:
    stop = await stopped(console)
    order, book = stop.case.orders[0], console.services.figures.book
    path = f"/release/orders/{stop.case.id}/{order.step}"
    titles = {"zh": "即将到期的冻结", "en": "Freezes that end soon", "ko": "곧 만료되는 동결"}
    async with await console.signed_in(DESK) as anna, await console.signed_in(StaffRole.SUPERVISOR) as chief:
        assert titles["zh"] not in (await anna.get("/release")).text
        last = local_date(console.services.line.clock.now()) + timedelta(days=5)
        given = {
            "form": hidden((await anna.get(path)).text, "form"),
            "authority": "长春市公安局",
            "decision": "冻字17号",
        }
        assert (await anna.post(f"{path}/hand-over", data=given | {"until": f"{last}"})).status_code == 303
        ends = datetime.combine(last + timedelta(days=1), time(), JILIN)
        left = f'data-at="{round(ends.timestamp() * 1000)}"'

        async def listed() -> bool:
            return book.orders[stop.case.id, order.step].order.freezing is not None

        await until(listed, SECONDS)
        for language, title in titles.items():
            desk = (await anna.get("/release", headers={"accept-language": language})).text
            part = desk.partition('data-live="freezes"')[2].partition("</section>")[0]
            assert all(each in part for each in (title, path, left)), language
        assert "须由另一人登记解除" in (await anna.get(path)).text, "five days are less than six months"
        assert left in (await chief.get(f"/cases/{stop.case.id}")).text


async def test_an_order_is_printed_with_its_account_whole_only_while_it_is_revealed(console: Stage) -> None:
    stop = await stopped(console)
    (order,) = stop.case.orders
    path = f"/release/orders/{stop.case.id}/{order.step}/print"
    async with await console.signed_in(StaffRole.AUDITOR) as rita:
        assert f'href="{path}"' in (await rita.get(f"/audit/export/{stop.case.id}")).text
        page = (await rita.get(path)).text
        assert "返回止付令" not in page, "the release desk is not an auditor's"
        assert order.number in page
        assert capitals(order.amount_fen) in page
        assert stop.mule not in page, "the account is masked"
        assert 'class="watermark"' not in page
        assert order.approvals
        names, signs = await console.services.staff.names(), page.split('class="signs"')[1]
        for login in [each.by for each in order.approvals]:
            name = names.get(login)
            assert (f"{name} ({login})" if name else login) in page
            assert f"<strong>{name or login}</strong>" in signs
        assert "<td> (" not in page, "no empty name before a login"
        assert (await reveal(rita, stop.case, why="checking", reason="复核文书", form="a" * 20)).status_code == 303
        page = (await rita.get(path)).text
        assert stop.mule in page
        assert f"<span>{rita.account.login} " in page.split('class="watermark"')[1]
    entries = await audited(console, "look-order-print", stop.case.id)
    assert [each.detail for each in entries] == [order.number, f"{order.number} account in full"]
    async with await console.signed_in(StaffRole.OPERATOR) as olga:
        assert (await olga.get(path)).status_code == 403


async def test_who_approves_may_also_approve_later_stops_within_limits_that_the_page_shows(console: Stage) -> None:
    line = console.line()
    mule = line.account()
    case = await proposed(console, line, mule)
    path = f"/release/orders/{case.id}/stop.0"
    given = {"later": "yes", "hops": "2", "accounts": "3", "yuan": "20000", "hours": "6"}
    async with await console.signed_in(DESK) as anna:
        page = (await anna.get(path)).text
        assert 'name="later"' in page
        assert "超过此限须两人批准：最多 5 层、12 个账户，合计 ¥1,000,000，24 小时内" in page
        form = {"form": hidden(page, "form")}
        for wrong in ({"hops": "0"}, {"hours": "49"}, {"yuan": "x"}, {"accounts": ""}):
            assert (await anna.post(f"{path}/approve", data=form | given | wrong)).status_code == 422, wrong
        assert (await line.case(line.residents[0])).orders[0].state is OrderState.PROPOSED
        answer = await anna.post(f"{path}/approve", data=form | given)
        assert answer.status_code == 303, answer.text
        await line.settle()
        async with await console.signed_in(StaffRole.OPERATOR) as olga:
            pages = [(await anna.get(path)).text, (await anna.get(f"{path}/print")).text]
            pages.append((await olga.get(f"/cases/{case.id}")).text)
        for page in pages:
            assert "最多 2 层、3 个账户，合计 ¥20,000，6 小时内" in page
            assert "尚余 3 个账户、¥20,000" in page
        assert 'name="later"' not in pages[0], "it is signed once"
    (order,) = (await line.case(line.residents[0])).orders
    assert order.later is not None
    assert (order.later.limits.hops, order.later.limits.amount_fen, order.later.persons) == (2, 2_000_000, 1)
    line.expect_stop(mule)


async def test_limits_above_what_one_person_may_sign_wait_for_another_on_the_orders_page(console: Stage) -> None:
    line = console.line()
    mule = line.account()
    case = await proposed(console, line, mule)
    path = f"/release/orders/{case.id}/stop.0"
    given = {"later": "yes", "hops": "6", "accounts": "12", "yuan": "20000", "hours": "6"}
    async with await console.signed_in(DESK) as anna, await console.signed_in(DESK) as bo:
        page = (await anna.get(path)).text
        assert (await anna.post(f"{path}/approve", data={"form": hidden(page, "form")} | given)).status_code == 303
        await line.settle()
        page = (await anna.get(path)).text
        assert "待另一人批准" in page
        assert 'name="later"' not in page, "the same person does not sign twice"
        page = (await bo.get(path)).text
        assert 'value="6" readonly' in page
        assert (await bo.post(f"{path}/approve", data={"form": hidden(page, "form")} | given)).status_code == 303
        await line.settle()
        assert "尚余 12 个账户、¥20,000" in (await bo.get(path)).text
    (order,) = (await line.case(line.residents[0])).orders
    assert order.later is not None
    assert len(order.later.approvals) == order.later.persons == 2
    line.expect_stop(mule)


async def test_a_freeze_that_ends_soon_is_listed_however_many_orders_are_newer(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await stopped(console)
    path = f"/release/orders/{old.case.id}/{old.case.orders[0].step}"
    book = console.services.figures.book
    async with await console.signed_in(DESK) as anna:
        last = local_date(console.services.line.clock.now()) + timedelta(days=5)
        given = {
            "form": hidden((await anna.get(path)).text, "form"),
            "authority": "长春市公安局",
            "decision": "冻字18号",
        }
        assert (await anna.post(f"{path}/hand-over", data=given | {"until": f"{last}"})).status_code == 303
        later = await stopped(console)
        monkeypatch.setattr("domain.payments.bank_book.MOST", 1)  # as after 100,000 later orders
        await later.line.operator(later.resident, NoteAct(what="busy"))

        async def dropped() -> bool:
            return (old.case.id, old.case.orders[0].step) not in book.orders

        await until(dropped, SECONDS)
        desk = (await anna.get("/release")).text
        assert path in desk.partition('data-live="freezes"')[2].partition("</section>")[0]
