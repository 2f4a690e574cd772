"""Search among the open cases: by a case's number, a phone's last digits, a name."""

import re
from collections.abc import Iterable
from enum import StrEnum

from console.web.live.row import Row

LEAST_DIGITS = 4  # of a phone: fewer would list half a city
LONGEST = 64  # characters of a search
_CASE = re.compile(r"^r[a-z2-7]{7,16}(-[0-9]{0,9})?$")
_BETWEEN = re.compile(r"[\s()+.-]")


class Sought(StrEnum):
    """What was searched for: this stands in the audit, never the words."""

    CASE = "case-number"
    PHONE = "phone-tail"
    NAME = "name"


def digits(text: str) -> str:
    """A number as it was typed, without what stands between its digits."""
    return _BETWEEN.sub("", text)


def sought(text: str) -> Sought | None:
    """What a text looks for; None when it is too short to look for anything."""
    if (told := digits(text)).isdecimal():
        return Sought.PHONE if len(told) >= LEAST_DIGITS else None
    if _CASE.match(text):
        return Sought.CASE
    return Sought.NAME if text else None


def found(rows: Iterable[Row], text: str, by: Sought) -> list[Row]:
    """The rows that a text means, in their order."""
    if by is Sought.CASE:
        return [row for row in rows if row.id.startswith(text)]
    if by is Sought.PHONE:
        tail = digits(text)
        return [row for row in rows if row.phone.endswith(tail)]
    return [row for row in rows if text.casefold() in row.name.casefold()]
