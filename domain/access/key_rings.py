"""Keys by purpose, and their rotation: each purpose has a ring of keys, so a key that leaks opens one purpose only.

A ring is rotated in three steps, because processes read their keys at different moments. A new key is first accepted by
all, then used by all, and the former key is removed when nothing needs it.
"""

import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.access.ciphers import is_sm, lacks_sm, message_code
from domain.access.sm2 import lacks_sm2
from schemas.errors import UserError

LEAST_KEY = 32  # characters: 128 bits in hexadecimal
_ID = re.compile(rb"[0-9a-f]{8}")
MOST_KEYS = 5  # of one purpose; each is tried where it is unknown which one was used
MOST_AUDIT_KEYS = 100  # former ones stay: without them, earlier lines cannot be verified
MOST_NOTES = 100  # of removed keys and attestations


class KeyPurpose(StrEnum):
    """The use of a key. AUDIT: hashes and seals of the audit log and of exported cases. AUDIT_HEADS: the key pairs that
    sign the ends of its chains. SECOND_FACTOR: encrypts authenticators' secrets, and hashes recovery codes. SESSION:
    form tokens and device cookies of the console. DELIVERY: encrypts webhooks' secrets and the addresses of push
    messages. CALLERS: encrypts and names the numbers of people who call the centre. CHECK: answers the public's
    questions about numbers. VAULT: encrypts the keys that the vault keeps. INTAKE and INTAKE_PUBLIC: the key pairs of
    what intake writes. INTAKE_ATTESTED and INTAKE_REMOVED are no keys, but what is noted about these pairs.
    """

    AUDIT = "audit"  # the hashes of the audit's chains, their heads, and the seals of exported cases
    AUDIT_HEADS = "audit-heads"  # signs these heads for those who keep them: its public key verifies (signatures)
    SECOND_FACTOR = "second-factor"  # encrypts authenticators' secrets, hashes recovery codes
    SESSION = "session"  # form tokens, device cookies, hashes of logins that nobody has
    DELIVERY = "delivery"  # encrypts webhooks' secrets and the addresses of push messages
    CALLERS = "callers"  # encrypts who calls the centre, and names their requests to be called back, for 72 hours
    CHECK = "check"  # of the oblivious function by which the public asks about numbers (domain/public_check)
    VAULT = "vault"  # wraps the keys that the vault keeps, so its file or a copy of it opens nothing
    INTAKE = "intake"  # opens what intake encrypts (domain/access/public_encryption)
    INTAKE_PUBLIC = "intake-public"  # encrypts it: the public keys of INTAKE's, derived from these and never made
    INTAKE_ATTESTED = "intake-attested"  # proves that these were made: texts of public_encryption.attestations
    INTAKE_REMOVED = "intake-removed"  # public keys that were removed, and ids of lost pairs, the latest first


NOTES = frozenset({KeyPurpose.INTAKE_ATTESTED, KeyPurpose.INTAKE_REMOVED})
"""What is noted about the key pairs of intake: which ones were made, and which ones were removed."""


class KeyRingError(UserError, ValueError):
    """The text of the keys cannot be read, or a change of it is refused. The error does not repeat any key."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one purpose; the caller gives at least one. The first is in force; the others are still, or already,
    accepted.
    """

    keys: tuple[bytes, ...] = field(repr=False)

    @property
    def current(self) -> bytes:
        """The key in force, with which everything new is encrypted, signed or hashed: the first of the ring."""
        return self.keys[0]

    def digest(self, text: str) -> str:
        """Return the keyed hash (64 hexadecimal digits) of a text under the key in force."""
        return self.digests(text)[0]

    def digests(self, text: str) -> list[str]:
        """Return the keyed hashes (64 hexadecimal digits) of a text under each key, that of the key in force first."""
        return [_digest(key, text) for key in self.keys]

    def matches_digest(self, text: str, digest: str) -> bool:
        """Return True if `digest` is the keyed hash of the text under any key of the ring (see the method `digest`)."""
        return any(hmac.compare_digest(_digest(key, text).encode(), digest.encode()) for key in self.keys)


def key_id(key: bytes) -> str:
    """Return eight hexadecimal digits that name a key without revealing it."""
    return message_code(key, b"key id").hex()[:8]


def noted_id(note: bytes) -> str:
    """Return the id of the key pair that a note of INTAKE_REMOVED is about: the note is its public key, or the id
    itself if the key is lost.
    """
    return note.decode() if _ID.fullmatch(note) else key_id(note)


def lost_note(named: str) -> bytes:
    """Return the note of INTAKE_REMOVED about a key pair whose private key is lost. Raises KeyRingError if `named` is
    not the id of a key pair: eight hexadecimal digits.
    """
    note = named.encode()
    if not _ID.fullmatch(note):
        raise KeyRingError(
            f"{named!r} is not the id of a key pair: write its eight hexadecimal digits, as the log has them"
        )
    return note


