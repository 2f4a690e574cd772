"""Redis by its address: one server, or the primary that Sentinels name, also after another has become it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis._parsers import Encoder
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import PythonRespSerializer
from redis.exceptions import BusyLoadingError, DataError, ResponseError
from redis.exceptions import TimeoutError as SilentError

from domain.consistency.epochs import Sentinels
from streams.intake.rate import Rate
from streams.intake.settings import IntakeSettings
from streams.monitoring.doctor import examine
from streams.runtime.redis_address import Watched
from streams.runtime.settings import Settings, SettingsError, load
from streams.runtime.tasks import until_done
from streams.state.case_store import connect
from streams.state.redis_client import client, sentinels_say
from streams.state.redis_lean import Asking, Packing
from tests.tools.servers.process import hanging
from tests.tools.servers.redis import SERVICE, RedisPair, RedisServer

SECRET = "a key of this test"
PATIENCE = 0.5  # seconds
HOSTS = st.sampled_from(("one.example", "10.0.0.7", "[fd00::7]"))


def settings(url: str) -> Settings:
    return Settings(kafka="127.0.0.1:1", redis=url, secret=SECRET)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    redis = connect(settings(url))
    try:
        yield redis
    finally:
        await redis.aclose()


async def in_one(redis: Redis, *commands: tuple[Any, ...]) -> list[Any]:
    """The answers to commands of one pipeline."""
    pipe: Any
    async with redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        answers: list[Any] = await pipe.execute()
        return answers


def address(server: RedisServer) -> str:
    return f"127.0.0.1:{server.proxy.port}"


@given(st.lists(st.tuples(HOSTS, st.integers(1, 65_535)), min_size=1, max_size=5), st.integers(0, 15))
def test_every_sentinel_of_an_address_is_known_with_its_port(members: list[tuple[str, int]], db: int) -> None:
    where = ",".join(f"{host}:{port}" for host, port in members)
    found = Watched.parse(f"redis+sentinel://{where}/province/{db}")
    assert found.sentinels == tuple((host.strip("[]"), port) for host, port in members)
    assert (found.service, found.primary_options["db"]) == ("province", db)


def test_passwords_of_the_primary_and_of_the_sentinels_are_two() -> None:
    found = Watched.parse("rediss+sentinel://worker:p%40ss@one,two:7000/province?sentinel_password=other")
    assert found.sentinels == (("one", 26379), ("two", 7000))
    assert (found.primary_options["username"], found.primary_options["password"]) == ("worker", "p@ss")
    assert (found.sentinel_options["password"], found.sentinel_options["ssl"]) == ("other", True)


@pytest.mark.parametrize("url", ["redis+sentinel://one:26379", "redis+sentinel:///province", "http://one", "one:6379"])
def test_an_address_that_cannot_be_read_is_refused_at_the_start(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings("redis://one").model_copy(update={"redis": url}).environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="QUANZU_REDIS cannot be read"):
        load()


async def test_a_client_goes_on_with_the_new_primary_without_being_made_anew(redis_pair: RedisPair) -> None:
    async with connected(redis_pair.url) as redis:
        await redis.set("before", 1)
        await redis.wait(1, 5000)
        failing_over = asyncio.create_task(asyncio.to_thread(redis_pair.fail_over))
        await until_done("a write over a failover", lambda: redis.set("over", 1))
        await failing_over
        assert await redis.get("before") == b"1"
        await asyncio.to_thread(redis_pair.mend)
        await redis.set("after", 1)
        with redis_pair.primary.client() as primary:
            assert primary.get("after") == b"1"


async def test_a_client_leaves_a_primary_that_has_become_a_replica(redis_pair: RedisPair) -> None:
    former = redis_pair.primary
    async with connected(redis_pair.url) as redis:
        await redis.set("before", 1)
        await asyncio.to_thread(redis_pair.swap)
        await until_done("a write after the change", lambda: redis.set("after", 1))
        assert redis_pair.primary is not former
        with redis_pair.primary.client() as primary:
            assert primary.get("after") == b"1"


async def test_a_pipeline_leaves_a_primary_that_has_become_a_replica(redis_pair: RedisPair) -> None:
    async with connected(redis_pair.url) as redis:
        await in_one(redis, ("SET", "before", 1), ("GET", "before"))
        await asyncio.to_thread(redis_pair.swap)

        async def write() -> list[Any]:
            return await in_one(redis, ("GET", "before"), ("SET", "after", 1), ("GET", "after"))

        assert (await until_done("writes after the change", write))[-1] == b"1"
        with redis_pair.primary.client() as primary:
            assert primary.get("after") == b"1"


async def test_a_pipeline_answers_as_redis_pys_does(redis_pair: RedisPair) -> None:
    script = "if ARGV[1] == '1' then return {1, 'two', {3}, false} else return redis.error_reply('WRONG that') end"
    async with connected(redis_pair.primary.url) as redis:

        def ask(kind: type[Pipeline]) -> Pipeline:
            pipe: Any = kind(redis.connection_pool, redis.response_callbacks, False, None)
            pipe.flushdb().set("text", "words").hset("hash", mapping={"a": 1, "b": 2}).hgetall("hash").hmget(
                "hash", "a", "z"
            )
            pipe.zadd("order", {"x": 1.5, "y": 2}).zrange("order", 0, -1, withscores=True).zmscore("order", ["x", "z"])
            pipe.eval(script, 0, 1).eval(script, 0, 0).lpush("text", 1).get("text").info("cluster")
            pipe.execute_command("HMGET", "hash", "b").smembers("none").blpop("none", 0.01).delete("text").exists(
                "text"
            )
            assert isinstance(pipe, kind)
            return pipe

        theirs, ours = [await ask(kind).execute(raise_on_error=False) for kind in (Pipeline, Asking)]
        assert len(ours) == 18
        assert [(type(each), str(each)) for each in ours] == [(type(each), str(each)) for each in theirs]
        told = []
        for kind in (Pipeline, Asking):
            with pytest.raises(ResponseError) as raised:
                await ask(kind).execute()
            told.append(str(raised.value))
        assert told[0] == told[1]
        async with redis.pipeline(transaction=False) as pipe:
            assert type(pipe) is Asking
            assert await pipe.execute() == []


async def test_replies_of_a_pipeline_that_was_cancelled_are_nobodys(redis_pair: RedisPair) -> None:
    async with connected(redis_pair.primary.url) as redis:
        await redis.set("key", "right")
        asked = asyncio.create_task(in_one(redis, ("SET", "other", "wrong"), ("BLPOP", "none", 1), ("GET", "other")))
        await asyncio.sleep(0.2)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await in_one(redis, ("GET", "key"), ("GET", "key")) == [b"right", b"right"]
        assert await redis.get("key") == b"right"


async def test_a_server_that_still_loads_its_file_has_answered_nobody(redis_pair: RedisPair) -> None:
    async with connected(redis_pair.primary.url) as redis:
        connection = await redis.connection_pool.get_connection()
        said = iter((b"one", BusyLoadingError("Redis is loading the dataset in memory")))
        connection._parser._reader = SimpleNamespace(gets=lambda: next(said))
        with pytest.raises(BusyLoadingError):
            await connection.read_all(3)
        assert not connection.is_connected
        await redis.connection_pool.release(connection)
        assert await in_one(redis, ("SET", "key", "1"), ("GET", "key")) == [True, b"1"]


async def test_a_pipeline_is_asked_again_over_an_outage(redis_pair: RedisPair) -> None:
    async with connected(redis_pair.primary.url) as redis:
        await in_one(redis, ("SET", "key", "1"))
        await asyncio.to_thread(redis_pair.primary.kill)
        again = asyncio.create_task(
            until_done("after an outage", lambda: in_one(redis, ("SET", "key", "2"), ("GET", "key")))
        )
        await asyncio.to_thread(redis_pair.primary.start)
        assert (await again)[-1] == b"2"


async def test_what_waited_over_an_outage_may_all_be_under_way_at_once(redis_pair: RedisPair) -> None:
    for url in (redis_pair.url, redis_pair.primary.proxied):
        async with connected(url) as redis:
            # XREAD waits, and is no write: those are refused while a busy machine keeps the replicas behind.
            waiting = [redis.xread({"nothing comes": "$"}, block=200) for _ in range(300)]
            assert [bool(found) for found in await asyncio.gather(*waiting)] == [False] * 300


async def test_the_primary_is_found_while_one_sentinel_lives(redis_pair: RedisPair) -> None:
    for sentinel in redis_pair.sentinels[:2]:
        sentinel.kill()
    async with connected(redis_pair.url) as redis:
        await redis.set("key", 1)
        assert await sentinels_say(redis) == Sentinels(3, 1, address(redis_pair.primary), 1)


async def test_doctor_says_which_primary_was_found_and_whether_it_has_a_replica(redis_pair: RedisPair) -> None:
    async def told() -> list[tuple[bool, str]]:
        found = await examine(settings(redis_pair.url))
        return [(each.good, each.what) for each in found if "Sentinels" in each.what or "cut off" in each.what]

    primary = address(redis_pair.primary)
    stops = "a primary that is cut off from its replicas"
    assert await told() == [
        (True, f"3 of 3 Sentinels answer; the primary is {primary}, replicas: 2"),
        (True, f"{stops} takes no writes"),
    ]
    with redis_pair.primary.client() as client:
        client.config_set("min-replicas-to-write", 0)
    redis_pair.sentinels[0].kill()
    redis_pair.replicas[0].kill()
    assert await told() == [
        (False, f"2 of 3 Sentinels answer; the primary is {primary}, replicas: 1"),
        (False, f"{stops} goes on taking writes"),
    ]


async def test_rates_are_counted_at_the_primary(redis_pair: RedisPair) -> None:
    rate = Rate(settings(redis_pair.url), IntakeSettings(rate="3/hour", rate_store="redis"))
    assert await rate.wait("bank", 3) == 0
    assert await rate.wait("bank", 1) > 0
    with redis_pair.primary.client() as primary:
        assert primary.keys("LIMITS*")


def test_a_service_of_another_name_is_said_to_be_unknown(redis_pair: RedisPair) -> None:
    async def say() -> Sentinels:
        async with connected(redis_pair.url.replace(f"/{SERVICE}/", "/other/")) as redis:
            return await sentinels_say(redis)

    assert asyncio.run(say()) == Sentinels(3, 3, "", 0)


@given(
    st.sampled_from(("GET", "CLIENT SETINFO", b"HMGET")),
    st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.binary(), st.integers(), st.floats())),
)
def test_commands_are_packed_as_redis_py_packs_them(name: str | bytes, arguments: list[str | bytes | float]) -> None:
    encoder: Any = Encoder
    theirs: Any = PythonRespSerializer(6000, encoder("utf-8", "strict", decode_responses=False).encode)
    assert b"".join(Packing().pack_command(name, *arguments)) == b"".join(theirs.pack(name, *arguments))


def test_what_redis_cannot_take_is_refused_as_redis_py_does() -> None:
    with pytest.raises(DataError):
        Packing().pack_command("SET", "key", None)


@asynccontextmanager
async def impatient(redis_pair: RedisPair, tries: int) -> AsyncIterator[Any]:
    """A client that gives up after PATIENCE, each time that it tries."""
    redis = client(f"{redis_pair.primary.url}?socket_timeout={PATIENCE}")
    redis.set_retry(Retry(NoBackoff(), tries))
    try:
        await redis.ping()
        yield redis
    finally:
        await redis.aclose()


@pytest.mark.parametrize("size", [1, 50_000_000], ids=["waits for a reply", "cannot write"])
async def test_a_server_that_hangs_is_given_up(redis_pair: RedisPair, size: int) -> None:
    async with impatient(redis_pair, tries=0) as redis:
        with hanging(redis_pair.primary.process.pid):
            began = time.monotonic()
            with pytest.raises(SilentError, match=f"no answer from .* for {PATIENCE:g} s"):
                await redis.set("key", b"1" * size)
        assert PATIENCE <= time.monotonic() - began < 10 * PATIENCE  # 50 MB are packed, too
        await redis.set("key", "1")  # over another connection


async def test_a_server_that_hangs_in_a_pipeline_is_given_up(redis_pair: RedisPair) -> None:
    async with impatient(redis_pair, tries=0) as redis:
        with hanging(redis_pair.primary.process.pid):
            began = time.monotonic()
            with pytest.raises(SilentError, match=f"no answer from .* for {PATIENCE:g} s"):
                await in_one(redis, ("SET", "key", "1"), ("GET", "key"))
        assert PATIENCE <= time.monotonic() - began < 4 * PATIENCE
        assert await in_one(redis, ("SET", "key", "2"), ("GET", "key")) == [True, b"2"]


async def test_one_that_answers_in_time_is_waited_for_each_time_anew(redis_pair: RedisPair) -> None:
    async with impatient(redis_pair, tries=0) as redis:
        for _ in range(4):  # together longer than PATIENCE, over one connection
            assert await redis.blpop("nothing comes", PATIENCE / 2) is None
        await asyncio.sleep(1.5 * PATIENCE)  # and nobody waits for anything
        assert await redis.ping()
        name = await redis.client_id()
        async with redis.pipeline(transaction=False) as pipe:
            for _ in range(4):
                pipe.blpop("nothing comes", PATIENCE / 2)
            assert await pipe.execute() == [None] * 4
        assert await redis.client_id() == name


async def test_a_server_that_hung_is_asked_again(redis_pair: RedisPair) -> None:
    async with impatient(redis_pair, tries=3) as redis:
        with hanging(redis_pair.primary.process.pid):
            asked = asyncio.create_task(redis.incr("asked"))
            await asyncio.sleep(1.5 * PATIENCE)
        assert await asked >= 1


async def test_a_subscription_may_be_silent_for_longer(redis_pair: RedisPair) -> None:
    async with impatient(redis_pair, tries=0) as redis, redis.pubsub() as heard:
        await heard.subscribe("news")
        assert (await heard.get_message(timeout=PATIENCE))["type"] == "subscribe"
        assert await heard.get_message(timeout=2 * PATIENCE) is None
        await redis.publish("news", "1")
        assert (await heard.get_message(timeout=PATIENCE))["data"] == b"1"
