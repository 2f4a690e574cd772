"""A schematic map without external tiles: one square for each division, roughly in place. It shows no person's
position.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.identity.divisions import Division, counties, prefectures

COLUMNS = 5

# (column, row) from the north-west, by the prefectures' relative positions.
_PREFECTURES: Mapping[str, tuple[int, int]] = {
    "220800": (0, 0), "220700": (1, 0),
    "220300": (1, 1), "220100": (2, 1), "220200": (3, 1), "222400": (4, 1),
    "220400": (2, 2), "220500": (3, 2), "220600": (4, 2),
}  # fmt: skip

# Changchun's districts likewise; those of other prefectures are in code order.
_DISTRICTS: Mapping[str, tuple[int, int]] = {
    "220122": (0, 0), "220183": (2, 0), "220182": (3, 0),
    "220106": (0, 1), "220103": (1, 1), "220105": (2, 1), "220113": (3, 1),
    "220184": (0, 2), "220104": (1, 2), "220102": (2, 2), "220112": (3, 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tile:
    """The square of a division. `code`: the prefix of all codes in the division; `column`, `row`: counted from 0."""

    code: str
    name: str
    column: int
    row: int


def of_province(on: date) -> list[Tile]:
    """Return one tile for each prefecture that exists on the day `on`, in code order."""
    return _placed(prefectures(on), _PREFECTURES, 4)


def of_prefecture(prefecture: str, on: date) -> list[Tile]:
    """Return one tile for each district, county and zone of a prefecture, given by its 6-digit code,
    on the day `on`.
    """
    return _placed(counties(on, prefecture), _DISTRICTS, 6)


def rows(tiles: Sequence[Tile]) -> int:
    """Return the number of rows that the tiles occupy."""
    return max((tile.row + 1 for tile in tiles), default=0)


def _placed(divisions: Sequence[Division], known: Mapping[str, tuple[int, int]], digits: int) -> list[Tile]:
    """Return the tiles of the divisions. Divisions without a known place are put below the others."""
    below = max((known[each.code][1] + 1 for each in divisions if each.code in known), default=0)
    others = [each.code for each in divisions if each.code not in known]
    places = {code: (number % COLUMNS, below + number // COLUMNS) for number, code in enumerate(others)} | dict(known)
    return [Tile(each.code[:digits], each.name, *places[each.code]) for each in divisions]
