"""Runs the console inside the demo, on a free port, with guest accounts signed in by secret addresses."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from console.web.app import create_app
from console.web.auth.guests import guests
from console.web.kit.serve import serving
from console.web.kit.services import Services
from console.web.kit.settings import load
from streams.channels.telephone import Telephone
from streams.installation import Installation
from streams.runtime.settings import SettingsError


@asynccontextmanager
async def beside(line: Installation, telephone: Telephone, officer: str) -> AsyncIterator[list[str]]:
    """Serve the console while the context is open, with an account for each guest.

    Yields lines to print: a heading, then each guest's address and name. If the port is taken, a free one is used.
    Raises SettingsError if a setting is invalid.
    """
    known = guests(line.clock.now(), officer)
    settings = load()
    app = create_app(line, settings, telephone=telephone, guests=known)
    services: Services = app.state.services
    for guest in known:
        await services.staff.put(guest.account)
    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(serving(app, settings))
        except SettingsError:  # the port is taken: use any free one
            address = await stack.enter_async_context(serving(app, settings.model_copy(update={"port": 0})))
        yield ["The console, by role:", *(f"{address}/guest/{guest.token}  {guest.account.name}" for guest in known)]
