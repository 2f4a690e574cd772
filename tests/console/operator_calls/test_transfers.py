"""Transfers from the case page: a colleague with a telephone is asked, and gets the call with the case."""

import secrets
from collections.abc import Callable
from pathlib import Path

from schemas.casework.cases import Case
from schemas.codes.third_parties import CallHandedOver
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.case_forms import JSON, SECONDS, red
from tests.console.harness.desk_phone import connected_desk
from tests.console.harness.stage import Client, Stage
from tests.console.operator_calls.test_operator_phone import acts, calls, page_says
from tests.console.operator_calls.test_third_parties import invites, noted_talk
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line
from tests.streams.gateways.voice.operators.desk import PHONE
from tests.tools.gateway.baresip import baresip_phone
from tests.tools.gateway.switch import trunk_to


async def asks(client: Client, case: Case, path: str, **fields: str) -> tuple[int, str]:
    """Send a form of the transfer; the status, and the error or words."""
    form = {"form": secrets.token_hex(10), **fields}
    answer = await client.post(f"/cases/{case.id}/{path}", data=form, headers=JSON)
    told = answer.json()
    return answer.status_code, told.get("error", told.get("words", ""))


async def until_case(line: Line, resident: Resident, true: Callable[[Case], bool]) -> Case:
    """Wait until the case is so."""

    async def look() -> bool:
        return true(await line.case(resident))

    await until(look, SECONDS)
    return await line.case(resident)


async def test_the_colleague_gets_the_call_the_case_and_its_lease(
    console: Stage, line: Line, operator: Client, tmp_path: Path
) -> None:
    resident, case = await red(line)
    for name in ("operator", "colleague", "resident"):
        (tmp_path / name).mkdir()
    async with (
        await console.signed_in(StaffRole.OPERATOR) as colleague,
        baresip_phone(tmp_path / "operator") as own,
        baresip_phone(tmp_path / "colleague") as theirs,
        baresip_phone(tmp_path / "resident") as far,
        trunk_to({PHONE: own.port, "19900005678": theirs.port}, PHONE) as (exchange, _),
        trunk_to({resident.phones[0].value.removeprefix("+86"): far.port}, PHONE) as (trunk, _),
        connected_desk(
            console, operator.account.login, tmp_path, trunk, exchange, "third_parties = 1", colleague.account.login
        ),
    ):
        login, other = operator.account.login, colleague.account.login
        assert await asks(operator, case, "call-consult", colleague=other) == (409, "no_talk")
        assert await calls(operator, case) == 202
        await page_says(operator, case, "通话中")
        await noted_talk(console, case)
        assert f'value="{other}"' in (await operator.get(f"/cases/{case.id}")).text
        assert await asks(operator, case, "call-transfer") == (409, "no_talk")
        assert await asks(operator, case, "call-consult", colleague="nobody") == (422, "colleague")
        assert await asks(colleague, case, "call-consult", colleague=login) == (409, "no_talk")  # not their call
        assert await asks(operator, case, "call-consult", colleague=other) == (202, "")
        await page_says(operator, case, "正在与您通话")
        assert await invites(operator, case, consent="yes") == (409, "no_talk")
        assert await acts(operator, case, "end_consultation") == 200
        await page_says(operator, case, 'data-call-act="resume"')
        assert await asks(operator, case, "call-consult", colleague=other) == (202, "")
        await page_says(operator, case, "转给这位同事")
        assert await asks(operator, case, "call-transfer") == (202, "")
        after = await until_case(line, resident, lambda case: case.claimed_by == other)
        assert after.desk_call is not None
        assert (after.desk_call.by, after.desk_call.goes_on) == (other, True)
        assert await console.services.desk.holder(case.id) == other
        await page_says(colleague, case, 'data-call-act="hang_up"')
        assert await acts(operator, case, "hang_up") == 409
        assert await acts(colleague, case, "hang_up") == 200
        await page_says(colleague, case, "已挂断")
        await until_case(line, resident, lambda case: bool(case.desk_call and not case.desk_call.goes_on))
        assert CallHandedOver(login, other) in [fact.what for fact in await line.facts(resident)]
    (entry,) = [each for each in await audited(console, on=case.id) if each.act == "hand-over-call"]
    assert entry.by == login
