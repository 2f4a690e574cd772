"""Decides when a feed's silence is unusual (a feed outage).

A source's rate, and how evenly it sends, are learnt by hour of the week; a public holiday counts as a Sunday. Time is
measured in expected arrivals, so that a night weighs less than a noon. An arrival is a window of ten seconds with any
signal: a batch of 500 predicts the next one no better than a single signal does.

The longest expected gap is the constant gap of an even source, or a gap that a random (Poisson) source has once in
10,000,000 gaps, or a longer one for bursty sources, whose gaps vary more. Twice that gap is an alarm: on a night with
half the usual signals, it is still one gap in 10,000,000.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from domain.calendar import HOURS_A_WEEK, Calendar
from schemas.risk.feeds import FeedProfile, Hour, Silence

WINDOW = timedelta(seconds=10)
WINDOWS_AN_HOUR = 360
FADING = 0.75  # weight of a week relative to the next one: about four weeks are remembered
DOUBT = 60  # windows without a signal that are assumed for each hour before anything is learnt
EDGE = 0.1  # a neighbouring hour below this fraction: the feed opens or closes within the hour, at an unknown time
REMEMBERED = 2000  # gaps
BELIEVED = 50  # gaps of a random source that are assumed before the first real one
RARELY = math.log(1e7)
ALARMED = 0.25  # weight of a gap that was an alarm: one outage teaches little, a lasting change does
TWICE = 2.0
ORDINARY = Calendar()  # no holidays


def window_of(moment: datetime) -> int:
    """Return the number of the 10-second window that contains an aware time. Window 0 begins in 1970 (UTC)."""
    return int(moment.timestamp() // WINDOW.total_seconds())


def begin_of(window: int) -> datetime:
    """Return the time (in UTC) at which the 10-second window with this number begins."""
    return datetime.fromtimestamp(window * WINDOW.total_seconds(), UTC)


def unknown(source: str, window: int, count: int, calendar: Calendar = ORDINARY) -> FeedProfile:
    """Return the first profile of a source, whose first `count` signals came in the 10-second window `window`. It
    assumes the gaps of a source that sends at random.
    """
    profile = FeedProfile(source=source, last=window, gaps=BELIEVED, mean=1.0, square=2.0)
    return profile.model_copy(update={"hours": _added({}, window, Hour(0, 1, 1, count), calendar)})


def learn(
    profile: FeedProfile,
    window: int,
    count: int,
    *,
    watched: int = 0,
    alarmed: bool = False,
    calendar: Calendar = ORDINARY,
) -> FeedProfile:
    """Return the profile after `count` more signals came in the 10-second window with the number `window`; it also
    learns the gap before it.

    `watched`: the window since which the feeds were watched without a break; earlier silence is not learnt. `alarmed`:
    True if the gap was an alarm: its windows then count only a quarter, and its length is not learnt. For a window that
    is not later than the last, only the signals are counted.
    """
    if window <= profile.last:  # counted late, by another worker
        return profile.model_copy(update={"hours": _added(profile.hours, window, Hour(0, 0, 0, count), calendar)})
    hours = dict(profile.hours)
    known = dict(profile)
    if watched <= profile.last:
        weight = ALARMED if alarmed else 1.0
        for at, length in _hours(profile.last + 1, window):
            hours = _added(hours, at, Hour(0, weight * length, 0, 0), calendar)
        if not alarmed:
            known |= _spread(profile, expected(profile, profile.last + 1, window + 1, calendar=calendar)[0])
    known |= {"last": window, "hours": _added(hours, window, Hour(0, 1, 1, count), calendar)}
    return FeedProfile.model_construct(**known)


def expected(
    profile: FeedProfile | None, first: int, end: int, floor: float = 0.0, *, calendar: Calendar = ORDINARY
) -> tuple[float, float]:
    """Return (arrivals, signals), the numbers that are expected of a source from window `first` (inclusive) to window
    `end` (exclusive).

    An arrival is a 10-second window with any signal. `profile` None: an unknown source, of which only `floor` is
    expected. `floor`: signals per hour that are expected at least, whatever the profile.
    """
    arrivals = signals = 0.0
    least = floor / WINDOWS_AN_HOUR
    for at, length in _hours(first, end):
        active, sent = _rates(profile.hours, at, calendar) if profile else (0.0, 0.0)
        arrivals += length * max(active, 1 - math.exp(-least))
        signals += length * max(sent, least)
    return arrivals, signals


def longest_gap(profile: FeedProfile | None) -> float:
    """Return the longest gap between two arrivals that is still expected of a source (None: an unknown one). Its unit
    is expected arrivals (10-second windows with any signal), so that a night weighs less than a noon.
    """
    if profile is None:
        return 1 + RARELY
    spread = max(0.0, profile.square / profile.mean**2 - 1)
    return profile.mean * (1 + RARELY * max(math.sqrt(spread), spread))


def outage(
    profile: FeedProfile,
    now: datetime,
    *,
    least: timedelta,
    floor: float = 0.0,
    watched: int = 0,
    calendar: Calendar = ORDINARY,
) -> Silence | None:
    """Return the alarm of an outage if a source has been silent for twice its longest expected gap and for at least the
    duration `least`; else None.

    `floor`: signals per hour that are expected at least, whatever the profile. `watched`: the number of the 10-second
    window since which the feeds were watched without a break; earlier silence does not count. The alarm's `expected` is
    a number of signals.
    """
    first, end = max(profile.last + 1, watched), window_of(now)
    if (end - first) * WINDOW < least:
        return None
    arrivals, signals = expected(profile, first, end, floor, calendar=calendar)
    if arrivals < TWICE * longest_gap(profile):
        return None
    since = begin_of(profile.last)
    words = f"{profile.source} has sent nothing for {span(now - since)}, expected {signals:,.0f} signals"
    return Silence(source=profile.source, since=since, expected=signals, at=now, words=words)


def never_sent(source: str, floor: float, began: datetime, now: datetime, grace: timedelta) -> Silence | None:
    """Return the alarm for a configured source that has never sent anything and is awaited since `began`. None until
    the duration `grace` has passed since then.

    `floor`: the number of signals per hour that it should send. The alarm's `expected` is the number of signals that it
    should have sent since `began`.
    """
    if now - began < grace:
        return None
    signals = floor * ((now - began) / timedelta(hours=1))
    words = f"{source} has never sent anything, and it is configured as a feed"
    return Silence(source=source, since=None, expected=signals, at=now, words=words)


def span(time: timedelta) -> str:
    """Return a duration in English, rounded down to its smaller unit: "50 s" below 2 minutes, "6 min", "3 h 20 min", "2
    d 4 h". A negative one gives "0 s".
    """
    seconds = max(0, round(time.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"


def _spread(profile: FeedProfile, gap: float) -> dict[str, float]:
    """Return the gap statistics with one more gap, which is limited to twice the longest one to expect."""
    gap = min(gap, TWICE * longest_gap(profile))
    gaps = min(profile.gaps + 1, REMEMBERED)
    mean = profile.mean + (gap - profile.mean) / gaps
    return {"gaps": gaps, "mean": max(mean, 0.1), "square": profile.square + (gap * gap - profile.square) / gaps}


def _hours(first: int, end: int) -> list[tuple[int, int]]:
    """Return the windows from `first` to before `end` split by hours: each part's first window and its number of
    windows.
    """
    parts = []
    while first < end:
        following = min(end, (first // WINDOWS_AN_HOUR + 1) * WINDOWS_AN_HOUR)
        parts.append((first, following - first))
        first = following
    return parts


def _rates(hours: Mapping[int, Hour], window: int, calendar: Calendar) -> tuple[float, float]:
    """Return the expected arrivals and signals in a window; in an hour of opening or closing, those of the
    closed hour.
    """
    hour = window // WINDOWS_AN_HOUR
    own = hours.get(calendar.hour_of_week(hour))
    if own is None:
        return 0.0, 0.0
    rate = _rate(own)
    quietest = min((_rate(each) for each in _neighbours(hours, hour, calendar)), default=rate)
    return quietest if quietest[0] < EDGE * rate[0] else rate


def _neighbours(hours: Mapping[int, Hour], hour: int, calendar: Calendar) -> Iterator[Hour]:
    """Yield the hours before and after, or, if unknown, the same hours of other days."""
    for each in (hour - 1, hour + 1):
        if found := hours.get(calendar.hour_of_week(each)):
            yield found
        else:
            yield from (hours[of] for day in range(1, 7) if (of := (each + 24 * day) % HOURS_A_WEEK) in hours)


def _rate(hour: Hour) -> tuple[float, float]:
    return hour.active / (hour.watched + DOUBT), hour.signals / (hour.watched + DOUBT)


def _added(hours: Mapping[int, Hour], window: int, more: Hour, calendar: Calendar) -> dict[int, Hour]:
    """Return the hours with one updated; its old values fade with each week since."""
    hour = window // WINDOWS_AN_HOUR
    week = hour // HOURS_A_WEEK
    of_week = calendar.hour_of_week(hour)
    old = hours.get(of_week, Hour(week, 0, 0, 0))
    left = FADING ** max(0, week - old.week)
    new = Hour(
        max(week, old.week),
        old.watched * left + more.watched,
        old.active * left + more.active,
        old.signals * left + more.signals,
    )
    return {**hours, of_week: new}
