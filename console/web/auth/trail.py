"""The trail: every look at a person and every action, in the audit, by whom and why. Never a person's data.

What a person did to a case is written together with the input (console/web/case/answers.py); the rest is written here.
"""

import asyncio

from console.web.auth.who import Who
from console.web.kit.services import Services
from schemas.administration.audit import AuditEntry
from streams.installation import Installation
from streams.runtime.tasks import wanted
from streams.security import audit

BIND_SECONDS = 600.0


async def look(services: Services, who: Who, what: str, on: str, reason: str = "") -> None:
    """Somebody has looked at a person: `what` (case, unmask, search, export ...), `on` an id. Before it is shown."""
    await write(services, who, f"look-{what}", on, reason)


async def write(services: Services, who: Who, act: str, on: str, reason: str = "", detail: str = "") -> None:
    """Somebody did something that is no case's input: a roster, a hold, an account. Returns when Kafka has it."""
    await audit.write(services.line.producer, [entry(services, who, act, on, reason, detail)])


def entry(services: Services, who: Who, act: str, on: str, reason: str = "", detail: str = "") -> AuditEntry:
    """A line of the audit, now."""
    return AuditEntry(at=services.line.clock.now(), by=who.login, act=act, on=on, reason=reason, detail=detail)


async def binding(line: Installation) -> None:
    """Now and then, until cancelled: name the heads of the other processes' chains, also when nobody does anything."""
    while wanted():
        await asyncio.sleep(BIND_SECONDS)
        if await audit.chain_of(line.producer).news():
            await audit.bind(line.producer, line.clock.now())
