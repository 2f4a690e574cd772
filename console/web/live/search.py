"""Search of the open cases by case number, last digits of a telephone, or name."""

import re
from collections.abc import Iterable
from enum import StrEnum

from console.web.live.row import Row

LEAST_DIGITS = 4  # of a telephone; fewer would match half a city
LONGEST = 64  # characters of a search
_CASE = re.compile(r"^r[a-z2-7]{7,16}(-[0-9]{0,9})?$")
_BETWEEN = re.compile(r"[\s()+.-]")


class Sought(StrEnum):
    """The kind of search: by case number, last digits of a telephone, or name. The audit records it, never the text."""

    CASE = "case-number"
    PHONE = "phone-tail"
    NAME = "name"


def digits(text: str) -> str:
    """Return a typed number without blanks, brackets, plus signs, dots and hyphens."""
    return _BETWEEN.sub("", text)


def sought(text: str) -> Sought | None:
    """Return the kind of search that a text means, or None for an empty text or a number that is too short.

    A number needs LEAST_DIGITS digits.
    """
    if (told := digits(text)).isdecimal():
        return Sought.PHONE if len(told) >= LEAST_DIGITS else None
    if _CASE.match(text):
        return Sought.CASE
    return Sought.NAME if text else None


def found(rows: Iterable[Row], text: str, by: Sought) -> list[Row]:
    """Return the rows that match the text, in the given order: the id begins or the telephone ends with it, or the
    name contains it.
    """
    if by is Sought.CASE:
        return [row for row in rows if row.id.startswith(text)]
    if by is Sought.PHONE:
        tail = digits(text)
        return [row for row in rows if row.phone.endswith(tail)]
    return [row for row in rows if text.casefold() in row.name.casefold()]
