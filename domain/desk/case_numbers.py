"""Case numbers that people can say to each other: 26-4817.

A number is derived from the case's id and the year in which the case was opened, so no counter is shared, and every
console derives the same number. It has as many digits as distinguish the case from the other displayed ones, at least
four. A longer number begins with the shorter one, so a number that was said earlier still finds its case.
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
    """Return the full number of a case without separators: the last two digits of the year of `opened_at` (in Jilin),
    then the 12 digits that are derived from the case's id, a hash of it.
    """
    return f"{opened_at.astimezone(JILIN).year % 100:02}{case_digits(case_id)}"


def length_of(key: str, *others: str) -> int:
    """Return how many digits after the year distinguish the full number `key` from the `others`: at least 4, at most
    all 12, also if `key` itself is among them.

    Raises ValueError if a number is not as long as `key`.
    """
    needed = max((_common(key, other) + 1 for other in others), default=0) - _YEAR_DIGITS
    return min(MOST_DIGITS, max(LEAST_DIGITS, needed))


def number_of(key: str, *others: str) -> str:
    """Return the number of a case as people write it, with as many digits as distinguish it from the `others`: 26-4817,
    or 26-4817-3 if another one begins with 26-4817.

    `key`, `others`: full numbers, as of `key_of`. Raises ValueError if they differ in length.
    """
    digits = key[_YEAR_DIGITS:][: length_of(key, *others)]
    return f"{key[:_YEAR_DIGITS]}-{in_groups(digits)}"


def typed_number(text: str) -> str | None:
    """Return the digits, without dashes, of a text that is written like a case number or its beginning (26-4817, or
    26-48): two digits, then groups of one to four after dashes. None for any other text.
    """
    return text.replace("-", "") if _TYPED.match(text) else None


def begins(key: str, digits: str) -> bool:
    """Return True if `digits` are the beginning of the full number `key`, with its year; or, if there are at least
    four, the beginning of its digits after the year.
    """
    return key.startswith(digits) or (len(digits) >= LEAST_DIGITS and key[_YEAR_DIGITS:].startswith(digits))


def may_be(case_id: str, digits: str) -> bool:
    """Return True if `digits` may be the beginning of the number of this case, whose year is unknown.

    The first two of `digits`, a year, are ignored; the others are compared with the beginning of the case's digits.
    """
    return case_digits(case_id).startswith(digits[_YEAR_DIGITS:])


def _common(one: str, other: str) -> int:
    """Return how many characters two keys have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=True))
    return next((place for place, (mine, its) in pairs if mine != its), len(one))
