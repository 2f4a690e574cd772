"""A change of the number of partitions: which changes are possible, and where a record or a key belongs afterwards.

A resident's partition is a hash modulo the number of partitions. So a growth moves most residents, also between
partitions that existed before, unless the new number is a multiple of the old one.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import gcd

MOST_PARTITIONS = 1_000  # Kafka and the workers carry each of them all the time; a province needs far fewer
MODULUS = 1 << 128


class Misfit(StrEnum):
    """Why the number of partitions cannot be changed to another."""

    SAME = "same"
    FEWER = "fewer"
    TOO_MANY = "too_many"


def misfit(old: int, new: int) -> Misfit | None:
    """Return why an installation cannot grow from `old` to `new` partitions: SAME or FEWER than before, or TOO_MANY
    (over MOST_PARTITIONS); None if it can.
    """
    if new == old:
        return Misfit.SAME
    if new < old:
        return Misfit.FEWER
    return Misfit.TOO_MANY if new > MOST_PARTITIONS else None


def shared_partitions(partition: int, old: int, new: int) -> list[int]:
    """Return, in ascending order, the new partitions to which some key of an old partition belongs.

    A hash h with h mod `old` = p and h mod `new` = q exists only if p and q leave the same remainder when divided by
    the greatest common divisor of `old` and `new`.
    """
    step = gcd(old, new)
    return list(range(partition % step, new, step))


class OrderedDigest:
    """A digest of records that may be read partition by partition: the order of the records of one name counts, that
    of different names does not.

    It keeps 16 bytes and the name for each name: some 200 MB for a million names.
    """

    def __init__(self) -> None:
        self._chains: dict[bytes, bytes] = {}

    def add(self, name: bytes, *parts: bytes) -> None:
        """Add a record of the name `name`, made of `parts`, to the digest. The records of one name must be added in
        their order.
        """
        made = hashlib.blake2b(self._chains.get(name, b""), digest_size=16)
        for part in parts:
            made.update(len(part).to_bytes(8))
            made.update(part)
        self._chains[name] = made.digest()

    @property
    def names(self) -> int:
        """The number of different names."""
        return len(self._chains)

    def hexdigest(self) -> str:
        """Return the digest as 32 hexadecimal digits. The digest of no records is all zeros."""
        return _sum(_of_name(*each) for each in self._chains.items())


def _of_name(name: bytes, chain: bytes) -> bytes:
    return hashlib.blake2b(chain + name, digest_size=16).digest()


def _sum(digests: Iterable[bytes]) -> str:
    return f"{sum(int.from_bytes(each) for each in digests) % MODULUS:032x}"


def unapplied(ends: Sequence[int], applied: Sequence[int | None]) -> dict[int, int]:
    """Return how many inputs are not proven to be applied, by partition number (its index in `ends`); partitions
    without any are left out.

    `ends`: for each partition, the offset after its last input; `applied`: the offset of its last applied input, None
    if unknown: then all its inputs from offset 0 count. Raises ValueError if the two differ in length.
    """
    left = {
        partition: end - (-1 if last is None else last) - 1
        for partition, (end, last) in enumerate(zip(ends, applied, strict=True))
    }
    return {partition: count for partition, count in left.items() if count}
