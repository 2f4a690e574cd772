"""A caller's "about three" is the latest three o'clock that has been."""

from datetime import datetime

import pytest

from domain.calendar import JILIN
from domain.desk.paid_at import paid_at

NOW = datetime(2026, 3, 2, 11, 12, tzinfo=JILIN)


def at(day: int, hour: int, minute: int = 0, month: int = 3, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=JILIN)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("", NOW),
        ("10:45", at(2, 10, 45)),
        ("1045", at(2, 10, 45)),
        ("945", at(2, 9, 45)),
        ("9", at(2, 9)),
        ("10点", at(2, 10)),
        ("10点05分", at(2, 10, 5)),
        ("10：45", at(2, 10, 45)),
        ("10.45", at(2, 10, 45)),
        ("3.15", at(2, 3, 15)),
        ("2-27 14.30", at(27, 14, 30, month=2)),
        ("11:15", NOW),
        ("23:50", at(1, 23, 50)),
        ("2-27 14:30", at(27, 14, 30, month=2)),
        ("2月27日14:30", at(27, 14, 30, month=2)),
        ("12-31 8:00", at(31, 8, month=12, year=2025)),
    ],
)
def test_the_time_is_the_latest_that_has_been(text: str, when: datetime) -> None:
    assert paid_at(text, NOW) == when


@pytest.mark.parametrize(
    "text", ["yesterday", "25:00", "10:75", "2-30 10:00", "99-1 10:00", "2-15", "3-114:30", "１０"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a time of the day|must be in|out of range"):
        paid_at(text, NOW)


def test_the_leap_day_of_the_year_before_is_read_until_its_anniversary() -> None:
    assert paid_at("2-29 14:30", datetime(2029, 1, 10, 11, tzinfo=JILIN)) == at(29, 14, 30, month=2, year=2028)
    with pytest.raises(ValueError, match=r"day .* range"):
        paid_at("2-29 14:30", datetime(2029, 3, 1, 11, tzinfo=JILIN))


def test_the_leap_day_of_another_year_is_refused_and_not_moved() -> None:
    with pytest.raises(ValueError, match=r"day .* range"):
        paid_at("2-29 10:00", datetime(2028, 1, 5, 11, tzinfo=JILIN))
