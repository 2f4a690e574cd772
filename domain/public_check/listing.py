"""What the watchlist keeps of a suspect for the public check: never the number, which only whoever asks knows.

An entry has the element of its number, raised to a key that is derived from the installation's secret (the key of the
tokens beside it), and the number's prefix, masked. The console turns the element into one under the check's own key,
so that key can be rotated although nobody keeps the numbers.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from domain.public_check.oprf import ELEMENT_BYTES, derived_scalar, evaluated, hash_to_group, scalar_ratio

PREFIX_BITS = 16  # stored of a number's hash: 10^11 numbers share 65,536 prefixes, so a prefix names none
_PREFIX_BYTES = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """A listed number: its prefix (0 to 65,535), and its element under the key of storage."""

    prefix: int
    element: bytes


def asked_text(subject: str, normal: str) -> bytes:
    """Return the text (UTF-8) whose hash and element represent a number or link in the public check. `subject`:
    "account", "phone" or "link"; `normal`: the number or link in normal form.
    """
    return f"{subject}:{normal}".encode()


def prefix_of(text: bytes) -> int:
    """Return the first 16 bits of a text's SHA-256, as a number from 0 to 65,535. Pages compute them too, so the hash
    has no key.
    """
    return int.from_bytes(hashlib.sha256(text).digest()[:_PREFIX_BYTES], "big")


def listing_of(secret: bytes, subject: str, normal: str) -> str:
    """Return the listing of a number or link that the watchlist stores, as 46 characters of base 64: its prefix,
    masked, and its element (`stored_listing` reads them). `secret`: the installation's; `subject`, `normal`: as of
    `asked_text`.
    """
    text = asked_text(subject, normal)
    element = evaluated(_storage_key(secret), hash_to_group(text))
    return base64.urlsafe_b64encode(_mask(secret, element, prefix_of(text)) + element).decode().rstrip("=")


def stored_listing(secret: bytes, stored: str) -> Listing:
    """Return the prefix and the element in a text that `listing_of` wrote under the same secret.

    Raises ValueError if the text does not have the form of a listing. One that was written under another secret is not
    recognized: the prefix is then wrong.
    """
    try:
        raw = base64.urlsafe_b64decode(stored + "=" * (-len(stored) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("no listing") from None
    if len(raw) != _PREFIX_BYTES + ELEMENT_BYTES:
        raise ValueError("no listing")
    masked, element = int.from_bytes(raw[:_PREFIX_BYTES], "big"), raw[_PREFIX_BYTES:]
    return Listing(int.from_bytes(_mask(secret, element, masked), "big"), element)


def check_scalar(key: bytes) -> bytes:
    """Return the secret key (a scalar of 32 bytes) of the oblivious function, derived from the key `key` that the
    installation has for the check.
    """
    return derived_scalar(hashlib.sha256(b"quanzu check\0" + key).digest(), b"quanzu check")


def from_storage(secret: bytes, scalar: bytes) -> bytes:
    """Return the scalar (32 bytes) that turns a stored element (under the key derived from `secret`) into one under the
    key `scalar`.
    """
    return scalar_ratio(scalar, _storage_key(secret))


@lru_cache(maxsize=8)
def _storage_key(secret: bytes) -> bytes:
    return derived_scalar(hmac.digest(secret, b"check listing", "sha256"), b"quanzu check listing")


def _mask(secret: bytes, element: bytes, prefix: int) -> bytes:
    """Return the prefix masked, or a masked prefix without its mask: an unmasked one would tell readers of the topic 16
    bits about the number.
    """
    mask = int.from_bytes(hmac.digest(secret, b"check prefix\0" + element, "sha256")[:_PREFIX_BYTES], "big")
    return (prefix ^ mask).to_bytes(_PREFIX_BYTES, "big")
