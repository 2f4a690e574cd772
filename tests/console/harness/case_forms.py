"""The case page as its tests use it: somebody in danger, forms sent as they are filled in."""

import secrets
from collections.abc import Mapping

import httpx

from schemas.casework.cases import Case
from schemas.people.residents import Resident
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

SECONDS = 15.0
TRIES = 3
JSON = {"accept": "application/json"}
REASON = "回电核实身份"


async def red(line: Line, **fields: object) -> tuple[Resident, Case]:
    """Somebody whose money is moving while the scammer talks."""
    resident = await line.resident(**fields)  # type: ignore[arg-type]  # as the rig's
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    return resident, await line.case(resident)


async def send(
    client: Client,
    case: Case,
    do: str,
    fields: Mapping[str, str] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> httpx.Response:
    """Send a form of the page, as it is filled in."""
    form = {"form": secrets.token_hex(10), "seen": str(case.version), "do": do, "sure": "yes"}
    return await client.post(f"/cases/{case.id}/acts", data={**form, **(fields or {}), **more}, headers=headers)


async def done(
    console: Stage, client: Client, case: Case, do: str, fields: Mapping[str, str] | None = None, **more: str
) -> None:
    """Send a form of the page as it stands once nothing is under way: it is taken at once.

    Where a receipt changes the case between page and form, the form is sent once more on the page that is shown then.
    """
    for _ in range(TRIES):
        await console.house.settle([case.resident])
        answer = await send(client, await latest(console, case), do, {**(fields or {}), **more})
        if answer.status_code != 409:
            break
    assert answer.status_code == 303, answer.text


async def reveal(client: Client, case: Case, **fields: str) -> httpx.Response:
    """Ask for the whole data of a case's resident: to call back, if `fields` name no other reason."""
    return await client.post("/unmask", data={"case": case.id, "why": "calling", "reason": REASON, **fields})


async def latest(console: Stage, case: Case) -> Case:
    found = await console.house.case(case.resident)
    assert found is not None
    return found
