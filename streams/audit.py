"""Writing to the audit topic, which is kept for good."""

from collections.abc import Sequence

from schemas.audit import AuditEntry
from streams.producer import Producer, Record
from streams.topics import AUDIT


async def write(producer: Producer, entries: Sequence[AuditEntry]) -> None:
    """Write the entries and return when Kafka has them; waits for as long as Kafka is away."""
    await producer.send_all(records(entries))


def records(entries: Sequence[AuditEntry]) -> list[Record]:
    """The entries' records, for who writes them together with something else."""
    return [Record(AUDIT.name, entry.by.encode(), entry.model_dump_json().encode()) for entry in entries]
