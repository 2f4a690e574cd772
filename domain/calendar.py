"""Shifts of eight hours, and public holidays, both in Jilin's time (UTC+8).

Holidays are read from our own table, not from chinesecalendar: its newest release ends with 2026, and a centre without
internet must add the next year on the day of its publication (deploy/holidays).
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Self

from pydantic import Field, model_validator

from domain.toml_tables import read_table
from schemas.base import Model, Text
from schemas.errors import UserError

# Assumed: three shifts of eight hours. Officers' own shifts are on their rosters.
BEGIN = (time(0), time(8), time(16))
JILIN = timezone(timedelta(hours=8))
FAST_CLOCK = timedelta(minutes=5)  # so far in the future a time from outside may lie: the sender's clock may be fast


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """A shift of eight hours, from `start` (inclusive) to `end` (exclusive), both aware and in Jilin's time."""

    start: datetime
    end: datetime


def shift_at(at: datetime) -> Shift:
    """Return the shift that contains `at` (aware). Shifts last eight hours and begin at 0, 8 and 16 o'clock in Jilin
    (UTC+8).
    """
    local = at.astimezone(JILIN)
    start = max(begin for begin in BEGIN if begin <= local.time())
    began = local.replace(hour=start.hour, minute=0, second=0, microsecond=0)
    following = [begin for begin in BEGIN if begin > start]
    ends = began.replace(hour=following[0].hour) if following else began.replace(hour=BEGIN[0].hour) + timedelta(days=1)
    return Shift(began, ends)


def after(shift: Shift) -> Shift:
    """Return the eight-hour shift that begins when `shift` ends."""
    return shift_at(shift.end)


def before(shift: Shift) -> Shift:
    """Return the eight-hour shift that ends when `shift` begins."""
    return shift_at(shift.start - timedelta(seconds=1))


def local_date(at: datetime) -> date:
    """Return the date in Jilin (UTC+8) at `at` (aware). Until 08:00 in Jilin, this is one day later than in UTC."""
    return at.astimezone(JILIN).date()


def day_of(at: datetime) -> str:
    """Return the date in Jilin (UTC+8) at `at` (aware), as text in ISO form, such as "2026-03-02"."""
    return local_date(at).isoformat()


def months_after(at: datetime, months: int) -> datetime:
    """Return the same day and time of day in Jilin `months` after `at` (aware), in Jilin's zone; the last day of that
    month if it has no such day.
    """
    local = at.astimezone(JILIN)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


HOURS_A_WEEK = 168
MIDWEEK, SATURDAY, SUNDAY = 2, 5, 6
LONGEST = timedelta(days=31)  # of one holiday; a longer one is a typing error


class HolidaysError(UserError, ValueError):
    """A table of holidays is invalid; the text says why."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days in Jilin that differ from their weekday: `free`, days off; `worked`, Saturdays and Sundays on which people
    work.
    """

    free: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    @property
    def until(self) -> date | None:
        """The last day that the table covers: 31 December of the year of its last holiday, or None if it has no
        holiday.

        All holidays of a year are published together, so a table with one of them covers all of that year.
        """
        return date(max(self.free).year, 12, 31) if self.free else None

    def works(self, day: date) -> bool:
        """Return True if offices work on a day in Jilin: a weekday that is no holiday, or a weekend day that is worked
        in place of one.
        """
        return day in self.worked or (day.weekday() < SATURDAY and day not in self.free)

    def hour_of_week(self, hour: int) -> int:
        """Return the hour of the week (0 to 167) whose usual traffic is expected in `hour` (hours since 1970, UTC).

        Hour 0 is Thursday, 00:00 to 01:00 UTC, because 1970 began on a Thursday. A day off counts as a Sunday, and a
        weekend day on which people work counts as a Wednesday. A table without a day off changes nothing, even if it
        has worked days.
        """
        if not self.free:
            return hour % HOURS_A_WEEK
        local = datetime.fromtimestamp(hour * 3600, JILIN)
        day, taken_for = local.date(), local.weekday()
        if day in self.free:
            taken_for = SUNDAY
        elif day in self.worked:
            taken_for = MIDWEEK
        return (hour + 24 * (taken_for - local.weekday())) % HOURS_A_WEEK


def after_working_days(at: datetime, days: int, calendar: Calendar) -> datetime:
    """Return the midnight in Jilin, as UTC, that ends the `days`-th working day after the day of `at`. The day of `at`
    itself does not count; if `days` is 0, the result is the midnight that ends it.

    A year that the calendar does not cover has its weekends off and no holidays.
    """
    day, left = local_date(at), days
    while left > 0:
        day += timedelta(days=1)
        left -= calendar.works(day)
    return datetime.combine(day + timedelta(days=1), time(0), JILIN).astimezone(UTC)


class _Holiday(Model):
    name: Text
    first: date
    last: date
    worked: list[date] = Field(default_factory=list)  # Saturdays and Sundays, in place of days off

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta(0) <= self.last - self.first < LONGEST:
            raise ValueError(f"{self.name}: `last` must be `first` or up to {LONGEST.days - 1} days after it")
        return self

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


class _Table(Model):
    holiday: list[_Holiday]


def load(text: str) -> Calendar:
    """Return the calendar that a TOML text describes. Raises HolidaysError if the text is not TOML, has no `holiday`,
    or a holiday is invalid.
    """
    table = read_table(text, _Table, HolidaysError)
    return Calendar(
        frozenset(day for each in table.holiday for day in each.days),
        frozenset(day for each in table.holiday for day in each.worked),
    )
