"""Areas as people choose and read them: the beginnings of division codes, with their names."""

from collections.abc import Iterable
from datetime import date

from domain.identity.divisions import COUNTY_DIGITS, PREFECTURE_DIGITS, counties, known, name_of, prefectures


def within(area: str, on: date) -> dict[str, str]:
    """The areas inside of one, itself first, with their names: prefectures, then their counties."""
    found = {area: name(area, on)}
    if len(area) < PREFECTURE_DIGITS:
        found |= {each.code[:PREFECTURE_DIGITS]: each.name for each in prefectures(on)}
    if len(area) < COUNTY_DIGITS:
        inside = [each for each in counties(on) if each.code.startswith(area)]
        found |= {each.code: f"{name(each.code[:PREFECTURE_DIGITS], on)} {each.name}" for each in inside}
    return found


def exists(area: str) -> bool:
    """Whether an area is, or ever was, a place of the province; the whole of it is one."""
    return not area or known(area.ljust(COUNTY_DIGITS, "0"))


def name(area: str, on: date) -> str:
    """What an area is called; the province's name for the whole of it, the code where nobody knows one."""
    return name_of(area.ljust(COUNTY_DIGITS, "0") if area else "220000", on)


def names(areas: Iterable[str], on: date) -> dict[str, str]:
    """The names of several."""
    return {area: name(area, on) for area in areas}
