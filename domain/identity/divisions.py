"""Jilin's divisions by GB/T 2260 code and day: what a code meant then, and which one means the same place today.

Codes come and go: 公主岭 was 220381 until 2019 and is 220184 since. The register knows years, not days, so a code is
in force from the first of January to the end of December. Statistical zones (220171, …) are no GB codes; the registers
of streets and of the police use them like counties, so they are accepted and marked. Streets are known as they are
today, and are taken to be in force as long as their county's code is.

In English places have the usual forms of the Pinyin that the standard gives, zones short ones; in Korean the
Sino-Korean readings by the norm of China's Korean, as the Yanbian Daily (iybrb.com) writes them: 룡정시, not 용정시 or
룽징시. Streets have their Chinese names alone.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from importlib import resources

PROVINCE = "220000"
PREFECTURE_DIGITS, COUNTY_DIGITS = 4, 6  # of a code, that name the prefecture and the county
_SUFFIXES = ("朝鲜族自治州", "满族自治县", "地区", "区", "县", "市", "省")


@dataclass(frozen=True, slots=True)
class Division:
    """A place under one code, in force from the year `since` to the year `until`, both included (none: open)."""

    code: str
    name: str
    prefecture: str | None  # the code of the prefecture it lies in; none for the province and what it ruled itself
    since: int | None = None
    until: int | None = None
    successor: str | None = None  # the code that took over when this one ended, where the register leaves no doubt
    zone: bool = False  # a statistical zone, not a GB code

    def in_force(self, on: date) -> bool:
        """Whether the code meant this place on that day."""
        return (self.since or 0) <= on.year <= (self.until or 9999)


def division(code: str, on: date) -> Division | None:
    """What `code`, of 6 digits or 9, meant on that day; none when nobody used it then.

    Where the register has two entries for a year, the one that began later is the correction.
    """
    if len(code) == 9:
        return _street(code, on)
    return max(
        (entry for entry in _register().get(code, ()) if entry.in_force(on)),
        key=lambda entry: entry.since or 0,
        default=None,
    )


def known(code: str) -> bool:
    """Whether `code` means, or ever meant, a place in Jilin."""
    return code in _streets() or code in _register()


@lru_cache(maxsize=65_536)  # a visit asks for the way of everybody on duty
def current_code(code: str, on: date, noted: date | None = None) -> str | None:
    """The code under which the place of `code` is kept on that day; none when that cannot be told.

    `noted` is the day on which `code` was written down, for codes that meant different places in turn; without it, a
    code in force is its own answer. One that has ended is followed from successor to successor.
    """
    county = division(code[:6], noted or on) or _latest_before(code[:6], on)
    while county and county.until and county.until < on.year:
        county = division(county.successor, _after(county.until)) if county.successor else None
    return county.code + code[6:] if county and county.in_force(on) else None


def meet(one: str, other: str) -> bool:
    """Whether two areas have a place in common: the code of the one begins with the other's. Empty: everywhere."""
    return one.startswith(other) or other.startswith(one)


def name_of(code: str, on: date) -> str:
    """A code's name on that day, else the last it had, else the code itself: something can always be shown."""
    there = division(code, on) or _latest_before(code[:6], on)
    return there.name if there else code


@cache
def names(language: str) -> dict[str, str]:
    """What prefectures and counties are called in `en` or `ko`, by their Chinese names, the short ones of maps too."""
    return {row["name"]: row[language] for row in _rows("jilin_names.csv")}


def prefectures(on: date) -> tuple[Division, ...]:
    """Jilin's prefectures on that day, by code: nine today."""
    return _in_force(on, lambda code: code.endswith("00") and code != PROVINCE)


def counties(on: date, prefecture: str | None = None) -> tuple[Division, ...]:
    """Districts, counties, cities and zones on that day, by code; those of one prefecture if it is given."""
    return tuple(
        county
        for county in _in_force(on, lambda code: not code.endswith("00"))
        if prefecture is None or county.prefecture == prefecture
    )


