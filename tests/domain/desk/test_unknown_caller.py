"""A caller whom nobody knows gets one entry, however often the form is sent; a place is found by part of its name."""

from datetime import UTC, datetime

from domain.desk.unknown_caller import ASSUMED_AGE, caller_entry, named_place

AT = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
PLACES = {"220102": "长春市 南关区", "220103": "长春市 宽城区", "222401": "延边州 延吉市"}


def test_the_same_call_gives_the_same_entry_and_another_call_another() -> None:
    one = caller_entry("c1", AT, "+8619800000001", "某某", "220102")
    assert caller_entry("c1", AT, "+8619800000001", "某某", "220102") == one
    assert caller_entry("c2", AT, "+8619800000001", "某某", "220102").id != one.id
    assert (one.phones[0].since, one.birth_year) == (AT, 2026 - ASSUMED_AGE)


def test_an_age_that_was_asked_is_kept() -> None:
    assert caller_entry("c1", AT, "+8619800000001", "某某", "220102", age=71).birth_year == 1955


def test_a_place_is_found_by_its_name_its_code_or_a_part_that_no_other_has() -> None:
    assert [named_place(text, PLACES) for text in ("长春市 南关区", "220102", "南关", " 延吉 ")] == [
        "220102",
        "220102",
        "220102",
        "222401",
    ]
    assert [named_place(text, PLACES) for text in ("长春市", "", "沈阳")] == [None, None, None]
