"""Two administrators who ask, confirm and carry out, as browsers do."""

import httpx

from domain.access import requests
from schemas.administration.requests import AdminAct, AdminRequest
from tests.console.harness.stage import Client, Stage
from tests.console.harness.visitors import Visitor


async def open_requests(console: Stage, act: AdminAct, on: str) -> list[AdminRequest]:
    """Return the requests for this act on this thing that nobody has decided or carried out yet."""
    found = [each for each in await console.services.line.admin_requests.all() if each.state in requests.OPEN]
    return [each for each in found if (each.act, each.on) == (act, on)]


async def asked(console: Stage, act: AdminAct, on: str) -> AdminRequest:
    """Return the one request of `open_requests`."""
    (one,) = await open_requests(console, act, on)
    return one


async def write(by: Visitor | Client, path: str, **form: str) -> httpx.Response:
    """Send a form, with what proves that it is one of the console's."""
    return await (by.write(path, **form) if isinstance(by, Visitor) else by.post(path, data=form))


async def agreed(
    console: Stage, admin: Visitor | Client, second: Visitor | Client, act: AdminAct, on: str
) -> httpx.Response:
    """The second person confirms; the answer to the asker's carrying out, or to the confirmation if that is all."""
    found = await asked(console, act, on)
    answer = await write(second, f"/approvals/{found.id}/confirm")
    assert answer.headers.get("location") == "/approvals", answer.text
    if requests.shows_secret(found):
        answer = await write(admin, f"/approvals/{found.id}/carry-out")
        assert answer.status_code == 200, answer.text
    return answer