def streets(county: str) -> tuple[Division, ...]:
    """Streets and townships under a county's code as they are today, by code."""
    return tuple(Division(code, name, _prefecture(county)) for code, name in _streets_by_county().get(county, ()))


def _in_force(on: date, wanted: Callable[[str], bool]) -> tuple[Division, ...]:
    found = (division(code, on) for code in sorted(_register()) if wanted(code))
    return tuple(entry for entry in found if entry)


def _street(code: str, on: date) -> Division | None:
    county, name = division(code[:6], on), _streets().get(code)
    if county is None or name is None:
        return None
    return Division(code, name, county.prefecture, county.since, county.until, zone=county.zone)


def _latest_before(code: str, on: date) -> Division | None:
    ended = [entry for entry in _register().get(code, ()) if entry.until and entry.until < on.year]
    return max(ended, key=lambda entry: entry.until or 0, default=None)


def _successor(gone: Division, entries: Sequence[Division]) -> str | None:
    """The one code that holds the place of `gone` in the year after it.

    By the same name if that is new or near (two prefectures had a 郊区), else by the same code under a new name, else
    by the same name anywhere (the register's years overlap in places), else by a new name that differs in its rank
    alone (九台县, 九台市, 九台区).
    """
    if gone.until is None:
        return None
    after = _after(gone.until)
    heirs = [entry for entry in entries if entry.in_force(after) and entry is not gone]
    namesakes = [entry for entry in heirs if entry.name == gone.name]
    new = [entry for entry in heirs if entry.since == after.year]
    return (
        _only(entry.code for entry in namesakes if entry in new or entry.prefecture == gone.prefecture)
        or _only(entry.code for entry in heirs if entry.code == gone.code)
        or _only(entry.code for entry in namesakes)
        or _only(entry.code for entry in new if _same_but_rank(entry, gone))
    )


def _after(year: int) -> date:
    return date(year + 1, 1, 1)


def _same_but_rank(one: Division, other: Division) -> bool:
    return one.code.endswith("00") == other.code.endswith("00") and _stem(one.name) == _stem(other.name)


def _stem(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def _only(codes: Iterable[str]) -> str | None:
    found = set(codes)
    return found.pop() if len(found) == 1 else None


@cache
def _register() -> dict[str, list[Division]]:
    """All entries by code, with successors; the zones, which no timeline knows, as always in force."""
    entries = [_entry(row) for row in _rows("jilin_code_timeline.csv")]
    register: dict[str, list[Division]] = defaultdict(list)
    for entry in entries:
        register[entry.code].append(replace(entry, successor=_successor(entry, entries)))
    for row in _rows("jilin_areas.csv"):
        if row["code"] not in register:
            register[row["code"]].append(Division(row["code"], row["name"], _prefecture(row["code"]), zone=True))
    return dict(register)


def _entry(row: dict[str, str]) -> Division:
    since, until = (int(year) if year else None for year in (row["start_year"], row["end_year"]))
    return Division(row["code"], row["name"], _prefecture(row["code"]), since, until)


@cache
def _prefecture_codes() -> frozenset[str]:
    return frozenset(row["code"] for row in _rows("jilin_code_timeline.csv") if row["code"].endswith("00"))


def _prefecture(code: str) -> str | None:
    prefecture = f"{code[:4]}00"
    return prefecture if prefecture in _prefecture_codes() - {PROVINCE} else None


@cache
def _streets() -> dict[str, str]:
    return {row["code"]: row["name"] for row in _rows("jilin_streets.csv")}


@cache
def _streets_by_county() -> dict[str, list[tuple[str, str]]]:
    grouped: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for code, name in _streets().items():
        grouped[code[:6]].append((code, name))
    return dict(grouped)


def _rows(name: str) -> Iterator[dict[str, str]]:
    # Not in a folder `data`: that name is ignored by git and by the wheel's build.
    text = (resources.files("domain.identity") / "gb2260" / name).read_text("utf-8")
    return csv.DictReader(text.splitlines())
