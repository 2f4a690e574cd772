"""Claims: nobody takes a case twice, a forgotten one comes back by itself."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from console.web.live.returns import Returns
from schemas.casework.acts import ClaimAct, OutcomeAct
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.channels.operator_calls import OperatorCallReport, OperatorCallState
from schemas.codes.people import ClaimRanOut
from schemas.levels import Outcome, OutcomeGround
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from streams.casework.claims import BEATS, LEASE
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app

SECONDS = 15.0
JSON = {"accept": "application/json"}
SHORT = timedelta(seconds=1)


@pytest.fixture
def short_lease(console: Stage) -> Iterator[None]:
    """Leases that run out within a second."""
    console.services.desk.lease = SHORT
    yield
    console.services.desk.lease = LEASE


async def open_case(console: Stage, line: Line) -> tuple[Resident, Case]:
    """A yellow case that the console knows."""
    resident = await line.resident()
    await line.signal(scam_app(line, resident))
    case = await line.case(resident)

    async def there() -> bool:
        return case.id in console.services.hub.rows

    await until(there, SECONDS)
    return resident, case


async def held(client: Client, case: Case, what: str) -> bool:
    """Whether the case is the client's after it has asked for `what`."""
    answer = await client.post(f"/cases/{case.id}/{what}", headers=JSON)
    assert answer.status_code in (200, 409)
    found: bool = answer.json()["held"]
    return found


async def has_come_back(line: Line, resident: Resident) -> bool:
    return (await line.case(resident)).claimed_by is None


async def test_of_two_who_take_a_case_at_once_one_gets_it(console: Stage, line: Line) -> None:
    resident, case = await open_case(console, line)
    clients = [await console.signed_in(StaffRole.OPERATOR) for _ in range(2)]
    took = await asyncio.gather(*(held(client, case, "claim") for client in clients))
    assert sorted(took) == [False, True]
    assert (await line.case(resident)).claimed_by == clients[took.index(True)].account.login
    page = await clients[took.index(False)].post(f"/cases/{case.id}/claim")
    assert (page.status_code, "已有他人接手" in page.text) == (409, True)
    for client in clients:
        await client.aclose()


