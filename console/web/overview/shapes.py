"""The shapes of prefectures and counties (jilin_map.json, drawn by deploy/map.py), and where a view puts them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("jilin_map.json")
WIDTH, HIGHEST = 800, 640  # of a drawing, in its own units
MARGIN = 10
LETTER, WIDE_LETTER = 8.2, 15.5  # how much room a letter takes, and one of Chinese or Korean
NAME_ROOM = 1.35  # half a name is at most so many radii long: it may pass the circle, not the place
DIGIT, NUMBER_ROOM = 11.5, 1.4  # the same of a figure, which is larger
NAME_RADIUS = 18  # least radius of a place that has its name written on it


class Shape(NamedTuple):
    """A place as SVG draws it, in the file's units. `radius`: of the circle around (x, y) that lies in it."""

    code: str
    path: str
    x: int
    y: int
    radius: int
    box: tuple[int, int, int, int]


class MapSource(NamedTuple):
    """Whose boundaries they are, under which number they were reviewed, and the package and licence they came by."""

    publisher: str
    address: str
    review: str
    package: str


@dataclass(frozen=True, slots=True)
class MapView:
    """Which part of the map a drawing shows: the file's units are moved by (-x, -y), then scaled."""

    x: float
    y: float
    scale: float
    height: int
    width: int = WIDTH

    @property
    def transform(self) -> str:
        """As SVG's attribute has it."""
        return f"scale({self.scale:.4f}) translate({-self.x:.1f} {-self.y:.1f})"

    def place(self, shape: Shape) -> tuple[int, int, int]:
        """Where the label of a shape stands in the drawing, and the radius around it."""
        moved = ((shape.x - self.x) * self.scale, (shape.y - self.y) * self.scale, shape.radius * self.scale)
        x, y, radius = (round(each) for each in moved)
        return x, y, radius


def prefecture_shapes() -> list[Shape]:
    """Return the shapes of the prefectures, by code of four digits."""
    return [shape for code, shape in _shapes().items() if len(code) == 4]


def county_shapes(prefecture: str) -> list[Shape]:
    """Return the shapes of a prefecture's counties, by code of six digits."""
    return [shape for code, shape in _shapes().items() if len(code) == 6 and code.startswith(prefecture)]


@cache
def source() -> MapSource:
    """Return where the shapes come from."""
    told = _file()["source"]
    return MapSource(*(told[name] for name in MapSource._fields))


def view_of(shapes: Sequence[Shape]) -> MapView:
    """Return the view that shows all of some shapes, as large as the drawing's width and height allow."""
    left, top = min(each.box[0] for each in shapes), min(each.box[1] for each in shapes)
    width, height = max(each.box[2] for each in shapes) - left, max(each.box[3] for each in shapes) - top
    scale = min((WIDTH - 2 * MARGIN) / width, (HIGHEST - 2 * MARGIN) / height)
    return MapView(left - (WIDTH / scale - width) / 2, top - MARGIN / scale, scale, round(height * scale + 2 * MARGIN))


def room(name: str, radius: int) -> bool:
    """Return whether a place of this radius has room for its name above its number."""
    long = sum(WIDE_LETTER if letter >= "\u1100" else LETTER for letter in name)
    return radius >= NAME_RADIUS and long / 2 <= radius * NAME_ROOM


@cache
def _shapes() -> dict[str, Shape]:
    found = {}
    for code, told in _file()["shapes"].items():
        left, top, right, bottom = told["box"]
        x, y, radius = told["label"]
        found[code] = Shape(code, told["path"], x, y, radius, (left, top, right, bottom))
    return found


@cache
def _file() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found
