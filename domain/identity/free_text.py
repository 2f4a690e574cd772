"""Finds telephone, card and ID numbers in what people write, and masks them.

A note is for whoever handles the case. Others, and readers who gave no reason to see more, read it without the numbers.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from stdnum import luhn

from domain.identity.identifiers import normal_phone, parse_id_number

LEAST = 10  # digits of the shortest number that is found: a landline with its area code
SHORTEST_CARD = 14
MOST = 19  # digits of the longest: a bank card
KEPT = 4  # last digits that stay, by which a person recognizes a telephone or card
_CHINESE = dict(zip("零〇一二三四五六七八九幺", "001234567891", strict=True))  # as numbers are read aloud
# Up to three characters between digits belong to one number: 139 0000 0001, (0431)-8123, 6222/0000.
_RUN = re.compile(r"(?<![0-9*])\+?[0-9]+(?:[ ().\-/_+]{1,3}[0-9]+)*")
_GROUP = re.compile("[0-9]+")
_FINAL_X = re.compile("[ -]{0,3}X")
_MOBILE = re.compile("(?:(?:00)?86)?0?1[3-9][0-9]{9}")
_LANDLINE = re.compile("(?:(?:00)?86)?0?(?:10|2[0-9]|[3-9][0-9]{2})[0-9]{7,8}")
_WITH_AREA = re.compile("(?:(?:00)?860?|0)[1-9]")


class _Found(NamedTuple):
    """A number in a text. `tail`: its last digits may stay."""

    start: int
    end: int
    tail: bool


def masked_text(text: str) -> str:
    """Return the text with a star for each digit of telephone numbers, bank cards (Luhn) and ID numbers (check digit).

    Numbers are found with blanks, hyphens, full-width or Chinese digits and +86. The last four digits of a telephone
    or card stay; of an ID number nothing stays. Other numbers, such as amounts and dates, stay.
    """
    plain = "".join(map(_plain, text))
    characters, stays = list(text), set[int]()
    found = list(_numbers(plain))
    for each in found:
        digits = [place for place in range(each.start, each.end) if plain[place].isalnum()]
        for place in digits:
            characters[place] = "*"
        if each.tail and not any(_hides_tail(other, each) for other in found):
            stays.update(digits[-KEPT:])
    return "".join(text[place] if place in stays else character for place, character in enumerate(characters))


def _numbers(plain: str) -> Iterator[_Found]:
    for run in _RUN.finditer(plain):
        if sum(map(str.isdigit, run[0])) >= LEAST:
            yield from _in_run(plain, run.start(), run.end())


def _in_run(plain: str, start: int, end: int) -> Iterator[_Found]:
    """Yield all numbers that begin and end with a group of digits; they may overlap."""
    groups = list(_GROUP.finditer(plain, start, end))
    for first, group in enumerate(groups):
        digits, abroad = "", plain[group.start() - 1 : group.start()] == "+"
        for last in groups[first:]:
            digits += last[0]
            if len(digits) > MOST:
                break
            if len(digits) >= LEAST and (found := _number(plain, digits, abroad, group.start(), last.end())):
                yield found


def _number(plain: str, digits: str, abroad: bool, start: int, end: int) -> _Found | None:
    """Return the number of these digits, or None. `abroad`: a plus is in front."""
    final = _FINAL_X.match(plain, end)
    if final and _is_id(f"{digits}X"):
        return _Found(start, final.end(), tail=False)
    if _is_id(digits):
        return _Found(start, end, tail=False)
    return _Found(start, end, tail=True) if _is_phone(digits, abroad) or _is_card(digits) else None


def _is_phone(digits: str, abroad: bool) -> bool:
    if _MOBILE.fullmatch(digits) or (_WITH_AREA.match(digits) and _LANDLINE.fullmatch(digits)):
        return True
    try:
        return abroad and bool(normal_phone(f"+{digits}"))
    except ValueError:
        return False


def _is_card(digits: str) -> bool:
    return SHORTEST_CARD <= len(digits) <= MOST and bool(luhn.is_valid(digits))


def _is_id(number: str) -> bool:
    if len(number) not in (15, 18):
        return False
    try:
        return bool(parse_id_number(number))
    except ValueError:
        return False


def _hides_tail(other: _Found, each: _Found) -> bool:
    """Return whether the last digits of `each` may belong to the middle of another number, or to an ID number."""
    overlaps = each.start < other.end and other.start < each.end
    return overlaps and (not other.tail or other.end > each.end)


def _plain(character: str) -> str:
    """Return the character's plain form: an ASCII digit, hyphen, blank, plus or X; or itself."""
    if character.isascii():
        return "X" if character == "x" else " " if character.isspace() else character
    if character in _CHINESE:
        return _CHINESE[character]
    if (digit := unicodedata.digit(character, None)) is not None:
        return str(digit)
    kind = unicodedata.category(character)
    if kind == "Pd":
        return "-"
    if kind in ("Zs", "Cf", "Zl", "Zp", "Cc"):
        return " "
    same = unicodedata.normalize("NFKC", character).upper()
    return same if same in tuple("+X().*/_") else character
