"""A stop order at the release desk: nothing reaches the bank before a person has read it and approved."""

from schemas.casework.cases import Case
from schemas.casework.orders import OrderState
from schemas.levels import Result
from schemas.people.staff import StaffRole
from tests.console.harness.stage import Stage
from tests.console.harness.stops import audited, hidden
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

SECONDS = 10.0
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
        answer = await anna.post(f"{path}/approve", data={"form": hidden(page, "form")})
        assert answer.status_code == 303, answer.text
        await line.settle()
        again = await anna.post(f"{path}/approve", data={"form": "another-form"})
        assert again.status_code == 409
    line.expect_stop(mule)
    (entry,) = [each for each in await audited(console, "approve-stop", case.id) if each.by == anna.account.login][:1]
    assert entry.by == anna.account.login


async def test_an_order_that_is_declined_reaches_no_bank(console: Stage) -> None:
    line = console.line()
    mule = line.account()
    case = await proposed(console, line, mule)
    path = f"/release/orders/{case.id}/stop.0"
    async with await console.signed_in(DESK) as anna:
        page = (await anna.get(path)).text
        short = await anna.post(f"{path}/decline", data={"form": hidden(page, "form"), "reason": ""})
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
