"""Finds telephone, card and ID numbers in what people write, and masks them.

The person who handles a case reads a note in full. Others, and readers who gave no reason to see more, read it without
the numbers.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple

import phonenumbers

from domain.identity.identifiers import parse_id_number

LEAST = 10  # digits of the shortest number that is found: a landline with its area code
SHORTEST_CARD = 14
MOST = 19  # digits of the longest: a bank card
KEPT = 4  # last digits that stay, by which a person recognizes a telephone or card
# Digits without a numeric value in Unicode: as soldiers and Koreans read numbers aloud.
_SPOKEN = dict(zip("洞拐勾공영령일이삼사오육륙칠팔구", "0790001234566789", strict=True))
# Up to six characters between digits belong to one number: 139 0000 0001, (0431)-8123, 6222/0000, 1️⃣3️⃣.
_RUN = re.compile(r"\+?[0-9]+(?:[ ,:+]{1,6}[0-9]+)*")
_FINAL_X = re.compile("[ ,:+]{0,6}X")
# In amounts and times of day, commas and colons separate no parts of a telephone: 1,390,000 and 13:30:05.
_APART = re.compile(
    r"(?<![0-9,])[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9,])|(?<![0-9:])[0-2]?[0-9](?::[0-5][0-9]){1,2}(?![0-9:])"
)
_MOBILE = re.compile("(?:(?:00)?86)?0?1[3-9][0-9]{9}")
_LANDLINE = re.compile("(?:(?:00)?86)?0?(?:10|2[0-9]|[3-9][0-9]{2})[0-9]{7,8}")
_WITH_AREA = re.compile("(?:(?:00)?860?|0)[1-9]")
_HOME = re.compile("860?(?:1[2-9][0-9]{9}|10[0-9]{7,8}|2[0-9]{8,9}|[3-9][0-9]{9,10}|9[56][0-9]{6}|106[0-9]{8,17})")
_DOUBLED = str.maketrans("0123456789", "0246813579")  # each digit twice, and of two digits their sum
_MONTH_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_DATED = re.compile(f"[0-9]{{6}}(?:19|2[01])?[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}[0-9X]?")


class _Found(NamedTuple):
    """A number in a text. `tail`: its last digits may stay."""

    start: int
    end: int
    tail: bool


def masked_text(text: str) -> str:
    """Return the text with a star for each digit of telephone numbers, bank cards (Luhn) and ID numbers (check digit).

    A number may have up to six blanks or signs between two digits, and +86 or another country's code in front. Digits
    may be any of Unicode's, Chinese (also capital and spoken) or Korean. The last four digits of a telephone or card
    stay; of an ID number nothing stays. Other numbers, such as amounts and dates, stay.
    """
    plain = "".join(map(_plain, text)).replace("%20", "   ").replace("%", " ")
    plain = _APART.sub(lambda match: re.sub("[,:]", "|", match[0]), plain)
    characters, stays = list(text), set[int]()
    found = list(_numbers(plain))
    starts, ends = [each.start for each in found], list(accumulate((each.end for each in found), max))
    ids = list(accumulate((0 if each.tail else each.end for each in found), max))  # where the ID numbers end
    for each in found:
        digits = [place for place in range(each.start, each.end) if plain[place].isalnum()]
        for place in digits:
            characters[place] = "*"
        # The last digits may belong to the middle of another number, or to an ID number.
        last = bisect_left(starts, each.end) - 1
        if each.tail and ends[last] == each.end and ids[last] <= each.start:
            stays.update(digits[-KEPT:])
    return "".join(text[place] if place in stays else character for place, character in enumerate(characters))


def _numbers(plain: str) -> Iterator[_Found]:
    for run in _RUN.finditer(plain):
        places = [place for place in range(run.start(), run.end()) if plain[place].isdigit()]
        if len(places) >= LEAST:
            yield from _in_run(plain, places)


def _in_run(plain: str, places: list[int]) -> Iterator[_Found]:
    """Yield all numbers that begin and end with a group of digits; they may overlap. `places`: of the run's digits.

    The last digits of a masked number stay visible, and another number may begin with them: they begin a group too.
    """
    digits = "".join(plain[place] for place in places)
    begins = {at for at, place in enumerate(places) if not plain[place - 1 : place].isdigit()}
    ends = {at for at, place in enumerate(places, 1) if not plain[place + 1 : place + 2].isdigit()}
    for first in range(len(places)):
        if first not in begins:
            continue
        start = places[first]
        abroad = "+" in plain[max(0, start - 2) : start]
        for end in range(first + LEAST, min(first + MOST, len(places)) + 1):
            if end in ends and (found := _number(plain, digits[first:end], abroad, start, places[end - 1] + 1)):
                begins.add(end - KEPT)
                yield found


def _number(plain: str, digits: str, abroad: bool, start: int, end: int) -> _Found | None:
    """Return the place in the text of the telephone, card or ID number that these digits form; None if they form none.

    `abroad`: True if a plus sign precedes the digits.
    """
    final = _FINAL_X.match(plain, end)
    if final and _is_id(f"{digits}X"):
        return _Found(start, final.end(), tail=False)
    if _is_id(digits):
        return _Found(start, end, tail=False)
    return _Found(start, end, tail=True) if _is_phone(digits, abroad) or _is_card(digits) else None


def _is_phone(digits: str, abroad: bool) -> bool:
    if _MOBILE.fullmatch(digits) or (_WITH_AREA.match(digits) and _LANDLINE.fullmatch(digits)):
        return True
    return (abroad and _is_international(digits)) or (digits[:2] == "00" and _is_international(digits[2:]))


def _is_international(digits: str) -> bool:
    """Return True if digits behind a plus begin with a country's code and have one of its lengths."""
    if digits.startswith("86"):
        return bool(_HOME.fullmatch(digits))
    return any(_fits(digits[size:], *_country(digits[:size])) for size in (1, 2, 3))


def _fits(national: str, lengths: frozenset[int], prefix: str) -> bool:
    return len(national) in lengths or len(national.removeprefix(prefix)) in lengths


@cache
def _country(code: str) -> tuple[frozenset[int], str]:
    """Return the lengths of a country's numbers, and the prefix of numbers within it; no lengths if there is none."""
    region = phonenumbers.region_code_for_country_code(int(code))
    found = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    if found is None or found.general_desc is None or code.startswith("0"):
        return frozenset(), ""
    return frozenset(found.general_desc.possible_length), found.national_prefix or "0"


def _is_card(digits: str) -> bool:
    """Return True if digits are as many as a bank card has, and its check digit (Luhn) is right.

    Not by stdnum's luhn, which takes five times as long: a text of many short groups is tried thousands of times.
    """
    if len(digits) < SHORTEST_CARD:
        return False
    return (sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10 == 0


def _is_id(number: str) -> bool:
    if not _DATED.fullmatch(number):
        return False
    try:
        return bool(parse_id_number(number))
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """Return the character's plain form: an ASCII digit, X, plus, comma or colon, or a blank; a letter, a star and a
    sign of money as they are.
    """
    value = unicodedata.numeric(character, -1.0)
    if value in range(10):
        return str(int(value))
    same = unicodedata.normalize("NFKC", character).upper()
    if same in tuple("X+,:*%"):
        return same
    if character in _SPOKEN:
        return _SPOKEN[character]
    between = unicodedata.category(character)[0] in "PSZCM" and unicodedata.category(character) != "Sc"
    return " " if between or character == "ー" else character
