import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.clock import Clock

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_clock_is_the_time_of_day_when_nothing_else_is_said() -> None:
    assert abs(Clock.parse(None).now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_an_accelerated_clock_lives_an_hour_in_a_minute() -> None:
    clock = Clock(60, time.time() - 60, START)
    assert timedelta(0) <= clock.now() - START - timedelta(hours=1) < timedelta(minutes=1)
    assert clock.wall_seconds(timedelta(hours=1)) == 60


async def test_it_sleeps_until_a_simulated_moment_and_not_less() -> None:
    clock = Clock.starting(3600, START)
    began = time.monotonic()
    await clock.sleep_until(START + timedelta(minutes=6))
    assert clock.now() >= START + timedelta(minutes=6)
    assert time.monotonic() - began < 1


async def test_a_moment_that_is_past_is_not_waited_for() -> None:
    await asyncio.wait_for(Clock.starting(1, START).sleep_until(START - timedelta(days=1)), 0.1)


@given(st.floats(0.001, 1e5), st.floats(0, 4e9), st.datetimes(timezones=st.just(UTC)))
def test_processes_that_read_the_same_text_share_the_clock(speed: float, wall: float, start: datetime) -> None:
    clock = Clock(speed, wall, start)
    assert Clock.parse(str(clock)) == clock


@pytest.mark.parametrize(
    "text", ["fast", "60@yesterday@0", "0@2026-03-01T00:00:00+00:00@0", "60@2026-03-01T00:00:00@0"]
)
def test_what_is_no_clock_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 60@2026"):
        Clock.parse(text)
