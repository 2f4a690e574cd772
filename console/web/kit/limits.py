"""Rate limits by person and address, and size limits of request bodies.

Requests are counted in Redis, for all console processes together. While Redis is unavailable, no request is refused.
"""

import asyncio
import ipaddress
import logging
import math
import time
from typing import Any

import limits
from fastapi import Request
from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from python_multipart.multipart import parse_options_header
from redis.asyncio import Redis
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.auth.lockout import address_of
from console.web.auth.who import Who
from console.web.kit.errors import TooManyError, refused, too_many
from console.web.kit.services import services
from console.web.kit.settings import ConsoleSettings
from domain.public_check.statuses import A_DAY, AN_HOUR, SITES
from schemas.administration.security_events import SecurityEventKind
from streams.runtime.settings import SettingsError

log = logging.getLogger(__name__)

SIGN_IN = ("/sign-in", "/guest")  # paths where secrets can be guessed
SIGN_IN_BYTES = 16_384
BODY_BYTES = 1_048_576  # of other requests
BODY_SECONDS = 30.0  # until the whole body has arrived
UPLOAD_BYTES = 8_388_608  # of a file: a policy, a roster
EVIDENCE_BYTES = 33_554_432  # of a form with evidence files
PERSON = limits.parse("1200/minute")  # requests of one person from all addresses
SEARCHES = limits.parse("60/minute")  # of one person; more looks like copying the register
CHECKS = limits.parse(f"{A_DAY}/day")  # elements of the public check that one network asks about
SITE_CHECKS = limits.parse(f"{SITES * A_DAY}/day")  # those of an IPv6 /48, of which one customer may have every /64
ALL_CHECKS = limits.parse(f"{AN_HOUR}/hour")
TOLD = limits.parse("1/minute")  # security events of one person, or of one address, above a limit
STRANGERS = limits.parse("60/minute")  # security events of all addresses about requests that no account sent
EVIDENCE = limits.parse("12/minute")  # forms with evidence files of one person: they lie in memory
EVIDENCE_FORMS = frozenset({"case-evidence-add", "call-in-danger"})  # names of the routes that take them
MOST_HELD = 8  # forms above BODY_BYTES that one console has in memory: they wait until their pictures are encoded
HELD_SECONDS = 30  # Retry-After to a form above that
REPORT = "/report"  # the public page, whose forms anybody may send
CHECK, CHECK_APPEAL = "/v1/check", "/check/appeal"  # of the public check, which anybody may send too
CHECK_BYTES = 4_096  # seven elements and their buckets take some 500 bytes
REPORT_BYTES = 65_536  # its longest words in Chinese take some 10 kB as a form is encoded
UPLOADS = ("/policies", "/rosters")  # paths that take files
TAKES_EVIDENCE = ("/danger", "/evidence")  # how paths end that take evidence files
FREE = "/static/"
# Files of a form stay in memory, which the limits above bound: a person's picture must not lie on a disk unencrypted.
MultiPartParser.spool_max_size = EVIDENCE_BYTES


