"""When a feed's silence is an alarm: laws, and examples that an operator would expect."""

from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import JILIN, Calendar
from domain.feeds.silence import begin_of, expected, learn, longest_gap, never_sent, outage, unknown, window_of
from schemas.risk.feeds import FeedProfile, Silence

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
MINUTE = 6  # windows
LEAST = timedelta(minutes=3)


def taught(every: int, hours: int, weeks: int = 1, count: int = 1) -> FeedProfile:
    """A source that sends `count` signals each `every` windows, for some hours of each week."""
    week = 7 * 24 * 360
    first = window_of(START)
    profile = unknown("bank-a", first, count)
    for number in range(weeks):
        for window in range(first + number * week + every, first + number * week + hours * 360, every):
            profile = learn(profile, window, count)
    return profile


def stopped(profile: FeedProfile, hours: int = 6) -> FeedProfile:
    """The source, as if it had stopped so many hours before it was heard last."""
    return profile.model_copy(update={"last": profile.last - hours * 360})


def silent(profile: FeedProfile, minutes: float, floor: float = 0.0) -> Silence | None:
    return outage(profile, begin_of(profile.last) + timedelta(minutes=minutes), least=LEAST, floor=floor)


def test_an_even_feed_that_stops_is_an_alarm_within_twice_its_longest_gap() -> None:
    profile = stopped(taught(every=5 * MINUTE, hours=7 * 24, weeks=3, count=40))
    until = next(minutes for minutes in range(1, 600) if silent(profile, minutes))
    arrivals, _ = expected(profile, profile.last + 1, profile.last + until * MINUTE)
    assert arrivals <= 2 * longest_gap(profile) + 0.5
    assert until <= 30


def test_the_alarm_says_how_long_and_how_many_signals_were_expected() -> None:
    found = silent(stopped(taught(every=5 * MINUTE, hours=7 * 24, weeks=3, count=40)), 30)
    assert found is not None
    assert found.words.startswith("bank-a has sent nothing for 30 min, expected 2")
    assert 150 <= found.expected <= 240


def test_a_silence_shorter_than_the_least_is_no_alarm_however_busy_the_feed() -> None:
    profile = stopped(taught(every=1, hours=12, weeks=2, count=100))
    assert silent(profile, 2.9) is None
    assert silent(profile, 4) is not None


def test_hours_in_which_a_feed_is_usually_silent_are_no_alarm() -> None:
    profile = taught(every=MINUTE, hours=10, weeks=3)
    monday_evening = begin_of(profile.last)
    assert outage(profile, monday_evening + timedelta(hours=12), least=LEAST) is None


def test_nothing_is_expected_of_an_hour_that_nobody_has_seen() -> None:
    profile = unknown("bank-a", window_of(START), 500)
    assert silent(profile, 7 * 24 * 60) is None


def test_the_floor_is_expected_also_where_nothing_was_learnt() -> None:
    profile = unknown("bank-a", window_of(START), 1)
    assert silent(profile, 600, floor=60) is not None
    assert silent(profile, 10, floor=60) is None


def random_feed(an_hour: float, days: int) -> FeedProfile:
    """A source that sends at random, as often by day as by night."""
    chance, at = Random(1), 0.0
    profile = unknown("bank-a", window_of(START), 1)
    while at < days * 24:
        at += chance.expovariate(an_hour)
        profile = learn(profile, window_of(START + timedelta(hours=at)), 1)
    return profile


def test_a_random_feed_of_400_an_hour_is_an_alarm_after_six_minutes_and_40_signals() -> None:
    profile = random_feed(400, 21)
    assert silent(profile, 4) is None
    found = silent(profile, 6)
    assert found is not None
    assert 30 <= found.expected <= 42


def office(weeks: int, calendar: Calendar) -> FeedProfile:
    """A source that sends each minute from nine to five on the days that are worked, from a Monday on."""
    profile = unknown("bank-a", window_of(START), 1, calendar)
    for hour in range(weeks * 7 * 24):
        at = START + timedelta(hours=hour)
        local = at.astimezone(JILIN)
        day = local.date()
        works = day in calendar.worked or (local.weekday() < 5 and day not in calendar.free)
        if works and 9 <= local.hour < 17:
            for minute in range(60):
                profile = learn(profile, window_of(at + timedelta(minutes=minute)), 1, calendar=calendar)
    return profile


