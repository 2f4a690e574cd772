"""The copies that are kept about people whose data an order protects, as a test reads them."""

from collections.abc import AsyncIterator

from schemas.people.legal_holds import PreservedRecord
from schemas.people.residents import ResidentId
from streams.installation import Installation
from streams.messaging.reader import read_all
from streams.messaging.topics import PRESERVED


async def preserved_of(line: Installation, resident: ResidentId) -> AsyncIterator[PreservedRecord]:
    """Yield the copies that are kept about one entry of the register, the latest of each record."""
    latest: dict[bytes, bytes] = {}
    async for record in read_all(line.settings, PRESERVED.name):
        key = record.key or b""
        if key.startswith(f"{resident}-".encode()):
            latest.pop(key, None)
            if record.value:
                latest[key] = record.value
    for value in latest.values():
        yield PreservedRecord.model_validate_json(value)
