"""Writes audit entries: the person who looked at data or acted, the object, and the reason. An entry never contains
personal data.

Acts on a case are written together with the case's input (console/web/case/answers.py); all others are written here.
"""

import asyncio
from collections.abc import Sequence

from console.web.auth.who import Who
from console.web.kit.services import Services
from schemas.administration.audit import AuditEntry
from streams.installation import Installation
from streams.messaging.producer import Record
from streams.runtime.tasks import wanted
from streams.security import audit

BIND_SECONDS = 600.0
WRITE_SECONDS = 8.0  # longest wait for Kafka; then the form is answered with 503, and sent again it counts once


async def record_look(services: Services, who: Who, what: str, on: str, reason: str = "", detail: str = "") -> None:
    """Write an audit entry that a person is about to see a resident's data. Call it before the data is shown.

    `what`: case, unmask, search, export …; the entry's act is "look-" and this word. `on`: the id of the case or other
    object; `reason`: the person's words; `detail`: further facts without personal data. Raises TimeoutError if Kafka
    does not answer within WRITE_SECONDS (8), and SendError if it refuses the entry for good.
    """
    await write(services, who, f"look-{what}", on, reason, detail)


async def write(services: Services, who: Who, act: str, on: str, reason: str = "", detail: str = "") -> None:
    """Write an audit entry about an act that is not a case's input, such as a change of a roster or an account. `act`:
    the act's name; `on`: the id of the object; `reason`: the person's words; `detail`: further facts without personal
    data. Returns when Kafka has stored the entry.

    Raises TimeoutError if Kafka does not answer within WRITE_SECONDS (the entry may still be written later), and
    SendError if Kafka refuses the entry for good.
    """
    await write_all(services, [entry(services, who, act, on, reason, detail)])


async def write_own(services: Services, login: str, act: str) -> None:
    """Write an audit entry about an act (its name) of a person on their own account, before they have a session.
    `login`: of the account.

    Raises TimeoutError if Kafka does not answer within WRITE_SECONDS (8), and SendError if it refuses the entry for
    good.
    """
    await write_all(services, [AuditEntry(at=services.line.clock.now(), by=login, act=act, on=login)])


async def write_all(services: Services, entries: Sequence[AuditEntry], beside: Sequence[Record] = ()) -> None:
    """Write audit entries, and with them the records of other topics that they are about (`beside`). Returns when Kafka
    has stored all.

    Raises TimeoutError if Kafka does not answer within WRITE_SECONDS (they may still be written later), and SendError
    if Kafka refuses one for good.
    """
    async with in_time():
        await audit.write(services.line.producer, entries, beside)


def in_time() -> asyncio.Timeout:
    """Return a context that raises TimeoutError after WRITE_SECONDS (8). Callers use it for Kafka; the error is
    answered with 503.
    """
    return asyncio.timeout(WRITE_SECONDS)


def entry(services: Services, who: Who, act: str, on: str, reason: str = "", detail: str = "") -> AuditEntry:
    """Return an audit entry at the present time, by the person or program `who`; it is not written. `act`: the act's
    name; `on`: the id of the object; `reason`: the person's words; `detail`: further facts without personal data.
    """
    at = services.line.clock.now()
    return AuditEntry(at=at, by=who.login, act=act, on=on, reason=reason, detail=detail, token=who.token)


async def binding(line: Installation) -> None:
    """Run until cancelled: every BIND_SECONDS (600), record the heads of the other processes' audit chains in the audit
    if they have changed. Raises SendError if Kafka refuses the record for good, and TypeError if the producer has no
    audit chain.
    """
    while wanted():
        await asyncio.sleep(BIND_SECONDS)
        if await audit.chain_of(line.producer).news():
            await audit.bind(line.producer, line.clock.now())
