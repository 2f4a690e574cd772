"""Records security events: on their topic, as counts for the alarms, and by syslog if a receiver is configured.

If an event cannot be written, that is logged and the request continues. Syslog still receives the event, except if
Redis failed before it was known whether the login belongs to an account.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from console.web.auth.lockout import Attempt, Lockout, address_of
from console.web.kit.settings import ConsoleSettings
from domain.access.key_rings import KeyPurpose
from schemas.administration.security_events import SecurityEvent, SecurityEventKind
from streams.installation import Installation
from streams.messaging.codec import CodecError
from streams.messaging.producer import Record, SendError
from streams.messaging.topics import SECURITY_EVENTS
from streams.runtime.credentials import AccessError, authorities
from streams.runtime.redis_address import host_and_port
from streams.runtime.settings import SettingsError
from streams.runtime.tasks import TRANSIENT
from streams.security.installation_keys import ring
from streams.security.syslog import PORT, Syslog
from streams.state.keys import REVEAL_PACE, SECURITY_COUNTS

log = logging.getLogger(__name__)

WRITE_SECONDS = 2.0
MANY, PACE_SECONDS = 20, 600  # reveals of one person, and within which time: a call and its notes take minutes
WARNING, NOTICE = 4, 5  # severities of RFC 5424
_NOTICES = frozenset(
    {
        SecurityEventKind.RECOVERY_CODE_SPENT,
        SecurityEventKind.SECOND_FACTOR_SET_UP,
        SecurityEventKind.KEY_ADDED,
        SecurityEventKind.KEY_REMOVED,
        SecurityEventKind.REVEALED,
    }
)


class SecurityLog:
    """Writes the security events of one process."""

    def __init__(self, line: Installation, settings: ConsoleSettings, lockout: Lockout) -> None:
        """Raises SettingsError if the receiver of syslog is configured wrongly."""
        self._line, self._lockout, self.syslog = line, lockout, receiver(settings)

    async def note(self, request: Request, kind: SecurityEventKind, login: str, on: str = "") -> None:
        """Record an event. Failures are logged and not raised.

        `login`: as typed; it is stored as a hash if no account has it. `on`: a route or a token's id.
        """
        async with _without_failing(kind):
            event = SecurityEvent(
                at=self._line.clock.now(),
                kind=kind,
                who=await self._name(login),
                address=address_of(request),
                on=on[:128] or None,
            )
            self._tell_syslog(event)
            await self._line.redis.hincrby(SECURITY_COUNTS, kind.value, 1)
            record = Record(SECURITY_EVENTS.name, (event.who or "unknown").encode(), event.model_dump_json().encode())
            await self._line.producer.send_all([record])

    async def locked_out(self, request: Request, attempt: Attempt) -> None:
        """Record that the lockout refused an attempt to sign in: as SPRAYING if its address has tried too many logins,
        else, or if its attempts cannot be counted, as GUESSING. Failures are logged and not raised.
        """
        sprays = False
        async with _without_failing(SecurityEventKind.SPRAYING):
            sprays = await self._lockout.sprays(attempt)
        await self.note(request, SecurityEventKind.SPRAYING if sprays else SecurityEventKind.GUESSING, attempt.login)

    async def revealed(self, request: Request, login: str, case: str) -> None:
        """Record that a person (a login) revealed the data of a case's resident; `case`: the case's id. At each 20th
        revealing (MANY) within 10 minutes (PACE_SECONDS), also record an event MASS_REVEALING. Failures are logged and
        not raised.
        """
        await self.note(request, SecurityEventKind.REVEALED, login, case)
        count = 0
        async with _without_failing(SecurityEventKind.MASS_REVEALING):
            count = int(await self._line.redis.incr(REVEAL_PACE + login))
            await self._line.redis.expire(REVEAL_PACE + login, PACE_SECONDS, nx=True)
        if count and count % MANY == 0:
            await self.note(request, SecurityEventKind.MASS_REVEALING, login)

    async def note_stranger(self, request: Request, kind: SecurityEventKind) -> None:
        """Record an event about a request that no account sent: the first of its address within a minute, and of all
        addresses at most 60 within a minute. Failures are logged and not raised.
        """
        if await request.app.state.limits.first_of_stranger(request):
            await self.note(request, kind, "", getattr(request.scope.get("route"), "name", ""))

    def _tell_syslog(self, event: SecurityEvent) -> None:
        if self.syslog is None:
            return
        severity = NOTICE if event.kind in _NOTICES else WARNING
        data = {"who": event.who, "address": event.address, "on": event.on or ""}
        self.syslog.put(event.at, severity, event.kind.value, data)

    async def _name(self, login: str) -> str:
        if not login or await self._line.staff.get(login) is not None:
            return login
        return f"h:{ring(self._line.settings, KeyPurpose.SESSION).digest(f'security:{login}')[:32]}"


@asynccontextmanager
async def _without_failing(kind: SecurityEventKind) -> AsyncIterator[None]:
    """Run the block for at most WRITE_SECONDS. If it fails, log that an event of this kind was not written."""
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            yield
    except (*TRANSIENT, SendError, CodecError, AccessError) as error:
        log.warning("a security event (%s) was not written: %s", kind.value, type(error).__name__)


def receiver(settings: ConsoleSettings) -> Syslog | None:
    """Return the sender to the configured syslog receiver, or None if none is set. Raises SettingsError if a setting is
    wrong.
    """
    if not settings.syslog:
        return None
    try:
        host, port = host_and_port(settings.syslog, PORT)
    except ValueError as error:
        raise SettingsError(f"QUANZU_CONSOLE_SYSLOG = {error}") from None
    try:
        return Syslog(host, port, authorities("QUANZU_CONSOLE_SYSLOG_CA", settings.syslog_ca))
    except ValueError as error:
        raise SettingsError(str(error)) from None
