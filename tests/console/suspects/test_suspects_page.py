"""A confirmed suspect's likely victims: the greatest danger first, masked, and who of them was reached."""

import re
from typing import Any

from domain.identity import masking
from schemas.levels import Action
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from schemas.risk.signals import NumberClass
from tests.console.harness.audit import audited
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, confirmed, transfer

SETTLED: dict[str, Any] = {"ago": 60, "state": "settled", "new_payee": False}


async def latest(client: Client) -> str:
    """The path of the suspect confirmed last."""
    found = re.search(r'href="(/suspects/[^"]+)"', (await client.get("/suspects")).text)
    assert found is not None
    return found[1]


def cells(page: str) -> list[list[str]]:
    """The texts of the list's rows."""
    rows = re.findall(r"<tr>\s*(<td.*?)</tr>", page, re.DOTALL)
    plain = (
        [re.sub(r"<[^>]+>", " ", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows
    )
    return [row for row in plain if len(row) == 10]


def hidden(page: str, people: list[Resident]) -> bool:
    numbers = (holding.value for each in people for holding in (*each.phones, *each.accounts))
    return not any(number in page for number in numbers)


async def test_an_operator_sees_who_paid_by_danger_and_who_was_reached(console: Stage, line: Line) -> None:
    mule, paid, pays = line.account(), await line.resident(), await line.resident()
    await line.signal(transfer(line, paid, mule, **SETTLED), transfer(line, pays, mule, amount_fen=9_000_000))
    await line.signal(confirmed(line, mule))
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        path = await latest(client)
        page = (await client.get(path)).text
        first, second = cells(page)
        assert [first[0], first[1], first[5]] == ["1", masking.name(pays.name), "¥90,000"]
        assert [second[0], second[1], second[5]] == ["2", masking.name(paid.name), "¥30,000"]
        assert first[3] == "向其付款"
        assert "转账" in second[4]
        assert hidden(page, [paid, pays])
        assert mule not in page
        assert f'href="/cases/{(await line.case(pays)).id}"' in page
        await line.advance(seconds=65)
        line.expect(Action.SMS, paid)
        assert [row[9] for row in cells((await client.get(path)).text)][1] == "已联系上"
        assert "Likely victims" in (await client.get(path, headers={"accept-language": "en"})).text
        assert "피해 가능자" in (await client.get(path, headers={"accept-language": "ko"})).text
    assert len(await audited(console, "look-suspect", path.rpartition("/")[2])) == 4


async def test_who_was_called_by_a_number_before_it_was_confirmed_is_listed(console: Stage, line: Line) -> None:
    number, called = f"+86199{line.account()[-8:]}", await line.resident()
    ordinary: dict[str, Any] = {"caller": number, "number_class": NumberClass.ORDINARY, "seconds": 2_400}
    await line.signal(call(line, called, 90, **ordinary))
    assert await line.no_case(called)
    told = confirmed(line, line.account()).model_copy(update={"subject": "phone", "value": number})
    await line.signal(told)
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        page = (await client.get(await latest(client))).text
        ((rank, name, _, source, reason, sum_paid, *_),) = cells(page)
        assert (rank, name, source, sum_paid) == ("1", masking.name(called.name), "接到其电话", "–")
        assert "通话" in reason
        assert number not in page
    assert (await line.case(called)).danger.campaign is not None


async def test_people_of_another_area_are_only_counted(console: Stage, line: Line) -> None:
    mule = line.account()
    await line.signal(transfer(line, await line.resident(), mule, **SETTLED))
    await line.signal(confirmed(line, mule))
    async with await console.signed_in(StaffRole.SUPERVISOR, area="2202") as client:
        page = (await client.get(await latest(client))).text
        assert cells(page) == []
        assert "<dt>不在本辖区</dt><dd>1</dd>" in page


async def test_an_unknown_suspect_is_not_found_and_a_release_desk_sees_none(console: Stage) -> None:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        assert (await client.get("/suspects/nobody")).status_code == 404
    async with await console.signed_in(StaffRole.RELEASE_DESK) as client:
        assert (await client.get("/suspects")).status_code == 403
