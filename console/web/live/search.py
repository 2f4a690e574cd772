"""Search of the open cases in one field: a case number or id, a name, or a telephone number (whole or last four
digits).
"""

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
    """The kind of a search: by case number, telephone digits, or name. The audit records the kind, never the text."""

    CASE = "case-number"
    PHONE = "phone-tail"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class SoughtNumber:
    """A telephone or account number that a person searches for. `told`: the typed digits. `whole`: the complete numbers
    that the digits may stand for.
    """

    told: str
    whole: frozenset[str]

    def fits(self, number: str) -> bool:
        """Return True if the digits are the number's last LEAST_DIGITS (4), which pages show, or the whole number.

        No other part matches, because otherwise somebody could find out a masked number by trying one more digit at a
        time.
        """
        return number[-LEAST_DIGITS:] == self.told or number in self.whole


def digits(text: str) -> str:
    """Return the text without blanks, brackets, plus signs, dots and hyphens."""
    return _BETWEEN.sub("", text)


def sought(text: str) -> Sought | None:
    """Return the kind of search that a text means, or None if it is empty or has too few digits.

    Digits without a hyphen mean a telephone, which also matches case numbers.
    """
    if number := typed_number(text):
        return Sought.CASE if len(number) >= LEAST_DIGITS else None
    if (told := digits(text)).isdecimal():
        return Sought.PHONE if len(told) >= LEAST_DIGITS else None
    if _CASE.match(text):
        return Sought.CASE
    return Sought.NAME if text else None


def found(rows: Iterable[Row], text: str, by: Sought) -> list[Row]:
    """Return those of `rows` that match the text, in the given order. `by`: what `sought` returned for the text.

    A case number or id matches by its beginning, a name by any part, ignoring case, a telephone as SoughtNumber.fits.
    """
    if by is Sought.CASE and (number := typed_number(text)):
        return [row for row in rows if _key(row).startswith(number)]
    if by is Sought.CASE:
        return [row for row in rows if row.id.startswith(text)]
    if by is Sought.PHONE:
        typed = sought_number(text)
        return [row for row in rows if _has_number(row, typed) or begins(_key(row), typed.told)]
    return [row for row in rows if text.casefold() in row.name.casefold()]


def _has_number(row: Row, typed: SoughtNumber) -> bool:
    return any(typed.fits(phone) for phone in (row.phone, *row.other_phones))


def _key(row: Row) -> str:
    return key_of(row.id, row.case.opened_at)


def sought_number(text: str) -> SoughtNumber:
    """Return the number that a text means. The text must be one for which `sought` returns Sought.PHONE."""
    told = digits(text)
    whole = {told, f"+{told}"}
    with suppress(ValueError):
        whole.add(normal_phone(told))
    return SoughtNumber(told, frozenset(whole))
