"""The one place for keyed hashes and encryption: by the international algorithms, or by the Chinese ones (国密).

| | international | Chinese |
|---|---|---|
| keyed hash, hash | HMAC-SHA-256, SHA-256 | HMAC-SM3 (GB/T 15852.2), SM3 (GB/T 32905) |
| encryption | AES-256-GCM (NIST SP 800-38D) | SM4-GCM (GB/T 32907, RFC 8998) |

A key's text says which hash it is for: `sm-` in front of it means SM3. So a key is changed from one to the other as any
key is, and both are accepted meanwhile. What is encrypted begins with a byte that says how, so both can be read at any
time.
"""

import hashlib
import hmac
import os
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SM = b"sm-"  # begins a key for the Chinese algorithms
NONCE_BYTES = 12  # as in NIST SP 800-38D; random ones are safe for 2^32 messages of one key
_TAG_BYTES = 16
_SM4_KEY_BYTES = 16
WRAPPED_BYTES = 1 + NONCE_BYTES + 32 + _TAG_BYTES  # of a wrapped key


class RecordCipher(StrEnum):
    """A cipher for stored data: AES-256-GCM, or SM4-GCM, the Chinese one (国密)."""

    AES = "aes-256-gcm"
    SM4 = "sm4-gcm"


_VERSIONS = {RecordCipher.AES: b"\x01", RecordCipher.SM4: b"\x02"}


def lacks_sm() -> bool:
    """Return True if this Python's OpenSSL lacks the hash SM3, so that no key can be for the Chinese algorithms."""
    return "sm3" not in hashlib.algorithms_available


def is_sm(key: bytes) -> bool:
    """Return True if a key is for the Chinese algorithms: it begins with `sm-`."""
    return key.startswith(SM)


def hash_name(key: bytes) -> str:
    """Return the hashlib name of the hash algorithm that a key is for: "sm3" if it begins with `sm-`, else "sha256"."""
    return "sm3" if is_sm(key) else "sha256"


def message_code(key: bytes, message: bytes) -> bytes:
    """Return the keyed hash (32 bytes) of a message: HMAC-SM3 for a key that begins with `sm-`, else HMAC-SHA-256.
    Raises ValueError if it needs SM3 and this Python's OpenSSL lacks it.
    """
    return hmac.digest(key, message, hash_name(key))


def derived_key(key: bytes, label: bytes) -> bytes:
    """Return a key derived from `key` for the one use that `label` names: 32 bytes, preceded by `sm-` if `key` is for
    the Chinese algorithms.
    """
    made = message_code(key, label)
    return SM + made if is_sm(key) else made


def plain_hash(key: bytes, message: bytes) -> str:
    """Return the unkeyed hash of a message as 64 hexadecimal digits: SM3 if `key` begins with `sm-`, else SHA-256. The
    key only selects the algorithm. Raises ValueError if this Python's OpenSSL lacks SM3 and it is needed.
    """
    return hashlib.new(hash_name(key), message).hexdigest()


def encrypt(cipher: RecordCipher, key: bytes, plain: bytes, about: bytes = b"", nonce: bytes | None = None) -> bytes:
    """Return `plain` encrypted: one byte that names the cipher, the nonce (12 bytes), the encrypted text, and its tag
    (16 bytes).

    `key`: 32 random bytes; AES raises ValueError for a key of another length than 16, 24 or 32 bytes. `about`: other
    data that the tag protects, such as the owner; it is not in the result. `nonce`: 12 bytes that are never used for
    anything else under this key; None: random ones. ValueError is raised for a nonce of another length.
    """
    nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    if cipher is RecordCipher.AES:
        return _VERSIONS[cipher] + nonce + AESGCM(key).encrypt(nonce, plain, about)
    made = Cipher(algorithms.SM4(_sm4_key(key)), modes.GCM(nonce)).encryptor()
    made.authenticate_additional_data(about)
    return _VERSIONS[cipher] + nonce + made.update(plain) + made.finalize() + made.tag


def wrap_key(wrapping: bytes, key: bytes, owner: bytes) -> bytes:
    """Return an owner's key of 32 bytes, encrypted under the key `wrapping`: by SM4-GCM if `wrapping` begins with
    `sm-`, else by AES-256-GCM. The result has WRAPPED_BYTES bytes.

    The nonce is a keyed hash of the owner and the key. So the same key always gives the same bytes, and no nonce is
    used for two different keys (as in RFC 5297).
    """
    nonce = message_code(derived_key(wrapping, b"nonce of a wrapped key"), owner + b"\n" + key)[:NONCE_BYTES]
    cipher = RecordCipher.SM4 if is_sm(wrapping) else RecordCipher.AES
    return encrypt(cipher, message_code(wrapping, b"wraps keys"), key, owner, nonce)


def unwrap_key(wrapping: bytes, wrapped: bytes, owner: bytes) -> bytes:
    """Return the key of an owner that `wrap_key` encrypted under the key `wrapping`. Raises cryptography's InvalidTag
    if it was encrypted under another key, for another owner, or was changed since.
    """
    return decrypt(message_code(wrapping, b"wraps keys"), wrapped, owner)


def decrypt(key: bytes, sealed: bytes, about: bytes = b"") -> bytes:
    """Return the plain bytes of a result of `encrypt`, with either cipher.

    Raises cryptography's InvalidTag if the key or `about` differs from the one at encryption, the cipher is unknown, or
    the bytes were changed or cut.
    """
    version, nonce, text = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if version not in _VERSIONS.values() or len(text) < _TAG_BYTES:
        raise InvalidTag
    if version == _VERSIONS[RecordCipher.AES]:
        return AESGCM(key).decrypt(nonce, text, about)
    made = Cipher(algorithms.SM4(_sm4_key(key)), modes.GCM(nonce, text[-_TAG_BYTES:])).decryptor()
    made.authenticate_additional_data(about)
    return made.update(text[:-_TAG_BYTES]) + made.finalize()


def _sm4_key(key: bytes) -> bytes:
    """Return the 16 bytes of SM4's key, so that no key is both AES' and SM4's."""
    return hmac.digest(key, b"quanzu sm4", "sm3")[:_SM4_KEY_BYTES]
