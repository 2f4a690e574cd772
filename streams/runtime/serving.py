"""An HTTP server within an event loop that does other work too; used by intake and the console."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn

from streams.runtime.settings import SettingsError
from streams.runtime.tls import Tls

BACKLOG = 2048


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signal handling to its process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(
    config: uvicorn.Config, host: str, port: int, setting: str, tls: Tls | None = None
) -> AsyncIterator[str]:
    """Serve HTTP while the context is open; yields the address, http://host:port, or https:// with `tls`.

    Certificates that are replaced meanwhile take effect. Raises SettingsError, naming `setting`, if the port is taken,
    or if the certificate is unusable.
    """
    context = tls.context() if tls else None
    if context is not None:
        config.ssl_context_factory = lambda config, default: context
    listening = _listening(host, port, setting)
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    renewing = asyncio.create_task(tls.renew(context)) if tls and context else None
    try:
        yield f"{'https' if context else 'http'}://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        if renewing:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
        await running


async def told_to_stop() -> None:
    """Return when the process receives SIGTERM or SIGINT."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()


def _listening(host: str, port: int, setting: str) -> socket.socket:
    try:
        listening = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        what = f"{setting} = {port}: cannot listen on {host} ({os.strerror(error.errno or 0)}). Choose another port"
        raise SettingsError(what) from None
    # asyncio turns Nagle off only for sockets created with an explicit protocol; with it on, answers take 40 ms more.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