def test_a_public_holiday_on_a_weekday_is_no_silence() -> None:
    free = (START + timedelta(days=28)).date()
    calendar = Calendar(frozenset({free}))
    profile = office(4, calendar)
    noon = datetime(free.year, free.month, free.day, 12, tzinfo=JILIN)
    assert outage(profile, noon, least=LEAST) is not None
    assert outage(profile, noon, least=LEAST, calendar=calendar) is None


def test_what_a_saturday_worked_in_place_of_a_holiday_taught_is_not_expected_of_the_next() -> None:
    saturday = date(2026, 3, 28)
    calendar = Calendar(frozenset({date(2026, 3, 27)}), frozenset({saturday}))
    following = datetime(2026, 4, 4, 12, tzinfo=JILIN)
    on_friday = learn(office(4, calendar), window_of(following - timedelta(hours=20)), 1)
    assert outage(on_friday, following, least=LEAST, calendar=calendar) is None
    assert outage(on_friday, following + timedelta(days=2), least=LEAST, calendar=calendar) is not None


def test_a_silence_from_before_somebody_listened_says_nothing() -> None:
    profile = taught(every=MINUTE, hours=12, weeks=3)
    profile = stopped(profile)
    now = begin_of(profile.last) + timedelta(hours=2)
    assert outage(profile, now, least=LEAST) is not None
    assert outage(profile, now, least=LEAST, watched=window_of(now) - MINUTE) is None


def test_an_outage_teaches_next_to_nothing_and_a_new_habit_is_learnt() -> None:
    usual = taught(every=MINUTE, hours=20, weeks=4)
    resumed = usual.last + 2 * 360
    once = learn(usual, resumed, 1, alarmed=True)
    assert once.square == usual.square
    week = 7 * 24 * 360
    at = usual.last + 1 - 4 * 360
    before, _ = expected(usual, at, at + 360)
    habit = usual
    for number in range(1, 9):
        habit = learn(habit, habit.last + week, 1, alarmed=True)
        assert number > 1 or expected(habit, at + week, at + week + 360)[0] > before / 2
    assert expected(habit, at, at + 360)[0] < before / 2


def test_a_configured_feed_that_never_sent_is_an_alarm_after_the_grace() -> None:
    grace = timedelta(minutes=15)
    assert never_sent("bank-b", 4, START, START + timedelta(minutes=14), grace) is None
    found = never_sent("bank-b", 4, START, START + timedelta(minutes=15), grace)
    assert found is not None
    assert found.words == "bank-b has never sent anything, and it is configured as a feed"


windows = st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 500)), min_size=1, max_size=60)


@given(windows, st.integers(1, 100_000), st.integers(0, 100_000))
@settings(max_examples=60, deadline=None)
def test_a_silence_that_is_an_alarm_stays_one_until_something_comes(
    gaps: list[tuple[int, int]], wait: int, more: int
) -> None:
    profile = unknown("bank-a", window_of(START), 1)
    for gap, count in gaps:
        profile = learn(profile, profile.last + gap, count)
    now = begin_of(profile.last + wait)
    if outage(profile, now, least=LEAST):
        assert outage(profile, now + more * timedelta(seconds=10), least=LEAST)


@given(windows)
@settings(max_examples=60, deadline=None)
def test_whatever_comes_the_longest_gap_stays_a_number_above_nothing(gaps: list[tuple[int, int]]) -> None:
    profile = unknown("bank-a", window_of(START), 1)
    for gap, count in gaps:
        profile = learn(profile, profile.last + gap, count)
    assert 0 < longest_gap(profile) < 1e9
    assert FeedProfile.model_validate_json(profile.model_dump_json()) == profile


@given(windows)
@settings(max_examples=60, deadline=None)
def test_what_is_told_late_changes_neither_the_last_window_nor_the_gaps(gaps: list[tuple[int, int]]) -> None:
    profile = taught(every=MINUTE, hours=3)
    for gap, count in gaps:
        late = learn(profile, profile.last - gap, count)
        assert (late.last, late.gaps, late.mean, late.square) == (
            profile.last,
            profile.gaps,
            profile.mean,
            profile.square,
        )
