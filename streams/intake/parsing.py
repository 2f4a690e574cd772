"""The media type of a body, and parsing of JSON and NDJSON in which one invalid item does not affect the others.

orjson parses valid bodies. Bodies that it refuses, or that may repeat a key, are parsed again by the slower standard
library, which shows which item is invalid.
"""

import json
import math
from typing import TypeVar

import orjson
from starlette.requests import Request

from streams.intake.acceptor import Unreadable
from streams.runtime.serving import Refused

JSON, LINES, XML = "application/json", "application/x-ndjson", "application/xml"
_BOM = b"\xef\xbb\xbf"
_LONGEST_INTEGER = 32
MOST_ITEMS = 5_000  # in a request. Two million invalid lines fit in one body: parsing them blocked others for 20 s

Item = TypeVar("Item")


def media_type(request: Request) -> str:
    """Return the request's media type: application/json, application/x-ndjson or application/xml (ISO 20022).

    Raises Refused (415) for any other type, or for a charset other than UTF-8.
    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    named = (each.strip().lower().partition("=") for each in parameters.split(";"))
    charset = next((value.strip('"') for name, _, value in named if name == "charset"), "")
    if kind.strip().lower() not in (JSON, LINES, XML):
        raise Refused(415, "the content type is not one of signals", f"Send Content-Type: {JSON}, {LINES} or {XML}")
    if charset not in ("", "utf-8", "utf8"):
        raise Refused(415, "the charset is not UTF-8", "Send UTF-8")
    return kind.strip().lower()


class BodyError(ValueError):
    """The body cannot be parsed. The text gives the fault, its place and the correction."""


class TooManyError(BodyError):
    """The request has more than 5,000 items. None of the items is accepted."""


def items_of_body(body: bytes) -> list[object]:
    """Return the items of a JSON body, in order: the elements of an array, or the single value. An object in which a
    key is given twice becomes an Unreadable.

    Raises BodyError if the body is not JSON in UTF-8 or is nested too deep, and TooManyError if it has more than 5,000
    items.
    """
    value = _read(body.removeprefix(_BOM))
    items = value if isinstance(value, list) else [value]
    return _few(items, len(items))


def items_of_lines(body: bytes) -> list[object]:
    """Return the items of an NDJSON body in order, one for each non-blank line; an invalid line becomes an Unreadable.

    Raises TooManyError if there are more than 5,000 lines, blank ones included.
    """
    number = body.count(b"\n") + (not body.endswith(b"\n"))
    lines = _few(body.removeprefix(_BOM).split(b"\n", MOST_ITEMS + 1), number)
    return [item_of_line(line) for line in lines if line.strip()]


def _few(items: list[Item], count: int) -> list[Item]:
    if count > MOST_ITEMS:
        raise TooManyError(f"over {MOST_ITEMS:,} signals in one request")
    return items


def item_of_line(line: bytes) -> object:
    """Return the parsed JSON value of a line, or an Unreadable with the reason for which the line cannot be parsed."""
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
    """Return True if certainly no key is repeated in `text`: the parsed `value`, serialized again, has as many colons.

    A repeated key removes a colon, and only an escaped colon could replace it: a text with an escaped colon returns
    False.
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
        raise BodyError("nested too deep: an item is an object of plain values") from None
    return value


def _object(pairs: list[tuple[str, object]]) -> object:
    read = dict(pairs)
    return read if len(read) == len(pairs) else Unreadable("a key is given twice")


def _integer(digits: str) -> int | float:
    # Python refuses to parse very long integers; infinity is refused by the schema, which names the field.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf
