"""An HTTP server within an event loop that does other work too, and the limits of a request's body."""

import asyncio
import contextlib
import os
import signal
import socket
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import h11
import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from streams.runtime.settings import SettingsError
from streams.runtime.tls import Tls, names

BACKLOG = 2048
_GZIP = 16 + zlib.MAX_WBITS
BODY_BYTES = 4 * 2**20  # limit of the compressed body, and of the decompressed one
BODY_SECONDS = 30.0  # until the whole body has arrived
PEER = "peer"  # key in a request's state: the names in the client's certificate
HEAD_SECONDS = 10.0  # to send a request's head, or the rest of a body whose request was answered
MOST_MEMBERS = 100  # concatenated gzip files: each costs a window's memory, and 200,000 empty ones fit in a body


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signal handling to its process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Impatient(H11Protocol):
    """An HTTP protocol that closes a connection after 10 s without a served request, even if the client sends bytes.

    uvicorn's own timeout restarts with each byte. A body being read has other limits: `read_body`, and in the console
    `Bodies` (console/web/kit/limits.py).
    """

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin a connection: note the names in the client's certificate for its requests, and start the timer that
        closes the connection if no request is being served after 10 s. Called by uvicorn.
        """
        super().connection_made(transport)
        # Set for this connection only: uvicorn gives each request a copy of it as its state.
        self.app_state = {**self.app_state, PEER: names(transport.get_extra_info("peercert"))}
        self._look()

    def data_received(self, data: bytes) -> None:
        """Process received bytes, and start or stop the timer. Called by uvicorn."""
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection, and stop its timer. `exc`: why it was lost, or None. Called by uvicorn."""
        super().connection_lost(exc)
        self._stop()

    def _look(self) -> None:
        if self._serving():
            self._stop()
        elif self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _give_up(self) -> None:
        self._patience = None
        idle = (
            self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is not None
        )  # kept alive, sends nothing
        if not self._serving() and not idle:
            self.transport.close()

    def _stop(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def http_server(app: ASGIApp, **options: Any) -> uvicorn.Config:  # noqa: ANN401 - as uvicorn has them
    """Return the configuration of a server for `serving`: it logs no request, does not name its software, and closes a
    connection that sends no request in 10 s. `options`: further options of uvicorn.
    """
    return uvicorn.Config(app, http=Impatient, log_config=None, access_log=False, server_header=False, **options)


DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
STAY_SECURE = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


class DefaultHeaders:
    """ASGI middleware that adds to every response the security headers that it lacks, so that a browser that is led to
    a server for programs shows, stores and runs nothing of it. The console's pages have their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (DEFAULT_HEADERS | (STAY_SECURE if scope["scheme"] == "https" else {})).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class Unambiguous:
    """ASGI middleware that refuses (400) a request that has both Content-Length and Transfer-Encoding, and ends its
    connection.

    A proxy may use one of the headers to find the end of the body, and this server the other: the rest of the body
    would then count as another request (RFC 9112, 6.1).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = {name.lower() for name, _ in scope.get("headers", ())}
        if scope["type"] == "http" and {b"content-length", b"transfer-encoding"} <= names:
            words = "Content-Length and Transfer-Encoding: send one of them"
            await PlainTextResponse(words, 400, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, receive, send)


@contextlib.asynccontextmanager
async def serving(
    config: uvicorn.Config, host: str, port: int, setting: str, tls: Tls | None = None
) -> AsyncIterator[str]:
    """Context manager: serve HTTP during the block; yields the address, http://host:port, or https:// with `tls`.
    `port` 0: any free port.

    Certificates that are replaced meanwhile take effect. Raises SettingsError if the certificate is unusable, or the
    port is taken; its text names `setting`, the variable with the port.
    """
    context = tls.context() if tls else None
    if context is not None:
        config.ssl_context_factory = lambda config, default: context
    listening = _listening(host, port, setting)
    config.app = DefaultHeaders(Unambiguous(cast("ASGIApp", config.app)))
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


async def stop_signal() -> None:
    """Wait until the process receives SIGTERM or SIGINT, then return; from the call on, these signals no longer end the
    process.
    """
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


class Refused(Exception):  # noqa: N818 - an answer to the sender, not a failure of ours
    """A request is refused with the HTTP status `status`.

    `what`: the error; `do`: how the sender corrects it, both in words; `headers`: further headers of the answer.
    """

    def __init__(self, status: int, what: str, do: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.do, self.headers = status, what, do, headers or {}


async def read_body(
    request: Request, most: int | None = None, seconds: float | None = None, *, packed: bool = True
) -> bytes:
    """Return the request's body, decompressed.

    It must arrive within 30 s, and have at most 4 MiB, compressed and decompressed.

    `most` (bytes) and `seconds`: other limits. `packed` False: the body is returned as received, even if it is
    compressed. Stops reading as soon as a limit is passed, even if the headers state a shorter body. Raises Refused
    with the status 413 (too long), 415 (compression other than gzip), 400 (broken gzip or aborted request) or 408
    (too slow).
    """
    limit, patience = most or BODY_BYTES, seconds or BODY_SECONDS
    if int(request.headers.get("content-length", 0)) > limit:
        raise _too_long(limit)
    chunks = _unpacked(request, limit) if packed else request.stream()
    try:
        async with asyncio.timeout(patience):
            return await _collected(chunks, limit)
    except TimeoutError:
        raise Refused(408, f"the body took over {patience:g} s", "Send less in one request") from None
    except ClientDisconnect:
        raise Refused(400, "the connection ended in the middle of the body", "Send it again") from None


def _unpacked(request: Request, limit: int) -> AsyncIterator[bytes]:
    packing = request.headers.get("content-encoding", "identity").strip().lower()
    if packing == "identity":
        return request.stream()
    if packing == "gzip":
        return _gunzipped(request.stream(), limit)
    raise Refused(415, "the content encoding is not gzip", "Send the body plain, or packed with gzip")


async def _collected(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _too_long(limit)
    return bytes(body)


async def _gunzipped(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Yield the decompressed chunks, at most `limit` + 1 bytes each, so that a zip bomb stops at the caller's limit."""
    unpacker = zlib.decompressobj(_GZIP)
    packed, members = 0, 1
    async for chunk in chunks:
        packed += len(chunk)
        if packed > limit:
            raise _too_long(limit)
        while chunk:
            if unpacker.eof:  # concatenated gzip files are one file
                unpacker, members = zlib.decompressobj(_GZIP), members + 1
            if members > MOST_MEMBERS:
                raise Refused(400, f"over {MOST_MEMBERS} gzip files in one body", "Pack it as one")
            try:
                yield unpacker.decompress(chunk, limit + 1)
            except zlib.error:
                raise Refused(400, "the body is not gzip, or broken", "Pack it again") from None
            chunk = unpacker.unconsumed_tail or unpacker.unused_data
    if packed and not unpacker.eof:
        raise Refused(400, "the gzip is cut off", "Send the whole of it")


def _too_long(limit: int) -> Refused:
    return Refused(413, f"the body is longer than {limit:,} bytes", "Send it in several requests")
