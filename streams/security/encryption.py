"""Encryption of single secrets, so that a topic or backup cannot be used without the key."""

import base64

from cryptography.exceptions import InvalidTag

from domain.access.ciphers import RecordCipher, decrypt, encrypt, is_sm, message_code
from domain.access.key_rings import KeyRing

AUTHENTICATORS = "totp"  # the purpose of the secrets of second factors


class UnreadableSecretError(ValueError):
    """A secret was encrypted under a key that the ring lacks, or for another purpose, or it was changed."""


def sealed(ring: KeyRing, purpose: str, secret: str) -> str:
    """Return `secret` encrypted (base64url) under the ring's key in force, for one purpose: by SM4-GCM if that key
    begins with `sm-`, else by AES-256-GCM.

    The result can be decrypted only with the same key and purpose.
    """
    key = ring.current
    cipher = RecordCipher.SM4 if is_sm(key) else RecordCipher.AES
    return base64.urlsafe_b64encode(encrypt(cipher, _key(key, purpose), secret.encode())).decode()


def opened(ring: KeyRing, purpose: str, kept: str) -> str:
    """Return the secret in `kept`, decrypted. `kept`: a result of `sealed`.

    Raises UnreadableSecretError if it was encrypted under a key that the ring lacks, or for another purpose, or was
    changed.
    """
    for key in ring.keys:
        if (found := _opened(key, purpose, kept)) is not None:
            return found
    raise UnreadableSecretError(f"no key for {purpose} opens it: it was encrypted under another, or changed since")


def encrypted_anew(ring: KeyRing, purpose: str, kept: str) -> str:
    """Return the secret in `kept` encrypted under the ring's key in force; `kept` unchanged if it is encrypted under
    that key already.

    Raises UnreadableSecretError if it was encrypted under a key that the ring lacks, or for another purpose, or was
    changed.
    """
    return (
        kept if _opened(ring.current, purpose, kept) is not None else sealed(ring, purpose, opened(ring, purpose, kept))
    )


def _opened(key: bytes, purpose: str, kept: str) -> str | None:
    """Return the secret, or None if this key does not open it."""
    try:
        return decrypt(_key(key, purpose), base64.urlsafe_b64decode(kept)).decode()
    except (InvalidTag, ValueError):
        return None


def _key(key: bytes, purpose: str) -> bytes:
    """Return the 32 bytes that encrypt for one purpose."""
    return message_code(key, purpose.encode())
