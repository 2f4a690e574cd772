"""The warning centre's shifts, by the clock on its wall."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

# Assumed: three shifts of eight hours. Officers' own shifts are on their rosters.
BEGIN = (time(0), time(8), time(16))
JILIN = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """From `start` until before `end`."""

    start: datetime
    end: datetime


def shift_at(at: datetime) -> Shift:
    """The shift that a moment lies in."""
    local = at.astimezone(JILIN)
    start = max(begin for begin in BEGIN if begin <= local.time())
    began = local.replace(hour=start.hour, minute=0, second=0, microsecond=0)
    following = [begin for begin in BEGIN if begin > start]
    ends = began.replace(hour=following[0].hour) if following else began.replace(hour=BEGIN[0].hour) + timedelta(days=1)
    return Shift(began, ends)


def after(shift: Shift) -> Shift:
    """The shift that follows."""
    return shift_at(shift.end)


def before(shift: Shift) -> Shift:
    """The one that went before."""
    return shift_at(shift.start - timedelta(seconds=1))


def day_of(at: datetime) -> str:
    """The day in Jilin, 2026-03-02."""
    return f"{at.astimezone(JILIN):%Y-%m-%d}"
