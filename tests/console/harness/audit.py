"""The audit as tests of the console read it."""

from schemas.administration.audit import AuditEntry
from streams.messaging.reader import read_all
from streams.messaging.topics import AUDIT
from tests.console.harness.stage import Stage


async def audited(console: Stage, act: str = "", on: str = "", by: str = "") -> list[AuditEntry]:
    """The audit's lines, the oldest first: of one act, on one thing and by one person if they are named."""
    found = []
    async for record in read_all(console.house.settings, AUDIT.name):
        entry = AuditEntry.model_validate_json(record.value or b"")
        if act in ("", entry.act) and on in ("", entry.on) and by in ("", entry.by):
            found.append(entry)
    return found
