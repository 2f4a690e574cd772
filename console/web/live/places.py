"""The prefectures and counties that a person may filter by, within their area."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from domain.identity import divisions


@dataclass(frozen=True, slots=True)
class Prefecture:
    """A prefecture. `code`: the first four digits of its codes; `counties`: (code, name) of its
    counties in the area.
    """

    code: str
    name: str
    counties: tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def within(area: str, year: int) -> tuple[Prefecture, ...]:
    """Return the prefectures that overlap an area, in code order, by the divisions in force on 1 January of the year.
    `area`: a prefix of division codes, "" for the province.
    """
    on = date(year, 1, 1)
    return tuple(
        Prefecture(found.code[:4], found.name, _counties(found.code, area, on))
        for found in divisions.prefectures(on)
        if divisions.meet(found.code[:4], area)
    )


def _counties(prefecture: str, area: str, on: date) -> tuple[tuple[str, str], ...]:
    found = divisions.counties(on, prefecture)
    return tuple((county.code, county.name) for county in found if divisions.meet(county.code, area))
