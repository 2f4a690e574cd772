"""Encryption of personal data in Kafka records: the producer encrypts and the readers decrypt.

The personal fields of a record (domain/identity/personal) are removed, compressed, encrypted by AES-256-GCM under the
key of the person or of the record itself, and stored in the record's field `sealed`. The rest is still a valid record
of its kind; of an erased person, only the rest can be read. Records without personal data are written unchanged, as are
all records if no vault is set.

If the installation's own vault has lost keys, work continues: a record that it cannot decrypt is passed on encrypted,
as `Unreadable`. Any other vault is refused.
"""

import base64
import os
import re
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter

from domain.identity.personal import join, parted
from streams.messaging.codec import (
    MARK,
    NUMBERS,
    OF_RECORD,
    OF_RESIDENT,
    SEALED,
    WHOLE,
    TopicRecord,
    Unreadable,
    may_be_sealed,
)
from streams.messaging.reader import known_vault
from streams.runtime.settings import Settings
from streams.security.vault import Vault, VaultError

NONCE = 12  # bytes, as in NIST SP 800-38D; random ones are safe for 2^32 records of one key

UNREADABLE = Counter("quanzu_vault_unreadable_total", "Reads of encrypted records whose key the vault lost", ["topic"])

Known = Callable[[], Awaitable[str | None]]
"""Returns the identity of the vault that encrypts the installation's records, or None before it has one."""

_RESIDENT = re.compile(rb"r[a-z2-7]{16}(?=-|$)")


for _topic in (*OF_RESIDENT, *OF_RECORD, NUMBERS):
    UNREADABLE.labels(_topic)  # starts at 0, so that an alert sees the first one


async def _unknown() -> None:
    """Return None, which means that the installation does not know its vault."""


class RecordEncryption:
    """Encrypts and decrypts records. Without a vault, records are written unencrypted, and decrypting raises
    VaultError.

    `known`: returns the identity of the installation's vault; called before the first encryption, and when a record
    cannot be decrypted.
    """

    def __init__(self, vault: Vault | None, known: Known = _unknown) -> None:
        self._vault, self._known = vault, known
        self._trusted: str | None = None  # the vault identity that was confirmed to be the installation's

    async def encode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values with their personal data encrypted, in the order of `records`.

        Raises VaultError if the vault is not the installation's, and RedisError if the vault is unavailable.
        """
        values = [record.value for record in records]
        if self._vault is None:
            return values
        parts = {place: part for place, record in enumerate(records) if (part := _parts(record)) is not None}
        if not parts:
            return values
        keys = await self._to_seal_under(self._vault, [owner for owner, _, _ in parts.values()])
        for place, (owner, plain, taken) in parts.items():
            values[place] = _written(owner, plain, taken, keys[owner])
        return values

    async def _to_seal_under(self, vault: Vault, owners: Sequence[str]) -> dict[str, bytes | None]:
        found = await vault.known(owners)
        if not await self._trusts(found.identity):
            raise another_vault(found.identity, await self._known())
        return await vault.to_seal_under(found)

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values decrypted, in the order of `records`. For an erased person: the rest of the
        record, or None if nothing remains.

        A value whose key the vault has lost is returned as Unreadable. Raises VaultError if a record is encrypted and
        no vault is set, or if it cannot be decrypted and the vault is not known to be the installation's; RedisError if
        the vault is unavailable.
        """
        values = [record.value for record in records]
        shut = {place: found for place, record in enumerate(records) if (found := _shut(record)) is not None}
        if not shut:
            return values
        if self._vault is None:
            raise VaultError(
                f"a record of {records[next(iter(shut))].topic} is sealed and QUANZU_VAULT is not set: set it to the "
                "vault by which it was sealed"
            )
        keys = await self._vault.known(owner for owner, _ in shut.values())
        lost: list[str] = []
        for place, (owner, plain) in shut.items():
            values[place] = _read(records[place], owner, plain, keys.of[owner])
            lost += [records[place].topic] if isinstance(values[place], Unreadable) else []
        if lost:
            await self._pass_over(lost, keys.identity)
        return values

    async def _pass_over(self, topics_of: Sequence[str], identity: str | None) -> None:
        """Count records that cannot be decrypted, by topic. Raises VaultError unless the vault is known to be the
        installation's.
        """
        if not await self._trusts(identity) or self._trusted is None:
            raise another_vault(identity, await self._known(), f"a record of {topics_of[0]} does not open: ")
        for topic in topics_of:
            UNREADABLE.labels(topic).inc()

    async def _trusts(self, identity: str | None) -> bool:
        """Return whether `identity` is that of the installation's vault, or the installation has no vault yet.

        The answer for a trusted identity is remembered.
        """
        if identity is None or identity != self._trusted:
            known = await self._known()
            if known not in (None, identity):
                return False
            self._trusted = known
        return True

    async def aclose(self) -> None:
        """Close the connection to the vault."""
        if self._vault is not None:
            await self._vault.aclose()


