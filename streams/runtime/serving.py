"""An HTTP server within an event loop that does other work too, and the limits of a request's body."""

import asyncio
import contextlib
import os
import signal
import socket
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import cast

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.runtime.settings import SettingsError
from streams.runtime.tls import Tls

BACKLOG = 2048
_GZIP = 16 + zlib.MAX_WBITS
BODY_BYTES = 4 * 2**20  # limit of the compressed body, and of the decompressed one
BODY_SECONDS = 30.0  # until the whole body has arrived
MOST_MEMBERS = 100  # concatenated gzip files: each costs a window's memory, and 200,000 empty ones fit in a body


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signal handling to its process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Unambiguous:
    """ASGI middleware that refuses (400) a request with Content-Length and Transfer-Encoding, and ends its connection.

    A proxy may follow the one and this server the other: the rest of the body would be a request of its own (RFC 9112,
    6.1).
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
    """Serve HTTP while the context is open; yields the address, http://host:port, or https:// with `tls`.

    Certificates that are replaced meanwhile take effect. Raises SettingsError, naming `setting`, if the port is taken,
    or if the certificate is unusable.
    """
    context = tls.context() if tls else None
    if context is not None:
        config.ssl_context_factory = lambda config, default: context
    listening = _listening(host, port, setting)
    config.app = Unambiguous(cast("ASGIApp", config.app))
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


class Refused(Exception):  # noqa: N818 - an answer to the sender, not a failure of ours
    """A request is refused with the HTTP `status`. `what`: the error; `do`: how the sender corrects it; `headers`: of
    the answer.
    """

    def __init__(self, status: int, what: str, do: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.do, self.headers = status, what, do, headers or {}


async def read_body(
    request: Request, most: int | None = None, seconds: float | None = None, *, packed: bool = True
) -> bytes:
    """Return the request's body, decompressed. Limits: 4 MiB, compressed and decompressed, and 30 s until it is here.

    `most` (bytes) and `seconds`: other limits. `packed` False: the body is returned as it came, even if compressed.
    Stops reading as soon as a limit is passed, whatever the headers say.

    Raises Refused: 413 too long, 415 compression other than gzip, 400 broken gzip or aborted request, 408 too slow.
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
