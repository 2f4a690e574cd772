"""False alarms of feeds over quiet nights and holidays, and the time to an alarm. Prints JSON.

python -m tests.tools.field.faults.silence --nights 1000 --seed 1

Each feed sends for four weeks, then for the nights (and days between) that are counted; a quiet night is one in which
a feed sends a half to all of what it usually does. An office sends as China works: not at weekends and on public
holidays, and on the Saturdays that are worked in their place. Then it stops at random moments, each time for good.
`--no-holidays`: the rule is not told which days are holidays.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from domain.calendar import HOURS_A_WEEK, JILIN, Calendar
from domain.feeds.silence import (
    ORDINARY,
    WINDOWS_AN_HOUR,
    begin_of,
    expected,
    learn,
    longest_gap,
    outage,
    unknown,
)
from schemas.risk.feeds import FeedProfile
from streams.intake.feeds.settings import FeedSettings

LEAST = timedelta(minutes=3)
TAUGHT_DAYS = 28
STOPS = 200
WINDOWS_A_DAY = 24 * WINDOWS_AN_HOUR
FIRST = 2931 * HOURS_A_WEEK * WINDOWS_AN_HOUR  # a Thursday in 2026, 00:00 UTC: 08:00 in Jilin

# How much of the day's rate is sent in each hour, UTC: the night in Jilin is 14:00 to 23:00.
DAY = [1.0] * 10 + [0.8, 0.8, 0.5, 0.3, 0.12, 0.06, 0.04, 0.03, 0.03, 0.03, 0.04, 0.08, 0.3, 0.7]
OFFICE = [0.3, *[1.0] * 8, 0.3, *[0.0] * 14]  # 08:30 to 17:30; the ends lie within the hour

HOLIDAYS = FeedSettings().calendar()

Arrivals = Callable[[Random, int], Iterator[int]]  # of a day, counted from FIRST: how many signals by window


@dataclass(frozen=True, slots=True)
class Feed:
    """How a simulated feed sends: `an_hour` batches in a busy hour, of `batch` signals each on average."""

    name: str
    an_hour: float
    batch: float = 1.0
    day: list[float] = field(default_factory=lambda: DAY)
    kind: str = "random"  # random (Poisson), even (every so often), bursty (clusters minutes long)
    weekend: bool = True
    quiet: float = 0.5  # the least share of its usual rate on a night


FEEDS = (
    Feed("police, a signal an hour", 1.0),
    Feed("small bank, 4 an hour", 4.0),
    Feed("bank, 60 an hour", 60.0),
    Feed("bank, 400 an hour", 400.0),
    Feed("app watch, a batch each 5 min", 12.0, 40.0, [1.0] * 24, "even"),
    Feed("bursty bank, 6 bursts an hour", 6.0, 5.0, kind="bursty"),
    Feed("office, weekdays", 120.0, 2.0, OFFICE, weekend=False),
)


def arrivals(feed: Feed, chance: Random, day: int) -> dict[int, int]:
    """The signals of a day (24 hours from 08:00 in Jilin), by window."""
    found: dict[int, int] = {}
    begin = FIRST + day * WINDOWS_A_DAY
    share = chance.uniform(feed.quiet, 1.0)
    if not feed.weekend and not _worked(begin):
        return found
    for hour, level in enumerate(feed.day):
        quiet = share if level < 0.5 else 1.0
        for at in _moments(feed, chance, feed.an_hour * level * quiet):
            window = begin + hour * WINDOWS_AN_HOUR + int(at * WINDOWS_AN_HOUR)
            if feed.kind == "bursty":
                for _ in range(1 + int(chance.expovariate(1 / feed.batch))):
                    window += int(chance.expovariate(1 / 3))
                    found[window] = found.get(window, 0) + 1
            else:
                found[window] = (
                    found.get(window, 0) + 1 + int(chance.expovariate(1 / feed.batch) if feed.batch > 1 else 0)
                )
    if feed.day is OFFICE:  # it opens at 08:30, give or take, and closes at 17:30
        opens, closes = (begin + round(h * WINDOWS_AN_HOUR + chance.gauss(0, 20)) for h in (0.5, 9.5))
        return {window: count for window, count in found.items() if opens <= window < closes}
    return found


def _worked(window: int) -> bool:
    day = begin_of(window).astimezone(JILIN).date()
    return day in HOLIDAYS.worked or (day.weekday() < 5 and day not in HOLIDAYS.free)


def _moments(feed: Feed, chance: Random, rate: float) -> Iterator[float]:
    """Moments within an hour, 0 to 1."""
    if feed.kind == "even":
        yield from ((n + chance.uniform(0, 0.05)) / feed.an_hour for n in range(round(feed.an_hour)))
        return
    at = chance.expovariate(rate) if rate else 1.0
    while at < 1.0:
        yield at
        at += chance.expovariate(rate)


@dataclass(slots=True)
class Watch:
    """A feed listened to: what is learnt, and the alarms."""

    source: str
    calendar: Calendar
    profile: FeedProfile | None = None
    alarms: list[str] = field(default_factory=list)

    def take(self, window: int, count: int, counted: bool) -> None:
        """Signals came; was the silence before them an alarm?"""
        if self.profile is None:
            self.profile = unknown(self.source, window, count, self.calendar)
            return
        alarm = outage(self.profile, begin_of(window), least=LEAST, calendar=self.calendar)
        if alarm and counted:
            self.alarms.append(f"{begin_of(window):%a %H:%M}: {alarm.words}")
        self.profile = learn(self.profile, window, count, alarmed=alarm is not None, calendar=self.calendar)


def run(feed: Feed, nights: int, seed: int, calendar: Calendar) -> dict[str, Any]:
    """Teach, count false alarms, then stop the feed."""
    chance = Random(f"{seed} {feed.name}")
    watch, taught, signals = Watch("bank", calendar), 0, 0
    for day in range(TAUGHT_DAYS + nights):
        for window, count in sorted(arrivals(feed, chance, day).items()):
            watch.take(window, count, day >= TAUGHT_DAYS)
            signals += count
        taught += day < TAUGHT_DAYS
    assert watch.profile is not None
    delays = [stopped(watch.profile, chance) for _ in range(STOPS)]
    times = sorted(minutes for minutes, _ in delays)
    return {
        "feed": feed.name,
        "nights": nights,
        "signals": signals,
        "false_alarms": len(watch.alarms),
        "first_false_alarms": watch.alarms[:3],
        "longest_gap_expected_arrivals": round(longest_gap(watch.profile), 1),
        "minutes_to_alarm": {"median": round(times[len(times) // 2], 1), "most": round(times[-1], 1)},
        "alarm_over_longest_gap": round(max(ratio for _, ratio in delays), 2),
    }


def stopped(profile: FeedProfile, chance: Random) -> tuple[float, float]:
    """It sends nothing more from a random moment of the following week on: minutes to the alarm, and what was expected
    until then over the longest gap.
    """
    last = profile.last + chance.randrange(HOURS_A_WEEK * WINDOWS_AN_HOUR)
    ended = profile.model_copy(update={"last": last})
    low, high = last + 1, last + 4 * HOURS_A_WEEK * WINDOWS_AN_HOUR
    while high - low > 1:  # the silence only grows: where it becomes an alarm
        middle = (low + high) // 2
        low, high = (low, middle) if outage(ended, begin_of(middle), least=LEAST) else (middle, high)
    arrivals_expected, _ = expected(ended, last + 1, high)
    return (high - last) / 6, arrivals_expected / longest_gap(profile)


def main() -> None:
    """Print what came of all feeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-holidays", action="store_true")
    given = parser.parse_args()
    calendar = ORDINARY if given.no_holidays else HOLIDAYS
    found = [run(feed, given.nights, given.seed, calendar) for feed in FEEDS]
    total = sum(each["false_alarms"] for each in found)
    print(json.dumps({"false_alarms": total, "nights": given.nights, "feeds": found}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