def record_encryption(settings: Settings) -> RecordEncryption:
    """Return the encryption of an installation's records. The caller must close it."""
    return RecordEncryption(Vault(settings) if settings.vault else None, partial(known_vault, settings))


def another_vault(identity: str | None, known: str | None, first: str = "") -> VaultError:
    """Return (not raise) the error for a vault that is not the installation's. `first`: the beginning of its text."""
    if known is None:
        return VaultError(
            f"{first}the installation does not know its vault yet: start a worker with the QUANZU_VAULT by which the "
            "records were sealed"
        )
    there = f"the vault {identity}" if identity else "a vault without an identity: it is empty, or was"
    return VaultError(
        f"{first}QUANZU_VAULT names {there}, and the records were sealed by the vault {known}. Name that one, or bring "
        "its copy back (RUNBOOK, The vault)"
    )


def owner_of(topic: str, key: bytes | None, plain: Any) -> str | None:  # noqa: ANN401 - whatever JSON has
    """Return the owner of the key for a record: a resident's id, or topic/id. None if the record has
    no personal data.
    """
    if topic in OF_RESIDENT:
        found = _RESIDENT.match(key or b"")
        return found[0].decode() if found else None
    if topic in OF_RECORD and isinstance(plain, dict) and isinstance(plain.get("id"), str):
        return f"{topic}/{plain['id']}"
    return f"{topic}/{(key or b'').decode()}" if topic == NUMBERS else None


def _parts(record: TopicRecord) -> tuple[str, Any, Any] | None:
    """Return (owner, rest, part to encrypt) of a record; None if the record has nothing to encrypt or is already
    encrypted.
    """
    if not may_be_sealed(record.topic) or not record.value or MARK in record.value:
        return None  # encrypted already: restored from a backup
    try:
        plain, taken = _whole(record) if record.topic in WHOLE else _parted(orjson.loads(record.value))
    except ValueError:  # not JSON: a foreign record
        return None
    owner = owner_of(record.topic, record.key, plain)
    return None if taken is None or owner is None else (owner, plain, taken)


def _whole(record: TopicRecord) -> tuple[Any, Any]:
    """Return (rest, part to encrypt) for a topic whose whole value is personal: the rest is empty."""
    value = record.value or b""
    return {}, value.decode() if record.topic == NUMBERS else orjson.loads(value)


def _parted(plain: Any) -> tuple[Any, Any]:  # noqa: ANN401 - whatever JSON has
    taken = parted(plain)
    return plain, taken


def _shut(record: TopicRecord) -> tuple[str, Any] | None:
    """Return (owner, JSON object) of an encrypted record, or None if the record is not encrypted."""
    if not may_be_sealed(record.topic) or not record.value or MARK not in record.value:
        return None
    try:
        plain = orjson.loads(record.value)
    except ValueError:
        return None
    owner = owner_of(record.topic, record.key, plain)
    return (owner, plain) if owner is not None and isinstance(plain, dict) and _seal(plain) else None


def _seal(plain: dict[str, Any]) -> bytes:
    """Return the encrypted part of a record as bytes; b"" if the field is missing or invalid."""
    try:
        seal = base64.b64decode(plain.get(SEALED) or "", validate=True)
    except (ValueError, TypeError):
        return b""
    return seal if len(seal) > NONCE else b""


def _written(owner: str, plain: Any, taken: Any, key: bytes | None) -> bytes:  # noqa: ANN401 - whatever JSON has
    """Return the record's value with its encrypted part; without that part if `key` is None, because the key was
    destroyed.
    """
    if key is None:
        return orjson.dumps(plain)
    nonce, packed = os.urandom(NONCE), zlib.compress(orjson.dumps(taken), 1)
    seal = base64.b64encode(nonce + AESGCM(key).encrypt(nonce, packed, owner.encode())).decode()
    return orjson.dumps(plain | {SEALED: seal})


def _read(record: TopicRecord, owner: str, plain: Any, keys: tuple[bytes, ...] | None) -> bytes | None:  # noqa: ANN401 - as above
    """Return the record's value decrypted; for an erased person (`keys` None) the rest of the record; Unreadable if no
    key decrypts it.
    """
    seal = _seal(plain)
    del plain[SEALED]
    if keys is None:
        return None if record.topic in WHOLE else orjson.dumps(plain)
    if (packed := _packed(seal, owner, keys)) is None:
        return Unreadable(record.value or b"")
    whole = join(plain, orjson.loads(zlib.decompress(packed)))
    return str(whole).encode() if record.topic == NUMBERS else orjson.dumps(whole)


def _packed(seal: bytes, owner: str, keys: tuple[bytes, ...]) -> bytes | None:
    """Return the decrypted bytes of `seal`, using the first key that fits, or None if no key fits."""
    for key in keys:
        with suppress(InvalidTag):
            return AESGCM(key).decrypt(seal[:NONCE], seal[NONCE:], owner.encode())
    return None
