"""Runs the console inside the demo, on a free port, with guest accounts signed in by secret addresses."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from console.web.app import create_app
from console.web.auth.guests import Guest, guests, simulated
from console.web.auth.words import ROLES
from console.web.kit.serve import serving
from console.web.kit.services import Services
from console.web.kit.settings import load
from streams.channels.telephone import Telephone
from streams.installation import Installation
from streams.runtime.settings import SettingsError


@asynccontextmanager
async def beside(line: Installation, telephone: Telephone, officer: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Context manager: serve the console during the block, with the public check and an account for each guest and each
    simulated person.

    Yields its address, and lines to print: a heading, each guest's address, role and name, and the address of the
    public check. If the port is taken, a free one is used. `telephone`: places the pages' calls; `officer`: the id of
    the officer whose tasks the officer's account sees. Raises SettingsError if a setting is invalid, and ScriptError if
    a call script is. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    known = guests(line.clock.now(), officer)
    settings = load().model_copy(update={"public_check": True})
    app = create_app(line, settings, telephone=telephone, guests=known)
    services: Services = app.state.services
    for account in (*(guest.account for guest in known), *simulated(line.clock.now())):
        await services.staff.put(account)
    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(serving(app, settings))
        except SettingsError:  # the port is taken: use any free one
            address = await stack.enter_async_context(serving(app, settings.model_copy(update={"port": 0})))
        check = f"{address}/check  公共查询（无需账号）"
        yield address, ["The console, by role:", *(_line(address, guest) for guest in known), check]


def _line(address: str, guest: Guest) -> str:
    return f"{address}/guest/{guest.token}  {ROLES[guest.account.role]} {guest.account.name}"
