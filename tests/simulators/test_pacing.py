"""A demo's time stands still while the work is late, and goes on when it is done."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.demo.pacing import AHEAD_SECONDS, LATE_SECONDS, TICK_SECONDS, Pacer
from simulators.demo.run import in_background
from simulators.world.feeds import Feeders
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.messaging import topics
from streams.runtime.clock import Clock
from streams.runtime.pace import PaceFile
from streams.runtime.settings import Settings
from streams.state.keys import key, milliseconds
from tests.channel_rig import until

START = datetime(2026, 3, 1, tzinfo=UTC)
SPEED = 60.0
DATABASE = 9  # of Redis: apart from what other tests keep


@pytest.fixture
async def line(settings: Settings, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation without workers, whose time has not begun."""
    topics.create(settings)
    own = settings.model_copy(update={"redis": str(settings.redis).replace("/0", f"/{DATABASE}"), "data": tmp_path})
    made = Installation(own, load_channels(), Clock(SPEED, time.time(), START, pace=PaceFile.begun(tmp_path / "pace")))
    await made.redis.flushdb()
    await made.open()
    try:
        yield made
    finally:
        await made.redis.flushdb()
        await made.close()


class Silent:
    """A province in which nothing happens."""

    def signals_until(self, now: datetime) -> list[object]:
        return []


@pytest.fixture
async def feeders(line: Installation) -> Feeders:
    return Feeders(Silent(), "http://127.0.0.1:1", lambda source: "", line.clock)  # type: ignore[arg-type]


async def due(line: Installation, at: datetime) -> None:
    """A case's deadline, with no worker there to act on it."""
    await line.redis.zadd(key("deadlines", 1), {"case|step": milliseconds(at)})


async def test_time_goes_on_while_nothing_is_late(line: Installation, feeders: Feeders) -> None:
    async with in_background(Pacer(line, feeders).run()):
        await until(lambda: line.clock.now() > START + timedelta(minutes=2))


async def test_time_stands_soon_after_a_deadline_on_which_nobody_acts_and_then_goes_on(
    line: Installation, feeders: Feeders
) -> None:
    moment = START + timedelta(minutes=1)
    most = moment + timedelta(seconds=(LATE_SECONDS + AHEAD_SECONDS + 10 * TICK_SECONDS) * SPEED)
    await due(line, moment)
    async with in_background(Pacer(line, feeders).run()):
        await until(lambda: line.clock.now() > moment)
        await until(lambda: line.clock.now() == line.clock.now())
        assert line.clock.now() < most
        await line.redis.delete(key("deadlines", 1))
        await until(lambda: line.clock.now() > most)


async def test_time_stands_while_a_signal_waits_for_screening(line: Installation, feeders: Feeders) -> None:
    feeders.accepted = Counter({"bank": 1})
    pacer = Pacer(line, feeders)
    await until(lambda: _late(pacer))
    async with in_background(pacer.run()):
        await until(lambda: _late(pacer))
        assert line.clock.now() == START
        await line.redis.hset(key("tally", 0), "bank|raised", 1)
        await until(lambda: line.clock.now() > START)


async def _late(pacer: Pacer) -> bool:
    return await pacer.late() > 2 * LATE_SECONDS
