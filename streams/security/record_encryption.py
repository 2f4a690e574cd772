"""What tells of a person is sealed as it goes to Kafka, and opened as it comes back: nobody between need know of it.

A record's personal fields (domain/identity/personal) are taken out, packed, sealed by AES-256-GCM under the key of the
person or of the record itself, and put beside the rest as the field `sealed`. What is left is a record of its kind: of
a person who was forgotten it is all that can be read. What neither says nor holds anything of a person is written as it
is, and so is everything where no vault is set.

A vault that is the installation's own and has lost keys stops nobody: a record that it does not open is handed on as
it lies, as `Unreadable`. Any other vault is refused.
"""

import base64
import os
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter

from domain.identity.personal import join, parted
from streams.messaging import topics
from streams.runtime.settings import Settings
from streams.security.vault import Vault, VaultError

SEALED = "sealed"
MARK = b'"sealed":"'  # in a text it would be escaped
NONCE = 12  # bytes, as NIST SP 800-38D has them; random ones are safe for 2^32 records of one key

OF_RESIDENT = frozenset(
    topic.name
    for topic in (
        topics.CASE_INPUTS,
        topics.CASE_EVENTS,
        topics.CASE_SNAPSHOTS,
        *topics.DISPATCHES,
        topics.RESIDENTS,
        topics.EVIDENCE,
        topics.BANK_MESSAGES,
        topics.SHADOW,
    )
)
"""Topics whose key is a resident, or a case, which begins with him: under his key."""

OF_RECORD = frozenset(topic.name for topic in (topics.DEAD_LETTERS, topics.CALLS, topics.COMPLAINTS, topics.RELEASES))
"""Topics whose records may name a person who is not in the register: each record has a key of its own."""

NUMBERS = topics.ACCOUNTS.name
"""Account numbers by their tokens: the value is sealed whole, under a key of its own."""

WHOLE = frozenset({NUMBERS, topics.EVIDENCE.name})
"""Topics whose values are sealed whole: of somebody who was forgotten nothing of them is left."""

LEFT_OUT = frozenset(
    topic.name for topic in (topics.EVIDENCE, topics.ACCOUNTS, topics.CALLS, topics.COMPLAINTS, topics.RELEASES)
)
"""Topics that a store is filled from. A record whose key is lost is left out: half of an entry must not take the place
of the whole one, which may still be in Redis, and is on the topic once the key is back."""

HANDED_ON = frozenset(topic.name for topic in (topics.RESIDENTS, topics.CASE_INPUTS, *topics.DISPATCHES))
"""Topics whose records are handed on as they lie when their key is lost: the readers refuse or keep them."""

LOST = "no key of the vault opens it: bring back the vault's lost keys (quanzu admin vault take-in), then send it again"
"""Why an unreadable record is refused."""

UNREADABLE = Counter(
    "quanzu_vault_unreadable_total", "Sealed records for which the vault has no key any more, each time", ["topic"]
)

Known = Callable[[], Awaitable[str | None]]
"""Tells the identity of the vault that the installation's records were sealed by; None before it has one."""

_RESIDENT = re.compile(rb"r[a-z2-7]{16}(?=-|$)")


for _topic in (*OF_RESIDENT, *OF_RECORD, NUMBERS):
    UNREADABLE.labels(_topic)  # an alert sees the first one too


class TopicRecord(Protocol):
    """A record as it lies on its topic, or shall: a producer's, or a consumer's."""

    @property
    def topic(self) -> str: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


class Unreadable(bytes):
    """The value of a record as it lies, sealed: the vault has lost the key that would open it."""

    @property
    def withheld(self) -> bytes:
        """Return the record without its sealed part: the same that is left of a person who was forgotten."""
        plain = orjson.loads(bytes(self))
        return orjson.dumps({name: value for name, value in plain.items() if name != SEALED})


def refuse_unreadable(value: bytes | None) -> None:
    """Raises ValueError when a value could not be opened: what is left of it would pass for the whole."""
    if isinstance(value, Unreadable):
        raise ValueError(LOST)  # noqa: TRY004 - as of any record that is not what it should be


async def _unknown() -> None:
    """No vault is known."""


