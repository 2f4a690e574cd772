"""A call that is placed from the case page, by whatever telephone there is."""

from collections.abc import Iterator

import pytest

from schemas.casework.cases import CaseState
from schemas.casework.inputs import KeptClaim
from schemas.codes.people import Talks
from schemas.levels import EvidenceClass
from schemas.people.staff import StaffRole
from tests.console.harness.case_forms import JSON, looks, red
from tests.console.harness.softphone import Softphone
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line


@pytest.fixture
def softphone(console: Stage) -> Iterator[Softphone]:
    made = Softphone()
    console.services.telephone = made
    yield made
    console.services.telephone = None


async def test_a_talk_is_on_the_case_as_it_begins_and_the_call_in_the_audit(
    console: Stage, line: Line, operator: Client, softphone: Softphone
) -> None:
    resident, case = await red(line)
    (payment,) = case.payments
    softphone.kept = (KeptClaim(transfer=payment.transfer, evidence=EvidenceClass.C, amount_fen=payment.amount_fen),)
    heard = (await operator.post(f"/cases/{case.id}/call", headers=JSON)).json()
    assert heard["kept"] == [{"transfer": payment.transfer, "amount": "¥30,000"}]
    await line.settle()
    assert (await line.case(resident)).state is CaseState.IN_CONVERSATION
    assert Talks(operator.account.login) in [fact.what for fact in await line.facts(resident)]
    assert {"look-call", "note"} <= {entry.act for entry in await looks(console, case.id)}


async def test_who_calls_has_the_case_unless_somebody_has_it(
    console: Stage, line: Line, operator: Client, softphone: Softphone
) -> None:
    resident, case = await red(line)
    await operator.post(f"/cases/{case.id}/call", headers=JSON)
    await line.settle()
    assert (await line.case(resident)).claimed_by == operator.account.login
    async with await console.signed_in(StaffRole.OPERATOR) as colleague:
        assert (await colleague.post(f"/cases/{case.id}/call", headers=JSON)).status_code == 200
    await line.settle()
    assert (await line.case(resident)).claimed_by == operator.account.login


async def test_a_call_that_nobody_takes_is_no_talk(
    console: Stage, line: Line, operator: Client, softphone: Softphone
) -> None:
    resident, case = await red(line)
    softphone.answers = False
    heard = (await operator.post(f"/cases/{case.id}/call", headers=JSON)).json()
    assert (heard["reached"], heard["words"]) == (False, "（无人接听）")
    english = await operator.post(f"/cases/{case.id}/call", headers=JSON | {"accept-language": "en"})
    assert english.json()["words"] == "(no answer)"
    await line.settle()
    assert (await line.case(resident)).state is not CaseState.IN_CONVERSATION


async def test_without_a_telephone_there_is_no_such_call(line: Line, operator: Client) -> None:
    _, case = await red(line)
    assert (await operator.post(f"/cases/{case.id}/call", headers=JSON)).status_code == 404
    assert "data-call" not in (await operator.get(f"/cases/{case.id}")).text
