"""The map's file and its geometry: every place has a shape, neighbours keep one border, labels have room."""

import re
from datetime import date, timedelta

import pytest

from console.web.kit.pages import lasted, yuan_short
from console.web.overview import shapes
from console.web.overview.shapes import FILE, HIGHEST, WIDTH, Shape, county_shapes, prefecture_shapes, room, view_of
from domain.identity import divisions

TODAY = date(2026, 3, 2)
MOST_BYTES = 60_000
Edge = frozenset[tuple[int, int]]


def edges(shape: Shape) -> set[Edge]:
    """The borders of a shape, from point to point, whichever way they are drawn."""
    found = set[Edge]()
    for ring in re.findall(r"M(.*?)z", shape.path):
        numbers = [int(each) for each in re.findall(r"-?\d+", ring)]
        points = [(numbers[0], numbers[1])]
        for dx, dy in zip(numbers[2::2], numbers[3::2], strict=True):
            points.append((points[-1][0] + dx, points[-1][1] + dy))
        found |= {frozenset(pair) for pair in zip(points, [*points[1:], points[0]], strict=True)}
    return found


def test_every_prefecture_and_county_of_today_has_a_shape() -> None:
    counties = {each.code for each in divisions.counties(TODAY) if not each.zone}
    assert {each.code for each in prefecture_shapes()} == {each.code[:4] for each in divisions.prefectures(TODAY)}
    assert {each.code for place in prefecture_shapes() for each in county_shapes(place.code)} == counties


def test_neighbours_keep_one_border() -> None:
    """No gap opens between places that were simplified together."""
    all_counties = {each.code: edges(each) for place in prefecture_shapes() for each in county_shapes(place.code)}
    inland = all_counties.pop("220402")  # 龙山区, which others enclose
    assert inland <= set.union(*all_counties.values())


def test_the_map_is_small_and_tells_where_it_comes_from() -> None:
    assert FILE.stat().st_size < MOST_BYTES
    assert shapes.source().review == "GS（2024）0650号"
    assert "MIT" in shapes.source().package
    assert FILE.with_suffix(".LICENSE").read_text("utf-8").count("MIT License") == 1


@pytest.mark.parametrize("area", ["", *(each.code for each in prefecture_shapes())])
def test_a_view_shows_all_of_its_places_in_the_drawing(area: str) -> None:
    shown = county_shapes(area) if area else prefecture_shapes()
    view = view_of(shown)
    assert view.height <= HIGHEST
    for shape in shown:
        left, top, right, bottom = shape.box
        xs = [(each - view.x) * view.scale for each in (left, right)]
        ys = [(each - view.y) * view.scale for each in (top, bottom)]
        assert min(xs) >= 0
        assert max(xs) <= WIDTH
        assert min(ys) >= 0
        assert max(ys) <= view.height
        x, y, _ = view.place(shape)
        assert xs[0] <= x <= xs[1]
        assert ys[0] <= y <= ys[1]


def test_a_name_is_written_where_it_has_room() -> None:
    assert room("辽源", 30)
    assert not room("前郭尔罗斯蒙古族自治县", 30)
    assert not room("辽源", 8)


@pytest.mark.parametrize(
    ("fen", "language", "words"),
    [
        (0, "zh", "¥0"),
        (123_45, "zh", "¥123"),
        (1_234_500, "zh", "¥1.2万"),
        (99_999_900, "zh", "¥100万"),
        (12_000_000_000_00, "ko", "¥120억"),
        (1_234_500, "en", "¥12.3k"),
        (123_456_789_00, "en", "¥123M"),
    ],
)
def test_an_amount_is_short_in_the_units_of_the_language(fen: int, language: str, words: str) -> None:
    assert yuan_short(fen, language) == words


def test_how_long_something_took_is_written_as_a_clock() -> None:
    assert [lasted(timedelta(seconds=n)) for n in (7, 750, 3723)] == ["0:07", "12:30", "1:02:03"]
