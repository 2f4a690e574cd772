"""Reads BER (ITU-T X.690) from anywhere: elements, nested at most 16 deep, whose lengths all fit into the record.

A record is rewritten with definite lengths and with the wanted elements alone before pycrate decodes it: pycrate 0.8.1
fails at an element of a SET that its schema lacks, and recurses as deep as the bytes ask for.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

DEEPEST = 16
_LONGEST_TAG = 4  # bytes of a tag's number
_LONGEST_LENGTH = 4  # bytes of a length's number
_CONSTRUCTED, _HIGH_TAG, _INDEFINITE = 0x20, 0x1F, 0x80


class BerError(ValueError):
    """The bytes are not BER. The text gives the reason and the place, without any content."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element: the bytes of its identifier, its tag's number, and its content.

    `parts`: the elements in it; None: it is primitive.
    """

    identifier: bytes
    tag: int
    content: bytes
    parts: tuple["Element", ...] | None

    def only(self, tags: Collection[int]) -> "Element":
        """Return a copy of the element without those parts whose tag is not among `tags`. Their own parts stay; a
        primitive element is unchanged.
        """
        kept = tuple(part for part in self.parts or () if part.tag in tags)
        return Element(self.identifier, self.tag, self.content, None if self.parts is None else kept)

    def encoded(self) -> bytes:
        """Return the element in BER, with definite lengths."""
        content = self.content if self.parts is None else b"".join(part.encoded() for part in self.parts)
        return self.identifier + _length_of(len(content)) + content


def element(record: bytes) -> Element:
    """Return the one element of which the record consists. Raises BerError if the record is not BER, is nested over 16
    deep, or bytes follow the element.
    """
    found, end = _read(record, 0, len(record), 0)
    if end != len(record):
        raise BerError(f"{len(record) - end} bytes follow the record")
    return found


def _read(data: bytes, start: int, limit: int, depth: int) -> tuple[Element, int]:
    if depth > DEEPEST:
        raise BerError(f"nested over {DEEPEST} deep, at byte {start}")
    tag, at = _tag(data, start, limit)
    identifier = data[start:at]
    length, at = _length(data, at, limit)
    constructed = bool(identifier[0] & _CONSTRUCTED)
    if length is None and not constructed:
        raise BerError(f"a primitive element without a length, at byte {start}")
    end = limit if length is None else at + length
    if end > limit:
        raise BerError(f"the length at byte {start} says more bytes than there are")
    if not constructed:
        return Element(identifier, tag, data[at:end], None), end
    parts = tuple(_parts(data, at, end, depth + 1, definite=length is not None))
    last = end if length is not None else parts[-1][1]
    closed = parts if length is not None else parts[:-1]
    return Element(identifier, tag, b"", tuple(part for part, _ in closed)), last


def _parts(data: bytes, at: int, end: int, depth: int, *, definite: bool) -> Iterator[tuple[Element, int]]:
    """Yield the elements up to `end`, each with its end; without a definite length, the last one closes them."""
    while at < end:
        part, at = _read(data, at, end, depth)
        yield part, at
        if not definite and part.identifier == b"\0":
            return
    if not definite:
        raise BerError(f"elements are not closed, at byte {at}")


def _tag(data: bytes, at: int, limit: int) -> tuple[int, int]:
    first, at = _byte(data, at, limit)
    if first & _HIGH_TAG != _HIGH_TAG:
        return first & _HIGH_TAG, at
    number = 0
    for _ in range(_LONGEST_TAG):
        byte, at = _byte(data, at, limit)
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            return number, at
    raise BerError(f"a tag is too long, at byte {at}")


def _length(data: bytes, at: int, limit: int) -> tuple[int | None, int]:
    first, at = _byte(data, at, limit)
    if first == _INDEFINITE:
        return None, at
    if not first & 0x80:
        return first, at
    count = first & 0x7F
    if count > _LONGEST_LENGTH or at + count > limit:
        raise BerError(f"a length is too long, at byte {at}")
    return int.from_bytes(data[at : at + count]), at + count


def _byte(data: bytes, at: int, limit: int) -> tuple[int, int]:
    if at >= limit:
        raise BerError(f"cut off at byte {at}")
    return data[at], at + 1


def _length_of(length: int) -> bytes:
    if length < 0x80:
        return bytes((length,))
    number = length.to_bytes(-(-length.bit_length() // 8))
    return bytes((0x80 | len(number),)) + number
