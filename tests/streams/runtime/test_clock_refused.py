"""A clock of Redis that steps, and two clocks that differ: nobody is contacted early or late for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from streams.casework.deadlines import partitions_due
from streams.monitoring.doctor import examine
from streams.monitoring.status.checks import status_page
from streams.runtime.clock import Clock, Wall
from streams.runtime.clock_sync import Timekeeper
from streams.runtime.settings import Settings
from streams.state.keys import key, milliseconds
from tests.tools.servers.faketime import MachineClock
from tests.tools.servers.redis import RedisServer

HOUR = 3600.0
MINUTE = 60


@dataclass
class Worker:
    """A worker's clock on a machine whose count of seconds and clock a test moves on, beside the real ones."""

    redis: Any
    passed: float = 0.0  # seconds that were not waited for; Redis is told of them by `Machines.wait`
    ahead: float = 0.0  # of its machine's clock
    clock: Clock = field(init=False)
    keeper: Timekeeper = field(init=False)

    def __post_init__(self) -> None:
        machine = lambda: time.time() + self.passed + self.ahead  # noqa: E731
        self.clock = Clock(wall=Wall(machine=machine, counter=lambda: time.monotonic() + self.passed))
        self.keeper = Timekeeper(self.redis, self.clock)

    @property
    def off(self) -> float:
        """By how many seconds its time is ahead of the real one."""
        return self.clock.now().timestamp() - time.time() - self.passed


@dataclass
class Machines:
    """A Redis whose machine's clock is set, and a worker."""

    server: RedisServer
    machine: MachineClock
    worker: Worker
    ahead: float = 0.0

    async def set(self, ahead: float) -> None:
        """Set the clock of Redis's machine, and wait until Redis goes by it."""
        self.ahead = ahead
        self.machine.set(ahead + self.worker.passed)
        async with asyncio.timeout(5):
            while abs(await self._redis_ahead() - ahead - self.worker.passed) > 0.2:
                pass  # each look asks Redis

    async def wait(self, seconds: int) -> None:
        """Let seconds pass for all, and have the worker look each second."""
        for _ in range(seconds):
            self.worker.passed += 1
            await self.set(self.ahead)
            await self.worker.keeper.look()

    async def _redis_ahead(self) -> float:
        seconds, micros = await self.worker.redis.time()
        return float(seconds + micros / 1e6 - time.time())


@pytest.fixture
def redis_and_clock(tmp_path: Path) -> Iterator[tuple[RedisServer, MachineClock]]:
    machine = MachineClock(tmp_path)
    with RedisServer(tmp_path / "redis", machine) as server:
        yield server, machine


@pytest.fixture
async def machines(redis_and_clock: tuple[RedisServer, MachineClock]) -> AsyncIterator[Machines]:
    server, machine = redis_and_clock
    async with Redis.from_url(server.url) as redis:
        made = Machines(server, machine, Worker(redis))
        await made.worker.keeper.look()
        yield made


async def test_a_redis_an_hour_ahead_fires_no_deadline_raises_an_alarm_and_is_followed_again_once_it_is_right(
    machines: Machines, settings: Settings
) -> None:
    worker = machines.worker
    in_half_an_hour = milliseconds(datetime.now(UTC) + timedelta(minutes=30))
    await worker.redis.zadd(key("deadlines", 0), {"case|step": in_half_an_hour})

    await machines.set(HOUR)
    await machines.wait(30)
    assert await partitions_due(worker.redis, ["deadlines"], [0], worker.clock.now()) == []
    assert abs(worker.off) < 0.5
    assert abs(_metric("quanzu_clock_refused_seconds") - HOUR) < 1
    installation = settings.model_copy(update={"redis": machines.server.url})
    page = await status_page(installation)
    (refused,) = [trouble for trouble in page.troubles if trouble.name == "clock-refused"]
    assert "ahead of the workers' time" in refused.what
    assert "chronyc makestep" in refused.do
    found = [finding for finding in await examine(installation) if "refuses the clock of Redis" in finding.what]
    assert [finding.good for finding in found] == [False]

    await machines.set(0)
    await machines.wait(1)
    assert abs(worker.off) < 0.5
    assert _metric("quanzu_clock_refused_seconds") == 0
    await machines.wait(1)
    began, worker.passed = worker.clock.now(), worker.passed + 1
    assert abs((worker.clock.now() - began).total_seconds() - 1) < 0.1, "its time runs at its usual pace"


async def test_a_worker_that_was_an_hour_off_is_right_within_a_minute_of_the_two_clocks_agreeing(
    machines: Machines,
) -> None:
    worker = machines.worker
    for both in (HOUR, 0.0):  # forward: a machine that was paused; back: both were wrong when it began
        worker.ahead = both
        await machines.set(both)
        await machines.wait(MINUTE)
        assert abs(worker.off - both) < 0.5
        assert _metric("quanzu_clock_refused_seconds") == 0


async def test_a_step_of_a_second_is_followed(machines: Machines) -> None:
    await machines.set(1.5)
    await machines.wait(5)
    assert abs(machines.worker.off - 1.5) < 0.5
    assert _metric("quanzu_clock_refused_seconds") == 0


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
async def test_a_worker_whose_machine_and_redis_differ_begins_within_a_minute_of_their_agreeing(
    redis_and_clock: tuple[RedisServer, MachineClock],
    ahead: float,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, machine = redis_and_clock
    async with Redis.from_url(server.url) as redis:
        here = Machines(server, machine, Worker(redis))
        await here.set(ahead)
        starting = asyncio.create_task(here.worker.keeper.start())
        await asyncio.sleep(2.5)
        assert not starting.done()
        assert f"the clock of Redis is 3600.0 s {'ahead of' if ahead > 0 else 'behind'} this machine's" in caplog.text
        assert "chronyc makestep" in caplog.text
        assert abs(abs(_metric("quanzu_clock_refused_seconds")) - HOUR) < 1
        page = await status_page(settings.model_copy(update={"redis": server.url}))
        assert "clocks-differ" in {trouble.name for trouble in page.troubles if page.missed}
        await here.set(0)
        await asyncio.wait_for(starting, 5)
        assert abs(here.worker.off) < 0.5
        await here.worker.keeper.stop()


def _metric(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0
