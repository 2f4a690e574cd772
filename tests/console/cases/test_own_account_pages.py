"""Holds and delays of the resident's own account in the console: proposed, approved and lifted; asked for by a key."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case
from schemas.casework.own_account import OwnHoldState
from schemas.levels import Action
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import done, red, send
from tests.console.harness.stage import Stage
from tests.console.harness.stops import hidden
from tests.domain.casework.own_account.holdworld import GROUND
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.warnings.test_own_hold import holds_enabled

DESK = StaffRole.RELEASE_DESK


@asynccontextmanager
async def talked(line: Line) -> AsyncIterator[tuple[str, Case]]:
    """Somebody in danger whom a talk has not dissuaded, where holds are enabled: their account, and the case."""
    async with holds_enabled(line):
        resident, _ = await red(line)
        await line.operator(resident, NoteAct(what="conversation"))
        await line.operator(resident, NoteAct(what="conversation_ended"))
        yield resident.accounts[0].value, await line.case(resident)


async def listed(console: Stage, case: Case, state: OwnHoldState) -> None:
    """Return when the console's figures have the case's hold in this state."""
    book = console.services.figures.book

    async def seen() -> bool:
        return any(line.case == case.id and line.hold.state is state for line in book.own_holds.values())

    await until(seen, 10.0)


async def test_the_province_without_a_ground_offers_no_hold(console: Stage) -> None:
    line = console.line()
    resident, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        assert 'id="own-account"' not in (await operator.get(f"/cases/{case.id}")).text
        refused = await send(operator, case, "propose_hold", account="0", reason="坚持要转账", duress="yes")
        assert refused.status_code == 409
        assert "没有启用" in refused.text
    assert (await line.case(resident)).own_holds == []


async def test_an_operator_proposes_two_others_approve_and_one_lifts(console: Stage) -> None:
    line = console.line()
    async with talked(line) as (own, case):
        await _proposed_approved_lifted(console, line, own, case)


async def _proposed_approved_lifted(console: Stage, line: Line, own: str, case: Case) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        page = (await operator.get(f"/cases/{case.id}")).text
        assert 'id="own-account"' in page
        assert own not in page, "the account is masked"
        await done(console, operator, case, "propose_hold", account="0", reason="坚持要转账")
        assert (await operator.get(f"/release/own-account/{case.id}/own.1")).status_code == 403
    await listed(console, case, OwnHoldState.PROPOSED)
    path = f"/release/own-account/{case.id}/own.1"
    anna, ben = await console.signed_in(DESK), await console.signed_in(DESK)
    async with anna, ben:
        assert "/release/own-account" in (await anna.get("/release")).text
        assert path in (await anna.get("/release/own-account")).text
        page = (await anna.get(path)).text
        assert GROUND in page
        assert own not in page
        assert (await anna.post(f"{path}/approve", data={"form": hidden(page, "form")})).status_code == 303
        again = await anna.post(f"{path}/approve", data={"form": "a" * 20})
        assert again.status_code == 409, "a second person must approve"
        await line.settle()
        assert [contact for contact in line.bank.left if contact.to == own] == []
        assert (await ben.post(f"{path}/approve", data={"form": "b" * 20})).status_code == 303
        await line.advance(minutes=4)
        line.expect_stop(own, Action.HOLD_OUTGOING)
        printed = (await ben.get(f"{path}/print")).text
        assert "暂停本人账户转出令" in printed
        assert own not in printed
        assert anna.account.login in printed
        assert (await ben.post(f"{path}/lift", data={"form": "c" * 20, "reason": ""})).status_code == 422
        assert (await ben.post(f"{path}/lift", data={"form": "d" * 20, "reason": "子女已到场"})).status_code == 303
        await line.advance(minutes=4)
        english = (await ben.get(path, headers={"accept-language": "en"})).text
        assert "Order to hold an own account" in english or "暂停本人账户转出令" in english
    line.expect_stop(own, Action.LIFT_HOLD)
    (hold,) = (await line.case(line.residents[0])).own_holds
    assert hold.state is OwnHoldState.LIFTED
    assert await audited(console, "approve-hold", case.id, anna.account.login)
    entries = await audited(console, "lift-hold", case.id, ben.account.login)
    assert {entry.reason for entry in entries} == {"子女已到场"}


async def test_an_objection_to_a_hold_is_taken_down_and_reviewed_on_the_pages_of_objections(console: Stage) -> None:
    line = console.line()
    async with talked(line) as (own, case):
        await _objected_and_lifted(console, line, own, case)


async def _objected_and_lifted(console: Stage, line: Line, own: str, case: Case) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        await done(console, operator, case, "propose_hold", account="0", reason="坚持要转账")
    path, begin = f"/release/own-account/{case.id}/own.1", f"/release/objections/{case.id}/own.1"
    for letter in "ab":
        async with await console.signed_in(DESK) as approver:
            assert (await approver.post(f"{path}/approve", data={"form": letter * 20})).status_code == 303
    await line.advance(minutes=4)
    line.expect_stop(own, Action.HOLD_OUTGOING)
    carl, dora = await console.signed_in(DESK), await console.signed_in(StaffRole.SUPERVISOR)
    async with carl, dora:
        assert f'href="{begin}/new"' in (await carl.get(path)).text
        page = (await carl.get(f"{begin}/new")).text
        told = {"form": hidden(page, "form"), "who": "payer", "ground": "lawful_payment", "text": "是购房款"}
        taken = await carl.post(f"{begin}/take", data=told)
        assert taken.status_code == 303, taken.text
        verdict = {"form": "e" * 20, "upheld": "yes", "cause": "lawful_payment", "reason": "合同已核对"}
        assert (await carl.post(f"{taken.headers['location']}/decide", data=verdict)).status_code == 409
        assert (await dora.post(f"{taken.headers['location']}/decide", data=verdict)).status_code == 303
    await line.advance(minutes=4)
    line.expect_stop(own, Action.LIFT_HOLD)
    assert (await line.case(line.residents[0])).own_holds[0].state is OwnHoldState.LIFTED


KEY = 'data-act="delay_outgoing"'


def delays(text: str) -> str:
    """The province's policy with delays of two hours, and still without holds."""
    off = "[own_account]\nenabled = false\n"
    assert off in text
    more = f'[own_account.delay]\nground = "{GROUND}"\nhours = 2\nallowance_fen = 20_000\n'
    return text.replace(off, f"{off}\n{more}")


