"""Buckets of the public check: all listed numbers whose hashes begin alike, each readable only by whoever asked for it.

An entry has 17 bytes: a tag by which its asker finds it, and its status, masked. Both follow from the entry's element
under the check's key and from the bucket's nonce. Made-up entries fill every bucket to the same size.
"""

import hashlib
import math
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import IntEnum

from domain.public_check.listing import PREFIX_BITS

MOST_ON_AVERAGE = 128  # entries of a bucket; with twice as many buckets it would be 64
CLASS = 64  # a bucket's size is a multiple of it
TAG_BYTES = 16
ENTRY_BYTES = TAG_BYTES + 1
NONCE_BYTES = 16
_LABEL = b"quanzu check entry\0"


class CheckStatus(IntEnum):
    """The status of a listed number in the public check's answer. REPORTED: by people, or by a vendor's verdict.
    CONFIRMED: by the police.
    """

    REPORTED = 1
    CONFIRMED = 2


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """A listed number in memory: the first 16 bits of its hash (`prefix`), its element under the check's key, and its
    status.
    """

    prefix: int
    element: bytes
    status: CheckStatus


def prefix_bits(listed: int) -> int:
    """Return the number of bits (0 to 16) of a bucket's number if so many numbers are listed: the fewest with which a
    bucket holds at most 128 entries on average. A question reveals these bits of the number's hash to the server, and
    nothing else.
    """
    return min(PREFIX_BITS, max(0, math.ceil(math.log2(max(listed, 1) / MOST_ON_AVERAGE))))


def bucket_of(prefix: int, bits: int) -> int:
    """Return the number of the bucket of a 16-bit prefix: the prefix's first `bits` bits."""
    return prefix >> (PREFIX_BITS - bits)


def padded_size(largest: int) -> int:
    """Return the size (entries) that all buckets get if the largest has `largest` entries: the next multiple of 64 with
    room for at least one more, and at least 192.
    """
    return max(3, largest // CLASS + 1) * CLASS


def bucket_entries(
    listed: Collection[ListedEntry], size: int, nonce: bytes, made_up: Callable[[int], bytes] = secrets.token_bytes
) -> bytes:
    """Return a bucket's entries, of 17 bytes each, as one byte string in the order of their tags, filled up to `size`
    entries with made-up ones that match no number.

    `nonce`: must be new each time a bucket is made, so that two versions cannot be compared. `made_up`: returns the
    given number of random bytes.
    """
    real = [_entry(each, nonce) for each in listed]
    return b"".join(sorted([*real, *(made_up(ENTRY_BYTES) for _ in range(size - len(real)))]))


def status_in(entries: bytes, nonce: bytes, element: bytes) -> CheckStatus | None:
    """Return the status of the number with this element (under the check's key) in a bucket, or None if the bucket does
    not contain it. `entries`, `nonce`: as of `bucket_entries`.
    """
    tag, mask = _tag_and_mask(nonce, element)
    for start in range(0, len(entries), ENTRY_BYTES):
        if entries[start : start + TAG_BYTES] == tag:
            return CheckStatus(entries[start + TAG_BYTES] ^ mask)
    return None


def _entry(listed: ListedEntry, nonce: bytes) -> bytes:
    tag, mask = _tag_and_mask(nonce, listed.element)
    return tag + bytes([listed.status ^ mask])


def _tag_and_mask(nonce: bytes, element: bytes) -> tuple[bytes, int]:
    derived = hashlib.sha512(_LABEL + nonce + element).digest()
    return derived[:TAG_BYTES], derived[TAG_BYTES]
