"""A stop is lifted by two persons also where the first of them sits at the case's page, or is a program. A stop is
called a stop, and a freeze a freeze.
"""

import re
import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.payments import releases
from schemas.casework.cases import StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.channels.releases import ReleaseRequest
from schemas.codes.money import ReleaseApproved
from schemas.codes.refusals import TwoPersons
from schemas.levels import Action
from schemas.people.staff import StaffRole
from simulators.providers.bank import BankSays
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, send
from tests.console.harness.stage import Client, Stage
from tests.console.harness.stops import Stopped, hidden, known, stopped

MINUTE = timedelta(minutes=1)
CONFIRMED = [BankSays(MINUTE, BankState.IN_FORCE, 0), BankSays(2 * MINUTE, BankState.FROZEN, 3_000_000)]
IN_FORCE = {"zh": "止付生效", "en": "Stop in force", "ko": "지불정지 시행 중"}
FROZEN = {"zh": "已冻结", "en": "Frozen", "ko": "동결됨"}
SENT = {"zh": "已移送冻结", "en": "Sent for freezing", "ko": "동결 이송됨"}
DESK, SUPERVISOR = StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR
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


async def texts(client: Client, path: str) -> dict[str, str]:
    """Return what each language's page says, without its markup."""
    found = {}
    for language in IN_FORCE:
        answer = await client.get(path, headers={"accept-language": language})
        assert answer.status_code == 200, path
        found[language] = re.sub(r"<(script|template|nav)\b.*?</\1>|<[^>]+>", " ", answer.text, flags=re.S)
    return found


async def row(client: Client, path: str, case: str) -> dict[str, str]:
    """Return the row of the case's stop in the list of stops, by language."""
    found = {}
    for language in IN_FORCE:
        page = (await client.get(path, headers={"accept-language": language})).text
        found[language] = next(each for each in page.split("<tr>") if case in each and "<td>" in each)
    return found


async def hand_over(client: Client, stop: Stopped) -> None:
    """Record an authority's decision to freeze the account, by the form of the order's page."""
    path = f"/release/orders/{stop.case.id}/{stop.case.orders[0].step}"
    page = (await client.get(path)).text
    given = {"form": hidden(page, "form"), "authority": "长春市公安局", "decision": "吉公冻字〔2026〕17号"}
    assert (await client.post(f"{path}/hand-over", data=given)).status_code == 303


def stated(word: str, text: str) -> bool:
    """Return True if the text has the word as a state of its own: not as a part of a sentence or a longer word."""
    return re.search(rf"(?:^|\s){re.escape(word)}(?:\s|$)", text) is not None


@pytest.mark.parametrize("division", ["220421"])
async def test_a_stop_and_a_freeze_are_each_called_by_their_word_on_all_pages(console: Stage, division: str) -> None:
    stop = await stopped(console, CONFIRMED, division)
    pages = [stop.path, f"/release/orders/{stop.case.id}/{stop.case.orders[0].step}"]
    async with await console.signed_in(DESK, division) as desk, await console.signed_in(SUPERVISOR, division) as chief:
        for path in ("/release", "/release?state=in_force"):
            for language, said in (await row(desk, path, stop.case.id)).items():
                assert IN_FORCE[language] in said
                assert f">{FROZEN[language]}" not in said
        for client, path in [*((desk, each) for each in pages), (chief, f"/cases/{stop.case.id}")]:
            for language, text in (await texts(client, path)).items():
                assert not stated(FROZEN[language], text), (path, language)
        case_page = await texts(chief, f"/cases/{stop.case.id}")
        assert all(stated(IN_FORCE[language], text) for language, text in case_page.items())

        await hand_over(desk, stop)
        await known(console, stop, StopState.FROZEN)
        for language, said in (await row(desk, "/release?state=frozen", stop.case.id)).items():
            assert SENT[language] in said
            assert IN_FORCE[language] not in said
        for language, text in (await texts(chief, f"/cases/{stop.case.id}")).items():
            assert stated(FROZEN[language], text), language
            assert not stated(IN_FORCE[language], text), language
        assert stop.case.id not in (await desk.get("/release?state=in_force")).text