def most_keys(purpose: KeyPurpose) -> int:
    """Return the highest number of keys that a purpose may have: 100 for AUDIT and AUDIT_HEADS, whose former keys stay,
    and for the notes INTAKE_ATTESTED and INTAKE_REMOVED; 5 for any other.
    """
    if purpose in NOTES:
        return MOST_NOTES
    return MOST_AUDIT_KEYS if purpose in (KeyPurpose.AUDIT, KeyPurpose.AUDIT_HEADS) else MOST_KEYS


def read_rings(text: str) -> dict[KeyPurpose, KeyRing]:
    """Return the rings in a text of PURPOSE:KEY entries, separated by lines or commas, the key in force first. A
    purpose without an entry is left out; an empty text gives an empty result.

    Raises KeyRingError that names the entry for an unknown purpose, a key of under 32 characters (except the id of a
    pair in INTAKE_REMOVED), a key given twice, a key that begins with `sm-` if this Python's OpenSSL has no SM3 or, for
    AUDIT_HEADS, no SM2, and more keys than `most_keys`.
    """
    found: dict[KeyPurpose, list[bytes]] = {}
    known = dict[bytes, int]()
    for number, (name, key) in enumerate(_entries(text), 1):
        lost = name == KeyPurpose.INTAKE_REMOVED and _ID.fullmatch(key)
        if name not in {*KeyPurpose} or (len(key) < LEAST_KEY and not lost):
            raise KeyRingError(
                f"entry {number}: write PURPOSE:KEY, PURPOSE one of {', '.join(KeyPurpose)}, KEY of at least "
                f"{LEAST_KEY} characters"
            )
        if is_sm(key) and lacks_sm():
            raise KeyRingError(f"entry {number}: this Python's OpenSSL has no SM3. Use another, or a key without sm-")
        if is_sm(key) and name == KeyPurpose.AUDIT_HEADS and lacks_sm2():
            raise KeyRingError(f"entry {number}: this Python's OpenSSL has no SM2. Use another, or a key without sm-")
        if before := known.get(key):
            raise KeyRingError(f"entries {before} and {number} have the same key: make another")
        known[key] = number
        ring = found.setdefault(KeyPurpose(name), [])
        ring.append(key)
        if len(ring) > (most := most_keys(KeyPurpose(name))):
            raise KeyRingError(f"entry {number}: {name} has over {most} keys. Remove one that nothing needs")
    return {purpose: KeyRing(tuple(keys)) for purpose, keys in found.items()}


def text_of_rings(rings: Mapping[KeyPurpose, KeyRing]) -> str:
    """Return the text of rings that `read_rings` reads: a PURPOSE:KEY entry in each line; "" without any key."""
    return "".join(f"{purpose}:{key.decode()}\n" for purpose, ring in rings.items() for key in ring.keys)


def with_accepted(ring: KeyRing, new: bytes, most: int = MOST_KEYS) -> KeyRing:
    """Return a copy of the ring with a new key at its end: it is accepted, but not in force. The caller makes sure that
    no ring has the key yet. Raises KeyRingError if the ring has `most` keys already.
    """
    if len(ring.keys) >= most:
        raise KeyRingError(f"there are {most} keys already. Remove one that nothing needs")
    return KeyRing((*ring.keys, new))


def with_in_force(ring: KeyRing, named: str) -> KeyRing:
    """Return a copy of the ring with the key `named` (its `key_id`) first, so in force; the others keep their order.
    Raises KeyRingError if the ring lacks it.
    """
    key = _named(ring, named)
    return KeyRing((key, *(each for each in ring.keys if each != key)))


def without_key(ring: KeyRing, named: str) -> KeyRing:
    """Return a copy of the ring without the key `named` (its `key_id`). Raises KeyRingError if this key is in force or
    the ring lacks it.
    """
    key = _named(ring, named)
    if key == ring.current:
        raise KeyRingError(f"key {named} is in force. Use another one first")
    return KeyRing(tuple(each for each in ring.keys if each != key))


def _named(ring: KeyRing, named: str) -> bytes:
    for key in ring.keys:
        if key_id(key) == named:
            return key
    raise KeyRingError(f"there is no key {named}: the ring has {', '.join(map(key_id, ring.keys))}")


def _entries(text: str) -> Iterator[tuple[str, bytes]]:
    for entry in text.replace("\n", ",").split(","):
        if entry.strip():
            name, _, key = entry.strip().partition(":")
            yield name, key.encode()


def _digest(key: bytes, text: str) -> str:
    return message_code(key, text.encode()).hex()
