"""Case numbers that people can say to each other: 26-4817.

A number is derived from the case's id and the year in which the case was opened, so no counter is shared and every
console derives the same. It has as many digits as tell the case from the others at hand, at least four. A longer
number begins with the shorter one, so a number that was said earlier still finds its case.
"""

import re
from datetime import datetime

from domain.calendar import JILIN
from domain.ids import CASE_DIGITS, case_digits, in_groups

LEAST_DIGITS = 4  # after the year
MOST_DIGITS = CASE_DIGITS
_YEAR_DIGITS = 2
_TYPED = re.compile(r"^[0-9]{2}(-[0-9]{1,4})+$")


def key_of(case_id: str, opened_at: datetime) -> str:
    """Return the number of a case in full, without separators: the year's two digits (in Jilin) and all digits of the
    case.
    """
    return f"{opened_at.astimezone(JILIN).year % 100:02}{case_digits(case_id)}"


def length_of(key: str, *others: str) -> int:
    """Return how many digits after the year distinguish `key` from the other keys: at least 4, and all if a key is
    equal.
    """
    needed = max((_common(key, other) + 1 for other in others), default=0) - _YEAR_DIGITS
    return min(MOST_DIGITS, max(LEAST_DIGITS, needed))


def number_of(key: str, *others: str) -> str:
    """Return the number of a key as it is written among other keys: 26-4817, or 26-4817-3 if another begins so."""
    digits = key[_YEAR_DIGITS:][: length_of(key, *others)]
    return f"{key[:_YEAR_DIGITS]}-{in_groups(digits)}"


def typed_number(text: str) -> str | None:
    """Return the digits of a text that is written like a case number or its beginning, 26-4817, else None."""
    return text.replace("-", "") if _TYPED.match(text) else None


def begins(key: str, digits: str) -> bool:
    """Return whether a case's key begins with these digits, said with or without the year."""
    return key.startswith(digits) or (len(digits) >= LEAST_DIGITS and key[_YEAR_DIGITS:].startswith(digits))


def may_be(case_id: str, digits: str) -> bool:
    """Return whether the digits, without their first two (a year), are the beginning of the case's number. It is for a
    case whose year is not known.
    """
    return case_digits(case_id).startswith(digits[_YEAR_DIGITS:])


def _common(one: str, other: str) -> int:
    """Return how many characters two keys have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=True))
    return next((place for place, (mine, its) in pairs if mine != its), len(one))
