"""Third parties in an operator's talk, from the case page to real telephones: nobody without a ground."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from console.web.operator_calls import third_parties
from domain.access.step_up import SignedInBy
from domain.casework.calls.parties import is_admitted
from domain.identity.masking import name as masked_name
from schemas.casework.cases import Case
from schemas.casework.inputs import VisitStage
from schemas.casework.third_parties import EmergencyGround, ThirdPartyCallState, ThirdPartyKind
from schemas.channels.operator_calls import OperatorCallReport
from schemas.codes.third_parties import ThirdPartyCalled, ThirdPartyConsent, ThirdPartyEmergency
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from streams.channels.operator_calls.phones import Placed
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, SECONDS, red
from tests.console.harness.desk_phone import connected_desk, desk_phone
from tests.console.harness.stage import Client, Stage
from tests.console.operator_calls.test_operator_call_reports import report, told
from tests.console.operator_calls.test_operator_phone import acts, calls, page_says
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.streams.gateways.voice.operators.desk import PHONE
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone
from tests.tools.gateway.sipp import answering
from tests.tools.gateway.switch import trunk_to

CONTACT = "contact:0"


@dataclass
class Talk:
    """A talk that goes on. `contact`: the telephone of the resident's trusted contact; `dialled`: by the trunk."""

    resident: Resident
    case: Case
    contact: BaresipPhone
    dialled: list[str]


@asynccontextmanager
async def talking(console: Stage, line: Line, operator: Client, folder: Path) -> AsyncIterator[Talk]:
    """An operator talks with a resident who has a trusted contact."""
    resident, case = await red(line, friends=1)
    for name in ("operator", "resident", "contact"):
        (folder / name).mkdir()
    numbers = [each.removeprefix("+86") for each in (resident.phones[0].value, resident.contacts[0].phone)]
    async with (
        baresip_phone(folder / "operator") as phone,
        baresip_phone(folder / "resident") as theirs,
        baresip_phone(folder / "contact") as contact,
        trunk_to(dict(zip(numbers, (theirs.port, contact.port), strict=True)), PHONE) as (trunk, dialled),
        connected_desk(console, operator.account.login, folder, trunk, phone.port, "third_parties = 3"),
    ):
        assert await calls(operator, case) == 202
        await page_says(operator, case, "通话中")
        await noted_talk(console, case)
        yield Talk(resident, case, contact, dialled)
        await acts(operator, case, "hang_up")


async def noted_talk(console: Stage, case: Case) -> None:
    """Wait until the case knows of the talk."""

    async def noted() -> bool:
        found = await console.services.desk.load(case.id)
        return bool(found and found.desk_call and found.desk_call.goes_on)

    await until(noted, SECONDS)


async def invites(client: Client, case: Case, party: str = CONTACT, **fields: str) -> tuple[int, str]:
    """Ask to call a third party; the status and the error."""
    form = {"form": secrets.token_hex(10), "party": party, **fields}
    answer = await client.post(f"/cases/{case.id}/third-parties", data=form, headers=JSON)
    return answer.status_code, answer.json().get("error", "")


async def emergency(client: Client, case: Case, **fields: str) -> int:
    form = {"form": secrets.token_hex(10), "party": CONTACT, "ground": "under_control", **fields}
    return (await client.post(f"/cases/{case.id}/third-parties/emergency", data=form)).status_code


async def test_with_the_residents_consent_the_contact_joins_and_the_case_has_it_all(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    async with talking(console, line, operator, tmp_path) as talk:
        case = talk.case
        page = await operator.get(f"/cases/{case.id}")
        assert 'value="contact:0"' in page.text
        assert talk.resident.contacts[0].name not in page.text
        assert talk.resident.contacts[0].phone[3:] not in page.text
        assert await invites(operator, case) == (409, "no_consent")
        assert len(talk.dialled) == 1, "somebody was called without a ground"
        assert await invites(operator, case, consent="yes") == (202, "")
        await page_says(operator, case, "正在邀请")
        async with asyncio.timeout(SECONDS):
            while not len(talk.contact.heard()):  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.1)
        talk.contact.press("1")
        await page_says(operator, case, "已加入通话")
        for language, words in (("en", "takes part"), ("ko", "통화 참여 중")):
            shown = await operator.get(f"/cases/{case.id}", headers={"accept-language": language})
            assert words in shown.text
        assert await invites(operator, case, consent="yes") == (409, "no_talk")  # one at a time
        assert await acts(operator, case, "drop_third") == 200
        await page_says(operator, case, "已退出通话")
        assert 'data-call-act="hang_up"' in (await operator.get(f"/cases/{case.id}/parts")).text
        assert talk.dialled == [
            each.removeprefix("+86") for each in (talk.resident.phones[0].value, talk.resident.contacts[0].phone)
        ]
        login, kind = operator.account.login, ThirdPartyKind.CONTACT
        wanted = [
            ThirdPartyConsent(login, kind, "1"),
            ThirdPartyCalled(kind, "1", ThirdPartyCallState.JOINED),
            ThirdPartyCalled(kind, "1", ThirdPartyCallState.LEFT),
        ]

        async def told() -> bool:
            facts = [fact.what for fact in await line.facts(talk.resident)]
            return [each for each in facts if each in wanted] == wanted

        await until(told, SECONDS)
    entries = await audited(console, on=case.id)
    (consent,) = [each for each in entries if each.act == "admit-third-party"]
    (called,) = [each for each in entries if each.act == "third-party-called"]
    assert (consent.by, consent.reason, called.by, called.detail) == (login, "consent", login, "contact 0")
    assert entries.index(consent) < entries.index(called)


