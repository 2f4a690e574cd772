"""Hostile inputs out of valid examples: seeded, fast, and each known by its door and number.

What is planted as a person's (`MARKERS`) must come out in no error, log or metric.
"""

import json
import math
import random
import re
from collections.abc import Sequence
from typing import Any

MARKERS = ("赵某泄密", "7731 0773 1077")

_TIMES = (
    "9999-12-31T23:59:59.999999-14:00",
    "0001-01-01T00:00:00+14:00",
    "0000-01-01T00:00:00Z",
    "2099-12-31T23:59:59-14:00",
    "2099-12-31T23:59:59+14:00",
    "2000-01-01T00:00:00+14:00",
    "2000-01-01T00:00:00-14:00",
    "2026-03-01T11:12:00",
    "2026-02-30T00:00:00Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T11:12:60+08:00",
    "2026-03-01T11:12:00+99:99",
    "٢٠٢٦-03-01T11:12:00+08:00",
)
_TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\ufeff",
    "\u202e" + MARKERS[0],
    "\x1b[2J\x1b]0;owned\x07",
    "\r\n\t",
    "\u2028",
    "١٣٨٠٠٠٠٠٠٠٠",
    "13８０１２３４５６７",
    "138١٢٣٤٥٦٧٨",
    "+86 00000000000000000000",
    "𝟏𝟑𝟖𝟎𝟎𝟎𝟎𝟎𝟎𝟎𝟎",
    "\ufdfa" * 20,
    "-1",
    "1e308",
    "NaN",
    "{tail}{code}{0.__class__}",
    "%s%n",
    "=cmd|' /C calc'!A0",
    "a|b|c",
    "a:b:c",
    "a~b",
    "../../etc/passwd",
    "'; DROP TABLE",
    "x" * 129,
    "中" * 700,
    "x" * 40_000,
    *MARKERS,
)
_NUMBERS = (
    math.nan,
    math.inf,
    -math.inf,
    1e308,
    -1e308,
    5e-324,
    -0.0,
    0.1,
    0,
    -1,
    1,
    10**13,
    10**13 + 1,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**30,
    10**400,
    253402300800,
    -62135596801,
)
_DEEP = re.compile(r'"@deep (\d+)@"')
_NASTY: tuple[object, ...] = (*_TEXTS, *_TIMES, *_NUMBERS, None, True, False, [], {}, [[]], [None], {"": None})


def nasty(chance: random.Random) -> object:
    """A value that nobody expects."""
    if chance.random() < 0.02:
        return f"@deep {chance.choice((5, 200, 300, 1500, 100_000))}@"  # as_json makes it so: json would not
    return chance.choice(_NASTY)


def nested(levels: int) -> str:
    """An array in an array, so deep."""
    return "[" * levels + "1" + "]" * levels


def mutated(value: Any, chance: random.Random) -> Any:  # noqa: ANN401 - JSON may be anything
    """The value with something in it exchanged, taken out, added or said twice."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        return _object(dict(value), chance)
    if isinstance(value, list) and value and chance.random() < 0.9:
        return _array(list(value), chance)
    return nasty(chance)


def _object(value: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    name, way = chance.choice(list(value)), chance.random()
    if way < 0.65:
        value[name] = mutated(value[name], chance) if chance.random() < 0.6 else nasty(chance)
    elif way < 0.8:
        del value[name]
    else:
        value[str(chance.choice(_TEXTS))[:200]] = nasty(chance)
    return value


def _array(value: list[Any], chance: random.Random) -> list[Any]:
    place, way = chance.randrange(len(value)), chance.random()
    if way < 0.6:
        value[place] = mutated(value[place], chance)
    elif way < 0.8:
        del value[place]
    else:
        value += [value[place]] * chance.choice((1, 2, 20))
    return value


def several(value: Any, chance: random.Random) -> Any:  # noqa: ANN401 - as above
    """Mutated once, sometimes more often, sometimes not at all."""
    for _ in range(chance.choice((0, 1, 1, 1, 1, 2, 3))):
        value = mutated(value, chance)
    return value


def as_json(value: object, chance: random.Random) -> bytes:
    """The value as JSON or nearly: NaN as Python writes it, surrogates as bytes that are no UTF-8, keys twice."""
    plain = chance.random() < 0.5
    text = json.dumps(value, ensure_ascii=plain, separators=(",", ":") if plain else None)
    if "@deep" in text:
        text = _DEEP.sub(lambda found: nested(int(found[1])), text)
    if chance.random() < 0.03 and text.startswith("{") and len(text) > 2:
        text = "{" + text[1:-1] + "," + text[1:]
    return bent(text.encode("utf-8", "surrogatepass"), chance, 0.15)


def bent(data: bytes, chance: random.Random, share: float = 1.0) -> bytes:
    """The bytes, a `share` of the times damaged."""
    if chance.random() >= share or not data:
        return data
    return chance.choice(_BENDS)(data, chance)


def _flipped(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _stuffed(data: bytes, chance: random.Random) -> bytes:
    place, what = chance.randrange(len(data)), chance.choice((b"\0", b'"', b"\xff\xfe", b"\r", b"\n", b"\\u0000", b"["))
    return data[:place] + what * chance.choice((1, 1, 3, 50)) + data[place:]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    begin = chance.randrange(len(data))
    piece = data[begin : begin + chance.randrange(1, 60)]
    return data[:begin] + piece * chance.choice((2, 10, 200)) + data[begin:]


def _marked(data: bytes, chance: random.Random) -> bytes:
    return b"\xef\xbb\xbf" * chance.choice((1, 2)) + data


def _recoded(data: bytes, chance: random.Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(chance.choice(("gb18030", "utf-16", "utf-16-be", "utf-7")), "replace")


def _line_ends(data: bytes, chance: random.Random) -> bytes:
    return data.replace(b",", b",\r\n", 2).replace(b":", b":\r", 1)


_BENDS = (_flipped, _flipped, _cut, _stuffed, _stuffed, _repeated, _marked, _recoded, _line_ends)


def spoilt(text: str, chance: random.Random, words: Sequence[str] = _TEXTS) -> str:
    """A line of text with a piece of it exchanged."""
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(words) + text[place + chance.choice((0, 0, 1, 4)) :]
