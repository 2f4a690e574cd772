"""The shapes of prefectures and counties (jilin_map.json, made by deploy/map.py), and views that scale them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("jilin_map.json")
WIDTH, HIGHEST = 800, 640  # of a drawing, in its own units (SVG pixels)
MARGIN = 10
LETTER, WIDE_LETTER = 8.2, 15.5  # width of a Latin letter, and of a Chinese or Korean one
NAME_ROOM = 1.35  # half a name is at most this many radii: it may leave the circle, not the place
DIGIT, NUMBER_ROOM = 11.5, 1.4  # the same for numbers, in a larger font
NAME_RADIUS = 18  # least radius of a place that shows its name


class Shape(NamedTuple):
    """A place as an SVG path in the file's units. `radius`: of a circle around (x, y) that lies inside the place.

    `box`: left, top, right, bottom.
    """

    code: str
    path: str
    x: int
    y: int
    radius: int
    box: tuple[int, int, int, int]


class MapSource(NamedTuple):
    """The source of the boundaries: publisher, address, number of the official review, and package with its licence.

    `unit_metres`: the length of the file's unit on the ground.
    """

    publisher: str
    address: str
    review: str
    package: str
    unit_metres: int


@dataclass(frozen=True, slots=True)
class MapView:
    """The part of the map that a drawing shows: coordinates are moved by (-x, -y), then scaled by `scale`."""

    x: float
    y: float
    scale: float
    height: int
    width: int = WIDTH

    @property
    def transform(self) -> str:
        """The view as an SVG transform attribute."""
        return f"scale({self.scale:.4f}) translate({-self.x:.1f} {-self.y:.1f})"

    def place(self, shape: Shape) -> tuple[int, int, int]:
        """Return the x, y and radius of a shape's label in the drawing."""
        moved = ((shape.x - self.x) * self.scale, (shape.y - self.y) * self.scale, shape.radius * self.scale)
        x, y, radius = (round(each) for each in moved)
        return x, y, radius


def prefecture_shapes() -> list[Shape]:
    """Return the shapes of the prefectures, whose codes have four digits, in the order of the file."""
    return [shape for code, shape in _shapes().items() if len(code) == 4]


def county_shapes(prefecture: str) -> list[Shape]:
    """Return the shapes of a prefecture's counties, whose codes have six digits. `prefecture`: its four-digit code."""
    return [shape for code, shape in _shapes().items() if len(code) == 6 and code.startswith(prefecture)]


@cache
def source() -> MapSource:
    """Return the source of the shapes."""
    told = _file()["source"]
    return MapSource(*(told[name] for name in MapSource._fields))


def view_of(shapes: Sequence[Shape]) -> MapView:
    """Return the largest view that shows all shapes within WIDTH and HIGHEST. Raises ValueError without shapes."""
    left, top = min(each.box[0] for each in shapes), min(each.box[1] for each in shapes)
    width, height = max(each.box[2] for each in shapes) - left, max(each.box[3] for each in shapes) - top
    scale = min((WIDTH - 2 * MARGIN) / width, (HIGHEST - 2 * MARGIN) / height)
    return MapView(left - (WIDTH / scale - width) / 2, top - MARGIN / scale, scale, round(height * scale + 2 * MARGIN))


def room(name: str, radius: int) -> bool:
    """Return True if there is room on the map for a place's Chinese, Korean or English name above its number. `radius`:
    of the place's circle in the drawing, in SVG pixels.
    """
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
