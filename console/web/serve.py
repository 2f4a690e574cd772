"""Serving the console: by itself, or as a part of a demo."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from fastapi import FastAPI

from console.web.app import create_app
from console.web.settings import ConsoleSettings
from streams.line import Line
from streams.settings import SettingsError

STOP_SECONDS = 2  # for streams that stay open


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process it is a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: FastAPI, settings: ConsoleSettings) -> AsyncIterator[str]:
    """The application as a part of this loop, for as long as the context lasts; gives its address.

    Raises SettingsError when the port is taken.
    """
    listening = _listening(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://{settings.host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def serve(line: Line, settings: ConsoleSettings, started: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. `started` is told the address."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    async with serving(create_app(line, settings), settings) as address:
        started(address)
        await told.wait()


def _listening(settings: ConsoleSettings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port), backlog=2048)
    except OSError as error:
        what = f"QUANZU_CONSOLE_PORT = {settings.port}: cannot listen on {settings.host} ({error.strerror})"
        raise SettingsError(f"{what}. Choose another port") from None
