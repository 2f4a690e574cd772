"""Encryption with a public key (HPKE, RFC 9180): whoever has only that key can encrypt, but cannot open anything.

A key pair is derived from a key of the ring for the purpose `intake`. A sealed text is the byte `\\x03`, the id of the
key pair (4 bytes), the key of the batch encapsulated (80 bytes), and the text encrypted under that key. The batch's key
is encapsulated by HPKE in base mode, with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM; the text is
encrypted by domain/access/ciphers, with SM4-GCM if the ring's key begins with `sm-`.

While the ring has several keys, each of them attests the others' pairs: a keyed hash of the pair's id. What a key
attested stays when it is removed, because a process may still have only that key. Between the batch's key and the text,
a sealed text then has the byte `\\x10` + n and the n attestations (16 bytes each) of its pair.
A process that lacks this pair's key, but has one that attests it, thereby knows that the key was made and is on its way
to it. Only a holder of the private keys can attest, so nobody with the public ones can invent a key to wait for.
"""

import hmac
import os
from collections.abc import Collection, Iterable
from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from domain.access.ciphers import SM, RecordCipher, decrypt, encrypt, is_sm, message_code
from domain.access.key_rings import KeyRing, key_id, noted_id

SEALED_BYTE = b"\x03"  # begins every sealed text; no JSON text begins with it, and no result of ciphers.encrypt
_ID_BYTES = 4
_KEY_BYTES = 32
_HEAD_BYTES = len(SEALED_BYTE) + _ID_BYTES + 32 + _KEY_BYTES + 16  # X25519's public key; the key; GCM's tag
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"quanzu intake"
_ATTESTATION_BYTES = 16
_ATTESTED = 0x10  # plus the number of attestations; a text by itself begins with the number of its cipher, 1 or 2
_MOST_ATTESTED = 16  # attestations of one pair: 4 by the ring's other keys, the rest by removed ones, the latest first
_BATCHES = 1_024  # whose opened keys are remembered: records that were written together share one


class PublicSealer:
    """Encrypts the texts of one batch, so that only the holder of the private key can open them.

    A batch has one random key, because to encapsulate a key costs about 75 µs, and an encryption under it 2 µs. The key
    is gone with this object. A batch must have less than 2^32 texts, because nonces are random.
    """

    def __init__(self, public: bytes, attested: Iterable[bytes] = ()) -> None:
        """`public`: a text of `public_key`. `attested`: texts of `attestations`; those of other pairs are left out.

        Raises ValueError if a text is invalid.
        """
        made = X25519PublicKey.from_public_bytes(bytes.fromhex(public.removeprefix(SM).decode()))
        name = bytes.fromhex(key_id(public))
        self._cipher = RecordCipher.SM4 if is_sm(public) else RecordCipher.AES
        self._key = os.urandom(_KEY_BYTES)
        self._head = SEALED_BYTE + name + _SUITE.encrypt(self._key, made, info=_INFO + name)
        self._attested = _attested_part(name, attested)

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Return `plain` encrypted, so that only the holder of the private key opens it (with `open_sealed`). `about`:
        other data that the tag protects, such as the topic; it is not in the result.
        """
        return self._head + self._attested + encrypt(self._cipher, self._key, plain, about + self._attested)


class PairState(StrEnum):
    """What a process knows of the key pair that a sealed text names. HERE: it has the private key. REMOVED: the key was
    removed. AWAITED: a key of this process attests that the pair was made. UNKNOWN: none does, so it was never made.
    """

    HERE = "here"
    REMOVED = "removed"
    AWAITED = "awaited"
    UNKNOWN = "unknown"


@lru_cache(maxsize=16)
def public_key(key: bytes) -> bytes:
    """Return the public key of the pair that is derived from a key of the ring for the purpose `intake`: 64 hexadecimal
    digits in ASCII, preceded by `sm-` if the ring's key is for the Chinese algorithms.
    """
    made = _private_key(key).public_key().public_bytes_raw().hex().encode()
    return SM + made if is_sm(key) else made


def public_ring(ring: KeyRing) -> KeyRing:
    """Return a ring of the public keys that belong to a ring's keys, in the same order: the first one is in force."""
    return KeyRing(tuple(map(public_key, ring.keys)))


