"""Jilin's divisions by GB/T 2260 code and day: what a code meant then, and the code of the same place today.

Codes change: 公主岭 was 220381 until 2019 and is 220184 since. The register records years, so a code is in force from
January 1 to December 31. Statistical zones (220171, …) are not GB codes; the registers of streets and of the police use
them like counties, so they are accepted and marked. Streets are known in their present state, and are assumed in force
as long as their county's code is.

English names are the usual forms of the standard's Pinyin, short for zones. Korean names are Sino-Korean readings by
the norm of China's Korean, as the Yanbian Daily (iybrb.com) writes them: 룡정시, not 용정시 or 룽징시. Streets have
only Chinese names.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from statistics import fmean

PROVINCE = "220000"
PREFECTURE_DIGITS, COUNTY_DIGITS = 4, 6  # leading digits of a code that identify the prefecture and the county
_SUFFIXES = ("朝鲜族自治州", "满族自治县", "地区", "区", "县", "市", "省")


@dataclass(frozen=True, slots=True)
class Division:
    """A place under one code, in force from the year `since` to the year `until`, both inclusive (None: open-ended).

    `prefecture`: the code of its prefecture; None for the province and places that it governs directly. `successor`:
    the code that replaced this one, None if there is none or it is ambiguous. `zone`: a statistical zone, not a GB
    code.
    """

    code: str
    name: str
    prefecture: str | None
    since: int | None = None
    until: int | None = None
    successor: str | None = None
    zone: bool = False

    def in_force(self, on: date) -> bool:
        """Return True if the code was in force in the year of `on`."""
        return (self.since or 0) <= on.year <= (self.until or 9999)


def division(code: str, on: date) -> Division | None:
    """Return the place that a code of 6 digits, or a street's of 9, meant on that day; None if unknown or not in force.

    If the register has two entries for a year, the one that began later counts: it corrects the other.
    """
    if len(code) == 9:
        return _street(code, on)
    return max(
        (entry for entry in _register().get(code, ()) if entry.in_force(on)),
        key=lambda entry: entry.since or 0,
        default=None,
    )


def known(code: str) -> bool:
    """Return True if a code is or ever was in force in Jilin, statistical zones included: 6 digits, or the 9 digits of
    a street that exists today.
    """
    return code in _streets() or code in _register()


@lru_cache(maxsize=65_536)  # each visit asks for the travel time of every officer on duty
def current_code(code: str, on: date, noted: date | None = None) -> str | None:
    """Return the code that is in force on the day `on` for the place that `code` meant; None if unknown or ambiguous.

    `noted`: the day on which `code` was recorded, because a code may mean different places over time; None: as on `on`.
    If `code` was not in force on that day, its last meaning before `on` counts. An ended code is followed through its
    successors. A street (9 digits) keeps its last three digits.
    """
    county = division(code[:6], noted or on) or _latest_before(code[:6], on)
    while county and county.until and county.until < on.year:
        county = division(county.successor, _after(county.until)) if county.successor else None
    return county.code + code[6:] if county and county.in_force(on) else None


def meet(one: str, other: str) -> bool:
    """Return True if two areas overlap: one code is a prefix of the other. An empty code means everywhere."""
    return one.startswith(other) or other.startswith(one)


def name_of(code: str, on: date) -> str:
    """Return the Chinese name of a code on that day.

    If the code was not in force, return its last name before; for a street, the last name of its county. If it had
    none, return the code itself.
    """
    there = division(code, on) or _latest_before(code[:6], on)
    return there.name if there else code


@cache
def names(language: str) -> dict[str, str]:
    """Return the names of prefectures, counties and streets in English (`language` "en") or Korean ("ko"), by Chinese
    name. Short Chinese names are keys too. The dict is cached: do not change it.

    Raises KeyError for another language.
    """
    files = ("jilin_street_names.csv", "jilin_names.csv")
    return {row["name"]: row[language] for file in files for row in _rows(file)}


def prefectures(on: date) -> tuple[Division, ...]:
    """Return Jilin's prefectures on that day, sorted by code (nine today)."""
    return _in_force(on, lambda code: code.endswith("00") and code != PROVINCE)


def counties(on: date, prefecture: str | None = None) -> tuple[Division, ...]:
    """Return Jilin's districts, counties, cities and zones on that day, sorted by code.

    `prefecture`: return only those of the prefecture with this code of 6 digits; None: all.
    """
    return tuple(
        county
        for county in _in_force(on, lambda code: not code.endswith("00"))
        if prefecture is None or county.prefecture == prefecture
    )


def streets(county: str) -> tuple[Division, ...]:
    """Return the present streets and townships of a county (code of 6 digits), sorted by code; empty if it
    is unknown.
    """
    return tuple(Division(code, name, _prefecture(county)) for code, name in _streets_by_county().get(county, ()))


@cache
def middle_of(county: str) -> tuple[float, float] | None:
    """Return where a county's middle is: km east and km south of Jilin's north-western corner. `county`: its present
    code of 6 digits. A zone is in the middle of its city's inner districts. None if the map lacks it.
    """
    middles = {row["code"]: (float(row["east_km"]), float(row["south_km"])) for row in _rows("jilin_middles.csv")}
    there = division(county, date.max)
    if county in middles or there is None or not there.zone:
        return middles.get(county)
    inner = [middle for code, middle in middles.items() if code.startswith(f"{county[:4]}0")]
    return fmean(east for east, _ in inner), fmean(south for _, south in inner)


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
    """Return the one code that has the place of `gone` in the year after it, or None if it is ambiguous.

    Rules, in this order: the same name, if new or in the same prefecture (two prefectures had a 郊区); the same code
    under a new name; the same name anywhere (the register's years overlap in places); a new name that differs only in
    rank (九台县, 九台市, 九台区).
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
    """Return all entries by code, with successors; zones, which have no timeline, are always in force."""
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
    # Not in a folder named `data`, which git and the wheel's build ignore.
    text = (resources.files("domain.identity") / "gb2260" / name).read_text("utf-8")
    return csv.DictReader(text.splitlines())
