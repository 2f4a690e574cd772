"""Encryption of single secrets by AES-GCM, so that a topic or backup cannot be used without the key."""

import hashlib
import hmac

from joserfc import jwe
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}


def sealed(key: bytes, purpose: str, secret: str) -> str:
    """Return `secret` encrypted (as compact JWE) under the installation's `key` for one purpose.

    The result can be decrypted only with the same key and purpose.
    """
    return jwe.encrypt_compact(_HEADER, secret, _key(key, purpose))


def opened(key: bytes, purpose: str, kept: str) -> str:
    """Return the secret in `kept`, decrypted.

    Raises joserfc.errors.JoseError if it was encrypted under another key or for another purpose.
    """
    return (jwe.decrypt_compact(kept, _key(key, purpose)).plaintext or b"").decode()


def _key(key: bytes, purpose: str) -> OctKey:
    return OctKey.import_key(hmac.digest(key, purpose.encode(), hashlib.sha256))
