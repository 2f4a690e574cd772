r"""Rules that find numbers, links and the ten types of scam in a text, in Chinese, English and Korean.

The console's page gets the rules as data and applies them in the browser, so the text is never sent; `scanned` applies
the same rules here. A pattern is therefore written in the common part of Python's and JavaScript's regular expressions:
no \d, \s or \w, which mean other characters in each, no escape that JavaScript's flag u refuses, and no unbounded
repetition inside another. A pattern ignores the case of English letters only, and both count characters, not UTF-16's
halves of them. What the two would still read differently, `plain` replaces before.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypedDict

from domain.public_check.scam_patterns import SCAM_PATTERNS

LONGEST_TEXT = 5_000  # characters that are looked at
HIDDEN = (
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
"""Invisible characters, a pattern: scammers put them between digits and words, so that no filter finds them."""
WIDE = "[\uff0e-\uff19\uff21-\uff3a\uff41-\uff5a]"
"""Full-width digits, letters, points and slashes, a pattern: each is WIDE_BY above the usual one."""
WIDE_BY = 0xFEE0
ALIKE: dict[str, str] = {"\u017f": "s", "\u212a": "k", "\r": "\n", "\u2028": "\n", "\u2029": "\n"}
"""Characters, each with what `plain` writes instead of it. JavaScript takes the long s and the Kelvin sign for s and k
when case is ignored, and scammers hide words by them. Python's "." takes the other three, which end a line in
JavaScript, for a part of the line.
"""
MOST_HITS = 20  # numbers and links of one text

# A number may have a blank or a dash between its digits; a mobile two of them, or a point before each four digits. An
# ID number, which has a date inside, is no account, and neither is a mobile with an amount behind it.
_ID = r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
_MOBILE = "1[3-9][0-9](?:[ \u2010-\u2015-]{0,2}[0-9]){8}"
_AREA = r"0[1-9][0-9]{1,2}"
_BLANK = "\\x00-\\x20\\x7f-\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
_PATH = rf"""[^{_BLANK}<>"'，。；：、！？（）【】《》“”]"""
_ENDINGS = (
    "com|cn|net|org|top|xyz|vip|cc|info|site|club|shop|store|app|link|online|live|work|icu|buzz|pro|asia|mobi|biz|"
    "io|me|tv|co|hk|kr|ru|us|uk|jp|tw|sg|vn|th|ph|la|ly|ws|gg|tk|cloud|fun|cyou|sbs|cfd|bond|click|website|space|tech|"
    "wang|ink|ltd|group|win|loan|today|world|life|host|zone|plus|chat|monster|lol|dev|invalid|example"
)
NUMBER_PATTERNS: Mapping[str, Sequence[str]] = {
    "link": (
        rf"https?://{_PATH}{{1,1000}}",
        rf"(?<![@A-Za-z0-9.-])(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.){{1,5}}(?:{_ENDINGS})"
        rf"(?![A-Za-z0-9.-])(?:[:/?]{_PATH}{{0,500}})?",
        rf"(?<![@A-Za-z0-9.-])(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}(?::[0-9]{{1,5}})?/{_PATH}{{1,500}}",
    ),
    "account": (rf"(?<![0-9A-Za-z+])(?!{_ID})(?!{_MOBILE}[ -])[1-9](?:[ -]?[0-9]){{14,18}}(?![0-9A-Za-z])",),
    "phone": (
        rf"(?<![0-9A-Za-z])(?:\+?86[ -]?)?{_MOBILE}(?![0-9])",
        r"(?<![0-9A-Za-z.])1[3-9][0-9]\.[0-9]{4}\.[0-9]{4}(?![0-9.])",
        rf"(?<![0-9A-Za-z+])(?:{_AREA}|[(（]{_AREA}[)）])[ -]?[0-9]{{3,4}}[ -]?[0-9]{{4}}(?![0-9])",
        r"(?<![0-9A-Za-z+])(?:400[ -]?[0-9]{3}[ -]?[0-9]{4}|9[56][0-9]{3,6})(?![0-9])",
        r"(?<![0-9A-Za-z])\+(?!86)[1-9](?:[ -]?[0-9]){7,13}(?![0-9])",
    ),
}
"""By kind of subject: its patterns. What an earlier kind has found is not searched again for a later one."""


class NumberPatterns(TypedDict):
    """The patterns of a kind of subject."""

    kind: str
    patterns: list[str]


class ScamRule(TypedDict):
    """The patterns of a type of scam."""

    type: str
    patterns: list[str]


class ScanRules(TypedDict):
    """The rules as the page gets them."""

    longest: int
    most: int
    hidden: str
    wide: str
    wide_by: int
    alike: dict[str, str]
    numbers: list[NumberPatterns]
    scams: list[ScamRule]


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What the rules find. `numbers`: kind and text of each number or link, in the order of kinds, of each kind's
    patterns, then of the text; `scams`: the types of scam, with the words that fit.
    """

    numbers: tuple[tuple[str, str], ...]
    scams: Mapping[str, str]


def rules_data() -> ScanRules:
    """Return the rules of `scanned` as data for JSON: the most characters and hits, the characters that are left out or
    replaced, the patterns of numbers and links by kind, and those of scams by type, in the order in which they are
    applied.
    """
    return {
        "longest": LONGEST_TEXT,
        "most": MOST_HITS,
        "hidden": HIDDEN,
        "wide": WIDE,
        "wide_by": WIDE_BY,
        "alike": ALIKE,
        "numbers": [{"kind": kind, "patterns": list(patterns)} for kind, patterns in NUMBER_PATTERNS.items()],
        "scams": [{"type": name, "patterns": list(patterns)} for name, patterns in SCAM_PATTERNS.items()],
    }


def scanned(text: str) -> ScanResult:
    """Return the numbers, links and types of scam that the rules find in the `plain` text. Only the first 5,000
    characters count. Each number or link is listed once, and at most 20 of them; both results may be empty.
    """
    read = plain(text)[:LONGEST_TEXT]
    rest, numbers = read, dict[tuple[str, str], None]()
    for kind, patterns in NUMBER_PATTERNS.items():
        for pattern in patterns:
            numbers |= {(kind, found[0]): None for found in _compiled(pattern).finditer(rest)}
            rest = _compiled(pattern).sub(lambda found: " " * len(found[0]), rest)
    return ScanResult(tuple(numbers)[:MOST_HITS], _scams(read))


def plain(text: str) -> str:
    """Return the text without invisible characters, with usual digits and letters for full-width ones, and with the
    characters of ALIKE replaced.
    """
    shown = _compiled(WIDE).sub(lambda found: chr(ord(found[0]) - WIDE_BY), _compiled(HIDDEN).sub("", text))
    return shown.translate({ord(sign): other for sign, other in ALIKE.items()})


def _scams(text: str) -> dict[str, str]:
    found = dict[str, str]()
    for name, patterns in SCAM_PATTERNS.items():
        for pattern in patterns:
            if name not in found and (fits := _compiled(pattern).search(text)):
                found[name] = fits[0]
    return found


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)