class Limits:
    """Counts requests in Redis by address and by account. The constructor raises SettingsError if a rate is invalid."""

    def __init__(self, redis: "Redis", settings: ConsoleSettings) -> None:
        pool: Any = redis.connection_pool
        storage = RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", connection_pool=pool)
        self._limiter = FixedWindowRateLimiter(storage)
        self._address = _rate("RATE_ADDRESS", settings.rate_address)
        self._person = PERSON
        self._sign_in = _rate("RATE_SIGN_IN", settings.rate_sign_in)
        self._report = _rate("RATE_REPORT", settings.rate_report)
        self._phone = _rate("RATE_REPORT_PHONE", settings.rate_report_phone)
        self._county = _rate("RATE_REPORT_COUNTY", settings.rate_report_county)
        self._reports = _rate("RATE_REPORTS", settings.rate_reports)

    async def address(self, scope: Scope) -> int:
        """Count a request from an address; an allowed POST to a sign-in or guest path also counts in the limit of
        sign-ins. Return the seconds to wait, or 0 if the request is allowed.

        Static files are not counted. While Redis is unavailable, the result is 0.
        """
        if scope["path"].startswith(FREE):
            return 0
        found = address_of(Request(scope))
        wait = await self._hit(self._address, "address", found)
        if not wait and scope["path"].startswith(SIGN_IN) and scope["method"] == "POST":
            wait = await self._hit(self._sign_in, "sign-in", found)
        return wait

    async def person(self, request: Request, who: Who) -> None:
        """Count a request of a signed-in account. Raises TooManyError above a limit: of all requests, searches or
        files. While Redis is unavailable, no request is refused.
        """
        wait = await self._hit(self._person, "person", who.login)
        name = getattr(request.scope.get("route"), "name", "")
        if not wait and "search" in name:
            wait = await self._hit(SEARCHES, "search", who.login)
        if not wait and name in EVIDENCE_FORMS:
            wait = await self._hit(EVIDENCE, "evidence", who.login)
        if wait:
            raise TooManyError(wait)

    async def first_refusal(self, who: Who) -> bool:
        """Return True for the account's first call within a minute, False for further ones, so that of many refused
        requests one is recorded. While Redis is unavailable, the result is True.
        """
        return not await self._hit(TOLD, "told", who.login)

    async def first_of_stranger(self, request: Request) -> bool:
        """Return True for the first call about an address within a minute, and for at most 60 calls (STRANGERS) within
        a minute in all, so that many addresses do not fill the topic of security events. While Redis is unavailable,
        the result is True.
        """
        if await self._hit(TOLD, "told-address", address_of(request)):
            return False
        return not await self._hit(STRANGERS, "told-strangers", "all")

    async def report(self, request: Request, phone: str, county: str) -> int:
        """Count a report on the public page. Return the seconds until another one is allowed if a limit is reached, or
        0 if the report is allowed.

        Limits are checked in this order: the address, the telephone, the county, all reports. A report that one of them
        refuses does not count in the later ones. `phone`: a keyed hash of the reporter's telephone; `county`: its code.
        While Redis is unavailable, the result is 0.
        """
        for rate, kind, name in (
            (self._report, "report", address_of(request)),
            (self._phone, "report-phone", phone),
            (self._county, "report-county", county),
            (self._reports, "reports", "all"),
        ):
            if wait := await self._hit(rate, kind, name):
                return wait
        return 0

    async def check(self, request: Request, elements: int) -> int:
        """Count a question to the public check by its elements, for each network of the client: the /24 of an IPv4
        address, the /64 and the /48 of an IPv6 address. Return the seconds until another question is allowed if a limit
        is reached, or 0 if it is allowed.

        While Redis is unavailable, the result is 0.
        """
        for network, rate in networks_of(request).items():
            if wait := await self._hit(rate, "check", network, elements):
                return wait
        return 0

    async def all_checks(self, elements: int) -> int:
        """Count the elements of an answered question to the public check in the limit for everybody. Return the seconds
        until another one is allowed if it is reached, or 0 if it is allowed.

        A refused question must not be counted here: it copies nothing, and would shut the check for everybody. While
        Redis is unavailable, the result is 0.
        """
        return await self._hit(ALL_CHECKS, "checks", "all", elements)

    async def _hit(self, rate: RateLimitItem, kind: str, name: str, cost: int = 1) -> int:
        try:
            if await self._limiter.hit(rate, "console", kind, name, cost=cost):
                return 0
            reset, _ = await self._limiter.get_window_stats(rate, "console", kind, name)
        except StorageError as error:
            log.warning("requests are not counted, their store does not answer: %s", type(error.storage_error).__name__)
            return 0
        return max(1, math.ceil(reset - time.time()))