def open_sealed(keys: Iterable[bytes], sealed: bytes, about: bytes) -> bytes | None:
    """Return the text that PublicSealer encrypted, or None if no key opens it: it was encrypted for a key pair of none
    of `keys`, or with another `about`, or it was changed or cut.

    `keys`: keys of the ring for the purpose `intake`.
    """
    head, (attested, text) = sealed[:_HEAD_BYTES], _without_attestations(sealed[_HEAD_BYTES:])
    for key in keys:
        if key_id(public_key(key)) != pair_id(sealed):
            continue
        try:
            return decrypt(_batch_key(key, head), text, about + attested)
        except InvalidTag:
            continue
    return None


def pair_id(sealed: bytes) -> str:
    """Return the id of the key pair for which a text was encrypted: eight hexadecimal digits, the `key_id` of its
    public key. The text itself is not checked.
    """
    return sealed[len(SEALED_BYTE) : len(SEALED_BYTE) + _ID_BYTES].hex()


def pair_state(keys: Collection[bytes], removed: Iterable[bytes], sealed: bytes) -> PairState:
    """Return what this process knows of the key pair for which a text was encrypted: HERE if one of `keys` gives the
    pair; else REMOVED if one of `removed` names it; else AWAITED if one of `keys` attests in the text that the pair was
    made; else UNKNOWN.

    `keys`: keys of the ring for the purpose `intake`. `removed`: the notes about removed and lost pairs (see
    `noted_id`).
    """
    name = pair_id(sealed)
    if any(key_id(public_key(key)) == name for key in keys):
        return PairState.HERE
    if any(noted_id(note) == name for note in removed):
        return PairState.REMOVED
    attested, _ = _without_attestations(sealed[_HEAD_BYTES:])
    given = [attested[at : at + _ATTESTATION_BYTES] for at in range(1, len(attested), _ATTESTATION_BYTES)]
    made = [_attestation(key, bytes.fromhex(name)) for key in keys] if given else []
    known = any(hmac.compare_digest(one, other) for one in given for other in made)
    return PairState.AWAITED if known else PairState.UNKNOWN


def attestations(ring: KeyRing, former: Iterable[bytes] = ()) -> tuple[bytes, ...]:
    """Return the attestations of a ring's key pairs, each 40 hexadecimal digits in ASCII: the id of the attested pair,
    then the keyed hash by which another key of the ring attests it.

    They are grouped by pair, in the ring's order: first those by the ring's present keys, then those of `former` (which
    keys may have made that are removed by now); at most 16 of each pair. Empty if the ring has one key that no former
    attestation names.
    """
    named = [(key, bytes.fromhex(key_id(public_key(key)))) for key in ring.keys]
    own = [
        (name + _attestation(key, name)).hex().encode() for other, name in named for key in ring.keys if key != other
    ]
    all_of = {name.hex().encode(): list[bytes]() for _, name in named}
    for text in dict.fromkeys((*own, *former)):
        all_of.get(text[: 2 * _ID_BYTES], []).append(text)
    return tuple(text for texts in all_of.values() for text in texts[:_MOST_ATTESTED])


def _attestation(key: bytes, name: bytes) -> bytes:
    return message_code(key, b"attests the key pair of intake " + name)[:_ATTESTATION_BYTES]


def _attested_part(name: bytes, attested: Iterable[bytes]) -> bytes:
    """Return the attestations of a pair as they are in a sealed text; b"" without any. Raises ValueError if one of the
    texts is invalid.
    """
    texts = [bytes.fromhex(text.decode()) for text in attested]
    if any(len(text) != _ID_BYTES + _ATTESTATION_BYTES for text in texts):
        raise ValueError("an attestation of a key pair has 40 hexadecimal digits")
    own = [text[_ID_BYTES:] for text in texts if text.startswith(name)][:_MOST_ATTESTED]
    return bytes([_ATTESTED + len(own)]) + b"".join(own) if own else b""


def _without_attestations(rest: bytes) -> tuple[bytes, bytes]:
    """Return the part of a sealed text with its attestations, b"" without any, and the encrypted text after it."""
    count = max(0, rest[0] - _ATTESTED) if rest[:1] else 0
    end = 1 + count * _ATTESTATION_BYTES if 0 < count <= _MOST_ATTESTED else 0
    return rest[:end], rest[end:]


@lru_cache(maxsize=_BATCHES)
def _batch_key(key: bytes, head: bytes) -> bytes:
    """Return the key of a batch. Raises InvalidTag if this pair does not open it."""
    start = len(SEALED_BYTE) + _ID_BYTES
    return _SUITE.decrypt(head[start:], _private_key(key), info=_INFO + head[len(SEALED_BYTE) : start])


def _private_key(key: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(message_code(key, b"private key of intake, X25519"))
