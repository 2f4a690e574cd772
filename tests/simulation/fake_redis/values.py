"""What the simulated Redis keeps under a key, and how it reads and writes numbers.

A string is `bytes`. Every other value belongs to one generation of its server: a snapshot begins a new one, and a value
of an older generation is copied before it is changed. So a snapshot copies two dictionaries, whatever they hold.
"""

import math
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Self

from redis.exceptions import DataError

_INTEGER = re.compile(rb"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(
    rb"[+-]?(inf(inity)?|[0-9]+\.?[0-9]*([eE][+-]?[0-9]+)?|\.[0-9]+([eE][+-]?[0-9]+)?)", re.IGNORECASE
)
_INT64 = range(-(2**63), 2**63)
_score = itemgetter(0)

WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_INTEGER = "ERR value is not an integer or out of range"
NOT_FLOAT = "ERR value is not a valid float"
SYNTAX = "ERR syntax error"


class RefusedError(Exception):
    """A command is refused. The text is what Redis sends, with its code."""


class Status(bytes):
    """A reply such as OK. A script gets it as a table."""


class Pairs(list[Any]):
    """A list of pairs in RESP3, a flat list in RESP2, which scripts get."""


class Hash(dict[bytes, bytes]):
    """Fields in the order in which they were first written, as a small hash of Redis has them."""

    __slots__ = ("generation",)
    generation: object

    def copied(self) -> Self:
        return type(self)(self)


class Members(dict[bytes, None]):
    """A set in the order of insertion: unlike Python's, it does not depend on hashes."""

    __slots__ = ("generation",)
    generation: object

    def copied(self) -> Self:
        return type(self)(self)


class Ranked:
    """A sorted set: members with scores, in the order of score and member."""

    __slots__ = ("generation", "order", "scores")
    generation: object

    def __init__(self, scores: Iterable[tuple[bytes, float]] = (), order: Iterable[tuple[float, bytes]] = ()) -> None:
        self.scores = dict(scores)
        self.order = list(order)

    def __len__(self) -> int:
        return len(self.scores)

    def copied(self) -> "Ranked":
        made = Ranked()
        made.scores, made.order = self.scores.copy(), self.order.copy()
        return made

    def put(self, member: bytes, score: float) -> None:
        old = self.scores.get(member)
        if old is not None:
            del self.order[bisect_left(self.order, (old, member))]
        self.scores[member] = score
        insort(self.order, (score, member))

    def drop(self, member: bytes) -> bool:
        score = self.scores.pop(member, None)
        if score is None:
            return False
        del self.order[bisect_left(self.order, (score, member))]
        return True

    def span(self, low: bytes, high: bytes) -> tuple[int, int]:
        """The ranks of a range of scores such as (5 and +inf: from, to (exclusive)."""
        least, after = _bound(low)
        most, before = _bound(high)
        begin = (bisect_right if after else bisect_left)(self.order, least, key=_score)
        end = (bisect_left if before else bisect_right)(self.order, most, key=_score)
        return begin, max(begin, end)


def _bound(text: bytes) -> tuple[float, bool]:
    """The score of a bound, and whether it is excluded."""
    excluded = text[:1] == b"("
    try:
        return decimal(text[1:] if excluded else text), excluded
    except RefusedError:
        raise RefusedError("ERR min or max is not a float") from None


def integer(text: bytes, why: str = NOT_INTEGER) -> int:
    """The number as Redis reads it: no blanks, no plus sign, 64 bits."""
    if text.isdigit() and len(text) < 19 and text[0] != 48:
        return int(text)
    if _INTEGER.fullmatch(text) is None or text == b"-0" or (number := int(text)) not in _INT64:
        raise RefusedError(why)
    return number


def decimal(text: bytes) -> float:
    if text.isdigit():
        return float(text)
    if _DECIMAL.fullmatch(text) is None:
        raise RefusedError(NOT_FLOAT)
    return float(text)


def written(number: float) -> bytes:
    """A score as Redis 7 writes it in RESP2."""
    if number == int(number) if math.isfinite(number) else False:
        whole = int(number)
        if -(10**16) < whole < 10**16:
            return b"%d" % whole if whole or math.copysign(1, number) > 0 else b"-0"
    return b"%.17g" % number


def encoded(arguments: Sequence[Any]) -> list[bytes]:
    """The arguments as redis-py sends them. Raises redis.exceptions.DataError."""
    given = [
        part if (kind := type(part)) is bytes else part.encode() if kind is str else _encoded(part)
        for part in arguments
    ]
    given[0] = given[0].upper()
    if b" " in given[0]:  # SCRIPT LOAD is two words
        given[:1] = given[0].split()
    return given


def _encoded(part: Any) -> bytes:  # noqa: ANN401 - as above
    if isinstance(part, str):
        return str.encode(part)
    if isinstance(part, int | float) and not isinstance(part, bool):
        return repr(part).encode()
    raise DataError("A tuple item must be str, int, float or bytes.")
