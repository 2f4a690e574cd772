"""Shows audit entries as a table in the terminal."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from console.story import LOCAL
from streams.security.audit_log import AuditRecord


def listing(lines: Iterable[AuditRecord]) -> Table:
    """Return a terminal table of the audit entries in the given order. Times are in China's time zone."""
    table = Table(box=None, pad_edge=False)
    for name in ("place", "at", "by", "act", "on", "why", "chain"):
        table.add_column(name, overflow="fold")
    for offset, entry in lines:
        at = entry.at.astimezone(LOCAL)
        why = " · ".join(part for part in (entry.reason, entry.detail) if part)
        chain = f"{entry.link.chain[:8]}/{entry.link.number}" if entry.link else "–"
        row = (str(offset), f"{at:%m-%d %H:%M:%S}", entry.by, entry.act, entry.on, why, chain)
        table.add_row(*map(Text, row))
    return table
