"""How records are encoded on their topics. Messaging gets a codec and does not know the encryption itself.

Personal fields are encrypted when a record is written to Kafka, and decrypted when it is read
(security/record_encryption; for what intake writes, security/intake_encryption). This module says which topics may have
encrypted records, and how a reader handles a record whose key is lost.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import orjson

from domain.access.public_encryption import SEALED_BYTE, pair_id
from schemas.administration.dead_letters import KEPT_BYTES
from schemas.errors import UserError
from streams.messaging import topics
from streams.runtime.settings import Settings

SEALED = "sealed"
MARK = b'"sealed":"'  # within a JSON string the quotes would be escaped

OF_RESIDENT = frozenset(
    topic.name
    for topic in (
        topics.OUTSIDE_INPUTS,
        topics.CASE_INPUTS,
        topics.CASE_EVENTS,
        topics.CASE_SNAPSHOTS,
        topics.CHECKPOINTS,
        *topics.DISPATCHES,
        topics.RESIDENTS,
        topics.EVIDENCE,
        topics.EVIDENCE_FILES,
        topics.CALL_RECORDINGS,
        topics.BANK_MESSAGES,
        topics.SHADOW,
        topics.PRESERVED,
    )
)
"""Topics whose record key is a resident or a case id (which begins with the resident's), and checkpoints, whose values
name the resident: under the resident's key."""

OF_RECORD = frozenset(
    topic.name
    for topic in (
        *(topics.DEAD_LETTERS, topics.CALLS, topics.COMPLAINTS, topics.RELEASES, topics.PUBLIC_REPORTS),
        *(topics.SUBJECT_REQUESTS, topics.REPORTED_FRAUDS, topics.SEARCHES),
    )
)
"""Topics whose records may name a person who is not in the register: each record has its own key."""

NUMBERS = topics.ACCOUNTS.name
"""Account numbers by their tokens: the whole value is encrypted, under its own key."""

BY_INTAKE = frozenset(topic.name for topic in (*topics.LANES, topics.OUTSIDE_INPUTS, topics.REPORTED_FRAUDS))
"""Topics that intake writes in an installation with a vault: each value is encrypted as a whole with a public key, so
that intake cannot open it. Signals are encrypted so by every writer, because nobody knows yet whose they are."""

SEALED_BY_GATEWAY = frozenset({topics.CALL_RECORDINGS.name})
"""Topics that intake writes whose values come to it encrypted, under a key that it does not have: it changes nothing of
them. The console writes the record with that key, under the resident's key."""

WHOLE = frozenset(
    {
        NUMBERS,
        *(each.name for each in (topics.EVIDENCE, topics.EVIDENCE_FILES, topics.CALL_RECORDINGS, topics.PRESERVED)),
    }
)
"""Topics whose values are encrypted as a whole: nothing remains readable of an erased person."""

LEFT_OUT = frozenset(
    topic.name
    for topic in (
        *(topics.EVIDENCE, topics.ACCOUNTS, topics.CALLS),
        *(topics.COMPLAINTS, topics.RELEASES, topics.PUBLIC_REPORTS, topics.SUBJECT_REQUESTS, topics.SEARCHES),
    )
)
"""Topics from which Redis is restored, or a list in memory. A record whose key is lost is skipped: its readable part
must not replace the whole entry, which may still be in Redis, and can be read from the topic once the key is back."""

HANDED_ON = frozenset(
    topic.name
    for topic in (*topics.LANES, topics.RESIDENTS, topics.OUTSIDE_INPUTS, topics.CASE_INPUTS, *topics.DISPATCHES)
)
"""Topics whose records are passed on encrypted when their key is lost: the readers refuse or keep them."""

LOST = (
    "no key opens it: bring back the vault's lost keys (quanzu admin vault take-in) or the former key for the purpose "
    "intake, then send it again"
)
"""Why an unreadable record is refused."""


CUT = (
    ". It is cut, so no key ever opens this dead letter: only the first {kept:,} of its {size:,} bytes are kept. While "
    "the topic {topic} has the record, it can be read there with its key; else ask for it again"
)
"""What is added to the reason of a record that is encrypted as a whole and longer than a dead letter."""


class CodecError(UserError, RuntimeError):
    """Records cannot be read or written in this process: a vault is set and no encryption was given, or a record is
    encrypted and no vault is set.

    Its subclass VaultError is raised also if the vault is another installation's.
    """


class TopicRecord(Protocol):
    """A record of a topic, before it is written or after it was read: a producer's or a consumer's."""

    @property
    def topic(self) -> str:
        """The name of the record's topic."""
        ...

    @property
    def key(self) -> bytes | None:
        """The record's key, or None if it has none."""
        ...

    @property
    def value(self) -> bytes | None:
        """The record's value, or None for a tombstone."""
        ...


class Unreadable(bytes):
    """The value of an encrypted record whose key the vault has lost: the bytes as they are on the topic, still
    encrypted.
    """

    @property
    def withheld(self) -> bytes:
        """The record's JSON (bytes) without its encrypted part, which is also what remains after a person was erased;
        an empty JSON object if the record is encrypted as a whole.
        """
        if is_sealed_whole(self):
            return b"{}"
        plain = orjson.loads(bytes(self))
        return orjson.dumps({name: value for name, value in plain.items() if name != SEALED})


class Awaited(bytes):
    """The value of a record that intake encrypted for a key pair whose private key this process does not have yet.
    Another key of this process attests that the pair was made (domain/access/public_encryption), so the reader must
    wait for the private key. The bytes are as they are on the topic.
    """

    @property
    def told(self) -> str:
        """A text for the operator: which key pair is awaited, and what to do."""
        return (
            f"intake encrypted it for the key pair {pair_id(self)}, whose private key this process has not got yet. "
            "Give it the latest file of its keys (and restart it where the file is a copy): until then it waits, and "
            "nothing is lost. `quanzu admin access keys list` shows the pairs as intake-public"
        )


class KeyAwaitedError(UserError, TimeoutError):
    """A record is encrypted for a key pair whose private key this process does not have yet: read it again later (see
    Awaited).
    """


def refuse_awaited(topic: str, partition: int, offset: int, value: bytes | None) -> None:
    """Raise KeyAwaitedError if the value is an Awaited. Otherwise do nothing. `topic`, `partition`, `offset`: where the
    value was read, for the error's text.
    """
    if isinstance(value, Awaited):
        raise KeyAwaitedError(f"{topic}/{partition}, offset {offset}: {value.told}")


def reason_of_letter(topic: str, why: str, value: bytes) -> str:
    """Return the reason for a dead letter of a record: `why`, unchanged; or, if the record's `value` is encrypted as a
    whole and longer than a dead letter keeps (KEPT_BYTES), `why` and a sentence that this dead letter can never be
    decrypted.
    """
    if len(value) <= KEPT_BYTES or not is_sealed_whole(value):
        return why
    return why + CUT.format(kept=KEPT_BYTES, size=len(value), topic=topic)


def is_sealed_whole(value: bytes | None) -> bool:
    """Return True if a value is encrypted as a whole with a public key; False for any other value, and for None."""
    return value is not None and value.startswith(SEALED_BYTE)


def refuse_unreadable(value: bytes | None) -> None:
    """Raise ValueError if the value is an Unreadable, because its readable part could be mistaken for a complete
    record. Otherwise do nothing.
    """
    if isinstance(value, Unreadable):
        raise ValueError(LOST)  # noqa: TRY004 - as for any invalid record


def may_be_sealed(topic: str) -> bool:
    """Return True if records of this topic may be encrypted under the vault's keys, as a whole or in part."""
    return topic in OF_RESIDENT or topic in OF_RECORD or topic == NUMBERS


def may_be_encrypted(topic: str) -> bool:
    """Return True if records of this topic may be encrypted in any way, in an installation with a vault."""
    return may_be_sealed(topic) or topic in BY_INTAKE


class Codec(Protocol):
    """Encrypts the values of records that go to Kafka, and decrypts the values of records that were read."""

    async def encode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the values to write to the topics, in the records' order; None for a tombstone. In an installation
        with a vault, personal data is encrypted; an owner without a key gets one in the vault, and the record of an
        erased person loses its personal data.

        Raises CodecError if they cannot be encrypted with this vault, SettingsError if this process lacks a key, and
        RedisError if the vault is unavailable.
        """

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the decrypted values, in the records' order: None for a tombstone, an Unreadable if the vault has lost
        the key, an Awaited if this process does not have the key yet. Of an erased person's record, only the data that
        is not personal; None if there is none.

        Raises CodecError if encrypted records cannot be read in this process at all, or one cannot be decrypted and the
        vault is not known to be the installation's; SettingsError if this process lacks a key; RedisError if the vault
        is unavailable.
        """

    async def aclose(self) -> None:
        """Close the codec's connections."""


MakeCodec = Callable[[], Codec]
"""Makes a codec; whoever asks for it closes it."""


class PlainCodec:
    """The codec of an installation without a vault: nothing is encrypted."""

    async def encode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values unchanged, in order; None for a tombstone."""
        return [record.value for record in records]

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values unchanged, in order; None for a tombstone.

        Raises CodecError if a value is encrypted, because its readable part could be mistaken for the complete record.
        """
        for record in records:
            told = record.value or b""
            if (may_be_sealed(record.topic) and MARK in told) or (record.topic in BY_INTAKE and is_sealed_whole(told)):
                raise CodecError(f"a record of {record.topic} is sealed, and no vault is set to open it")
        return [record.value for record in records]

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""


def plain_codec(settings: Settings) -> MakeCodec:
    """Return a function that makes the codec that encrypts nothing. Raises CodecError at once if the settings name a
    vault.
    """
    if settings.vault is not None:
        raise CodecError("QUANZU_VAULT is set, and who reads or writes was given no encryption: see encrypted_kafka.py")
    return PlainCodec
