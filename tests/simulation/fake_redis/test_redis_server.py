"""The simulated Redis' own ways: its clock, its runs, its replicas, and the way to it."""

import asyncio
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as GoneError
from redis.exceptions import ReadOnlyError, ResponseError, WatchError
from redis.exceptions import TimeoutError as SilentError

from streams.state.server_identity import ASK_RUN, run_of
from tests.simulation.fake_redis.drawn import COMMANDS
from tests.simulation.fake_redis.server import Replication, SimRedis, client

WRITTEN = "redis.call('SET', 'a', ARGV[1]) redis.call('SET', 'b', ARGV[1])"


class Near:
    """A link that takes no time; `lost`: how many of the next answers, or requests, are lost."""

    def __init__(self) -> None:
        self.lost_out = self.lost_back = 0

    async def out(self) -> None:
        self.lost_out = self._crossed(self.lost_out)

    async def back(self) -> None:
        self.lost_back = self._crossed(self.lost_back)

    def _crossed(self, lost: int) -> int:
        if lost:
            raise TimeoutError
        return 0


class Moving:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Moving:
    return Moving()


@pytest.fixture
def server(clock: Moving) -> SimRedis:
    return SimRedis(clock)


def pair(clock: Moving) -> tuple[SimRedis, SimRedis, Replication]:
    primary, replica = SimRedis(clock, "one"), SimRedis(clock, "two")
    return primary, replica, primary.replicate_to(replica)


def run(server: SimRedis) -> str:
    return run_of(server.execute(*ASK_RUN))


def test_a_key_expires_just_after_its_time(server: SimRedis, clock: Moving) -> None:
    server.execute("SET", "lease", "t", "PX", 1500)
    clock.time += 1.5
    assert server.execute("GET", "lease") == b"t"
    clock.time += 0.002
    assert server.execute("GET", "lease") is None
    assert server.execute("SET", "lease", "u", "NX", "PX", 1500) == b"OK"


def test_a_step_of_the_server_s_clock_ends_a_lease_early(server: SimRedis) -> None:
    server.execute("SET", "lease", "t", "PX", 60_000)
    server.step(3600)
    assert server.execute("TIME") == [b"1700003600", b"0"]
    assert server.execute("EXISTS", "lease") == 0


def test_a_snapshot_is_not_changed_by_later_writes(server: SimRedis) -> None:
    fill = [("SET", "s", 1), ("HSET", "h", "a", 1), ("SADD", "m", "a"), ("ZADD", "z", 1, "a"), ("SET", "p", 1, "EX", 9)]
    for command in fill:
        server.execute(*command)
    before, state = server.keyspace(), server.snapshot()
    for command in [
        ("SET", "s", 2),
        ("HSET", "h", "a", 2),
        ("SADD", "m", "b"),
        ("ZADD", "z", 2, "a"),
        ("PERSIST", "p"),
    ]:
        server.execute(*command)
    changed = server.keyspace()
    assert changed != before
    server.restore(state, new_run=False)
    assert server.keyspace() == before
    assert server.execute("TTL", "p") == 9
    server.execute("HSET", "h", "b", 1)
    server.restore(state, new_run=False)
    assert server.keyspace() == before


def test_a_restart_is_another_run_and_a_restored_image_is_the_same(server: SimRedis) -> None:
    state, first = server.snapshot(), run(server)
    server.restore(state, new_run=True)
    second = run(server)
    assert second.split("/")[0] != first.split("/")[0]
    server.restore(state, new_run=False)
    assert run(server) == first


def test_runs_are_the_same_in_each_simulation(clock: Moving) -> None:
    assert run(SimRedis(clock, "one")) == run(SimRedis(clock, "one")) != run(SimRedis(clock, "two"))


def test_a_wiped_server_is_the_same_run(server: SimRedis) -> None:
    server.execute("SET", "a", 1)
    before = run(server)
    server.wipe()
    assert (server.keyspace(), run(server)) == ({}, before)


def test_a_replica_that_lags_takes_over_with_what_has_arrived(clock: Moving) -> None:
    primary, replica, link = pair(clock)
    primary.execute("EVAL", WRITTEN, 0, 1)
    primary.execute("EVAL", WRITTEN, 0, 2)
    primary.execute("SET", "lease", "t", "PX", 5000)
    assert link.behind == 3
    link.pass_on(1)
    assert replica.keyspace() == {"a": b"1", "b": b"1"}
    before = run(replica).split("/")
    assert before[1] == run(primary).split("/")[1]
    replica.promote()
    assert run(replica).split("/")[0] == before[0]
    assert run(replica).split("/")[1] != before[1]
    assert replica.execute("SET", "a", 9) == b"OK"
    assert primary.execute("GET", "a") == b"2"


def test_a_replica_has_the_primary_s_times(clock: Moving) -> None:
    primary, replica, link = pair(clock)
    primary.execute("SET", "lease", "t", "PX", 5000)
    clock.time += 2
    link.pass_on()
    assert replica.execute("PTTL", "lease") == 3000


def test_a_replica_refuses_to_write(clock: Moving) -> None:
    _, replica, _ = pair(clock)
    with pytest.raises(ReadOnlyError):
        replica.execute("SET", "a", 1)


