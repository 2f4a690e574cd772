"""Suspects whom very many have paid: the page where a supervisor decides whether those who paid before are alerted."""

import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from schemas.levels import Action
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from schemas.risk.fan_outs import PayersRequest, RequestState
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import confirmed, transfer


def form(**fields: str) -> dict[str, str]:
    return {"form": secrets.token_hex(10), "reason": "支付公司的账户，已向银行核实", **fields}


@pytest_asyncio.fixture(loop_scope="session")
async def line(console: Stage) -> AsyncIterator[Line]:
    """A test's own residents, under a policy that asks about more than two payers."""
    begun = console.line()
    await begun.policy(lambda text: re.sub(r"payers_without_asking = \d+", "payers_without_asking = 2", text))
    try:
        yield begun
    finally:
        await begun.policy()
        await begun.end()


async def asked(console: Stage, line: Line) -> tuple[PayersRequest, list[Resident]]:
    """An account that three have paid, confirmed as a scammer's."""
    requests, mule = console.services.line.payers_requests, line.account()
    before = {each.id for each in await requests.all()}
    payers = [await line.resident() for _ in range(3)]
    usual: dict[str, Any] = {"ago": 60, "state": "settled", "new_payee": False}
    await line.signal(*(transfer(line, payer, mule, **usual) for payer in payers))
    await line.signal(confirmed(line, mule))
    (request,) = [each for each in await requests.all() if each.id not in before]
    return request, payers


async def answered(client: Client, request: PayersRequest, **fields: str) -> int:
    return (await client.post(f"/payers/{request.id}", data=form(**fields))).status_code


async def test_a_supervisor_sees_how_many_paid_and_some_of_them_masked_and_alerts_them_all(
    console: Stage, line: Line
) -> None:
    request, payers = await asked(console, line)
    line.expect_nothing_else()
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        assert f'href="/payers/{request.id}"' in (await client.get("/payers")).text
        shown = (await client.get(f"/payers/{request.id}")).text
        assert re.search(rf"<dt>付款人数</dt><dd>{len(payers)}</dd>", shown)
        assert not any(holding.value in shown for payer in payers for holding in (*payer.accounts, *payer.phones))
        assert not any(payer.name in shown for payer in payers if len(payer.name) > 1)
        english = await client.get(f"/payers/{request.id}", headers={"accept-language": "en"})
        assert "Awaiting decision" in english.text
        assert await answered(client, request, answer="alert", reason="") == 422
        assert await answered(client, request, answer="alert") == 303
        assert await answered(client, request, answer="refuse") == 409
        found = await console.services.line.payers_requests.get(request.id)
        assert found is not None
        assert (found.state, found.answered_by) == (RequestState.ALERTED, client.account.login)
    await line.advance(seconds=65)
    for payer in payers:
        line.expect(Action.SMS, payer)
    assert len(await audited(console, "payers-alerted", request.id)) == 1


async def test_who_is_refused_stays_unalerted(console: Stage, line: Line) -> None:
    request, payers = await asked(console, line)
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        assert await answered(client, request, answer="refuse") == 303
        assert "不提醒" in (await client.get(f"/payers/{request.id}")).text
    await line.advance(seconds=65)
    line.expect_nothing_else()
    assert await line.no_case(payers[0])


async def test_others_than_supervisors_do_not_see_it(operator: Client) -> None:
    assert (await operator.get("/payers")).status_code == 403
