"""Areas (prefixes of division codes) with their names, as people choose and read them."""

from collections.abc import Iterable
from datetime import date

from domain.identity.divisions import COUNTY_DIGITS, PREFECTURE_DIGITS, counties, known, name_of, prefectures


def within(area: str, on: date) -> dict[str, str]:
    """Return the Chinese names, by area code, of an area and of the prefectures and counties in it, on the day `on`.

    `area`: "" for the province, or a code of four digits (prefecture) or more. First comes the area itself (for "", the
    key is ""), then for the province its prefectures (four digits), then for the province or a prefecture the counties
    (six digits), whose names begin with their prefecture's.
    """
    found = {area: name(area, on)}
    if len(area) < PREFECTURE_DIGITS:
        found |= {each.code[:PREFECTURE_DIGITS]: each.name for each in prefectures(on)}
    if len(area) < COUNTY_DIGITS:
        inside = [each for each in counties(on) if each.code.startswith(area)]
        found |= {each.code: f"{name(each.code[:PREFECTURE_DIGITS], on)} {each.name}" for each in inside}
    return found


def exists(area: str) -> bool:
    """Return True if an area is or was a place of the province. True for "" (the whole province)."""
    return not area or known(area.ljust(COUNTY_DIGITS, "0"))


def name(area: str, on: date) -> str:
    """Return the Chinese name of an area; for "" the province's; for an unknown code the code itself."""
    return name_of(area.ljust(COUNTY_DIGITS, "0") if area else "220000", on)


def names(areas: Iterable[str], on: date) -> dict[str, str]:
    """Return the Chinese name of each area by its code."""
    return {area: name(area, on) for area in areas}
