"""A trunk over UDP that leads to several telephones, each by its number."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from streams.runtime.embedded import free_port

_CALLED = re.compile(rb"^INVITE sip:([^@;>]+)@", re.MULTILINE)
_CALL_ID = re.compile(rb"^Call-ID:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)
_USER = re.compile(rb"(?<=sip:)[^@;>\s]+(?=@)")


class _Switch(asyncio.DatagramProtocol):
    """Passes each message on unchanged, but for the called number and a Record-Route in an INVITE."""

    def __init__(self, phones: Mapping[str, int], user: str, own: int) -> None:
        self._phones, self._user, self._own = phones, user.encode(), own
        self._calls: dict[bytes, int] = {}  # the telephone's port by Call-ID
        self._gateway: tuple[str, int] | None = None
        self.dialled: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a datagram endpoint

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        found = _CALL_ID.search(data)
        call = found[1] if found else b""
        if addr[1] in self._phones.values():
            if self._gateway:
                self._transport.sendto(data, self._gateway)
            return
        self._gateway = addr
        if (invite := _CALLED.match(data)) and call not in self._calls:
            number = invite[1].decode()
            self.dialled.append(number)
            self._calls[call] = self._phones[number]
        if invite:
            first, _, rest = data.partition(b"\r\n")
            route = b"Record-Route: <sip:127.0.0.1:%d;lr>" % self._own
            data = b"\r\n".join([_USER.sub(self._user, first), route, rest])
        self._transport.sendto(data, ("127.0.0.1", self._calls.get(call, min(self._phones.values()))))


@asynccontextmanager
async def trunk_to(phones: Mapping[str, int], user: str) -> AsyncIterator[tuple[int, list[str]]]:
    """Run the trunk. `phones`: the port of each number, as the gateway dials it; `user`: the user part of every
    telephone. Yields the trunk's port, and the numbers that were dialled.
    """
    port = free_port()
    transport, switch = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Switch(phones, user, port), local_addr=("127.0.0.1", port)
    )
    try:
        yield port, switch.dialled
    finally:
        transport.close()
