"""The simulated Redis answers as a real one does, and holds the same, whatever it is asked."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers.redis import RedisServer
from tests.simulation import redis_said
from tests.simulation.redis_both import Both
from tests.simulation.redis_drawn import COMMANDS, SCRIPTS

DRAWN = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


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
    for command in getattr(redis_said, family):
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
