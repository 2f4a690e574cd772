"""Encryption of personal data in Kafka records: the producer encrypts and the readers decrypt.

The personal fields of a record (domain/identity/personal) are removed, compressed, encrypted (domain/access/ciphers)
under the key of the person or of the record itself, and stored in the record's field `sealed`. The rest is still a
valid record of its kind; of an erased person, only the rest can be read. Records without personal data are written
unchanged, as are all records if no vault is set. QUANZU_RECORD_CIPHER says by which cipher records are encrypted;
records of both are read.

What intake writes, and all signals, are encrypted as a whole with a public key instead (security/intake_encryption).

If the installation's own vault has lost keys, work continues: a record that it cannot decrypt is passed on encrypted,
as `Unreadable`. Any other vault is refused.
"""

import base64
import re
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from prometheus_client import Counter

from domain.access.ciphers import NONCE_BYTES, RecordCipher, decrypt, encrypt
from domain.identity.personal import join, parted
from streams.messaging.codec import (
    BY_INTAKE,
    MARK,
    NUMBERS,
    OF_RECORD,
    OF_RESIDENT,
    SEALED,
    WHOLE,
    Awaited,
    TopicRecord,
    Unreadable,
    may_be_sealed,
)
from streams.messaging.reader import known_vault
from streams.messaging.topics import CHECKPOINTS, LANES, REPORTED_FRAUDS
from streams.runtime.settings import Settings
from streams.security.intake_encryption import IntakeKeys, intake_keys, opened_values, sealed_values
from streams.security.vault import Vault, VaultError, generation

UNREADABLE = Counter("quanzu_vault_unreadable_total", "Reads of encrypted records whose key the vault lost", ["topic"])

Known = Callable[[], Awaitable[str | None]]
"""Returns the identity of the vault that encrypts the installation's records, or None before it has one."""

_Part = tuple[str, Any, Any]
"""A record to encrypt: the key's owner, the rest of the record, and the part to encrypt."""

GENERATION = "generation"
"""The field of an encrypted account number that says the generation of its key, if it is not the first."""

_LANES = frozenset(lane.name for lane in LANES)

_RESIDENT = re.compile(rb"r[a-z2-7]{16}(?=-|$)")


for _topic in (*OF_RESIDENT, *OF_RECORD, NUMBERS, *BY_INTAKE):
    UNREADABLE.labels(_topic)  # starts at 0, so that an alert sees the first one


async def _unknown() -> None:
    """Return None, which means that the installation does not know its vault."""


