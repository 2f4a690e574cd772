"""Sends events to a SIEM by syslog: RFC 5424 messages over TLS with octet counting (RFC 5425).

Python's logging has no TLS for syslog. The durable record is the topic: messages wait here in memory while the receiver
is unavailable, and the oldest are dropped if too many wait.
"""

import asyncio
import logging
import os
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from streams.runtime.tasks import until_done, wanted

log = logging.getLogger(__name__)

PORT = 6514  # of syslog over TLS
MOST_WAITING = 10_000
CONNECT_SECONDS = 10.0
BREAK_SECONDS = 1.0  # between the end of a connection and the next one: a receiver may close each at once
SECURITY = 10  # the facility "security/authorization messages" (authpriv)
_ENTERPRISE = "quanzu@32473"  # structured data under the number that RFC 5612 keeps for documentation


def message(at: datetime, severity: int, kind: str, data: Mapping[str, str], host: str, process: str) -> bytes:
    """Return an RFC 5424 message without octet count, in UTF-8. `at`: its time (aware); `severity`: 0 (emergency) to 7
    (debug); `kind`: the message id; `data`: the structured data, by name; empty values are left out; `host`, `process`:
    the sender's host name and process id.
    """
    pairs = "".join(f' {name}="{_escaped(value)}"' for name, value in data.items() if value)
    head = f"<{SECURITY * 8 + severity}>1 {at.isoformat(timespec='milliseconds')} {host} quanzu-console {process}"
    return f"{head} {kind} [{_ENTERPRISE}{pairs}]".encode()


def framed(raw: bytes) -> bytes:
    """Return a message preceded by its octet count, as RFC 5425 requires."""
    return f"{len(raw)} ".encode() + raw


class Syslog:
    """Keeps a connection to one receiver, and sends the queued messages in order."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._waiting: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._came = asyncio.Event()
        self.dropped = 0
        self.name, self.process = socket.gethostname() or "-", str(os.getpid())

    def put(self, at: datetime, severity: int, kind: str, data: Mapping[str, str]) -> None:
        """Queue a message; its arguments are those of `message`. If 10,000 messages wait already, the oldest is dropped
        and counted in `dropped`. Never blocks.
        """
        self.dropped += len(self._waiting) == MOST_WAITING
        self._waiting.append(framed(message(at, severity, kind, data, self.name, self.process)))
        self._came.set()

    async def run(self) -> None:
        """Send queued messages until cancelled. Connects again, without end, whenever the connection has ended or
        cannot be made.
        """
        while wanted():
            reader, writer = await until_done("syslog", self._connect)
            log.info(
                "connected to syslog at %s:%d; %d events were dropped so far", self._host, self._port, self.dropped
            )
            try:
                await self._send_until_closed(reader, writer)
            except OSError as error:
                log.warning("syslog at %s:%d: the connection broke (%s)", self._host, self._port, type(error).__name__)
            await asyncio.sleep(BREAK_SECONDS)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(self._host, self._port, ssl=self._tls)

    async def _send_until_closed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send queued messages over one connection until the receiver closes it. Raises OSError if the connection
        breaks.
        """
        closed = asyncio.create_task(reader.read(1))  # the receiver sends nothing: this ends when it closes
        try:
            while not closed.done():
                await self._send(writer)
                coming = asyncio.create_task(self._came.wait())
                await asyncio.wait((coming, closed), return_when=asyncio.FIRST_COMPLETED)
                coming.cancel()
            closed.result()
        finally:
            closed.cancel()
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(closed, return_exceptions=True)  # takes its error, if sending failed first
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        """Send all queued messages. A message leaves the queue once it is written."""
        self._came.clear()
        while self._waiting:
            first = self._waiting[0]
            writer.write(first)
            await writer.drain()
            if self._waiting[0] is first:
                self._waiting.popleft()


def _escaped(value: str) -> str:
    r"""Return `value` with the characters ", \ and ] escaped, as RFC 5424 (6.3.3) requires, and without control
    characters: a receiver that writes messages to lines would take what follows a line feed for another message.
    """
    plain = "".join(each if each.isprintable() else "?" for each in value)
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
