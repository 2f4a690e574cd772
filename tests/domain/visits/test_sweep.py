"""Which places are searched first, and who goes where."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy.visits import VisitRules
from domain.visits.sweep import assigned, is_open_at, kilometres_between, ranked, searchers
from schemas.levels import Level
from schemas.people.places import Located, OpeningHours, PlaceKind
from schemas.people.rosters import Officer, Role, Shift

MONDAY_NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # 12:00 in Jilin
HOME = "220104"
RULES = VisitRules()


def place(name: str, kind: PlaceKind = PlaceKind.HOTEL, division: str = HOME, **more: object) -> Located:
    return Located.model_validate({"kind": kind, "name": name, "division": division, "address": "示例路1号"} | more)


def officer(name: str, division: str = HOME, hours: float = 8, role: Role = Role.OFFICER) -> Officer:
    shift = Shift(start=MONDAY_NOON - timedelta(hours=1), end=MONDAY_NOON + timedelta(hours=hours))
    return Officer(id=name, name=name, role=role, division=division, shifts=[shift])


def hours(opens: int, closes: int, *days: int) -> OpeningHours:
    return OpeningHours(days=frozenset(days or range(7)), opens=time(opens), closes=time(closes))


@pytest.mark.parametrize(
    ("given_hours", "at", "expected"),
    [
        (None, 12, None),
        ([], 3, True),
        ([hours(9, 17)], 12, True),
        ([hours(9, 17)], 17, False),
        ([hours(9, 12), hours(13, 17)], 12, False),
        ([hours(9, 17, 5, 6)], 12, False),  # only at the weekend
        ([hours(18, 2)], 23, True),
        ([hours(18, 2)], 1, True),  # of the evening before
        ([hours(18, 2, 0)], 1, False),  # on Sunday evening it was closed
        ([hours(0, 0)], 5, True),
    ],
)
def test_whether_a_place_is_open(given_hours: list[OpeningHours] | None, at: int, expected: bool | None) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=at - 8)
    assert is_open_at(given_hours, now) is expected


def test_an_open_place_comes_first_then_the_kind_then_the_nearest() -> None:
    closed = place("A", PlaceKind.BANK_BRANCH, hours=[hours(20, 22).model_dump()])
    far = place("B", PlaceKind.BANK_BRANCH, "222401")
    near, usual = place("C", PlaceKind.BANK_BRANCH, "220104003"), place("D", PlaceKind.USUAL, "222401")
    hotel = place("E")
    assert ranked([closed, hotel, far, near, usual], "220104003", MONDAY_NOON) == [usual, near, far, hotel, closed]


def test_two_places_in_changchun_are_as_far_apart_as_on_a_map() -> None:
    one, other = place("A", latitude=43.90, longitude=125.30), place("B", latitude=43.90, longitude=125.40)
    assert kilometres_between(one, other) == pytest.approx(8.01, abs=0.02)
    assert kilometres_between(one, place("C")) is None


def test_those_search_who_are_on_duty_and_may_go_at_this_level() -> None:
    short, long = officer("w-1", hours=0.5), officer("w-2")
    off, grid = officer("w-3", hours=-0.5), officer("w-4", role=Role.GRID_WORKER)
    found = searchers([short, long, off, grid], Level.RED, MONDAY_NOON, MONDAY_NOON + timedelta(hours=2))
    assert [each.id for each in found] == ["w-2", "w-1"]
    assert [each.id for each in searchers([grid], Level.ORANGE, MONDAY_NOON, MONDAY_NOON)] == ["w-4"]


def test_officers_divide_the_places_and_nobody_has_two_while_another_has_none() -> None:
    places = [("p1", place("A")), ("p2", place("B")), ("p3", place("C"))]
    found = assigned(places, [officer("w-1"), officer("w-2"), officer("w-3")], MONDAY_NOON, RULES)
    assert [each.officer for each in found] == ["w-1", "w-2", "w-3"]


def test_who_is_near_goes_and_a_far_officer_only_when_the_near_one_would_come_later() -> None:
    places = [(f"p{n}", place(f"{n}")) for n in range(1, 4)]
    found = assigned(places, [officer("w-1"), officer("w-9", "220113")], MONDAY_NOON, RULES)
    assert [each.officer for each in found] == ["w-1", "w-1", "w-9"]


def test_without_officers_nothing_is_assigned() -> None:
    with pytest.raises(ValueError, match="nobody"):
        assigned([("p1", place("A"))], [], MONDAY_NOON, RULES)


@given(
    st.lists(st.sampled_from(["220104", "220102", "220200", "222401003"]), min_size=1, max_size=20),
    st.lists(st.sampled_from(["220104", "220200", "222400"]), min_size=1, max_size=5),
)
def test_each_place_has_one_officer_of_the_search(places: list[str], posts: list[str]) -> None:
    numbered = [(f"p{n}", place(f"{n}", division=code)) for n, code in enumerate(places, 1)]
    officers = [officer(f"w-{n}", code) for n, code in enumerate(posts)]
    found = assigned(numbered, officers, MONDAY_NOON, RULES)
    assert [each.number for each in found] == [number for number, _ in numbered]
    assert {each.officer for each in found} <= {each.id for each in officers}