async def test_without_consent_only_a_supervisor_with_a_proof_admits_somebody(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    async with talking(console, line, operator, tmp_path) as talk:
        case = talk.case
        assert await emergency(operator, case) == 403
        account = await console.account(StaffRole.SUPERVISOR)
        async with await console.client(account, SignedInBy.PASSWORD) as unproved:
            assert await emergency(unproved, case) == 428
        async with await console.signed_in(StaffRole.SUPERVISOR) as boss:
            assert "无法取得同意时" in (await boss.get(f"/cases/{case.id}")).text
            assert await emergency(boss, case, ground="because") == 422
            assert await emergency(boss, case, party="contact:7") == 422
            assert await invites(boss, case, consent="yes") == (409, "no_talk")  # it is not the supervisor's call
            assert await invites(operator, case) == (409, "no_consent")
            assert await emergency(boss, case) == 303
            login = boss.account.login
        after = await line.case(talk.resident)
        assert is_admitted(after, ThirdPartyKind.CONTACT, "0")
        assert len(talk.dialled) == 1
        assert await invites(operator, case) == (202, "")
        await page_says(operator, case, "正在邀请")
        facts = [fact.what for fact in await line.facts(talk.resident)]
        assert ThirdPartyEmergency(login, EmergencyGround.UNDER_CONTROL, ThirdPartyKind.CONTACT, "1") in facts
    (entry,) = [each for each in await audited(console, on=case.id) if each.act == "admit-third-party"]
    assert (entry.by, entry.reason) == (login, "under_control")


async def test_no_program_and_no_form_of_the_page_admits_anybody_or_forges_that_somebody_joined(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    _, case = await red(line, friends=1)
    admit = {"do": "admit_third_party", "kind": "contact", "party": "0"}
    forged = {"do": "third_party", "number": 1, "kind": "contact", "party": "0", "state": "joined"}
    for act in (admit, forged):
        body = {"act": act, "seen": case.version}
        answer = await operator.post(
            f"/api/v1/cases/{case.id}/acts", json=body, headers={"Idempotency-Key": secrets.token_hex(8)}
        )
        assert answer.status_code == 403
        sent = {
            "form": secrets.token_hex(10),
            "seen": str(case.version),
            **{key: str(value) for key, value in act.items()},
        }
        assert (await operator.post(f"/cases/{case.id}/acts", data=sent)).status_code in (400, 422)


@pytest.mark.parametrize("more", ["", "third_parties = 1"], ids=["off", "on"])
async def test_the_page_offers_it_only_where_the_gateway_calls_third_parties(
    console: Stage, line: Line, operator: Client, tmp_path: Path, more: str
) -> None:
    _, case = await red(line, friends=1)
    async with desk_phone(console, operator.account.login, tmp_path, answering(), more):
        assert "third-parties" not in (await operator.get(f"/cases/{case.id}")).text  # nobody talks
        assert await calls(operator, case) == 202
        await page_says(operator, case, "通话中")
        assert ("third-parties" in (await operator.get(f"/cases/{case.id}")).text) == bool(more)
        assert await acts(operator, case, "hang_up") == 200
        await page_says(operator, case, "已挂断")


async def test_a_refused_consent_can_be_told_again_with_the_same_form_and_each_party_needs_one(
    console: Stage, line: Line, operator: Client
) -> None:
    resident, case = await red(line, friends=2)
    login, form = operator.account.login, secrets.token_hex(10)
    state = told(case, 1, "connected", answered=True, operator=login)
    await console.services.live_calls.take(OperatorCallReport.model_validate(state), console.services.line.clock.now())
    phones = Mock(takes_third_parties=True, has=Mock(return_value=True), add_third=AsyncMock(return_value=Placed.TAKEN))
    console.services.phones = phones
    try:
        page = (await operator.get(f"/cases/{case.id}")).text
        for number, contact in enumerate(resident.contacts):
            assert f"{masked_name(contact.name)}（{number + 1}）</option>" in page
        assert await invites(operator, case, consent="yes", form=form) == (409, "refused")
        phones.add_third.assert_not_awaited()
        assert (await report(console, state)).status_code == 200
        await line.settle()
        assert await invites(operator, case, consent="yes", form=form) == (202, "")
        assert await invites(operator, case, "contact:1", form=form) == (409, "no_consent")
        assert await invites(operator, case, "contact:1", consent="yes", form=form) == (202, "")
    finally:
        console.services.phones = None
    after = await line.case(resident)
    assert all(is_admitted(after, ThirdPartyKind.CONTACT, party) for party in ("0", "1"))


@pytest.mark.parametrize(("name", "offered"), [("P-012", True), ("朝阳-012", False)])
async def test_an_officer_whose_id_no_order_can_name_is_not_offered(name: str, offered: bool) -> None:
    task = Mock(officer=name, case="r-1", stage=VisitStage.ON_THE_WAY)
    officer = Mock(id=name, phone="+8619900000001")
    officer.name = "王"
    rosters = Mock(tasks=AsyncMock(return_value={"t": task}), officers=AsyncMock(return_value=[officer]))
    services = Mock(line=Mock(outgoing=Mock(rosters=rosters)))
    assert bool(await third_parties._officers(services, Mock(id="r-1"))) == offered
