"""Encryption of what intake writes: with a public key, so that whoever takes intake over opens nothing on the topics.

Intake has the public key (purpose `intake-public`); workers and operators' commands have the private one (`intake`).
Each value is encrypted as a whole and bound to its topic. All records that a process writes within a second share one
ephemeral key, because to encapsulate a key costs a third of what a request with one signal costs intake. After the
second, the process has forgotten the key.

Such a record is not under a resident's key, because intake must not be able to read one. A worker writes what it passes
on under the resident's key; the record itself ends with its topic's retention, and nobody can open it once the key pair
was replaced and the former key removed.

A record of a pair whose private key a process lacks is Awaited if one of its keys attests the pair: the key is on its
way. It is Unreadable if the pair was removed, as the file of keys says, or if no key attests it: then it was never
made.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from domain.access.key_rings import KeyPurpose, KeyRing
from domain.access.public_encryption import PairState, PublicSealer, open_sealed, pair_state
from streams.messaging.codec import (
    BY_INTAKE,
    MARK,
    SEALED_BY_GATEWAY,
    Awaited,
    CodecError,
    TopicRecord,
    Unreadable,
    is_sealed_whole,
    may_be_sealed,
)
from streams.runtime.settings import Settings
from streams.security.installation_keys import noted, ring

SHARED_SECONDS = 1.0

Keys = Callable[[], KeyRing]
"""Returns the keys of a purpose as they are now."""

Noted = Callable[[], Sequence[bytes]]
"""Returns what is noted about the key pairs as it is now."""


def nothing_noted() -> Sequence[bytes]:
    """Return an empty sequence."""
    return ()


class IntakeKeys(NamedTuple):
    """The key pairs of what intake encrypts: functions that return the public and the private keys, what attests the
    public ones, and the public keys of removed pairs.
    """

    public: Keys
    private: Keys
    attested: Noted = nothing_noted
    removed: Noted = nothing_noted

    def sealer(self) -> PublicSealer:
        """Return a new PublicSealer, which encrypts under the public key in force, with an ephemeral key of its own.

        Raises SettingsError if this process has no key for the purpose `intake-public`.
        """
        return PublicSealer(self.public().current, self.attested())


def intake_keys(settings: Settings) -> IntakeKeys:
    """Return the key pairs of an installation, as functions that read the keys when they are called. `public` and
    `private` then raise SettingsError if this process lacks the key.
    """
    return IntakeKeys(
        partial(ring, settings, KeyPurpose.INTAKE_PUBLIC),
        partial(ring, settings, KeyPurpose.INTAKE),
        partial(noted, settings, KeyPurpose.INTAKE_ATTESTED),
        partial(noted, settings, KeyPurpose.INTAKE_REMOVED),
    )


class IntakeEncryption:
    """The codec of intake: it encrypts with the public key, and decrypts nothing. Of an encrypted record, it passes on
    an Unreadable.
    """

    def __init__(self, public: Keys, attested: Noted = nothing_noted) -> None:
        """`public`: returns the public keys, the one in force first; `attested`: what attests them."""
        self._public, self._attested = public, attested
        self._kept: PublicSealer | None = None  # forgotten after a second

    async def encode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values, in order: encrypted on the topics of BY_INTAKE, unchanged on other topics.
        Tombstones stay None; a value that is encrypted already stays as it is.

        Raises CodecError for a record of another topic whose personal data must be encrypted: intake has no key for it.
        Raises SettingsError if this process has no key for the purpose `intake-public`.
        """
        for record in records:
            if _needs_the_vault(record):
                raise CodecError(f"intake has no key to encrypt a record of {record.topic}: a worker must write it")
        return sealed_values(records, self._sealer)

    def _sealer(self) -> PublicSealer:
        if self._kept is None:
            self._kept = PublicSealer(self._public().current, self._attested())
            asyncio.get_running_loop().call_later(SHARED_SECONDS, self._forget)
        return self._kept

    def _forget(self) -> None:
        self._kept = None

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        """Return the records' values, in order: an Unreadable for each encrypted one, the others unchanged."""
        return [Unreadable(record.value or b"") if _is_encrypted(record) else record.value for record in records]

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""


def sealed_values(records: Sequence[TopicRecord], make_sealer: Callable[[], PublicSealer]) -> list[bytes | None]:
    """Return the records' values, in order; those of the topics of BY_INTAKE are encrypted. Tombstones and values that
    are encrypted already stay as they are. `make_sealer`: called at most once, if there is something to encrypt; what
    it raises passes through.
    """
    values = [record.value for record in records]
    sealer: PublicSealer | None = None
    for place, record in enumerate(records):
        if record.topic in BY_INTAKE and record.value and not _is_encrypted(record):
            sealer = sealer or make_sealer()
            values[place] = sealer.seal(record.value, record.topic.encode())
    return values


def opened_values(records: Sequence[TopicRecord], private: Keys, removed: Noted = nothing_noted) -> dict[int, bytes]:
    """Return the values that were encrypted with a public key, decrypted, by the record's index in `records` (from 0):
    an Awaited for one whose private key this process does not have yet, an Unreadable for any other that no key opens.
    Other records are left out.

    Raises SettingsError if there is such a record, and this process has no key for the purpose `intake`.
    """
    found: dict[int, bytes] = {}
    keys: Sequence[bytes] = ()
    for place, record in enumerate(records):
        if record.topic in BY_INTAKE and record.value and is_sealed_whole(record.value):
            keys = keys or private().keys
            plain = open_sealed(keys, record.value, record.topic.encode())
            found[place] = _unopened(keys, removed, record.value) if plain is None else plain
    return found


def _unopened(keys: Sequence[bytes], removed: Noted, value: bytes) -> bytes:
    return Awaited(value) if pair_state(keys, removed(), value) is PairState.AWAITED else Unreadable(value)


def _needs_the_vault(record: TopicRecord) -> bool:
    """Return whether only a key of the vault may encrypt a record."""
    by_others = record.topic not in BY_INTAKE and record.topic not in SEALED_BY_GATEWAY
    return by_others and may_be_sealed(record.topic) and record.value is not None


def _is_encrypted(record: TopicRecord) -> bool:
    value = record.value or b""
    if record.topic in BY_INTAKE and is_sealed_whole(value):
        return True
    return may_be_sealed(record.topic) and MARK in value