class RecordEncryption:
    """Seals and opens; without a vault it seals nothing, and refuses to open.

    `known`: asked when the vault is first sealed by, and when something does not open.
    """

    def __init__(self, vault: Vault | None, known: Known = _unknown) -> None:
        self._vault, self._known = vault, known
        self._trusted: str | None = None  # the identity that was found to be the installation's

    async def sealed(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """The values as they are to lie on their topics.

        Raises VaultError when it is another vault than the installation's, and what the vault's Redis raises.
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

    async def opened(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """The values as they were before they were sealed; of who was forgotten what is left of them.

        Unreadable, as it lies, is one whose key the vault has lost. Raises VaultError when one cannot be opened and
        the vault is not known to be the installation's, and what the vault's Redis raises.
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
        """Count records that do not open. Raises VaultError unless the vault is known to be the right one."""
        if not await self._trusts(identity) or self._trusted is None:
            raise another_vault(identity, await self._known(), f"a record of {topics_of[0]} does not open: ")
        for topic in topics_of:
            UNREADABLE.labels(topic).inc()

    async def _trusts(self, identity: str | None) -> bool:
        """Whether a vault is the installation's, or the installation knows of none yet. It is asked once."""
        if identity is None or identity != self._trusted:
            known = await self._known()
            if known not in (None, identity):
                return False
            self._trusted = known
        return True

    async def aclose(self) -> None:
        if self._vault is not None:
            await self._vault.aclose()


@asynccontextmanager
async def seals(settings: Settings, known: Known) -> AsyncIterator[RecordEncryption]:
    """The seals of an installation, for a while."""
    made = made_for(settings, known)
    try:
        yield made
    finally:
        await made.aclose()


def made_for(settings: Settings, known: Known) -> RecordEncryption:
    """The seals of an installation; whoever has them made closes them. `known`: see RecordEncryption."""
    return RecordEncryption(Vault(settings) if settings.vault else None, known)


def another_vault(identity: str | None, known: str | None, first: str = "") -> VaultError:
    """The error of a vault that is not the one of this installation."""
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
    """Under whose key a record is sealed; None: it tells of nobody."""
    if topic in OF_RESIDENT:
        found = _RESIDENT.match(key or b"")
        return found[0].decode() if found else None
    if topic in OF_RECORD and isinstance(plain, dict) and isinstance(plain.get("id"), str):
        return f"{topic}/{plain['id']}"
    return f"{topic}/{(key or b'').decode()}" if topic == NUMBERS else None


def _parts(record: TopicRecord) -> tuple[str, Any, Any] | None:
    """Whose a record is, what is left of it, and what is to be sealed; None: nothing is."""
    if not may_be_sealed(record.topic) or not record.value or MARK in record.value:
        return None  # sealed already: out of a backup
    try:
        plain, taken = _whole(record) if record.topic in WHOLE else _parted(orjson.loads(record.value))
    except ValueError:  # it is no JSON: whoever wrote it does not know the topic
        return None
    owner = owner_of(record.topic, record.key, plain)
    return None if taken is None or owner is None else (owner, plain, taken)


def _whole(record: TopicRecord) -> tuple[Any, Any]:
    """An account number, or a member of the evidence: nothing is left outside the seal."""
    value = record.value or b""
    return {}, value.decode() if record.topic == NUMBERS else orjson.loads(value)


def _parted(plain: Any) -> tuple[Any, Any]:  # noqa: ANN401 - whatever JSON has
    taken = parted(plain)
    return plain, taken


def _shut(record: TopicRecord) -> tuple[str, Any] | None:
    """Whose a sealed record is, and what of it can be seen; None: it is not sealed."""
    if not may_be_sealed(record.topic) or not record.value or MARK not in record.value:
        return None
    try:
        plain = orjson.loads(record.value)
    except ValueError:
        return None
    owner = owner_of(record.topic, record.key, plain)
    return (owner, plain) if owner is not None and isinstance(plain, dict) and _seal(plain) else None


def _seal(plain: dict[str, Any]) -> bytes:
    """The seal of a record; empty where there is none: what only looks like one is whoever wrote it."""
    try:
        seal = base64.b64decode(plain.get(SEALED) or "", validate=True)
    except (ValueError, TypeError):
        return b""
    return seal if len(seal) > NONCE else b""


def may_be_sealed(topic: str) -> bool:
    """Whether what lies on a topic may be sealed."""
    return topic in OF_RESIDENT or topic in OF_RECORD or topic == NUMBERS


def _written(owner: str, plain: Any, taken: Any, key: bytes | None) -> bytes:  # noqa: ANN401 - whatever JSON has
    """With the seal; without it when the key was destroyed: it could not be opened by anybody."""
    if key is None:
        return orjson.dumps(plain)
    nonce, packed = os.urandom(NONCE), zlib.compress(orjson.dumps(taken), 1)
    seal = base64.b64encode(nonce + AESGCM(key).encrypt(nonce, packed, owner.encode())).decode()
    return orjson.dumps(plain | {SEALED: seal})


def _read(record: TopicRecord, owner: str, plain: Any, keys: tuple[bytes, ...] | None) -> bytes | None:  # noqa: ANN401 - as above
    """Return the value opened; of a person who was forgotten what is left of it; Unreadable when no key opens it."""
    seal = _seal(plain)
    del plain[SEALED]
    if keys is None:
        return None if record.topic in WHOLE else orjson.dumps(plain)
    if (packed := _packed(seal, owner, keys)) is None:
        return Unreadable(record.value or b"")
    whole = join(plain, orjson.loads(zlib.decompress(packed)))
    return str(whole).encode() if record.topic == NUMBERS else orjson.dumps(whole)


def _packed(seal: bytes, owner: str, keys: tuple[bytes, ...]) -> bytes | None:
    """What a seal holds, by the first key that opens it; None: none does."""
    for key in keys:
        with suppress(InvalidTag):
            return AESGCM(key).decrypt(seal[:NONCE], seal[NONCE:], owner.encode())
    return None
