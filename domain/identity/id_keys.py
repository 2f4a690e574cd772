"""The keys under which ID numbers are hashed, and their rotation without the numbers, which are stored nowhere.

A new key hashes the previous hash. So the whole register can be moved to it, and a person is still found by their
number under whichever key their entry is; but a thief of an earlier key can no longer try all numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from domain.identity.identifiers import keyed_hash, parse_id_number
from schemas.errors import UserError


class UnknownKeyError(UserError, ValueError):
    """A hash was made with a key that is not configured here."""


@dataclass(frozen=True, slots=True)
class IdKeys:
    """The keys under which ID numbers are hashed.

    `first`: the installation's secret. `later`: the later keys, the oldest first; the last one is in force.

    A hash under the first key is bare; one under the second later key is written `hash.2`.
    """

    first: bytes = field(repr=False)
    later: tuple[bytes, ...] = field(default=(), repr=False)

    def hashes(self, number: str) -> list[str]:
        """Return the hashes of an ID number, one under each key, in the order of the keys: the last one is in force.
        `number`: its 18 characters, as `parse_id_number` returns them.

        Raises ValueError if a key is shorter than 16 bytes.
        """
        bare = [keyed_hash(self.first, "id", number)]
        for key in self.later:
            bare.append(keyed_hash(key, "id", bare[-1]))
        return [_written(hashed, at) for at, hashed in enumerate(bare)]

    def hash_of_text(self, text: str) -> str | None:
        """Return the hash of a written ID number under the key in force, or None if the text is no valid ID number.

        Raises ValueError if a key is shorter than 16 bytes.
        """
        try:
            number = parse_id_number(text).number
        except ValueError:
            return None
        return self.hashes(number)[-1]

    def newest(self, hashed: str) -> str:
        """Return a stored hash converted to the key in force, as `hashes` would write it. The ID number itself is not
        needed.

        Raises UnknownKeyError if the hash's key is not configured, and ValueError if a key is shorter than 16 bytes.
        """
        return self.onward(hashed)[-1]

    def onward(self, hashed: str) -> list[str]:
        """Return a stored hash, followed by the hash of the same ID number under each later key, in the order of the
        keys.

        Raises UnknownKeyError if the hash's key is not configured, and ValueError if a key is shorter than 16 bytes.
        """
        bare, dot, at = hashed.partition(".")
        if dot and not (at.isdecimal() and int(at) <= len(self.later)):
            raise UnknownKeyError(
                "was made with a key of ID numbers that is not known here: set QUANZU_ID_KEYS as it was set there"
            )
        first = int(at or 0)
        found = [bare]
        for key in self.later[first:]:
            found.append(keyed_hash(key, "id", found[-1]))
        return [_written(each, number) for number, each in enumerate(found, first)]

    def same(self, one: str, other: str) -> bool:
        """Return True if two stored hashes are of one ID number, also if they were made under different keys. False if
        a key is not configured, unless the hashes are equal.

        Raises ValueError if a key is shorter than 16 bytes.
        """
        try:
            return one == other or self.newest(one) == self.newest(other)
        except UnknownKeyError:
            return False


def comparable(hashes: Sequence[str]) -> bool:
    """Return True if all hashes were made under the same key, also if there are fewer than two.

    Hashes under different keys cannot be compared: they may differ and still belong to one ID number.
    """
    return all(one.partition(".")[2] == other.partition(".")[2] for one, other in pairwise(hashes))


def _written(bare: str, at: int) -> str:
    return f"{bare}.{at}" if at else bare
