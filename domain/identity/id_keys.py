"""The keys under which ID numbers are hashed, and their rotation without the numbers, which are stored nowhere.

A new key hashes the previous hash. So the whole register can be moved to it, and a person is still found by their
number under whichever key their entry is; but a thief of an earlier key can no longer try all numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from domain.identity.identifiers import keyed_hash
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
        """Return an ID number's hash under each key, the key in force last.

        Raises ValueError if a key is shorter than 16 bytes.
        """
        bare = [keyed_hash(self.first, "id", number)]
        for key in self.later:
            bare.append(keyed_hash(key, "id", bare[-1]))
        return [_written(hashed, at) for at, hashed in enumerate(bare)]

    def newest(self, hashed: str) -> str:
        """Return a hash renewed under the key in force; the ID number is not needed.

        Raises UnknownKeyError if the hash's key is not configured, and ValueError if a key is shorter than 16 bytes.
        """
        bare, dot, at = hashed.partition(".")
        if dot and not (at.isdecimal() and int(at) <= len(self.later)):
            raise UnknownKeyError(
                "was made with a key of ID numbers that is not known here: set QUANZU_ID_KEYS as it was set there"
            )
        for key in self.later[int(at or 0) :]:
            bare = keyed_hash(key, "id", bare)
        return _written(bare, len(self.later))


def comparable(hashes: Sequence[str]) -> bool:
    """Return whether all hashes use the same key (True for none or one); otherwise different hashes may be of the same
    number.
    """
    return all(one.partition(".")[2] == other.partition(".")[2] for one, other in pairwise(hashes))


def _written(bare: str, at: int) -> str:
    return f"{bare}.{at}" if at else bare
