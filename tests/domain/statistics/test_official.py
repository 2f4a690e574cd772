"""The official form: periods that add up, last year's beside them, and no yuan in two rows."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.payments.books import PLACES, named
from domain.payments.estimate import KEPT_SHARE, estimate_of
from domain.statistics.official import COUNTS, DaySpan, Form, FormFigure, Row, form, names, periods
from schemas.casework.books import BookLine

DAY = date(2026, 3, 5)
DATES = st.dates(date(2024, 1, 1), date(2026, 12, 31))
LEAVES = (Row.STOPPED, Row.FROZEN_BY_DECISION, Row.A, Row.B, Row.C, Row.LOST)


def figures(found: Form, row: Row) -> tuple[FormFigure, ...]:
    return next(each.figures for each in found.rows if each.row is row)


def standing(found: Form, row: Row) -> int:
    return next(each.standing for each in found.rows if each.row is row)


def test_each_period_ends_with_the_day_and_is_compared_with_the_same_of_the_year_before() -> None:
    assert [(each.name, each.now, each.before) for each in periods(DAY)] == [
        ("day", DaySpan(DAY, DAY), DaySpan(date(2025, 3, 5), date(2025, 3, 5))),
        ("month", DaySpan(date(2026, 3, 1), DAY), DaySpan(date(2025, 3, 1), date(2025, 3, 5))),
        ("year", DaySpan(date(2026, 1, 1), DAY), DaySpan(date(2025, 1, 1), date(2025, 3, 5))),
    ]


def test_the_leap_day_is_compared_with_the_last_of_february() -> None:
    assert [each.before.last for each in periods(date(2028, 2, 29))] == [date(2027, 2, 28)] * 3


def test_a_sum_of_last_year_after_the_day_is_not_compared() -> None:
    booked = {
        "2025-03-05": {BookLine.RETURNED: 100},
        "2025-03-06": {BookLine.RETURNED: 7},
        "2025-12-31": {BookLine.RETURNED: 9},
    }
    assert figures(form(DAY, named(booked)), Row.RETURNED) == (
        FormFigure(0, 100),
        FormFigure(0, 100),
        FormFigure(0, 100),
    )


def test_what_moves_on_leaves_its_row() -> None:
    booked = {
        "2026-02-01": {BookLine.STOPPED: 100},
        "2026-03-05": {BookLine.STOPPED: -100, BookLine.FROZEN: 60, BookLine.RETURNED: 40},
    }
    found = form(DAY, named(booked))
    assert figures(found, Row.STOPPED) == (FormFigure(-100, 0), FormFigure(-100, 0), FormFigure(0, 0))
    assert [each.now for each in figures(found, Row.AVOIDED)] == [100, 100, 100]
    assert (standing(found, Row.STOPPED), standing(found, Row.FROZEN), standing(found, Row.RETURNED)) == (0, 60, 40)


def test_an_estimate_is_calibrated_has_its_interval_and_is_in_no_sum() -> None:
    found = form(DAY, named({"2026-03-05": {BookLine.ESTIMATED: 1_000_000}}))
    row = next(each for each in found.rows if each.row is Row.D)
    assert row.figures[0].now == estimate_of(1_000_000).mean == row.standing
    assert [each.low for each in row.between] == [round(1_000_000 * KEPT_SHARE.low)] * 4
    others = [each for each in found.rows if each.row is not Row.D]
    assert all(figure == FormFigure(0, 0) for each in others for figure in each.figures)
    assert all(each.between == () for each in others)


def test_an_estimate_that_is_taken_back_has_an_interval_in_order() -> None:
    low, mean, high = estimate_of(-1_000_000)
    assert low < mean < high < 0


def test_a_change_needs_something_to_compare_with() -> None:
    assert FormFigure(3, 0).change is None
    assert FormFigure(3, -2).change is None
    assert FormFigure(3, 2).change == 50


LINES = st.dictionaries(st.sampled_from(BookLine), st.integers(-9, 9))
BOOKS = st.dictionaries(DATES.map(date.isoformat), LINES, max_size=12)


@given(BOOKS, DATES)
def test_a_years_figure_is_the_sum_of_its_days_and_the_stand_of_all_days(
    booked: dict[str, dict[BookLine, int]], day: date
) -> None:
    found = form(day, named(booked))
    for row in (Row.STOPPED, Row.RETURNED, Row.AVOIDED, Row.ORDERS):
        lines = {
            Row.STOPPED: [BookLine.STOPPED],
            Row.RETURNED: [BookLine.RETURNED],
            Row.AVOIDED: [BookLine.FROZEN, BookLine.RETURNED, BookLine.CANCELLED, BookLine.NOT_MADE],
            Row.ORDERS: [BookLine.ORDERS],
        }[row]
        by_day = Counter({name: sum(each.get(line, 0) for line in lines) for name, each in booked.items()})
        ever = sum(n for name, n in by_day.items() if name <= day.isoformat())
        year = sum(n for name, n in by_day.items() if f"{day.year}-01-01" <= name <= day.isoformat())
        assert (standing(found, row), figures(found, row)[2].now) == (ever, year)


@given(BOOKS, DATES)
def test_the_rows_that_are_not_parts_of_another_have_each_place_once(
    booked: dict[str, dict[BookLine, int]], day: date
) -> None:
    found = form(day, named(booked))
    held = sum(
        n for name, each in booked.items() if name <= day.isoformat() for line, n in each.items() if line in PLACES
    )
    assert sum(standing(found, row) for row in LEAVES) == held
    assert standing(found, Row.AVOIDED) == sum(standing(found, row) for row in (Row.A, Row.B, Row.C))
    assert standing(found, Row.FROZEN) + standing(found, Row.RETURNED) == standing(found, Row.A) + standing(
        found, Row.FROZEN_BY_DECISION
    )


@given(DATES)
def test_the_form_reads_few_sums_whatever_the_day(day: date) -> None:
    wanted = names(day)
    assert len(wanted) == len(set(wanted)) < 1_800
    whole = dict.fromkeys(wanted, 1)
    assert all(figure.now > 0 for each in form(day, whole).rows if each.row in COUNTS for figure in each.figures), (
        "whatever the form adds up is read"
    )


def test_every_day_of_a_year_is_covered_once() -> None:
    booked = {(date(2025, 1, 1) + timedelta(days=n)).isoformat(): {BookLine.RETURNED: 1} for n in range(365)}
    for n in (0, 30, 31, 58, 59, 180, 364):
        day = date(2025, 1, 1) + timedelta(days=n)
        assert figures(form(day, named(booked)), Row.RETURNED)[2].now == n + 1
