"""The audit as tests of the console read it."""

import pytest

from console.web.auth import trail
from schemas.administration.audit import AuditEntry
from streams.messaging.reader import read_all
from streams.messaging.topics import AUDIT
from tests.console.harness.stage import Stage


def unaudited(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, Kafka stores no audit entry of the console in time."""

    async def away(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(trail, "write", away)


async def audited(console: Stage, act: str = "", on: str = "", by: str = "") -> list[AuditEntry]:
    """The audit's lines, the oldest first: of one act, on one thing and by one person if they are named."""
    found = []
    async for record in read_all(console.house.settings, AUDIT.name):
        entry = AuditEntry.model_validate_json(record.value or b"")
        if act in ("", entry.act) and on in ("", entry.on) and by in ("", entry.by):
            found.append(entry)
    return found
