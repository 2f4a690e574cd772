"""The simulated Redis answers as a real one does, and holds the same, whatever it is asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.runtime.settings import Settings
from streams.state.case_store import connect
from streams.state.locks import KEEP
from streams.state.scripts import script
from tests.simulation.fake_redis import said
from tests.simulation.fake_redis.both import RUN, Both
from tests.simulation.fake_redis.drawn import COMMANDS, SCRIPTS
from tests.simulation.fake_redis.record import CORPUS
from tests.simulation.fake_redis.server import SimRedis, client
from tests.simulation.fake_redis.test_redis_server import Near
from tests.tools.servers.redis import RedisServer

SCRIPT_FILES = list(files("streams.state").joinpath("lua").iterdir())
DRAWN = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as real:
        both = Both(real)
        yield both
        both.close()


@pytest.fixture
def both(servers: Both) -> Both:
    servers.begin()
    return servers


@pytest.mark.parametrize("family", ["STRINGS", "HASHES", "SETS", "SORTED", "KEYS", "SCRIPTS"])
def test_each_command_answers_as_redis_does(both: Both, family: str) -> None:
    for command in getattr(said, family):
        both.ask(*command)
    both.compare()


@DRAWN
@given(commands=st.lists(COMMANDS, min_size=5, max_size=40))
def test_commands_in_any_order_leave_what_they_leave_in_redis(both: Both, commands: list[tuple[object, ...]]) -> None:
    both.begin()
    for command in commands:
        both.ask(*command)
    both.compare()


@pytest.mark.parametrize("name", SCRIPTS)
@DRAWN
@given(data=st.data())
def test_each_script_answers_and_writes_as_in_redis(both: Both, name: str, data: st.DataObject) -> None:
    before, called = SCRIPTS[name]
    both.begin()
    for command in data.draw(st.lists(st.one_of(before, called()), min_size=2, max_size=12)):
        both.ask(*command)
    both.compare()


WRITES = ("EVAL", "redis.call('SET', 'by', 1) return redis.call('HSET', 'script', 'a', 1)", 0)
READS = ("EVAL", "return redis.call('GET', 'text')", 0)
FREES = ("EVAL", "redis.call('DEL', 'gone') return redis.call('SET', 'by', 2)", 0)
CATCHES = ("EVAL", "return redis.pcall('SET', 'by', 2).err", 0)


@pytest.mark.parametrize("how", ["full", "without_replicas", "demoted"])
def test_a_refusal_to_write_is_worded_as_in_redis(both: Both, how: str) -> None:
    both.ask("SET", "text", 1)
    both.ask("SET", "gone", 1)
    with getattr(both, how)():
        for command in (
            ("SET", "text", 2),
            ("GET", "text"),
            ("DEL", "none"),
            ("HSET", "h"),
            WRITES,
            READS,
            FREES,
            CATCHES,
        ):
            both.ask(*command)
        both.compare()


CORPUS_TESTS = json.loads(CORPUS.read_text("utf-8"))["tests"]
CORPUS_SCRIPTS = json.loads(CORPUS.read_text("utf-8"))["scripts"]


@pytest.mark.parametrize("name", CORPUS_TESTS)
def test_what_the_product_s_tests_ask_is_answered_as_by_redis(both: Both, name: str) -> None:
    for word, *rest in CORPUS_TESTS[name]:
        if word == "EVALSHA":
            word, rest[0] = "EVAL", CORPUS_SCRIPTS[rest[0]]
        both.ask(word, *(part.encode("utf-8", "surrogateescape") if RUN not in part else part for part in rest))
    both.compare()


def test_every_script_is_asked_and_the_corpus_has_today_s() -> None:
    names = {each.name.removesuffix(".lua") for each in SCRIPT_FILES if each.name.endswith(".lua")}
    recorded = {name for name in names if any(script(name) in text for text in CORPUS_SCRIPTS.values())}
    assert names == recorded, "record anew: .venv/bin/python -m tests.simulation.fake_redis.record"


async def told(redis: "Redis", *questions: Callable[[Any], Awaitable[Any]]) -> list[Any]:
    """The answers, or which exceptions came instead."""
    found: list[Any] = []
    for question in questions:
        try:
            found.append(await question(redis))
        except RedisError as error:
            found.append((type(error), str(error)))
    await redis.aclose()
    return found


async def in_one(redis: "Redis", transaction: bool, *commands: tuple[Any, ...], raising: bool = True) -> list[Any]:
    pipe: Any
    async with redis.pipeline(transaction=transaction) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        answers: list[Any] = await pipe.execute(raise_on_error=raising)
        return [(type(each), str(each)) if isinstance(each, Exception) else each for each in answers]


GOOD = (("SET", "a", 1), ("HSET", "h", "f", 1), ("HGETALL", "h"), ("ZADD", "z", 1, "m"), ("ZMSCORE", "z", "m", "n"))
WRONG = (("SET", "a", 1), ("HGET", "a", "f"), ("GET", "a"))
MISSHAPEN = (("SET", "b", 1), ("HGET", "a"), ("SET", "b", 2))
QUESTIONS: list[Callable[[Any], Awaitable[Any]]] = [
    lambda redis: redis.flushall(),
    *(
        (lambda redis, t=transaction, c=commands, r=raising: in_one(redis, t, *c, raising=r))
        for transaction in (True, False)
        for commands in (GOOD, WRONG, MISSHAPEN)
        for raising in (True, False)
    ),
    lambda redis: redis.get("b"),
    lambda redis: redis.set("lease", "t", nx=True, px=60_000),
    lambda redis: redis.set("lease", "t", nx=True, px=60_000),
    lambda redis: redis.hset("h", mapping={"a": 1, "b": 2.5}),
    lambda redis: redis.hgetall("h"),
    lambda redis: redis.hmget("h", ["", "a"]),
    lambda redis: redis.hset("h", "a", [1]),
    lambda redis: redis.zrange("z", "-inf", 5, byscore=True, offset=0, num=4, withscores=True),
    lambda redis: redis.zmscore("z", ["", "m"]),
    lambda redis: redis.smembers("none"),
    lambda redis: redis.sadd("s", "m"),
    lambda redis: redis.smismember("s", ["m", "n"]),
    lambda redis: redis.hscan("h", 0, count=10),
    lambda redis: redis.zscan("z", 0, count=10),
    lambda redis: redis.register_script(KEEP)(keys=["k"], args=["t", 60_000]),
    lambda redis: redis.register_script(KEEP)(keys=["k"], args=["other", 60_000]),
    lambda redis: redis.eval("return redis.call('HGETALL', 'h')", 0),
    lambda redis: redis.evalsha("00" * 20, 0),
    lambda redis: redis.wait(0, 10),
    lambda redis: redis.exists("h", "none"),
    lambda redis: redis.delete("h"),
    lambda redis: redis.type("z"),
    lambda redis: redis.ping(),
    lambda redis: redis.script_exists("00"),
]


def test_the_product_s_client_gives_the_same_from_both(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as real:
        answers = asyncio.run(
            told(connect(Settings(redis=real.url, kafka="127.0.0.1:1", secret="a key of this test")), *QUESTIONS)
        )
    server = SimRedis(lambda: 1.8e9)
    assert asyncio.run(told(client(lambda: server, Near()), *QUESTIONS)) == answers
