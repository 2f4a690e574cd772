"""Public holidays: days on which a feed is not what its weekday says.

A free day is expected, and learnt, as a Sunday; a Saturday or Sunday that is worked in its place as midweek.
"""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from pydantic import Field, ValidationError, model_validator

from domain.calendar.shifts import JILIN
from schemas.base import Model, Text
from schemas.errors import UserError

HOURS_A_WEEK = 168
MIDWEEK, SUNDAY = 2, 6
LONGEST = timedelta(days=31)  # of one holiday: more is a slip of the pen


class HolidaysError(UserError, ValueError):
    """A table of holidays that cannot be used."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days, in Jilin, that are not what their weekday says."""

    free: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    @property
    def until(self) -> date | None:
        """The last day it tells of: the end of a year, whose holidays are published together. None: it has none."""
        return date(max(self.free).year, 12, 31) if self.free else None

    def hour_of_week(self, hour: int) -> int:
        """The hour of the week, 0 to 167 as in UTC, that an hour since 1970 is taken for."""
        if not self.free:
            return hour % HOURS_A_WEEK
        local = datetime.fromtimestamp(hour * 3600, JILIN)
        day, taken_for = local.date(), local.weekday()
        if day in self.free:
            taken_for = SUNDAY
        elif day in self.worked:
            taken_for = MIDWEEK
        return (hour + 24 * (taken_for - local.weekday())) % HOURS_A_WEEK


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
    """Read a table of holidays in TOML. Raises HolidaysError that says what is wrong with it."""
    try:
        table = _Table.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise HolidaysError(f"not TOML: {error}") from None
    except ValidationError as error:
        lines = [f"[{'.'.join(map(str, item['loc']))}] {item['msg']}" for item in error.errors()]
        raise HolidaysError("\n".join(lines)) from None
    return Calendar(
        frozenset(day for each in table.holiday for day in each.days),
        frozenset(day for each in table.holiday for day in each.worked),
    )
