"""A schematic map without any outside tile: each division a square, about where it lies. Nobody's position is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.identity.divisions import Division, counties, prefectures

COLUMNS = 5

# Columns and rows from the north-west, as the prefectures lie to one another.
_PREFECTURES: Mapping[str, tuple[int, int]] = {
    "220800": (0, 0), "220700": (1, 0),
    "220300": (1, 1), "220100": (2, 1), "220200": (3, 1), "222400": (4, 1),
    "220400": (2, 2), "220500": (3, 2), "220600": (4, 2),
}  # fmt: skip

# Changchun's districts likewise; those of other prefectures stand in the order of their codes.
_DISTRICTS: Mapping[str, tuple[int, int]] = {
    "220122": (0, 0), "220183": (2, 0), "220182": (3, 0),
    "220106": (0, 1), "220103": (1, 1), "220105": (2, 1), "220113": (3, 1),
    "220184": (0, 2), "220104": (1, 2), "220102": (2, 2), "220112": (3, 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tile:
    """A division's square. `code`: the beginning of the codes of all that lies in it."""

    code: str
    name: str
    column: int
    row: int


def of_province(on: date) -> list[Tile]:
    """The prefectures."""
    return _placed(prefectures(on), _PREFECTURES, 4)


def of_prefecture(prefecture: str, on: date) -> list[Tile]:
    """The districts, counties and zones of a prefecture, by its code (6 digits)."""
    return _placed(counties(on, prefecture), _DISTRICTS, 6)


def rows(tiles: Sequence[Tile]) -> int:
    """How many rows they take."""
    return max((tile.row + 1 for tile in tiles), default=0)


def _placed(divisions: Sequence[Division], known: Mapping[str, tuple[int, int]], digits: int) -> list[Tile]:
    """Where each stands; one without a place of its own comes below the others."""
    below = max((known[each.code][1] + 1 for each in divisions if each.code in known), default=0)
    others = [each.code for each in divisions if each.code not in known]
    places = {code: (number % COLUMNS, below + number // COLUMNS) for number, code in enumerate(others)} | dict(known)
    return [Tile(each.code[:digits], each.name, *places[each.code]) for each in divisions]
