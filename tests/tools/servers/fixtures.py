"""The real servers as fixtures. Where a program is missing the test fails, and says what to install."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisPair, RedisServer

BROKERS = 3
_started = pytest.StashKey[Kafka]()


@pytest.fixture(scope="session")
def kafka_brokers(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Kafka]:
    """Three brokers for the whole session, not all of which run (see `mend`); tests ask for `kafka_cluster`."""
    with Kafka(tmp_path_factory.mktemp("kafka"), BROKERS) as kafka:
        pytestconfig.stash[_started] = kafka
        yield kafka


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the brokers where the file that follows needs none: idle they take a tenth of a core. `mend` starts them."""
    kafka = item.config.stash.get(_started, None)
    if kafka is not None and nextitem is not None and nextitem.path != item.path and not _on_brokers(nextitem):
        for node in kafka.nodes:
            kafka.kill(node)


def _on_brokers(item: pytest.Item) -> bool:
    """Return whether a test of this one's file uses the brokers."""
    beside = (each for each in item.session.items if each.path == item.path)
    return any("kafka_brokers" in getattr(each, "fixturenames", ()) for each in beside)


@pytest.fixture
def kafka_cluster(kafka_brokers: Kafka) -> Kafka:
    """Three brokers, all of them there and empty, whatever the test before did to them."""
    kafka_brokers.mend()
    kafka_brokers.reset()
    return kafka_brokers


@pytest.fixture
def redis_aof(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis with its append-only file, of the test's own."""
    with RedisServer(tmp_path / "redis") as redis:
        yield redis


@pytest.fixture
def redis_pair(tmp_path: Path) -> Iterator[RedisPair]:
    """A primary with two replicas and three Sentinels, of the test's own."""
    with RedisPair(tmp_path / "pair") as pair:
        yield pair
