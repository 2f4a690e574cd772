"""Bodies of JSON and NDJSON, taken apart so that one bad item costs the others nothing.

orjson reads what is in order. What is not (a number beyond all measure, NaN, half a surrogate, a key given twice) is
read again by the standard library, slowly, to tell which item it is.
"""

import json
import math
from typing import TypeVar

import orjson

from streams.intake.acceptor import Unreadable

_BOM = b"\xef\xbb\xbf"
_LONGEST_INTEGER = 32
MOST_ITEMS = 5_000  # in a request. Two million bad lines fit into one body: reading them took 20 s, and others waited

Item = TypeVar("Item")


class BodyError(ValueError):
    """Nothing can be read of it; the text says where and what to do."""


class TooManyError(BodyError):
    """More signals than one request may hold: nothing of it is looked at."""


def items_of_body(body: bytes) -> list[object]:
    """The items of a JSON body: of an array, or the one that it is.

    Raises BodyError when it is not JSON, TooManyError when they are more than MOST_ITEMS.
    """
    value = _read(body.removeprefix(_BOM))
    items = value if isinstance(value, list) else [value]
    return _few(items, len(items))


def items_of_lines(body: bytes) -> list[object]:
    """The items of NDJSON, one a line; blank lines are none. A line that cannot be read is an item by itself.

    Raises TooManyError when there are more than MOST_ITEMS lines.
    """
    lines = _few(body.removeprefix(_BOM).split(b"\n", MOST_ITEMS + 1), body.count(b"\n"))
    return [item_of_line(line) for line in lines if line.strip()]


def _few(items: list[Item], count: int) -> list[Item]:
    if count > MOST_ITEMS:
        raise TooManyError(f"over {MOST_ITEMS:,} signals in one request")
    return items


def item_of_line(line: bytes) -> object:
    """One item, or `Unreadable`."""
    try:
        return _read(line)
    except BodyError as error:
        return Unreadable(str(error))


def _read(text: bytes) -> object:
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _read_slowly(text)
    return value if _each_key_once(text, value) else _read_slowly(text)


def _each_key_once(text: bytes, value: object) -> bool:
    """Whether no key was given twice: written out again there are as many colons.

    True is certain: of a key given twice a colon gets lost, and only an escaped one could make up for it.
    """
    if b"\\u003a" in text or b"\\u003A" in text:
        return False
    try:
        return text.count(b":") == orjson.dumps(value).count(b":")
    except orjson.JSONEncodeError:  # it writes less deep than it reads
        return False


def _read_slowly(text: bytes) -> object:
    try:
        value: object = json.loads(text.decode("utf-8"), object_pairs_hook=_object, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise BodyError(f"not UTF-8 at byte {error.start}: send UTF-8, not GB18030 or UTF-16") from None
    except json.JSONDecodeError as error:
        raise BodyError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise BodyError("nested too deep: a signal is an object of plain values") from None
    return value


def _object(pairs: list[tuple[str, object]]) -> object:
    read = dict(pairs)
    return read if len(read) == len(pairs) else Unreadable("a key is given twice")


def _integer(digits: str) -> int | float:
    # Python refuses to read very long ones; as infinity the schema refuses it, by the field's name.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf
