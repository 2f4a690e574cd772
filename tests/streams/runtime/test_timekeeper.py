"""Workers agree on the time, whatever the clocks of their machines are set to."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import REGISTRY
from redis.asyncio import Redis

from domain.timekeeping import offset_from_answer
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.monitoring.doctor import examine
from streams.runtime.clock import Clock, Wall
from streams.runtime.clock_sync import Timekeeper, clocks_off
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from tests.tools.servers.faketime import MachineClock
from tests.tools.servers.redis import RedisServer

SCRIPT = Path(__file__).with_name("telling_time.py")
ROOT = SCRIPT.parents[3]
HEARD_SECONDS = 0.5  # how far the time of day here and there may be apart: a line takes its time to be read


@dataclass
class Machine:
    """A clock that a test sets, and a count of seconds that it lets pass."""

    clock: float = 1_000_000.0
    count: float = 50.0

    def wall(self) -> Wall:
        return Wall(machine=lambda: self.clock, counter=lambda: self.count)

    def wait(self, seconds: float) -> None:
        self.clock += seconds
        self.count += seconds


@contextmanager
def telling(redis: RedisServer, environment: dict[str, str]) -> Iterator[Iterator[dict[str, float]]]:
    """A process whose machine's clock may be set: what it says, line by line, while the context lasts."""
    own = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(SCRIPT), redis.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=own, text=True) as process:
        assert process.stdout is not None
        try:
            yield (json.loads(line) for line in process.stdout)
        finally:
            process.kill()


def test_the_first_answer_that_the_machine_s_clock_agrees_with_is_taken_as_it_is() -> None:
    machine = Machine()
    wall = machine.wall()
    assert wall.time() == 1_000_000.0
    wall.hear(offset_from_answer(50.0, 999_970.0, 50.0))
    assert (wall.known, wall.time(), wall.refused()) == (None, 1_000_000.0, -30.0)
    wall.hear(offset_from_answer(50.0, 999_998.5, 50.0))
    assert wall.time() == 999_998.5
    assert wall.difference() == 1.5


def test_a_machine_s_clock_that_is_set_moves_no_worker_s_time() -> None:
    machine = Machine()
    wall = machine.wall()
    machine.clock += 30
    machine.wait(2)
    assert wall.time() == 1_000_002.0
    assert wall.difference() == 30.0


def test_without_an_answer_the_time_goes_on() -> None:
    machine = Machine()
    wall = machine.wall()
    wall.hear(offset_from_answer(50.0, 1_000_000.0, 50.0))
    machine.wait(3600)
    assert wall.time() == 1_003_600.0


def test_a_sleeper_wakes_in_time_when_the_clock_is_put_right_meanwhile() -> None:
    wall = Wall(machine=lambda: time.time() - 60)  # it was heard a minute late, and Redis is right
    wall.hear(offset_from_answer(time.monotonic(), time.time() - 60, time.monotonic()))
    clock = Clock(wall=wall)

    async def sleep() -> float:
        began = time.monotonic()
        sleeping = asyncio.create_task(clock.sleep_until(datetime.now(UTC)))
        await asyncio.sleep(0)
        wall.machine = time.time
        for seconds in range(12):  # the machine is set right as well, and they agree for that long
            count = time.monotonic() + seconds
            wall.hear(offset_from_answer(count, time.time() + seconds, count))
        await sleeping
        return time.monotonic() - began

    assert asyncio.run(sleep()) < 2


async def test_what_a_worker_writes_carries_the_workers_time(settings: Settings, new_topic: Callable[[], str]) -> None:
    wall = Wall()
    count = time.monotonic()
    wall.hear(offset_from_answer(count, time.time(), count))
    wall.machine = lambda: time.time() + 7200
    producer = make_producer(settings, wall)
    await producer.start()
    try:
        topic = new_topic()
        await producer.send_all([Record(topic, b"key", b"value", 0)])
    finally:
        await producer.stop()
    (written,) = [record.timestamp / 1000 async for record in read_all(settings, topic)]
    assert abs(written - time.time()) < 60


def test_a_worker_whose_machine_s_clock_is_set_forward_and_back_tells_the_time_as_before(
    redis_aof: RedisServer, tmp_path: Path
) -> None:
    machine = MachineClock(tmp_path)
    with telling(redis_aof, machine.environment) as told:
        for ahead in (0, 30, -30, 0):
            machine.set(ahead)
            at = next(at for at in told if abs(at["machine"] - time.time() - ahead) < HEARD_SECONDS)
            assert abs(at["workers"] - time.time()) < HEARD_SECONDS


def test_a_worker_started_on_a_machine_whose_clock_is_wrong_begins_when_that_is_right_and_has_the_others_time(
    redis_aof: RedisServer, tmp_path: Path
) -> None:
    machine = MachineClock(tmp_path)
    machine.set(-30)
    with telling(redis_aof, machine.environment) as told, telling(redis_aof, {}) as others:
        other = next(others)
        machine.set(0)
        one = next(told)
        assert abs(one["machine"] - time.time()) < HEARD_SECONDS
        assert abs((one["workers"] - one["counter"]) - (other["workers"] - other["counter"])) < 0.1


async def test_a_step_is_counted_and_doctor_names_who_is_off(redis_aof: RedisServer) -> None:
    ahead = [0.0]
    clock = Clock(wall=Wall(machine=lambda: time.time() + ahead[-1]))
    before = REGISTRY.get_sample_value("quanzu_clock_steps_total", {"clock": "machine"}) or 0.0
    async with Redis.from_url(redis_aof.url) as redis:
        keeper = Timekeeper(redis, clock)
        await keeper.look()
        assert await clocks_off(redis) == {}
        ahead.append(30.0)
        await keeper.look()
        (off,) = (await clocks_off(redis)).values()
    assert abs(off.ahead - 30) < 0.1
    assert (off.refused, off.waits) == (0.0, False)
    assert REGISTRY.get_sample_value("quanzu_clock_steps_total", {"clock": "machine"}) == before + 1
    found = await examine(Settings(kafka="127.0.0.1:1", redis=redis_aof.url, secret="the key of a test"))
    clocks = [finding for finding in found if "its clock is" in finding.what]
    assert [finding.good for finding in clocks] == [True, False]
    assert clocks[1].what.endswith("its clock is 30.0 s ahead of the workers' time")
