"""Under which key an ID number is hashed, and how that key is changed though nobody has the numbers any more.

A new key hashes the hash that was. So the whole register can be put under it, and whoever comes with the number is
still found, under whichever key his entry lies; but who got hold of an earlier key can no longer try all numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from domain.identity.identifiers import keyed_hash
from schemas.errors import UserError


class UnknownKeyError(UserError, ValueError):
    """A hash was made with a key that is not known here."""


@dataclass(frozen=True, slots=True)
class IdKeys:
    """`first`: the installation's secret. `later`: the keys since, the oldest first; the last one is in force.

    A hash under the first is bare; under the second later one it is `hash.2`.
    """

    first: bytes = field(repr=False)
    later: tuple[bytes, ...] = field(default=(), repr=False)

    def hashes(self, number: str) -> list[str]:
        """An ID number's hash under each key there ever was, the one in force last. Raises as keyed_hash does."""
        bare = [keyed_hash(self.first, "id", number)]
        for key in self.later:
            bare.append(keyed_hash(key, "id", bare[-1]))
        return [_written(hashed, at) for at, hashed in enumerate(bare)]

    def newest(self, hashed: str) -> str:
        """The same number's hash under the key in force. Raises UnknownKeyError."""
        bare, dot, at = hashed.partition(".")
        if dot and not (at.isdecimal() and int(at) <= len(self.later)):
            raise UnknownKeyError(
                "was made with a key of ID numbers that is not known here: set QUANZU_ID_KEYS as it was set there"
            )
        for key in self.later[int(at or 0) :]:
            bare = keyed_hash(key, "id", bare)
        return _written(bare, len(self.later))


def comparable(hashes: Sequence[str]) -> bool:
    """Whether all are under one key: else that two differ says nothing."""
    return all(one.partition(".")[2] == other.partition(".")[2] for one, other in pairwise(hashes))


def _written(bare: str, at: int) -> str:
    return f"{bare}.{at}" if at else bare