class RecordEncryption:
    """Encrypts and decrypts records. Without a vault, records are written unencrypted, and decrypting raises
    VaultError.

    `known`: returns the identity of the installation's vault; called before the first encryption, and when a record
    cannot be decrypted. `cipher`: by which records are encrypted. `intake`: the key pairs of what intake encrypts;
    None: there are none, and signals are written as they are.
    """

    def __init__(
        self,
        vault: Vault | None,
        known: Known = _unknown,
        cipher: RecordCipher = RecordCipher.AES,
        intake: IntakeKeys | None = None,
    ) -> None:
        self._vault, self._known, self._cipher, self._intake = vault, known, cipher, intake
        self._trusted: str | None = None  # the vault identity that was confirmed to be the installation's

    async def encode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values with their personal data encrypted, in the order of `records`. Without a vault,
        all values are returned unchanged, as are values without personal data; None stays None. An owner without a key
        gets one in the vault.

        Of an erased person, whose key was destroyed, only the rest of the record is returned; an account number is then
        encrypted under a key of its next generation. Raises VaultError if the vault is not the installation's, or has
        keys that this process cannot open; SettingsError if this process lacks a key for the vault or for signals; and
        RedisError if the vault is unavailable. Errors of Kafka pass through: the installation's vault is looked up
        there.
        """
        values = [record.value for record in records]
        if self._vault is None:
            return values
        if self._intake is not None:
            signals = [place for place, record in enumerate(records) if record.topic in _LANES]
            sealed = sealed_values([records[place] for place in signals], self._intake.sealer)
            for place, value in zip(signals, sealed, strict=True):
                values[place] = value
        parts = {place: part for place, record in enumerate(records) if (part := _parts(record)) is not None}
        if not parts:
            return values
        keys = await self._to_seal_under(self._vault, [owner for owner, _, _ in parts.values()])
        again = {place: part for place, part in parts.items() if records[place].topic == NUMBERS and not keys[part[0]]}
        if again:
            parts |= await _next_generation(self._vault, again)
            keys |= await self._to_seal_under(self._vault, [parts[place][0] for place in again])
        for place, (owner, plain, taken) in parts.items():
            values[place] = _written(self._cipher, owner, plain, taken, keys[owner])
        return values

    async def _to_seal_under(self, vault: Vault, owners: Sequence[str]) -> dict[str, bytes | None]:
        found = await vault.known(owners)
        if not await self._trusts(found.identity):
            raise another_vault(found.identity, await self._known())
        return await vault.to_seal_under(found)

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values decrypted, in the order of `records`. For an erased person: the rest of the
        record, or None if nothing remains.

        A value whose key is lost in the vault, or is of a pair of intake's that was removed or never made, is returned
        as Unreadable, and counted in a metric; one that intake encrypted for a key pair whose private key this process
        does not have yet, as Awaited. Raises VaultError if a record is encrypted under a key of the vault and no vault
        is set, or if it cannot be decrypted and the vault is not known to be the installation's, or its keys are
        wrapped under a key that this process lacks; SettingsError if this process lacks a key; RedisError if the vault
        is unavailable. Errors of Kafka pass through, as in `encode`.
        """
        values: list[bytes | None] = [record.value for record in records]
        intake = self._intake
        opened = opened_values(records, intake.private, intake.removed) if intake is not None else {}
        shut = {place: found for place, record in enumerate(records) if (found := _shut(record)) is not None}
        for place, value in opened.items():
            values[place] = value
            if isinstance(value, Unreadable):
                UNREADABLE.labels(records[place].topic).inc()
        if self._vault is None and shut:
            raise VaultError(
                f"a record of {records[next(iter(shut))].topic} is sealed and QUANZU_VAULT is not set: set it to the "
                "vault by which it was sealed"
            )
        named = {place: owner for place, value in opened.items() if (owner := _owner(records[place], value))}
        if self._vault is None or not (shut or named):
            return values
        keys = await self._vault.known([*(owner for owner, _ in shut.values()), *named.values()])
        for place in (place for place, owner in named.items() if keys.of[owner] is None):
            values[place] = _rest(opened[place])
        lost: list[str] = []
        for place, (owner, plain) in shut.items():
            values[place] = _read(records[place], owner, plain, keys.of[owner])
            lost += [records[place].topic] if isinstance(values[place], Unreadable) else []
        if lost:
            await self._pass_over(lost, keys.identity)
        return values

    async def _pass_over(self, topics_of: Sequence[str], identity: str | None) -> None:
        """Count unreadable records in the metric UNREADABLE, one for each topic name in `topics_of`.

        Raises VaultError instead if it is not certain that the vault belongs to the installation.
        """
        if not await self._trusts(identity) or self._trusted is None:
            raise another_vault(identity, await self._known(), f"a record of {topics_of[0]} does not open: ")
        for topic in topics_of:
            UNREADABLE.labels(topic).inc()

    async def _trusts(self, identity: str | None) -> bool:
        """Return whether `identity` is that of the installation's vault, or the installation has no vault yet.

        The answer for a trusted identity is remembered. Raises VaultError if this process lacks the key under which the
        vault's keys are wrapped.
        """
        if identity is None or identity != self._trusted:
            known = await self._known()
            if known not in (None, identity):
                return False
            if self._vault is not None:
                await self._vault.check_wrapping()
            self._trusted = known
        return True

    async def aclose(self) -> None:
        """Close the connection to the vault."""
        if self._vault is not None:
            await self._vault.aclose()


