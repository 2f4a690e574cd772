"""Limits on the size and time of an HTTP request's body and connection, regardless of its headers and compression."""

import asyncio
import zlib
from collections.abc import AsyncIterator

import h11
from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from streams.runtime.tls import names

JSON, LINES = "application/json", "application/x-ndjson"
_GZIP = 16 + zlib.MAX_WBITS
BODY_BYTES = 4 * 2**20  # limit of the compressed body, and of the decompressed one
BODY_SECONDS = 30.0  # until the whole body has arrived
MOST_MEMBERS = 100  # concatenated gzip files: each costs a window's memory, and 200,000 empty ones fit in a body


class Refused(Exception):  # noqa: N818 - an answer to the sender, not a failure of ours
    """The request is refused with this HTTP status; `what`: the error, `do`: how to correct it."""

    def __init__(self, status: int, what: str, do: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.do, self.headers = status, what, do, headers or {}


def media_type(request: Request) -> str:
    """Return the request's media type, JSON or LINES. Raises Refused (415) for any other type or charset."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() not in (JSON, LINES):
        raise Refused(415, "the content type is not one of signals", f"Send Content-Type: {JSON} or {LINES}")
    if charset not in ("", "utf-8", "utf8"):
        raise Refused(415, "the charset is not UTF-8", "Send UTF-8")
    return kind.strip().lower()


async def read_body(request: Request) -> bytes:
    """Return the request's body, decompressed. It may have 4 MiB before and after, and take 30 s.

    Raises Refused: 413 too long, 415 compression other than gzip, 400 broken gzip or aborted request, 408 too slow.
    """
    if int(request.headers.get("content-length", 0)) > BODY_BYTES:
        raise _too_long(BODY_BYTES)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collected(_unpacked(request, BODY_BYTES), BODY_BYTES)
    except TimeoutError:
        raise Refused(408, f"the body took over {BODY_SECONDS:g} s", "Send less in one request") from None
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
    return Refused(413, f"the body is longer than {limit:,} bytes", "Send the signals in several requests")


PEER = "peer"  # key in a request's state: the names in the client's certificate
HEAD_SECONDS = 10.0  # to send a request's head, or the rest of a body whose request was answered


class Impatient(H11Protocol):
    """An HTTP protocol that closes a connection after 10 s without a request being served, even if it sends bytes.

    uvicorn's own timeout restarts with each byte. A body that is being read has its own limit, in `read_body`.
    """

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        # Set for this connection only: uvicorn gives each request a copy of it as its state.
        self.app_state = {**self.app_state, PEER: names(transport.get_extra_info("peercert"))}
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
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
