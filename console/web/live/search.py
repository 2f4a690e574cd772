"""Search of the open cases: one box for a case's number or id, a name, and a telephone's last four digits or all."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from console.web.live.row import Row
from domain.desk.case_numbers import begins, key_of, typed_number
from domain.identity.identifiers import normal_phone

LEAST_DIGITS = 4  # of a telephone or a number; fewer would match half a city
LONGEST = 64  # characters of a search
_CASE = re.compile(r"^r[a-z2-7]{7,16}(-[0-9]{0,9})?$")
_BETWEEN = re.compile(r"[\s()+.-]")


class Sought(StrEnum):
    """The kind of search: by case number, digits of a telephone, or name. The audit records it, never the text."""

    CASE = "case-number"
    PHONE = "phone-tail"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class SoughtNumber:
    """The digits of a telephone or account as they were typed. `whole`: the complete numbers that they may be."""

    told: str
    whole: frozenset[str]

    def fits(self, number: str) -> bool:
        """Return whether the digits are the number's last LEAST_DIGITS, which pages show, or all of it.

        Any other part does not match: whoever may try one digit more at a time reads a masked number whole.
        """
        return number[-LEAST_DIGITS:] == self.told or number in self.whole


def digits(text: str) -> str:
    """Return a typed number without blanks, brackets, plus signs, dots and hyphens."""
    return _BETWEEN.sub("", text)


def sought(text: str) -> Sought | None:
    """Return the kind of search that a text means, or None if it is empty or has too few digits.

    Digits without a hyphen are a telephone's, and may be a case number's too.
    """
    if number := typed_number(text):
        return Sought.CASE if len(number) >= LEAST_DIGITS else None
    if (told := digits(text)).isdecimal():
        return Sought.PHONE if len(told) >= LEAST_DIGITS else None
    if _CASE.match(text):
        return Sought.CASE
    return Sought.NAME if text else None


def found(rows: Iterable[Row], text: str, by: Sought) -> list[Row]:
    """Return the rows that match the text, in the given order."""
    if by is Sought.CASE and (number := typed_number(text)):
        return [row for row in rows if _key(row).startswith(number)]
    if by is Sought.CASE:
        return [row for row in rows if row.id.startswith(text)]
    if by is Sought.PHONE:
        typed = sought_number(text)
        return [row for row in rows if typed.fits(row.phone) or begins(_key(row), typed.told)]
    return [row for row in rows if text.casefold() in row.name.casefold()]


def _key(row: Row) -> str:
    return key_of(row.id, row.case.opened_at)


def sought_number(text: str) -> SoughtNumber:
    """Return the number that a text means, whose kind is Sought.PHONE."""
    told = digits(text)
    whole = {told, f"+{told}"}
    with suppress(ValueError):
        whole.add(normal_phone(told))
    return SoughtNumber(told, frozenset(whole))
