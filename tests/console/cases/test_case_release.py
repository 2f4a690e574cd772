"""A stop is lifted by two persons also where the first of them sits at the case's page, or is a program."""

import secrets
from typing import Any

import httpx

from domain.payments import releases
from schemas.casework.cases import StopState
from schemas.casework.events import FactKind
from schemas.channels.releases import ReleaseRequest
from schemas.codes.money import ReleaseApproved
from schemas.codes.refusals import TwoPersons
from schemas.levels import Action
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, send
from tests.console.harness.stage import Client, Stage
from tests.console.harness.stops import Stopped, hidden, stopped

REASON = "生活困难，本月房租到期"


async def asks(client: Client, stop: Stopped, **fields: str) -> httpx.Response:
    """The form of the case page that asks for the release, as its script sends it."""
    now = await stop.now()
    given = {"transfer": now.payments[0].transfer, "reason": REASON} | fields
    return await send(client, now, "release_stop", given, headers=JSON)


async def waiting(console: Stage, stop: Stopped) -> ReleaseRequest:
    """The one request on the stop that nobody has decided on."""
    (found,) = [each for each in await console.services.line.releases.all() if each.case == stop.case.id]
    assert releases.is_open(found)
    return found


async def approve(client: Client, request: ReleaseRequest) -> int:
    page = (await client.get(f"/release/requests/{request.id}")).text
    seen = hidden(page, "seen") if 'name="seen"' in page else "1"
    told = {"form": secrets.token_hex(10), "seen": seen}
    return (await client.post(f"/release/requests/{request.id}/approve", data=told)).status_code


async def test_what_one_person_does_on_the_case_page_asks_for_the_release_and_tells_the_bank_nothing(
    console: Stage, operator: Client
) -> None:
    stop = await stopped(console)
    assert (await asks(operator, stop, sure="")).json()["ask"] == "sure", "it is looked at once more"
    told = (await asks(operator, stop)).json()
    assert (told["answer"], "等另一人审批" in told["words"]) == ("done", True)
    await stop.line.settle()
    assert (await waiting(console, stop)).asked_by == operator.account.login
    page = (await operator.get(f"/cases/{stop.case.id}")).text
    assert f"{operator.account.name} 已申请解除止付，等另一人审批" in page
    assert 'value="release_stop"' not in page, "it is asked for already"
    (payment,) = (await stop.now()).payments
    assert payment.stop is not None
    assert payment.stop.state is StopState.IN_FORCE
    assert await audited(console, "release-asked", stop.case.id)
    again = await asks(operator, stop)
    assert (again.status_code, again.json()["words"]) == (409, "这笔止付已有待审批的解除申请。")


async def test_who_asked_on_the_case_page_does_not_approve_and_another_does(console: Stage, operator: Client) -> None:
    stop = await stopped(console)
    async with (
        await console.signed_in(StaffRole.SUPERVISOR) as chief,
        await console.signed_in(StaffRole.RELEASE_DESK) as anna,
    ):
        assert (await asks(chief, stop)).status_code == 200
        request = await waiting(console, stop)
        assert await approve(operator, request) == 403, "operators do not approve"
        assert await approve(chief, request) == 409
        assert await approve(anna, request) == 303
    await stop.line.advance(minutes=3)
    stop.line.expect_stop(stop.mule, Action.STOP_RELEASE)
    found = await stop.line.facts(stop.resident, FactKind.STOP)
    lifted = [(fact.by, fact.what) for fact in found if isinstance(fact.what, ReleaseApproved)]
    approver = anna.account.login
    assert lifted == [(approver, ReleaseApproved(chief.account.login, approver, REASON, request.id))]


async def by_program(client: Client, stop: Stopped, key: str, **fields: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    now = await stop.now()
    act = {"do": "release_stop", "transfer": now.payments[0].transfer, "reason": REASON} | fields
    body = {"act": act, "seen": now.version}
    return await client.post(f"/api/v1/cases/{now.id}/acts", json=body, headers={"Idempotency-Key": key})


async def test_a_program_can_only_ask_for_the_release_whomever_it_says_has_asked(
    console: Stage, operator: Client
) -> None:
    stop = await stopped(console)
    answer = await by_program(operator, stop, "lift-it-0417", asked_by="somebody-else")
    assert (answer.status_code, answer.json()["answer"]) == (202, "waiting")
    assert answer.json()["why"]["code"] == "release_waits"
    assert "等另一人审批" in answer.json()["words"]
    request = await waiting(console, stop)
    assert request.asked_by == operator.account.login
    async with await console.signed_in(StaffRole.RELEASE_DESK) as anna:
        assert await approve(anna, request) == 303
    assert (await by_program(operator, stop, "lift-it-0417")).status_code == 200, "the same key tells that it is done"


async def test_a_case_refuses_that_one_person_lifts_a_stop_by_whatever_way_it_is_told(console: Stage) -> None:
    stop = await stopped(console)
    request = releases.asked(
        stop.case, 0, (), name="q1", by="anna", reason=REASON, evidence="", now=stop.line.house.clock.now()
    )
    assert isinstance(request, ReleaseRequest)
    await stop.line.operator(stop.resident, releases.act_of(request), by="anna")
    await stop.line.settle()
    refused = await stop.line.facts(stop.resident, FactKind.REFUSED)
    assert [fact.what for fact in refused] == [TwoPersons()]
