"""The official form: money avoided, stopped, frozen and returned, by day, month and year, compared with the year
before.

A figure is the change of a line of the books in a period: the money that came into the line, less the money that moved
on to another line. So no yuan is in two lines, and periods add up.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.payments.estimate import EstimateInterval, estimate_of
from schemas.casework.books import BookLine

FIRST_YEAR = 2000  # no time in any record is earlier


class Row(StrEnum):
    """The rows of the form, in its order: money in fen, except the rows in COUNTS, which are numbers.

    A, B, C and D are the classes of loss avoided. A: the bank confirmed the money as frozen or returned. B: the payment
    was cancelled in flight. C: the resident named the payment and did not make it. D: the loss avoided is only
    estimated.

    AVOIDED is A + B + C; A is FROZEN_BY_BANK + RETURNED; FROZEN is FROZEN_BY_BANK + FROZEN_BY_DECISION. D, STOPPED,
    STOPPED_EVER and LOST are in no sum. BookLine explains each line of the books.
    """

    AVOIDED = "avoided"
    A = "avoided_a"
    B = "avoided_b"
    C = "avoided_c"
    D = "estimated_d"
    STOPPED = "stopped"
    FROZEN = "frozen"
    FROZEN_BY_BANK = "frozen_by_bank"
    FROZEN_BY_DECISION = "frozen_by_decision"
    RETURNED = "returned"
    LOST = "lost"
    STOPPED_EVER = "stopped_ever"
    DISSUADED_EVIDENCED = "dissuaded_evidenced"
    DISSUADED_STATED = "dissuaded_stated"
    ORDERS = "orders"
    CARRIED_OUT = "carried_out"
    FREEZINGS = "freezings"


COUNTS = frozenset(
    {Row.DISSUADED_EVIDENCED, Row.DISSUADED_STATED, Row.ORDERS, Row.CARRIED_OUT, Row.FREEZINGS},
)
"""The rows that count residents, orders and decisions; the others are money in fen."""

_OF: Mapping[Row, tuple[BookLine, ...]] = {
    Row.AVOIDED: (BookLine.FROZEN, BookLine.RETURNED, BookLine.CANCELLED, BookLine.NOT_MADE),
    Row.A: (BookLine.FROZEN, BookLine.RETURNED),
    Row.B: (BookLine.CANCELLED,),
    Row.C: (BookLine.NOT_MADE,),
    Row.D: (BookLine.ESTIMATED,),
    Row.STOPPED: (BookLine.STOPPED,),
    Row.FROZEN: (BookLine.FROZEN, BookLine.FREEZING_DECIDED),
    Row.FROZEN_BY_BANK: (BookLine.FROZEN,),
    Row.FROZEN_BY_DECISION: (BookLine.FREEZING_DECIDED,),
    Row.RETURNED: (BookLine.RETURNED,),
    Row.LOST: (BookLine.LOST,),
    Row.STOPPED_EVER: (BookLine.STOPPED_EVER,),
    Row.DISSUADED_EVIDENCED: (BookLine.DISSUADED_EVIDENCED,),
    Row.DISSUADED_STATED: (BookLine.DISSUADED_STATED,),
    Row.ORDERS: (BookLine.ORDERS,),
    Row.CARRIED_OUT: (BookLine.CARRIED_OUT,),
    Row.FREEZINGS: (BookLine.FREEZINGS,),
}


class DaySpan(NamedTuple):
    """The days from `first` to `last`, both inclusive."""

    first: date
    last: date


class Period(NamedTuple):
    """A period that ends with the form's day (`now`), and the same period a year before (`before`).

    `name`: "day", "month" or "year".
    """

    name: str
    now: DaySpan
    before: DaySpan


class FormFigure(NamedTuple):
    """A row's figure in a period (`now`), and in the same period a year before (`before`); fen, or a number if in
    COUNTS.
    """

    now: int
    before: int

    @property
    def change(self) -> int | None:
        """The change from the year before in whole per cent; None if the figure of the year before is 0 or less."""
        return round((self.now - self.before) * 100 / self.before) if self.before > 0 else None


class FormRow(NamedTuple):
    """A row of the form: `figures`, one for each period; `standing`, its total at the end of the day.

    In row D all of these are calibrated estimates; `between` has the interval of each figure and then of `standing`. In
    other rows, `between` is empty.
    """

    row: Row
    figures: tuple[FormFigure, ...]
    standing: int
    between: tuple[EstimateInterval, ...] = ()


class Form(NamedTuple):
    """The form of `day`: its periods, and its rows with a figure for each period."""

    day: date
    periods: tuple[Period, ...]
    rows: tuple[FormRow, ...]


def shown(wanted: str, today: date) -> date:
    """Return the day in `wanted` (YYYY-MM-DD, or another form of ISO 8601), which a reader typed.

    Return `today` if it is not a date, if it is in the future, or if it is before 2001, so that no year before it
    exists.
    """
    try:
        day = date.fromisoformat(wanted)
    except ValueError:
        return today
    return day if day.year > FIRST_YEAR and day <= today else today


def periods(day: date) -> tuple[Period, ...]:
    """Return three periods: the day, the month up to it, and the year up to it, each with the same period a year
    before.

    29 February is compared with 28 February.
    """
    year_before = _year_before(day)
    return (
        Period("day", DaySpan(day, day), DaySpan(year_before, year_before)),
        Period("month", DaySpan(day.replace(day=1), day), DaySpan(year_before.replace(day=1), year_before)),
        Period("year", DaySpan(date(day.year, 1, 1), day), DaySpan(date(day.year - 1, 1, 1), year_before)),
    )


def names(day: date) -> list[str]:
    """Return the names of all sums of the books that the form of a day needs, such as "2026-03|frozen", sorted by
    period; about 1,500 at most.
    """
    spans = {name for period in periods(day) for span in (period.now, period.before) for name in _covering(span)}
    return [f"{span}|{line}" for span in sorted(spans | set(_until(day))) for line in BookLine]


def form(day: date, sums: Mapping[str, int]) -> Form:
    """Return the official form for a day, with all rows (see Row): figures for the day, the month and the year up to
    it, each with the same period a year before, and totals at the end of the day.

    `sums`: the sums of the books, in fen or as numbers (see BookLine), by name, such as "2026-03|frozen"; `names`
    returns the names that are needed. A missing sum is 0.
    """
    found = periods(day)
    return Form(day, found, tuple(_row(row, day, found, sums) for row in Row))


def _row(row: Row, day: date, found: Sequence[Period], sums: Mapping[str, int]) -> FormRow:
    figures = tuple(
        FormFigure(_sum(row, _covering(each.now), sums), _sum(row, _covering(each.before), sums)) for each in found
    )
    standing = _sum(row, _until(day), sums)
    if row is not Row.D:
        return FormRow(row, figures, standing)
    between = (*(estimate_of(each.now) for each in figures), estimate_of(standing))
    estimates = tuple(FormFigure(estimate_of(each.now).mean, estimate_of(each.before).mean) for each in figures)
    return FormRow(row, estimates, between[-1].mean, between)


def _sum(row: Row, spans: Iterable[str], sums: Mapping[str, int]) -> int:
    return sum(sums.get(f"{span}|{line}", 0) for span in spans for line in _OF[row])


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, monthrange(day.year - 1, day.month)[1]))


def _until(day: date) -> list[str]:
    """Return the names of the years, months and days up to a day."""
    years = [str(year) for year in range(FIRST_YEAR, day.year)]
    return years + _covering(DaySpan(date(day.year, 1, 1), day))


def _covering(span: DaySpan) -> list[str]:
    """Return the names of the months and days that make up a span: a month where all of it is in the span."""
    found, day = [], span.first
    while day <= span.last:
        end = day.replace(day=monthrange(day.year, day.month)[1])
        if day.day == 1 and end <= span.last:
            found.append(f"{day:%Y-%m}")
            day = end + timedelta(days=1)
        else:
            found.append(day.isoformat())
            day += timedelta(days=1)
    return found
