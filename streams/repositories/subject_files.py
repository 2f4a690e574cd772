"""Copies of people's data for their granted requests to see it, in Redis until the console has handed them over.

Only an operator's command may read every topic, so it makes the copy (operations/subject_access); the console hands it
over. With a vault, a copy is encrypted under its person's key: an erasure makes it unreadable. A copy that Redis loses,
or that has expired, is made again by the command.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
from redis.asyncio import Redis

from schemas.errors import UserError
from schemas.people.residents import ResidentId
from schemas.people.subject_requests import SubjectRequestId
from streams.messaging.producer import Record
from streams.messaging.topics import PRESERVED
from streams.runtime.settings import Settings
from streams.security.record_encryption import RecordEncryption, record_encryption
from streams.state.keys import SUBJECT_FILE

KEPT = timedelta(days=7)
MOST_BYTES = 8 * 1024 * 1024  # decrypted at once by the console; a person's records rarely have over some hundred kB


class SubjectFileError(UserError, ValueError):
    """The copy is too large for Redis; nothing was stored."""


class SubjectFiles:
    """Stores and reads the copies."""

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._settings = settings
        self._redis: Any = redis

    async def put(self, request: SubjectRequestId, resident: ResidentId, raw: bytes) -> None:
        """Store the copy for a request, a zip, for a week; one that is there is replaced.

        Raises SubjectFileError if it has over 8 MiB, and VaultError if the vault is not the installation's. Errors of
        Redis (also of the vault) and Kafka pass through.
        """
        if len(raw) > MOST_BYTES:
            raise SubjectFileError(
                f"the copy has {len(raw):,} bytes, and the console hands over at most {MOST_BYTES:,}: give --out FILE"
            )
        async with self._encryption() as encryption:
            (value,) = await encryption.encode([_record(request, resident, orjson.dumps(_text(raw)))])
        await self._redis.set(_key(request), value or b"", ex=KEPT)

    async def seconds_left(self, request: SubjectRequestId) -> int:
        """Return for how many seconds the copy remains; 0 if there is none. Errors of Redis pass through."""
        left: int = await self._redis.ttl(_key(request))
        return max(0, left)

    async def get(self, request: SubjectRequestId, resident: ResidentId) -> bytes | None:
        """Return the copy, or None if there is none, or its person was erased or is another one.

        Raises VaultError if the vault is not the installation's. Errors of Redis (also of the vault) and Kafka pass
        through.
        """
        kept: bytes | None = await self._redis.get(_key(request))
        if not kept:
            return None
        async with self._encryption() as encryption:
            (value,) = await encryption.decode([_record(request, resident, kept)])
        return _raw(value)

    @asynccontextmanager
    async def _encryption(self) -> AsyncIterator[RecordEncryption]:
        made = record_encryption(self._settings)
        try:
            yield made
        finally:
            await made.aclose()


def _record(request: SubjectRequestId, resident: ResidentId, value: bytes) -> Record:
    """Return the value as a record of a topic that is encrypted as a whole under the resident's key."""
    return Record(PRESERVED.name, f"{resident}-{request}".encode(), value, 0)


def _text(raw: bytes) -> dict[str, str]:
    return {"file": base64.b64encode(raw).decode()}


def _raw(value: bytes | None) -> bytes | None:
    """Return the bytes of a decrypted value; None if no key opens it."""
    try:
        found: Any = orjson.loads(value or b"")
        return base64.b64decode(found["file"])
    except (ValueError, KeyError, TypeError):
        return None


def _key(request: SubjectRequestId) -> str:
    return f"{SUBJECT_FILE}{request}"
