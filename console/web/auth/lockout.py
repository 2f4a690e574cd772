"""Limits guesses of passwords and codes without letting a stranger lock a person out of their account.

Attempts are counted by login and address. Two more limits stop guesses from many addresses: one for all strangers
together at one login, one for one address at all logins. A browser that has signed in to the login before has a device
cookie (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"): it is counted separately, so it can sign in
during an attack. Unknown logins are counted like known ones.
"""

import ipaddress
import math
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import limits
from fastapi import Request
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.responses import Response

from domain.access.key_rings import KeyRing

OWN = ("5/minute", "20/hour")  # attempts at a login from one address or one known browser
STRANGERS = {"password": "100/hour", "code": "30/hour"}  # wrong answers at one login from all unknown browsers
ADDRESS = "300/hour"  # wrong answers from one address, which a whole office may share
COOKIE = "__Host-quanzu-device-"  # then a hash of the login, because people share browsers
DAYS = 180


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password or a code given for a login. `device`: the mark of a browser that has signed in to the login before,
    else None.

    `address`: the client's address, as `address_of` returns it.
    """

    what: Literal["password", "code"]
    login: str
    address: str
    device: str | None


class _Count(NamedTuple):
    limit: limits.RateLimitItem
    names: tuple[str, ...]


class Lockout:
    """Counts attempts in Redis and limits them. `keys` returns the keys for sessions: they sign the device cookies."""

    def __init__(self, redis: Any, keys: Callable[[], KeyRing]) -> None:  # noqa: ANN401 - see streams/repositories/residents
        self._keys = keys
        pool: Any = redis.connection_pool
        storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)
        self._limiter = FixedWindowRateLimiter(storage)

    async def wait(self, attempt: Attempt) -> int:
        """Count an attempt towards the limits of its address or known browser (OWN: 5 a minute, 20 an hour). Return 0
        if it is allowed, else the seconds (at least 1) until all limits that it exceeds allow another.

        The attempt is counted before its secret is checked, so that parallel attempts cannot exceed the limit. Errors
        of Redis pass through.
        """
        own, others = self._own(attempt), self._others(attempt)
        tried = [await self._limiter.hit(limit, *names) for limit, names in own]
        tried += [await self._limiter.test(limit, *names) for limit, names in others]
        shut = [count for count, free in zip([*own, *others], tried, strict=True) if not free]
        return max([await self._left(count) for count in shut], default=0)

    async def sprays(self, attempt: Attempt) -> bool:
        """Return True if the attempt's address has given too many wrong answers (ADDRESS: 300 an hour) at all logins
        together. False for a browser known at the login. Counts nothing. Errors of Redis pass through.
        """
        limit, names = self._address(attempt)
        return attempt.device is None and not await self._limiter.test(limit, *names)

    async def wrong(self, attempt: Attempt) -> None:
        """Count a wrong answer towards the limits for strangers. No effect for a browser known at the login. Errors of
        Redis pass through.
        """
        for limit, names in self._others(attempt):
            await self._limiter.hit(limit, *names)

    async def right(self, attempt: Attempt) -> None:
        """Reset the count of this address or browser at the login, after a correct answer. Errors of Redis pass
        through.
        """
        for limit, names in self._own(attempt):
            await self._limiter.clear(limit, *names)

    def attempt(self, request: Request, what: Literal["password", "code"], login: str) -> Attempt:
        """Return the attempt that a request makes at a login: with the client's address, and the mark of a browser that
        has signed in to the login before. Counts nothing: `wait` counts the attempt, and tells whether it is allowed.
        Raises SettingsError if no key for sessions is set.
        """
        return Attempt(what, login, address_of(request), self._device(request, login))

    def remember(self, response: Response, login: str) -> None:
        """Set the device cookie of a login on the response, for DAYS days. The cookie alone does not sign in. Raises
        SettingsError if no key for sessions is set.
        """
        mark = secrets.token_hex(16)
        value = f"{mark}.{self._keys().digest(_proof(login, mark))}"
        response.set_cookie(
            self.cookie(login), value, DAYS * 86_400, path="/", secure=True, httponly=True, samesite="strict"
        )

    def cookie(self, login: str) -> str:
        """Return the name of a login's device cookie. Raises SettingsError if no key for sessions is set."""
        return _cookie(self._keys(), login)

    def _device(self, request: Request, login: str) -> str | None:
        keys = self._keys()
        for each in keys.keys:  # a device that signed in under a former key stays known
            mark, _, proof = request.cookies.get(_cookie(KeyRing((each,)), login), "").partition(".")
            if keys.matches_digest(_proof(login, mark), proof):
                return mark
        return None

    def _own(self, attempt: Attempt) -> Sequence[_Count]:
        whose = f"device-{attempt.device}" if attempt.device else f"address-{attempt.address}"
        return [_Count(limits.parse(each), ("sign-in", attempt.what, self._name(attempt), whose)) for each in OWN]

    def _others(self, attempt: Attempt) -> Sequence[_Count]:
        if attempt.device:
            return []
        return [
            _Count(limits.parse(STRANGERS[attempt.what]), ("strangers", attempt.what, self._name(attempt))),
            self._address(attempt),
        ]

    def _address(self, attempt: Attempt) -> _Count:
        return _Count(limits.parse(ADDRESS), ("address", attempt.what, attempt.address))

    def _name(self, attempt: Attempt) -> str:
        """Return a keyed hash of the login. Only the hash is stored, because people type passwords into the login
        field.
        """
        return self._keys().digest(f"login:{attempt.login}")

    async def _left(self, count: _Count) -> int:
        ends, _ = await self._limiter.get_window_stats(count.limit, *count.names)
        return max(1, math.ceil(ends - time.time()))


def _cookie(keys: KeyRing, login: str) -> str:
    return COOKIE + keys.digest(f"device-name:{login}")[:16]


def _proof(login: str, mark: str) -> str:
    return f"device:{login}:{mark}"


def address_of(request: Request) -> str:
    """Return the client's IP address, "" if unknown; for IPv6 its /64 network, because one customer has a whole /64. A
    client without an IP address gives the first 64 characters of its host.
    """
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
