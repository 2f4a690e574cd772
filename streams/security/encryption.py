"""Encryption of single secrets by AES-GCM, so that a topic or backup is useless without the key."""

import hashlib
import hmac

from joserfc import jwe
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}


def sealed(key: bytes, purpose: str, secret: str) -> str:
    """Return the secret, encrypted for one purpose under the installation's `key`.

    It can be decrypted for no other purpose.
    """
    return jwe.encrypt_compact(_HEADER, secret, _key(key, purpose))


def opened(key: bytes, purpose: str, kept: str) -> str:
    """Return a decrypted secret.

    Raises joserfc.errors.JoseError if it was encrypted under another key or for another purpose.
    """
    return (jwe.decrypt_compact(kept, _key(key, purpose)).plaintext or b"").decode()


def _key(key: bytes, purpose: str) -> OctKey:
    return OctKey.import_key(hmac.digest(key, purpose.encode(), hashlib.sha256))
