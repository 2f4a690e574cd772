"""How records are encoded on their topics. Messaging is given a codec: it does not know the encryption itself.

Personal fields are encrypted as a record goes to Kafka, and decrypted as it comes back (security/record_encryption).
Here is what messaging must know of it: which topics may hold encrypted records, and what a reader does with one whose
key the vault has lost.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import orjson

from schemas.errors import UserError
from streams.messaging import topics
from streams.runtime.settings import Settings

SEALED = "sealed"
MARK = b'"sealed":"'  # within a JSON string the quotes would be escaped

OF_RESIDENT = frozenset(
    topic.name
    for topic in (
        topics.CASE_INPUTS,
        topics.CASE_EVENTS,
        topics.CASE_SNAPSHOTS,
        *topics.DISPATCHES,
        topics.RESIDENTS,
        topics.EVIDENCE,
        topics.EVIDENCE_FILES,
        topics.BANK_MESSAGES,
        topics.SHADOW,
    )
)
"""Topics whose record key is a resident or a case id (which begins with the resident's): under the resident's key."""

OF_RECORD = frozenset(
    topic.name
    for topic in (topics.DEAD_LETTERS, topics.CALLS, topics.COMPLAINTS, topics.RELEASES, topics.PUBLIC_REPORTS)
)
"""Topics whose records may name a person who is not in the register: each record has its own key."""

NUMBERS = topics.ACCOUNTS.name
"""Account numbers by their tokens: the whole value is encrypted, under its own key."""

WHOLE = frozenset({NUMBERS, topics.EVIDENCE.name, topics.EVIDENCE_FILES.name})
"""Topics whose values are encrypted as a whole: nothing remains readable of an erased person."""

LEFT_OUT = frozenset(
    topic.name
    for topic in (
        *(topics.EVIDENCE, topics.ACCOUNTS, topics.CALLS),
        *(topics.COMPLAINTS, topics.RELEASES, topics.PUBLIC_REPORTS),
    )
)
"""Topics from which Redis is restored. A record whose key is lost is skipped: its readable part must not replace the
whole entry, which may still be in Redis, and can be read from the topic once the key is back."""

HANDED_ON = frozenset(topic.name for topic in (topics.RESIDENTS, topics.CASE_INPUTS, *topics.DISPATCHES))
"""Topics whose records are passed on encrypted when their key is lost: the readers refuse or keep them."""

LOST = "no key of the vault opens it: bring back the vault's lost keys (quanzu admin vault take-in), then send it again"
"""Why an unreadable record is refused."""


class CodecError(UserError, RuntimeError):
    """Records cannot be read or written here: a vault is set and no encryption was given, or a record is encrypted and
    no vault is set. Its subclass VaultError also says that the vault is another installation's.
    """


class TopicRecord(Protocol):
    """A record before writing or after reading: a producer's or a consumer's."""

    @property
    def topic(self) -> str: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


class Unreadable(bytes):
    """The value of an encrypted record whose key the vault has lost, as it is on the topic."""

    @property
    def withheld(self) -> bytes:
        """The record's JSON (bytes) without its encrypted part: the same that remains of an erased person."""
        plain = orjson.loads(bytes(self))
        return orjson.dumps({name: value for name, value in plain.items() if name != SEALED})


def refuse_unreadable(value: bytes | None) -> None:
    """Raise ValueError if the value is an Unreadable: its readable part could be mistaken for the whole."""
    if isinstance(value, Unreadable):
        raise ValueError(LOST)  # noqa: TRY004 - as for any invalid record


def may_be_sealed(topic: str) -> bool:
    """Return whether records of this topic may be encrypted, wholly or in parts, if there is a vault."""
    return topic in OF_RESIDENT or topic in OF_RECORD or topic == NUMBERS


class Codec(Protocol):
    """Encrypts records' values as they go to Kafka, and decrypts them as they come back, in the records' order.

    Raises CodecError if encrypted records cannot be read or written here at all.
    """

    async def encode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the values as they are to be written to the topics, in the records' order; None for a tombstone.

        Raises CodecError if they cannot be encrypted with this vault.
        """

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the values as they were before they were encoded, in the records' order; Unreadable where the key is
        lost.

        Raises CodecError if encrypted records cannot be read here at all.
        """

    async def aclose(self) -> None:
        """Close its connections."""


MakeCodec = Callable[[], Codec]
"""Makes a codec; whoever asks for it closes it."""


class PlainCodec:
    """The codec of an installation without a vault: nothing is encrypted."""

    async def encode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values as they are, in order; None for a tombstone."""
        return [record.value for record in records]

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values as they are, in order; None for a tombstone. Raises CodecError if one is
        encrypted: it would pass for the whole record.
        """
        for record in records:
            if may_be_sealed(record.topic) and record.value and MARK in record.value:
                raise CodecError(f"a record of {record.topic} is sealed, and no vault is set to open it")
        return [record.value for record in records]

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""


def plain_codec(settings: Settings) -> MakeCodec:
    """Return the maker of the codec that encrypts nothing. Raises CodecError if a vault is set."""
    if settings.vault is not None:
        raise CodecError("QUANZU_VAULT is set, and who reads or writes was given no encryption: see encrypted_kafka.py")
    return PlainCodec
