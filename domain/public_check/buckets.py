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
    """The status of a listed number as the answer has it. REPORTED: by people or a vendor of verdicts; CONFIRMED: by
    the police.
    """

    REPORTED = 1
    CONFIRMED = 2


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """A listed number in memory: its prefix, its element under the check's key, and its status."""

    prefix: int
    element: bytes
    status: CheckStatus


def prefix_bits(listed: int) -> int:
    """Return of how many bits (0 to 16) a bucket's number has for so many listed numbers: the fewest with which a
    bucket holds at most 128 on average. A question tells the server these bits of the number's hash, and nothing else.
    """
    return min(PREFIX_BITS, max(0, math.ceil(math.log2(max(listed, 1) / MOST_ON_AVERAGE))))


def bucket_of(prefix: int, bits: int) -> int:
    """Return the number of the bucket of a prefix: its first `bits` bits."""
    return prefix >> (PREFIX_BITS - bits)


def padded_size(largest: int) -> int:
    """Return the size of all buckets if the largest has so many entries: the next multiple of 64 with room for one
    more, and at least 192.
    """
    return max(3, largest // CLASS + 1) * CLASS


def bucket_entries(
    listed: Collection[ListedEntry], size: int, nonce: bytes, made_up: Callable[[int], bytes] = secrets.token_bytes
) -> bytes:
    """Return a bucket's entries in the order of their tags, filled up to `size` with entries that nobody can ask for.
    `nonce`: new for each time that a bucket is made, so that two makes cannot be compared.
    """
    real = [_entry(each, nonce) for each in listed]
    return b"".join(sorted([*real, *(made_up(ENTRY_BYTES) for _ in range(size - len(real)))]))


def status_in(entries: bytes, nonce: bytes, element: bytes) -> CheckStatus | None:
    """Return the status of the number with this element (under the check's key) in a bucket, None if the bucket lacks
    it.
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
