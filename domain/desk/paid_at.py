"""Reads the time at which a caller paid, as an operator types it during the call."""

import re
from datetime import datetime, timedelta

from domain.calendar import FAST_CLOCK, JILIN

_TIME = re.compile(
    r"(?:(?P<month>[0-9]{1,2})[-/.月](?P<day>[0-9]{1,2})(?:日\s*|\s+))?(?P<hour>[0-9]{1,2})[:：点.]?(?P<minute>[0-9]{2})?分?"
)


def paid_at(text: str, now: datetime) -> datetime:
    """Return the latest time that matches the text and is not after `now` (aware): a time in Jilin's zone, or `now`
    itself, in its own zone. The text means Jilin's time. Forms of the text: "14:30", "1430", "14点", "3-1 14:30",
    "3月1日14点30分"; "" gives `now`.

    Without a date, the time is within the last 24 hours; with a date, within the last year. A time at most 5 minutes
    ahead, with or without a date, gives `now`. Raises ValueError if the text is not a valid time or date.
    """
    typed = text.strip()
    if not typed:
        return now
    found = _TIME.fullmatch(typed)
    if found is None:
        raise ValueError("not a time of the day")
    local = (now + FAST_CLOCK).astimezone(JILIN)
    at = local.replace(hour=int(found["hour"]), minute=int(found["minute"] or 0), second=0, microsecond=0)
    if found["month"] is None:
        return min(now, at if at <= local else at - timedelta(days=1))
    month, day = int(found["month"]), int(found["day"])
    ahead = (month, day, at.time()) > (local.month, local.day, local.time())  # then it was in the year before
    return min(now, at.replace(year=local.year - ahead, month=month, day=day))