async def delays_enabled(line: Line, stack: AsyncExitStack) -> None:
    await line.policy(delays)
    stack.push_async_callback(line.policy)


async def test_a_province_without_a_ground_offers_no_delay(console: Stage) -> None:
    line = console.line()
    _, case = await red(line)
    async with await console.signed_in(StaffRole.OPERATOR) as operator:
        await done(console, operator, case, "note", what="conversation")
        page = (await operator.get(f"/cases/{case.id}")).text
        assert KEY not in page
        latest = await line.case(line.residents[0])
        refused = await send(operator, latest, "delay_outgoing")
        assert refused.status_code == 409
        assert "没有启用" in refused.text


async def test_one_key_asks_the_bank_while_the_operator_talks_and_one_ends_it(console: Stage) -> None:
    line = console.line()
    async with AsyncExitStack() as stack:
        await delays_enabled(line, stack)
        resident, case = await red(line)
        own = resident.accounts[0].value
        async with await console.signed_in(StaffRole.OPERATOR) as operator:
            assert KEY not in (await operator.get(f"/cases/{case.id}")).text, "nobody talks yet"
            await done(console, operator, case, "note", what="conversation")
            assert KEY in (await operator.get(f"/cases/{case.id}")).text
            await done(console, operator, case, "delay_outgoing")
            await line.advance(minutes=4)
            line.expect_stop(own, Action.HOLD_OUTGOING)
            page = (await operator.get(f"/cases/{case.id}")).text
            assert KEY not in page
            assert 'data-act="end_delay"' in page
            assert own not in page, "the account is masked"
            await done(console, operator, case, "end_delay")
            await line.advance(minutes=4)
            line.expect_stop(own, Action.LIFT_HOLD)
            (hold,) = (await line.case(resident)).own_holds
            assert (hold.is_delay, hold.hours, hold.state) == (True, 2, OwnHoldState.LIFTED)
            assert await audited(console, "delay-outgoing", case.id, operator.account.login)
            assert await audited(console, "end-delay", case.id, operator.account.login)
