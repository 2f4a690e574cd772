"""Signatures that a public key verifies: by Ed25519 (RFC 8032), or by the Chinese algorithm SM2 (GB/T 32918).

The key pair is derived from a key of the ring for the purpose `audit-heads`, so it is kept, wrapped and rotated as
other keys.
"""

import base64
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.access import sm2
from domain.access.ciphers import is_sm, message_code

_BEFORE_ED25519 = bytes.fromhex("302a300506032b6570032100")  # a public key by RFC 8410, in DER
_PEM_LINE = 64


@lru_cache(maxsize=16)
def public_key(key: bytes) -> bytes:
    """Return the public key (SubjectPublicKeyInfo, DER) of the pair that belongs to a ring's key. Raises sm2.Sm2Error
    if it is one of SM2 and OpenSSL has none.
    """
    if is_sm(key):
        return sm2.sm2_public_key(_sm2_secret(key))
    return _BEFORE_ED25519 + _ed25519(key).public_key().public_bytes_raw()


def signature_of(key: bytes, message: bytes) -> bytes:
    """Return the signature of a message: by SM2 (r and s in DER) if the ring's key begins with `sm-`, else by Ed25519
    (64 bytes). Raises sm2.Sm2Error if SM2 is needed and OpenSSL has none.
    """
    return sm2.sm2_signature(_sm2_secret(key), message) if is_sm(key) else _ed25519(key).sign(message)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return True if the private key of `public` (a result of `public_key`) signed exactly this message. Raises
    sm2.Sm2Error if SM2 is needed and OpenSSL has none.
    """
    if not public.startswith(_BEFORE_ED25519):
        return sm2.is_signed_by_sm2(public, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public.removeprefix(_BEFORE_ED25519)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def pem(public: bytes) -> str:
    """Return a public key as PEM, as OpenSSL reads it."""
    text = base64.b64encode(public).decode()
    lines = [text[at : at + _PEM_LINE] for at in range(0, len(text), _PEM_LINE)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def _ed25519(key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(message_code(key, b"quanzu signatures by Ed25519"))


def _sm2_secret(key: bytes) -> int:
    """Return a number of 512 bits: twice the order's length, so that its remainder is even."""
    return int.from_bytes(
        b"".join(message_code(key, b"quanzu signatures by SM2 " + part) for part in (b"1", b"2")), "big"
    )
