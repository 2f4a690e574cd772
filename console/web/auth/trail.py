"""Writes audit entries: who looked at whose data or did what, and why. An entry never holds personal data.

Acts on a case are written together with the case's input (console/web/case/answers.py); all others are written here.
"""

import asyncio

from console.web.auth.who import Who
from console.web.kit.services import Services
from schemas.administration.audit import AuditEntry
from streams.installation import Installation
from streams.runtime.tasks import wanted
from streams.security import audit

BIND_SECONDS = 600.0


async def record_look(services: Services, who: Who, what: str, on: str, reason: str = "") -> None:
    """Write that a person is about to see a resident's data; call it before the data is shown.

    `what`: case, unmask, search, export …; `on`: the id of what is seen. It waits while Kafka is unavailable. Raises
    SendError if Kafka refuses the entry for good.
    """
    await write(services, who, f"look-{what}", on, reason)


async def write(services: Services, who: Who, act: str, on: str, reason: str = "", detail: str = "") -> None:
    """Write an act that is not a case's input (roster, hold, account …). Returns when Kafka has stored it.

    It waits while Kafka is unavailable. Raises SendError if Kafka refuses the entry for good.
    """
    await audit.write(services.line.producer, [entry(services, who, act, on, reason, detail)])


def entry(services: Services, who: Who, act: str, on: str, reason: str = "", detail: str = "") -> AuditEntry:
    """Return an audit entry at the present time, without writing it."""
    return AuditEntry(at=services.line.clock.now(), by=who.login, act=act, on=on, reason=reason, detail=detail)


async def binding(line: Installation) -> None:
    """Until cancelled, record the heads of the other processes' audit chains every BIND_SECONDS if they have
    changed.
    """
    while wanted():
        await asyncio.sleep(BIND_SECONDS)
        if await audit.chain_of(line.producer).news():
            await audit.bind(line.producer, line.clock.now())
