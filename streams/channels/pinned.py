"""An HTTP transport that resolves a host once, checks all its addresses, and connects to a checked address.

So a name that resolves to another address a moment later (DNS rebinding) does not redirect the request.
"""

import asyncio
import socket
from collections.abc import Collection
from ipaddress import ip_address

import httpx

from domain.access.webhooks import HTTPS, Address, may_send_to, may_use_port


class ForbiddenDestinationError(httpx.TransportError):
    """The host has an address to which nothing may be sent: one inside the network that is not permitted.

    Nothing was sent.
    """


class ForbiddenPortError(ForbiddenDestinationError):
    """The host may be sent to, but not this port. Nothing was sent."""


class PinnedTransport(httpx.AsyncBaseTransport):
    """Sends requests to permitted addresses and ports only. Uses no proxy, because a proxy would choose the address."""

    def __init__(self, private: Collection[Address], trial: bool, ports: Collection[int] = (HTTPS,)) -> None:
        """`private`, `trial`: as in `may_send_to`; `ports`: those to which requests may be sent, in a trial besides all
        ports of this machine.
        """
        self._private, self._trial, self._ports = private, trial, ports
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the host's checked address, and return the answer. Changes the request's URL to that
        address.

        The certificate is verified for the host's name. Raises ForbiddenDestinationError, without connecting, if one of
        the host's addresses is not permitted, and ForbiddenPortError if the port is not; ConnectError if the host is
        unknown, ConnectTimeout if it is not resolved in time, and httpx's other errors.
        """
        host = request.url.host
        port = request.url.port or (HTTPS if request.url.scheme == "https" else 80)
        address = await self._address(host, port, request.extensions.get("timeout", {}).get("connect"))
        if not may_use_port(port, address, self._ports, self._trial):
            raise ForbiddenPortError("the port is not permitted")
        request.url = request.url.copy_with(host=str(address))
        request.extensions = {**request.extensions, "sni_hostname": host}
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _address(self, host: str, port: int, seconds: float | None) -> Address:
        """Return the host's address. `seconds`: the longest wait for a slow DNS; None: without end."""
        try:
            async with asyncio.timeout(seconds):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("the host was not resolved in time") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a..b cannot be a name
            raise httpx.ConnectError("the host is not known") from error
        known = [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]
        if not known or not all(may_send_to(each, self._private, self._trial) for each in known):
            raise ForbiddenDestinationError("the host has an address that is not permitted")
        return known[0]