def networks_of(request: Request) -> dict[str, RateLimitItem]:
    """Return the limit (a rate of elements) of each of the client's networks, by the network as text: the /24 of an
    IPv4 address; the /64 of an IPv6 address, as `address_of` returns it, then its /48. One customer may use every
    address of them.
    """
    found = address_of(request)
    try:
        network = ipaddress.ip_network(f"{found}/24" if "." in found else found, strict=False)
    except ValueError:  # no address, such as a test's host name
        return {found: CHECKS}
    wider = {} if network.version == 4 else {str(network.supernet(new_prefix=48)): SITE_CHECKS}
    return {str(network): CHECKS} | wider


class Addresses:
    """ASGI middleware that refuses (429) the requests of an address above its limit, before any other work. A security
    event about it is recorded after the answer.
    """

    def __init__(self, app: ASGIApp, counts: Limits) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (wait := await self._counts.address(scope)):
            request = Request(scope)
            await too_many(request, wait)(scope, receive, send)
            await services(request).security.note_stranger(request, SecurityEventKind.TOO_OFTEN)
            return
        await self._app(scope, receive, send)


class Bodies:
    """ASGI middleware that limits request bodies. It refuses a body above its size limit (413), by Content-Length and
    by the bytes received; a body that has not arrived completely after BODY_SECONDS (408); a body whose charset is not
    UTF-8 (415), because another may decode to text that cannot be encoded again; and a form with evidence files while
    MOST_HELD others are in memory (429).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._held = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most, came, whole = _most(scope["path"]), 0, False
        until = asyncio.get_running_loop().time() + BODY_SECONDS

        async def counting() -> Message:
            nonlocal came, whole
            message = await (receive() if whole else _before(until, receive))
            came += len(message.get("body", b""))
            whole = whole or not message.get("more_body", False)
            if came > most:
                raise HTTPException(413)
            return message

        if _length(scope) > most:
            await refused(Request(scope), 413)(scope, receive, send)
        elif not _is_utf8(scope):
            await refused(Request(scope), 415)(scope, receive, send)
        elif not _is_large(scope, most):
            await self._app(scope, counting, send)
        elif self._held >= MOST_HELD:
            await too_many(Request(scope), HELD_SECONDS)(scope, receive, send)
        else:
            self._held += 1
            try:
                await self._app(scope, counting, send)
            finally:
                self._held -= 1


def _is_utf8(scope: Scope) -> bool:
    """Return True unless the Content-Type names a charset other than UTF-8."""
    given = Headers(scope=scope).get("content-type", "")
    _, options = parse_options_header(given)
    return options.get(b"charset", b"utf-8").lower().strip() in (b"utf-8", b"utf8")


async def _before(until: float, receive: Receive) -> Message:
    try:
        async with asyncio.timeout_at(until):
            return await receive()
    except TimeoutError:
        raise HTTPException(408, headers={"Connection": "close"}) from None


def _most(path: str) -> int:
    if path.startswith(SIGN_IN):
        return SIGN_IN_BYTES
    if path in (REPORT, CHECK_APPEAL):
        return REPORT_BYTES
    if path == CHECK:
        return CHECK_BYTES
    if path.endswith(TAKES_EVIDENCE):
        return EVIDENCE_BYTES
    return UPLOAD_BYTES if path.startswith(UPLOADS) else BODY_BYTES


def _is_large(scope: Scope, most: int) -> bool:
    """Return True if a form may have evidence files of more than BODY_BYTES, which includes a form without
    Content-Length.
    """
    told = any(name == b"content-length" for name, _ in scope["headers"])
    return scope["method"] == "POST" and most == EVIDENCE_BYTES and (_length(scope) > BODY_BYTES or not told)


def _length(scope: Scope) -> int:
    told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(told) if told.isdigit() else 0


def _rate(name: str, text: str) -> RateLimitItem:
    try:
        return limits.parse(text)
    except ValueError:
        raise SettingsError(f"QUANZU_CONSOLE_{name} = {text!r}: write it as 1200/minute or 20/second") from None
