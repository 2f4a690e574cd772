"""A call that is placed from the case page, by whatever telephone there is."""

import asyncio
from collections.abc import Iterator

import pytest

from schemas.casework.acts import ClaimAct, CloseAct, LossAvoidedClaim, NoteAct, OutcomeAct
from schemas.casework.cases import CaseState
from schemas.codes.people import Talks
from schemas.levels import CallResult, EvidenceClass, Outcome
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, SECONDS, red, send
from tests.console.harness.softphone import Softphone
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.house import until
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
    softphone.kept = (
        LossAvoidedClaim(transfer=payment.transfer, evidence=EvidenceClass.C, amount_fen=payment.amount_fen),
    )
    heard = (await operator.post(f"/cases/{case.id}/call", headers=JSON)).json()
    assert heard["kept"] == [{"transfer": payment.transfer, "amount": "¥30,000"}]
    await line.settle()
    call = (await line.case(resident)).desk_call
    assert call is not None
    assert (call.result, call.goes_on, call.by) == (CallResult.ANSWERED, False, operator.account.login)
    assert Talks(operator.account.login) in [fact.what for fact in await line.facts(resident)]
    assert {"look-call", "note"} <= {entry.act for entry in await audited(console, on=case.id)}


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


async def test_nobody_is_called_whose_case_a_colleague_took_at_the_same_moment(
    console: Stage, line: Line, operator: Client, softphone: Softphone
) -> None:
    resident, case = await red(line)
    assert await console.services.desk.take(case.id, "a-colleague")  # and the case does not show it yet
    answer = await operator.post(f"/cases/{case.id}/call", headers=JSON)
    assert (answer.status_code, softphone.rang) == (409, 0)
    assert "已有他人接手" in answer.json()["do"]
    await console.services.desk.release(case.id)
    assert (await line.case(resident)).desk_call is None


async def test_a_call_that_nobody_takes_is_no_talk(
    console: Stage, line: Line, operator: Client, softphone: Softphone
) -> None:
    resident, case = await red(line)
    softphone.answers = False
    heard = (await operator.post(f"/cases/{case.id}/call", headers=JSON)).json()
    assert (heard["result"], heard["words"]) == ("no_answer", "")
    await line.settle()
    after = await line.case(resident)
    assert after.state is not CaseState.IN_CONVERSATION
    assert (after.desk_call and after.desk_call.result) is CallResult.NO_ANSWER
    english = await operator.get(f"/cases/{case.id}", headers={"accept-language": "en"})
    assert "No answer" in english.text


async def test_a_resident_whose_telephone_rings_or_who_talks_is_not_called_a_second_time(
    console: Stage, line: Line, operator: Client, softphone: Softphone
) -> None:
    resident, case = await red(line)
    softphone.rings_until = asyncio.Event()
    first = asyncio.create_task(operator.post(f"/cases/{case.id}/call", headers=JSON))
    await until(lambda: _rings(softphone), SECONDS)
    async with await console.signed_in(StaffRole.SUPERVISOR) as colleague:
        for client in (operator, colleague):
            again = await client.post(f"/cases/{case.id}/call", headers=JSON)
            assert (again.status_code, "不重复拨打" in again.json()["do"]) == (409, True)
    softphone.rings_until.set()
    assert (await first).status_code == 200
    assert softphone.rang == 1
    await line.settle()
    await send(operator, await line.case(resident), "note", what="conversation")  # by a telephone of their own
    await line.settle()
    assert (await operator.post(f"/cases/{case.id}/call", headers=JSON)).status_code == 409
    await send(operator, await line.case(resident), "note", what="conversation_ended")
    await line.settle()
    assert (await operator.post(f"/cases/{case.id}/call", headers=JSON)).status_code == 200


async def _rings(softphone: Softphone) -> bool:
    return softphone.rang == 1


async def test_a_call_ends_with_the_claim_that_ran_out_and_the_resident_may_be_called_again(
    console: Stage, line: Line, operator: Client, softphone: Softphone
) -> None:
    resident, case = await red(line)
    await line.operator(resident, ClaimAct(do="claim"), by="op1")
    await line.operator(resident, NoteAct(what="conversation"), by="op1")
    page = (await operator.get(f"/cases/{case.id}")).text
    assert 'class="call connected"' in page
    assert (await operator.post(f"/cases/{case.id}/call", headers=JSON)).status_code == 409
    await line.operator(resident, ClaimAct(do="unclaim", ran_out=True), by="op1")
    shown = (await operator.get(f"/cases/{case.id}")).text.partition('id="call"')[2].partition("</form>")[0]
    assert 'data-state="ended"' in shown
    assert 'class="elapsed" hidden' in shown, "when it ended nobody knows"
    assert 'data-key="p"' in shown
    assert (await operator.post(f"/cases/{case.id}/call", headers=JSON)).status_code == 200


async def test_a_settled_case_is_followed_up_by_a_call_that_the_audit_tells_apart_and_a_closed_one_is_not(
    console: Stage, line: Line, operator: Client, softphone: Softphone
) -> None:
    resident, case = await red(line)
    for said in ("conversation", "conversation_ended"):
        await line.operator(resident, NoteAct.model_validate({"what": said}), by="op1")
    await line.operator(resident, OutcomeAct(outcome=Outcome.DISSUADED), by="op1")
    assert (await line.case(resident)).settled
    assert (await operator.post(f"/cases/{case.id}/call", headers=JSON)).status_code == 200
    assert [entry.detail for entry in await audited(console, "look-call", case.id)] == ["dissuaded"]
    await line.operator(resident, CloseAct(reason="重复预警"), by="op1")
    answer = await operator.post(f"/cases/{case.id}/call", headers=JSON)
    assert (answer.status_code, answer.json()["error"], softphone.rang) == (409, "closed", 1)
    assert len(await audited(console, "look-call", case.id)) == 1


async def test_without_a_telephone_there_is_no_such_call(line: Line, operator: Client) -> None:
    _, case = await red(line)
    assert (await operator.post(f"/cases/{case.id}/call", headers=JSON)).status_code == 404
    assert "data-call-url" not in (await operator.get(f"/cases/{case.id}")).text
