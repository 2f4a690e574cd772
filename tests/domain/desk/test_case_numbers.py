"""A case number: short enough to be said, never the same as another at hand, found by as much of it as was said."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain.desk.case_numbers import begins, key_of, length_of, may_be, number_of, typed_number

OPENED = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
CASE = "rc45xi5qt63k4amgg-1"


def key(number: int, year: int = 26) -> str:
    return f"{year:02}{number:012}"


def test_a_number_has_the_year_and_four_digits_and_is_always_the_same() -> None:
    known = key_of(CASE, OPENED)
    assert number_of(known) == f"26-{known[2:6]}"
    assert key_of(CASE, OPENED) == known
    assert len(known) == 14


def test_the_year_is_that_in_jilin() -> None:
    new_year = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    assert key_of(CASE, new_year).startswith("27")


def test_where_two_would_be_the_same_both_are_longer_and_begin_as_before() -> None:
    one, other = key(481735920000), key(481739000000)
    assert number_of(one) == number_of(other) == "26-4817"
    assert (number_of(one, other), number_of(other, one)) == ("26-4817-35", "26-4817-39")
    assert number_of(one, key(481735920000, 27)) == "26-4817"


def test_of_equal_keys_the_number_is_whole() -> None:
    assert length_of(key(7), key(7)) == 12


@given(st.lists(st.integers(0, 10**12 - 1), min_size=2, max_size=40, unique=True))
def test_numbers_at_hand_differ_and_compared_with_both_neighbours_are_as_with_all(given_digits: list[int]) -> None:
    keys = sorted(key(number) for number in given_digits)
    numbers = [number_of(each, *(other for other in keys if other != each)) for each in keys]
    assert len(set(numbers)) == len(keys)
    beside = [number_of(each, *keys[max(0, at - 1) : at], *keys[at + 1 : at + 2]) for at, each in enumerate(keys)]
    assert beside == numbers


def test_what_is_typed_is_a_number_if_it_is_written_like_one() -> None:
    assert typed_number("26-4817") == "264817"
    assert typed_number("26-4817-35") == "26481735"
    assert typed_number("26-4") == "264"
    assert typed_number("0431-8000000") is None
    assert typed_number("264817") is None
    assert typed_number("r26-4817") is None


def test_a_number_finds_its_case_with_the_year_or_without_it_and_by_its_beginning() -> None:
    known = key(481735920000)
    assert [begins(known, said) for said in ("264817", "26481735", "2648", "4817")] == [True] * 4
    assert [begins(known, said) for said in ("274817", "4818", "481")] == [False] * 3


def test_a_case_whose_year_is_not_known_is_found_by_its_digits() -> None:
    known = key_of(CASE, OPENED)
    assert may_be(CASE, known[:6])
    assert not may_be(CASE, f"26{(int(known[2:6]) + 1) % 10_000:04}")
