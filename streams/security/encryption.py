"""Secrets as they are kept: sealed by AES-GCM, so that who reads a topic or a backup without the key has nothing."""

import hashlib
import hmac

from joserfc import jwe
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}


def sealed(key: bytes, purpose: str, secret: str) -> str:
    """The secret as it is kept. `key`: the installation's; what is sealed for one purpose opens for no other."""
    return jwe.encrypt_compact(_HEADER, secret, _key(key, purpose))


def opened(key: bytes, purpose: str, kept: str) -> str:
    """A sealed secret. Raises joserfc.errors.JoseError when it was sealed under another key or for another purpose."""
    return (jwe.decrypt_compact(kept, _key(key, purpose)).plaintext or b"").decode()


def _key(key: bytes, purpose: str) -> OctKey:
    return OctKey.import_key(hmac.digest(key, purpose.encode(), hashlib.sha256))
