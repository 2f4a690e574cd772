"""Serves the console, alone or inside the demo."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI

from console.web.app import create_app
from console.web.kit.settings import ConsoleSettings
from streams.installation import Installation
from streams.runtime import serving as http
from streams.runtime.tls import Tls

STOP_SECONDS = 2  # for requests in progress at a stop


@contextlib.asynccontextmanager
async def serving(app: FastAPI, settings: ConsoleSettings) -> AsyncIterator[str]:
    """Context manager: serve the application in this event loop during the block; yields its address (a URL).

    Raises SettingsError if the port is taken or the TLS settings are invalid.
    """
    config = http.http_server(app, timeout_graceful_shutdown=STOP_SECONDS)
    tls = Tls("QUANZU_CONSOLE", settings.certificate, settings.key)
    async with http.serving(config, settings.host, settings.port, "QUANZU_CONSOLE_PORT", tls) as address:
        try:
            yield address
        finally:
            app.state.stopping.set()  # ends the open event streams


async def serve(line: Installation, settings: ConsoleSettings, started: Callable[[str], None]) -> None:
    """Serve the console until SIGTERM or SIGINT. `started` is called with the address.

    Raises the error of a background task that failed, because the console would then show outdated cases. At the start,
    raises SettingsError if a setting is invalid or the port is taken, and ScriptError if a call script is invalid.
    """
    app = create_app(line, settings)
    async with serving(app, settings) as address:
        started(address)
        waiting = [asyncio.create_task(each) for each in (http.stop_signal(), app.state.failure.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
    if app.state.failure.error is not None:
        raise app.state.failure.error