async def test_who_takes_his_own_case_again_has_it_and_it_is_one_claim(console: Stage, line: Line) -> None:
    resident, case = await open_case(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert [await held(client, case, "claim") for _ in range(2)] == [True, True]
    assert len(await line.facts(resident, FactKind.CLAIMED)) == 1


async def test_a_claim_whose_page_was_closed_comes_back_with_a_note(
    console: Stage, line: Line, short_lease: None
) -> None:
    resident, case = await open_case(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert await held(client, case, "claim")
        await until(lambda: has_come_back(line, resident), SECONDS)
        login = client.account.login
        (fact,) = await line.facts(resident, FactKind.UNCLAIMED)
        assert fact.what == ClaimRanOut(login)
        assert (await line.case(resident)).returned_from == login
        await until(lambda: _shown(client, f"超时退回：{client.account.name}"), SECONDS)
        assert await held(client, case, "claim")
    assert (await line.case(resident)).returned_from is None


async def test_a_claim_without_a_page_stays_while_the_gateway_says_that_its_holder_talks(
    console: Stage, line: Line, short_lease: None
) -> None:
    resident, case = await open_case(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as first:
        assert await held(first, case, "claim")
        talk = OperatorCallReport(
            call="c1",
            case=case.id,
            operator=first.account.login,
            sequence=1,
            state=OperatorCallState.CONNECTED,
            answered=True,
        )
        await console.services.live_calls.take(talk, console.services.line.clock.now())
        await asyncio.sleep(4)
        assert (await line.case(resident)).claimed_by == first.account.login
        over = talk.model_dump() | {"sequence": 2, "state": "ended", "result": "answered"}
        await console.services.live_calls.take(
            OperatorCallReport.model_validate(over), console.services.line.clock.now()
        )
        await until(lambda: has_come_back(line, resident), SECONDS)


async def test_a_claim_that_is_renewed_stays(console: Stage, line: Line, short_lease: None) -> None:
    resident, case = await open_case(console, line)
    ends = time.monotonic() + 3 * SHORT.total_seconds()
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert await held(client, case, "claim")

        async def long_enough() -> bool:
            assert await held(client, case, "renew")
            return time.monotonic() > ends

        await until(long_enough, SECONDS)
    assert await line.facts(resident, FactKind.UNCLAIMED) == []


async def test_a_page_is_told_when_to_say_again_that_it_is_open(console: Stage, line: Line) -> None:
    _, case = await open_case(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert await held(client, case, "claim")
        told = (await client.post(f"/cases/{case.id}/renew", headers=JSON)).json()
    assert told == {"held": True, "seconds": LEASE.total_seconds() / BEATS}


async def test_a_lease_that_redis_has_lost_is_taken_again_by_the_open_page(console: Stage, line: Line) -> None:
    _, case = await open_case(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert await held(client, case, "claim")
        await console.services.desk.release(case.id)
        assert await held(client, case, "renew")
    assert await console.services.desk.leased([case.id]) == [True]


async def test_another_cannot_keep_or_end_a_claim_that_is_not_his(console: Stage, line: Line) -> None:
    resident, case = await open_case(console, line)
    first, second = [await console.signed_in(StaffRole.OPERATOR) for _ in range(2)]
    assert await held(first, case, "claim")
    assert not await held(second, case, "renew")
    assert not await held(second, case, "release")
    assert await held(first, case, "renew")
    assert (await line.case(resident)).claimed_by == first.account.login
    await first.aclose()
    await second.aclose()


async def why(client: Client, case: Case) -> str:
    """What the open page is told of a claim that it no longer holds."""
    told = (await client.post(f"/cases/{case.id}/renew", headers=JSON)).json()
    assert not told["held"]
    return str(told["why"])


async def test_whose_case_an_officers_result_has_settled_is_told_so_and_not_that_his_time_was_over(
    console: Stage, line: Line
) -> None:
    resident, case = await open_case(console, line)
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert await held(client, case, "claim")
        await line.settle()
        told = OutcomeAct(outcome=Outcome.DISSUADED, ground=OutcomeGround.RELATIVE)
        await line.operator(resident, told, by="officer-7")
        assert await why(client, case) == "officer-7 已登记：已劝阻。此预警不再由您处置。"


async def test_who_did_not_report_in_time_is_told_that_and_who_has_the_case_by_name(console: Stage, line: Line) -> None:
    resident, case = await open_case(console, line)
    first, second = [await console.signed_in(StaffRole.OPERATOR) for _ in range(2)]
    assert await held(first, case, "claim")
    await line.settle()
    await line.operator(resident, ClaimAct(do="unclaim", ran_out=True), by=first.account.login)
    assert "超时未登记" in await why(first, case)
    assert await held(second, case, "claim")
    await line.settle()
    assert second.account.name in await why(first, case)
    await first.aclose()
    await second.aclose()


async def test_a_case_given_back_is_free_for_the_next(console: Stage, line: Line) -> None:
    resident, case = await open_case(console, line)
    first, second = [await console.signed_in(StaffRole.OPERATOR) for _ in range(2)]
    assert await held(first, case, "claim")
    assert not await held(first, case, "release")
    assert (await line.case(resident)).returned_from is None
    assert await held(second, case, "claim")
    await first.aclose()
    await second.aclose()


async def test_a_case_of_another_prefecture_cannot_be_claimed_and_is_not_told_apart_from_none(
    console: Stage, line: Line
) -> None:
    _, case = await open_case(console, line)
    async with await console.signed_in(StaffRole.OPERATOR, "2202") as client:
        for what in ("claim", "renew", "release"):
            elsewhere = await client.post(f"/cases/{case.id}/{what}", headers=JSON)
            nowhere = await client.post(f"/cases/{case.resident}-99/{what}", headers=JSON)
            assert (elsewhere.status_code, elsewhere.content) == (404, nowhere.content)


async def test_two_consoles_give_a_forgotten_claim_back_once(console: Stage, line: Line, short_lease: None) -> None:
    resident, case = await open_case(console, line)
    await line.operator(resident, ClaimAct(do="claim"), by="gone")  # and no lease with it

    async def claimed() -> bool:
        row = console.services.hub.rows.get(case.id)
        return row is not None and row.case.claimed_by == "gone"

    await until(claimed, SECONDS)
    others = [Returns(console.services) for _ in range(2)]

    async def looked() -> bool:
        for other in others:
            await other.return_expired()
        return await has_come_back(line, resident)

    await until(looked, SECONDS)
    await line.settle()
    assert len(await line.facts(resident, FactKind.UNCLAIMED)) == 1
    assert await line.facts(resident, FactKind.REFUSED) == []


async def _shown(client: Client, words: str) -> bool:
    return words in (await client.get("/queue")).text
