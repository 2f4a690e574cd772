"""The connection to the trunk: UDP, TCP or TLS. It sends and receives whole SIP messages, and reads only the
trunk's.
"""

import asyncio
import contextlib
import logging
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from aiosipua.message import SipMessage, SipRequest, SipResponse

from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

MOST_HEADER = 64 * 1024  # bytes of a message's head; a longer one ends the connection
MOST_BODY = 256 * 1024
BODY_SECONDS = 10.0  # for the rest of a message whose head has come
RETRY_SECONDS = (0.5, 1, 2, 5, 10)  # between attempts to connect; the last one is repeated
KEEP_ALIVE_SECONDS = 25.0  # RFC 5626, 4.4.1: an empty double line keeps the connection through firewalls

_BARE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")  # in a head, it would begin a header that the trunk has not seen

Received = Callable[[SipRequest | SipResponse], None]


class TrunkUnreachableError(ConnectionError):
    """There is no connection to the trunk, so nothing was sent."""


@dataclass(frozen=True, slots=True)
class TrunkAddress:
    """The trunk's address. `transport`: udp, tcp or tls; `context`: the TLS context, None without TLS; `local_port`:
    this side's over UDP, at which a trunk without a registration reaches it, 0: any.
    """

    host: str
    port: int
    transport: str
    context: ssl.SSLContext | None = None
    local_port: int = 0


class TrunkConnection:
    """A connection to the trunk that is opened again whenever it is lost.

    `received`: called with each message from the trunk. `local`: this side's host and port; `up`: an event that is set
    while connected; `made`: an event that is set with each new connection, and cleared by its user.
    """

    def __init__(self, address: TrunkAddress, received: Received) -> None:
        self._address, self._received = address, received
        self._datagrams: asyncio.DatagramTransport | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._running: asyncio.Task[None] | None = None
        self.local: tuple[str, int] = ("", 0)
        self.up = asyncio.Event()
        self.made = asyncio.Event()  # is set with each new connection; cleared by whoever waits for the next one
        self._heard_at = 0.0

    @property
    def reliable(self) -> bool:
        """True for TCP and TLS, which lose no message, so that none is repeated; False for UDP."""
        return self._address.transport != "udp"

    @property
    def transport(self) -> str:
        """The transport's name in a Via header: UDP, TCP or TLS."""
        return self._address.transport.upper()

    async def open(self) -> None:
        """Connect to the trunk. Over TCP and TLS, returns after the first attempt, even if it failed; a background task
        then keeps it connected. Over UDP, raises OSError if the port cannot be opened.
        """
        if not self.reliable:
            await self._open_udp()
            return
        with contextlib.suppress(OSError):
            await self._connect()
        self._running = asyncio.create_task(self._keep_connected())

    async def close(self) -> None:
        """Close the connection, and do not open it again."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
        if self._datagrams is not None:
            self._datagrams.close()
        self.up.clear()

    def send(self, message: SipRequest | SipResponse) -> None:
        """Send a message, without waiting. Raises TrunkUnreachableError if there is no connection."""
        if self._datagrams is not None:
            self._datagrams.sendto(bytes(message))
        elif self._writer is not None and not self._writer.is_closing():
            self._writer.write(bytes(message))
        else:
            raise TrunkUnreachableError

    def renew(self, since: float) -> None:
        """Break the connection if the trunk has sent nothing since `since` (seconds of the event loop's clock), so that
        it is made again.

        The other side may be gone without TCP having noticed. No effect over UDP.
        """
        if self._writer is not None and self._heard_at < since:
            log.warning("the trunk is silent: its connection is made again")
            self.up.clear()
            self._writer.transport.abort()

    def take(self, data: bytes) -> None:
        """Parse one message and pass it to `received`. An invalid message, or an error in `received`, is logged without
        the content, which has telephone numbers; nothing is raised.
        """
        self._heard_at = asyncio.get_running_loop().time()
        if _BARE_END.search(data.partition(b"\r\n\r\n")[0]):
            log.warning("a SIP message of the trunk has a line that ends with CR or LF alone: it is left out")
            return
        try:
            message = SipMessage.parse(data)
        except (ValueError, IndexError, KeyError) as error:
            log.warning("a SIP message of the trunk cannot be read (%s)", type(error).__name__)
            return
        try:
            self._received(message)
        except Exception as error:
            log.error("a SIP message could not be processed (%s)", type(error).__name__)  # noqa: TRY400 - no numbers

    async def _open_udp(self) -> None:
        loop = asyncio.get_running_loop()
        remote, port = (self._address.host, self._address.port), self._address.local_port
        local = ("::1" if ":" in self._address.host else "127.0.0.1", port) if port else None  # UDP: this machine only
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=local, remote_addr=remote
        )
        self.local = self._datagrams.get_extra_info("sockname")[:2]
        self.up.set()

    async def _connect(self) -> asyncio.StreamReader:
        address = self._address
        name = address.host if address.context else None
        reader, self._writer = await asyncio.open_connection(
            address.host, address.port, ssl=address.context, server_hostname=name, limit=MOST_HEADER
        )
        self.local = self._writer.get_extra_info("sockname")[:2]
        self._reader = reader
        self.up.set()
        self.made.set()
        return reader

    async def _keep_connected(self) -> None:
        failed = 0
        while wanted():
            try:
                reader = self._reader if self.up.is_set() else await self._connect()
                failed = 0
                await self._read(reader)
            except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
                log.warning("no connection to the trunk (%s)", type(error).__name__)
            self.up.clear()
            if self._writer is not None:
                self._writer.close()
            await asyncio.sleep(RETRY_SECONDS[min(failed, len(RETRY_SECONDS) - 1)])
            failed += 1

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while wanted():
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), KEEP_ALIVE_SECONDS)
            except TimeoutError:
                if self._writer is not None:
                    self._writer.write(b"\r\n\r\n")
                continue
            head = head.lstrip(b"\r\n")
            if head:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await reader.readexactly(_body_length(head))
                self.take(head + body)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, owner: TrunkConnection) -> None:
        self._owner = owner

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data.strip(b"\r\n\0"):
            self._owner.take(data)

    def error_received(self, exc: Exception) -> None:
        log.warning("the trunk's UDP port does not take messages (%s)", type(exc).__name__)


def _body_length(head: bytes) -> int:
    """Return the bytes of the body. Raises ValueError if the head gives no usable length (RFC 3261, 18.3)."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"content-length", b"l"):
            if not 0 <= (length := int(value)) <= MOST_BODY:
                raise ValueError("the body is too long")
            return length
    return 0
