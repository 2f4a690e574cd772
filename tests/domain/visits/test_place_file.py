"""A file of places: what it says, and what is told of its faults."""

from datetime import time
from pathlib import Path

import pytest

from domain.visits.place_file import read_hours, read_places
from schemas.people.places import OpeningHours, PlaceKind

HEADER = "id,kind,name,division,address,hours,latitude,longitude"
GOOD = "b-1,bank_branch,示例银行人民大街支行,220104,人民大街1号,mon-fri 09:00-17:00,43.88,125.32"


def test_a_place_is_read_with_its_hours_and_coordinates() -> None:
    [place], faults = read_places(f"{HEADER}\n{GOOD}\n")
    assert faults == []
    assert (place.id, place.kind, place.division) == ("b-1", PlaceKind.BANK_BRANCH, "220104")
    assert place.hours == [OpeningHours(days=frozenset(range(5)), opens=time(9), closes=time(17))]
    assert (place.latitude, place.longitude) == (43.88, 125.32)


def test_optional_columns_may_be_absent() -> None:
    [place], faults = read_places("id,kind,name,division,address\nh-1,hotel,示例宾馆,220104,示例路2号\n")
    assert (faults, place.hours, place.latitude) == ([], None, None)


@pytest.mark.parametrize(
    ("text", "days", "opens", "closes"),
    [
        ("09:00-17:00", range(7), 9, 17),
        ("sat,sun 10:00-16:00", (5, 6), 10, 16),
        ("fri-mon 18:00-02:00", (4, 5, 6, 0), 18, 2),
        ("00:00-24:00", range(7), 0, 0),
    ],
)
def test_hours_as_people_write_them(text: str, days: range | tuple[int, ...], opens: int, closes: int) -> None:
    assert read_hours(text) == [OpeningHours(days=frozenset(days), opens=time(opens), closes=time(closes))]


def test_unknown_hours_are_not_the_same_as_always() -> None:
    assert read_hours("") is None
    assert read_hours("Always") == []
    assert read_hours("  ") is None
    with pytest.raises(ValueError, match=";"):
        read_hours(" ; ")


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("b-1,bank,A,220104,路1号,,,", "kind"),
        ("b-1,usual,A,220104,路1号,,,", "kind"),
        ("b-1,hotel,,220104,路1号,,,", "name"),
        ("b-1,hotel,A,999999,路1号,,,", "division"),
        ("b-1,hotel,A,220104,路1号,open late,,", "hours"),
        ("b-1,hotel,A,220104,路1号,xyz 09:00-10:00,,", "hours"),
        ("b-1,hotel,A,220104,路1号,29:00-30:00,,", "hours"),
        ("b-1,hotel,A,220104,路1号,09:00-29:00,,", "hours"),
        ("b-1,hotel,A,220104,路1号,09:00-24:30,,", "hours"),
        ("b-1,hotel,A,220104,路1号,24:00-09:00,,", "hours"),
        ("b-1,hotel,A,220104,路1号,,43.9,", "longitude"),
        ("b-1,hotel,A,220104,路1号,,north,125", "latitude"),
        ("b-1,hotel,A,220104,路1号,,143.9,125", "latitude"),
        ("b 1,hotel,A,220104,路1号,,,", "id"),
    ],
)
def test_a_fault_is_told_with_its_row_and_column(row: str, column: str) -> None:
    places, [fault] = read_places(f"{HEADER}\n{row}\n{GOOD.replace('b-1', 'b-9')}\n")
    assert (fault.row, fault.column) == (2, column)
    assert [each.id for each in places] == ["b-9"]


def test_two_rows_do_not_share_an_id_and_columns_are_known() -> None:
    assert str(read_places(f"{HEADER}\n{GOOD}\n{GOOD}\n")[1][0]).startswith("row 3, id: another row")
    assert read_places("id,kind\n")[1][0].column == "name"
    assert read_places(f"{HEADER},phone\n")[1][0].column == "phone"


def test_a_cell_that_is_too_long_is_a_fault_of_its_row() -> None:
    long = GOOD.replace("人民大街1号", f'"{"路" * 200_000}"').replace("b-1", "b-2")
    places, [fault] = read_places(f"{HEADER}\n{GOOD}\n{long}\n")
    assert (fault.row, fault.column) == (3, "a cell")
    assert [each.id for each in places] == ["b-1"]
    assert read_places(f'id,"{"x" * 200_000}"\n')[1][0].row == 1


def test_the_example_of_the_guide_is_read_without_a_fault() -> None:
    text = (Path(__file__).parents[3] / "deploy" / "places" / "example.csv").read_text("utf-8")
    places, faults = read_places(text)
    assert faults == []
    assert {each.kind for each in places} >= {PlaceKind.BANK_BRANCH, PlaceKind.HOTEL, PlaceKind.INTERNET_CAFE}
