"""Public holidays: a free day is taken for a Sunday, a Saturday worked in its place for midweek."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import HOURS_A_WEEK, JILIN, Calendar, HolidaysError, load
from streams.intake.feeds.settings import HOLIDAYS

CHINA = load(HOLIDAYS.read_text("utf-8"))


def hour(year: int, month: int, day: int, of_day: int) -> int:
    return int(datetime(year, month, day, of_day, tzinfo=JILIN).timestamp()) // 3600


def test_a_free_day_is_taken_for_a_sunday_from_midnight_to_midnight_in_jilin() -> None:
    for of_day in range(24):
        sunday = hour(2026, 11, 15, of_day) % HOURS_A_WEEK
        assert CHINA.hour_of_week(hour(2026, 10, 1, of_day)) == sunday
    assert CHINA.hour_of_week(hour(2026, 9, 30, 23)) == hour(2026, 9, 30, 23) % HOURS_A_WEEK
    assert CHINA.hour_of_week(hour(2026, 10, 8, 0)) == hour(2026, 10, 8, 0) % HOURS_A_WEEK


def test_a_saturday_that_is_worked_is_taken_for_midweek() -> None:
    assert CHINA.hour_of_week(hour(2026, 10, 10, 9)) == hour(2026, 11, 18, 9) % HOURS_A_WEEK


def test_the_year_s_table_has_the_days_of_the_state_council_s_notice() -> None:
    assert len({day for day in CHINA.free if day.year == 2026}) == 3 + 9 + 3 + 5 + 3 + 3 + 7
    assert all(day.weekday() >= 5 for day in CHINA.worked)
    assert sorted(day for day in CHINA.worked if day.year == 2026) == [
        date(2026, month, day) for month, day in ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))
    ]
    assert not CHINA.free & CHINA.worked


@given(st.integers(0, 1_000_000))
def test_whatever_the_day_the_hour_of_the_day_stays(of_1970: int) -> None:
    assert (CHINA.hour_of_week(of_1970) - of_1970) % 24 == 0
    assert Calendar().hour_of_week(of_1970) == of_1970 % HOURS_A_WEEK


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("holiday = [", "not TOML"),
        ("[[holiday]]\nname = '元旦'\nfirst = 2026-01-03\nlast = 2026-01-01", "元旦: `last` must be `first`"),
        ("[[holiday]]\nname = '元旦'\nfirst = 2026-01-01\nlast = 2027-01-03", "元旦: `last` must be `first`"),
        ("[[holiday]]\nname = '元旦'\nfirst = 2026-01-01", "holiday.0.last"),
    ],
)
def test_a_table_that_cannot_be_used_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(HolidaysError, match=words):
        load(text)


def test_a_holiday_has_all_its_days() -> None:
    found = load("[[holiday]]\nname = '清明节'\nfirst = 2026-04-04\nlast = 2026-04-06")
    assert found.free == {date(2026, 4, 4) + timedelta(days=number) for number in range(3)}