def record_encryption(settings: Settings) -> RecordEncryption:
    """Return the encryption of an installation's records; without a vault, one that encrypts nothing. The caller must
    close it. Connects to nothing yet.
    """
    vault = Vault(settings) if settings.vault else None
    return RecordEncryption(vault, partial(known_vault, settings), settings.record_cipher, intake_keys(settings))


def another_vault(identity: str | None, known: str | None, first: str = "") -> VaultError:
    """Return (not raise) the error for a vault that is not the installation's. `identity`: of the vault that answers,
    None if it has none; `known`: of the installation's vault, None if it is not known yet; `first`: the beginning of
    the error's text.
    """
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
    """Return the owner of the key for a record: a resident's id, or topic/id; for an account number topic/token, with
    the generation of its key if that is not the first. None if the record has no personal data. `key`: the record's
    key; `plain`: its parsed JSON, for a topic of OF_RECORD, an account number or a part of a checkpoint.

    A police record's number is unique in its source only, and its next version may name another victim: source and
    version are part of its owner, so that the erasure of one victim destroys no other's record.
    """
    if topic in OF_RESIDENT:
        found = _RESIDENT.match(_named(plain) if topic == CHECKPOINTS.name else key or b"")
        return found[0].decode() if found else None
    if topic in OF_RECORD and isinstance(plain, dict) and isinstance(plain.get("id"), str):
        if topic == REPORTED_FRAUDS.name:
            return f"{topic}/{plain.get('source')}:{plain['id']}/{plain.get('version', 1)}"
        return f"{topic}/{plain['id']}"
    if topic != NUMBERS:
        return None
    number = plain.get(GENERATION, 1) if isinstance(plain, dict) else 1
    return generation(f"{topic}/{(key or b'').decode()}", number if isinstance(number, int) else 1)


def _named(plain: Any) -> bytes:  # noqa: ANN401 - whatever JSON has
    """Return the resident that a part of a checkpoint names; b"" if it names none."""
    resident = plain.get("resident") if isinstance(plain, dict) else None
    return resident.encode() if isinstance(resident, str) else b""


async def _next_generation(vault: Vault, parts: Mapping[int, _Part]) -> dict[int, _Part]:
    """Return the parts of account numbers whose keys were destroyed, with the generation of the key in use now.

    An account is no one person's: somebody who pays there after the erasure of another who did can still be helped.
    """
    names = await vault.in_use(owner for owner, _, _ in parts.values())
    return {
        place: (names[owner], plain | {GENERATION: int(names[owner].rpartition("#")[2])}, taken)
        for place, (owner, plain, taken) in parts.items()
    }


def _parts(record: TopicRecord) -> _Part | None:
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


def _owner(record: TopicRecord, value: bytes) -> str | None:
    """Return the owner of a record that intake encrypted, or None if it is of no one person or cannot be read."""
    if record.topic in _LANES or isinstance(value, Unreadable | Awaited):
        return None
    try:
        return owner_of(record.topic, record.key, orjson.loads(value) if record.topic in OF_RECORD else None)
    except ValueError:
        return None


def _rest(value: bytes) -> bytes:
    """Return a record's value without its personal data; unchanged if it is not JSON."""
    try:
        plain = orjson.loads(value)
    except ValueError:
        return value
    parted(plain)
    return orjson.dumps(plain)


def _seal(plain: dict[str, Any]) -> bytes:
    """Return the encrypted part of a record as bytes; b"" if the field is missing or invalid."""
    try:
        seal = base64.b64decode(plain.get(SEALED) or "", validate=True)
    except (ValueError, TypeError):
        return b""
    return seal if len(seal) > NONCE_BYTES else b""


def _written(cipher: RecordCipher, owner: str, plain: Any, taken: Any, key: bytes | None) -> bytes:  # noqa: ANN401 - whatever JSON has
    """Return the record's value with its encrypted part; without that part if `key` is None, because the key was
    destroyed.
    """
    if key is None:
        return orjson.dumps(plain)
    packed = zlib.compress(orjson.dumps(taken), 1)
    seal = base64.b64encode(encrypt(cipher, key, packed, owner.encode())).decode()
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
            return decrypt(key, seal, owner.encode())
    return None
