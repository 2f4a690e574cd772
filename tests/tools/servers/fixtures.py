"""The real servers as fixtures. Where a program is missing the test fails, and says what to install."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisPair, RedisServer

BROKERS = 3


@pytest.fixture(scope="session")
def kafka_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """Three brokers for the whole session; tests ask for `kafka_cluster`."""
    with Kafka(tmp_path_factory.mktemp("kafka"), BROKERS) as kafka:
        yield kafka


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
