"""The STIX patterns of suspects: one comparison of one property with one text, `[url:value = 'https://…']`.

STIX has objects for domains and links, but none for a telephone number or a bank account. Those are written with the
object types `phone-number` and `bank-account` of the published extension "stix2extensions" (github.com/muchdogesec), as
other producers do; a pattern may name any type (STIX 2.1, 9.6).
"""

import re
from typing import Literal, NamedTuple

LONGEST_PATTERN = 4_096  # characters: a link of 1,024 with each one escaped, and the rest
Kind = Literal["account", "phone", "link"]

_OF_PATH: dict[str, Kind] = {
    "bank-account:account_number": "account",
    "phone-number:value": "phone",
    "url:value": "link",
    "domain-name:value": "link",
}
_COMPARISON = re.compile(r"\s*\[\s*([a-z0-9-]{1,250}:[a-z0-9_]{1,250})\s*=\s*'((?:[^'\\]|\\['\\])*)'\s*\]\s*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Named(NamedTuple):
    """A suspect that a pattern names: its kind, and its number or link."""

    kind: Kind
    value: str


class PatternError(ValueError):
    """A pattern is not one of those that are read. The text says why, without the pattern's value."""


def pattern_of(kind: Kind, value: str) -> str:
    """Return the STIX pattern of a suspect. `value`: an account number, a telephone number in E.164, or a link in
    normal form. A link becomes a domain if it has no path, port or query, else a URL with https.
    """
    match kind:
        case "account":
            path, text = "bank-account:account_number", value
        case "phone":
            path, text = "phone-number:value", value
        case "link" if any(mark in value for mark in "/?:"):
            path, text = "url:value", f"https://{value}"
        case "link":
            path, text = "domain-name:value", value
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{path} = '{escaped}']"


def suspect_in(pattern: str) -> Named:
    """Return the suspect that a STIX pattern names: its kind, and its number or link, which may still be invalid for
    the kind.

    Raises PatternError if the pattern has over 4,096 characters, is not one comparison of one property with one text by
    `=`, or compares a property of another kind of object.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"the pattern has over {LONGEST_PATTERN:,} characters")
    found = _COMPARISON.fullmatch(pattern)
    if found is None:
        raise PatternError("the pattern is not one comparison of one property with one text by =")
    kind = _OF_PATH.get(found[1])
    if kind is None:
        raise PatternError(f"the pattern compares none of {', '.join(_OF_PATH)}")
    return Named(kind, _ESCAPED.sub(r"\1", found[2]))