def test_a_former_primary_becomes_a_replica_and_loses_its_own_writes(clock: Moving) -> None:
    primary, replica, _ = pair(clock)
    primary.execute("SET", "a", 1)
    replica.promote()
    link = replica.replicate_to(primary)
    replica.execute("SET", "b", 1)
    link.pass_on()
    assert primary.keyspace() == {"b": b"1"}


def test_a_primary_without_replicas_refuses_ten_seconds_after_they_were_cut_off(clock: Moving) -> None:
    primary, _, link = pair(clock)
    primary.min_replicas = 1
    link.cut()
    clock.time += 9
    primary.execute("SET", "a", 1)
    clock.time += 2
    with pytest.raises(ResponseError, match="Not enough good replicas"):
        primary.execute("SET", "a", 2)
    link.heal()
    primary.execute("SET", "a", 3)


def test_a_full_server_lets_a_script_finish_that_has_written(server: SimRedis) -> None:
    server.execute("SET", "gone", 1)
    server.full = True
    with pytest.raises(ResponseError):
        server.execute("EVAL", WRITTEN, 0, 1)
    assert server.keyspace() == {"gone": b"1"}
    server.execute("EVAL", "redis.call('DEL', 'gone') redis.call('SET', 'a', 1)", 0)
    assert server.keyspace() == {"a": b"1"}


async def test_wait_tells_how_many_replicas_have_it(clock: Moving) -> None:
    primary, _, link = pair(clock)
    redis: Any = client(lambda: primary, Near())
    await redis.set("a", 1)
    assert await redis.wait(1, 30) == 0
    asyncio.get_running_loop().call_later(0.02, link.pass_on)
    assert await redis.wait(1, 1000) == 1


async def test_a_lost_answer_leaves_the_command_done_and_is_asked_again(server: SimRedis) -> None:
    link = Near()
    redis: Any = client(lambda: server, link, tries=0)
    await redis.set("count", 0)
    link.lost_back = 1
    with pytest.raises(SilentError):
        await redis.incr("count")
    link.lost_back = 0
    assert await redis.get("count") == b"1"
    link.lost_out = 1
    with pytest.raises(SilentError):
        await redis.incr("count")
    link.lost_out = 0
    assert await redis.get("count") == b"1"


@pytest.mark.parametrize(("token", "done"), [("mine", True), ("another", False), (None, False)])
async def test_a_transaction_is_carried_out_only_while_a_watched_key_is_as_it_was(
    server: SimRedis, token: str | None, done: bool
) -> None:
    redis: Any = client(lambda: server, Near())
    await redis.set("lock", "mine")
    async with redis.pipeline(transaction=True) as pipe:
        await pipe.watch("lock")
        assert await pipe.get("lock") == b"mine"
        pipe.multi()
        pipe.set("record", "new")
        if token is None:
            await redis.delete("lock")
        else:
            await redis.set("lock", token)
        with nullcontext() if done else pytest.raises(WatchError):
            await pipe.execute()
    assert await redis.get("record") == (b"new" if done else None)


async def test_a_connection_breaks_when_the_server_is_started_anew(server: SimRedis) -> None:
    redis: Any = client(lambda: server, Near())
    keep = redis.register_script("return ARGV[1]")
    assert await keep(args=["a"]) == b"a"
    server.restart()
    assert await keep(args=["b"]) == b"b"  # connected, and loaded, anew
    server.up = False
    with pytest.raises(GoneError):
        await redis.get("a")


async def test_a_server_that_dies_within_a_pipeline_has_done_its_beginning(server: SimRedis) -> None:
    redis: Any = client(lambda: server, Near(), tries=0)
    await redis.ping()
    server.dies_after = 2
    pipe: Any
    async with redis.pipeline(transaction=False) as pipe:
        for name in ("a", "b", "c"):
            pipe.set(name, 1)
        with pytest.raises(GoneError):
            await pipe.execute()
    server.up = True
    server.restart()
    assert await redis.mget("a", "b", "c") == [b"1", b"1", None]


async def test_a_client_leaves_a_primary_that_has_become_a_replica(clock: Moving) -> None:
    primary, replica, link = pair(clock)
    named = {"server": primary}
    redis: Any = client(lambda: named["server"], Near(), sentinels=True)
    await redis.set("a", 1)
    link.pass_on()
    replica.promote()
    replica.replicate_to(primary)
    asyncio.get_running_loop().call_later(0.05, lambda: named.update(server=replica))
    await redis.set("a", 2)
    assert replica.execute("GET", "a") == b"2"


@settings(max_examples=100)
@given(commands=st.lists(COMMANDS, min_size=1, max_size=30), lag=st.integers(0, 30))
def test_a_replica_that_has_everything_is_the_same(commands: list[tuple[Any, ...]], lag: int) -> None:
    primary, replica, link = pair(Moving())
    for number, command in enumerate(commands):
        with suppress(ResponseError):
            primary.execute(*command)
        if number == lag:
            link.pass_on()
    link.pass_on()
    assert (replica.keyspace(), replica.space.expires) == (primary.keyspace(), primary.space.expires)
