"""Guessing is slowed down, and nobody is locked out of his own account by another's guesses.

Wrong answers count by login and address. Many addresses together come no further: what all strangers may try at one
login is bounded too, and what one address may try at all logins. A browser that was signed in to the login before
shows it by a cookie (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"): it is no stranger, counts by
itself, and gets in while the login is under attack from elsewhere. An unknown login is counted as any other.
"""

import hashlib
import hmac
import ipaddress
import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import limits
from fastapi import Request
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.responses import Response

OWN = ("5/minute", "20/hour")  # of a login from an address, or from a known browser
STRANGERS = {"password": "100/hour", "code": "30/hour"}  # wrong answers of all strangers at one login
ADDRESS = "300/hour"  # wrong answers from one address: an office goes out by one
COOKIE = "__Host-quanzu-device-"  # and a hash of the login: a desk's browser is several people's
DAYS = 180


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password, or a second factor, given for a login. `device`: of a browser that was signed in to it before."""

    what: Literal["password", "code"]
    login: str
    address: str
    device: str | None


class _Count(NamedTuple):
    limit: limits.RateLimitItem
    names: tuple[str, ...]


class Lockout:
    """How often somebody may still try. `key`: signs the cookies."""

    def __init__(self, redis: Any, key: bytes) -> None:  # noqa: ANN401 - see streams/repositories/residents
        self._key = key
        pool: Any = redis.connection_pool
        storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)
        self._limiter = FixedWindowRateLimiter(storage)

    async def wait(self, attempt: Attempt) -> int:
        """Take this attempt off what is left; seconds to wait when nothing was, else 0.

        It is taken before the answer is looked at: a hundred at once are no more than five.
        """
        own, others = self._own(attempt), self._others(attempt)
        tried = [await self._limiter.hit(limit, *names) for limit, names in own]
        tried += [await self._limiter.test(limit, *names) for limit, names in others]
        shut = [count for count, free in zip([*own, *others], tried, strict=True) if not free]
        return max([await self._left(count) for count in shut], default=0)

    async def wrong(self, attempt: Attempt) -> None:
        """The answer was wrong."""
        for limit, names in self._others(attempt):
            await self._limiter.hit(limit, *names)

    async def right(self, attempt: Attempt) -> None:
        """The answer was right: what went wrong before is forgotten."""
        for limit, names in self._own(attempt):
            await self._limiter.clear(limit, *names)

    def attempt(self, request: Request, what: Literal["password", "code"], login: str) -> Attempt:
        """What a request tries."""
        return Attempt(what, login, address_of(request), self._device(request, login))

    def remember(self, response: Response, login: str) -> None:
        """Let the browser be known to the login from now on. The cookie opens nothing by itself."""
        mark = secrets.token_hex(16)
        value = f"{mark}.{self._proof(login, mark)}"
        response.set_cookie(
            self.cookie(login), value, DAYS * 86_400, path="/", secure=True, httponly=True, samesite="strict"
        )

    def cookie(self, login: str) -> str:
        """The name of the cookie by which a browser is known to a login."""
        return COOKIE + hmac.digest(self._key, f"device-name:{login}".encode(), hashlib.sha256).hex()[:16]

    def _device(self, request: Request, login: str) -> str | None:
        mark, _, proof = request.cookies.get(self.cookie(login), "").partition(".")
        return mark if hmac.compare_digest(proof.encode(), self._proof(login, mark).encode()) else None

    def _proof(self, login: str, mark: str) -> str:
        return hmac.digest(self._key, f"device:{login}:{mark}".encode(), hashlib.sha256).hex()

    def _own(self, attempt: Attempt) -> Sequence[_Count]:
        whose = f"device-{attempt.device}" if attempt.device else f"address-{attempt.address}"
        return [_Count(limits.parse(each), ("sign-in", attempt.what, self._name(attempt), whose)) for each in OWN]

    def _others(self, attempt: Attempt) -> Sequence[_Count]:
        if attempt.device:
            return []
        return [
            _Count(limits.parse(STRANGERS[attempt.what]), ("strangers", attempt.what, self._name(attempt))),
            _Count(limits.parse(ADDRESS), ("address", attempt.what, attempt.address)),
        ]

    def _name(self, attempt: Attempt) -> str:
        """What was typed as a login may be a password: it is kept nowhere."""
        return hmac.digest(self._key, f"login:{attempt.login}".encode(), hashlib.sha256).hex()

    async def _left(self, count: _Count) -> int:
        ends, _ = await self._limiter.get_window_stats(count.limit, *count.names)
        return max(1, math.ceil(ends - time.time()))


def address_of(request: Request) -> str:
    """Where a request comes from. An IPv6 network of 64 bits is one customer's."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
