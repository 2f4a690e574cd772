"""A client that may send anything: HTTP/1.1 over a bare socket, kept for as long as the server lets it."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import NamedTuple

PIECE = 1 << 20  # bytes written at once: a transport keeps a copy of what it has not sent
ANSWER_SECONDS = 40.0


class Answer(NamedTuple):
    """What the server said; status 0: it ended the connection without a word."""

    status: int
    text: str


class Wire:
    """One connection at a time to `host`:`port`."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request whose headers are in order."""
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return await self.raw("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)

    async def raw(self, request: bytes) -> Answer:
        """Send these very bytes, and read one answer."""
        for _ in range(2):  # a connection that the server has ended meanwhile is made anew, once
            fresh = self._writer is None
            with contextlib.suppress(ConnectionError):
                answer = await asyncio.wait_for(self._exchange(request), ANSWER_SECONDS)
                if answer.status or fresh:
                    return answer
            await self.close()
        return Answer(0, "")

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()
        self._reader = self._writer = None

    async def _exchange(self, request: bytes) -> Answer:
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=2**24)
        with contextlib.suppress(ConnectionError):  # it may have been answered before it was all sent
            for start in range(0, len(request), PIECE):
                self._writer.write(memoryview(request)[start : start + PIECE])
                await self._writer.drain()
        return await self._answer(self._reader)

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            await self.close()
            return Answer(0, "")
        fields = dict(line.lower().split(": ", 1) for line in head.splitlines() if ": " in line)
        length = int(fields["content-length"]) if "content-length" in fields else None
        body = await reader.readexactly(length) if length is not None else await reader.read()
        if fields.get("connection") == "close" or length is None:
            await self.close()
        return Answer(int(head.split(" ", 2)[1]), body.decode("utf-8", "replace"))
