"""Settings of Kafka and Redis that lose or block data: each is told, with what mends it; a worker does not start."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import ClusterAuthorizationFailedError, KafkaError, KafkaTimeoutError

from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging import broker_settings, topics
from streams.messaging.kafka_settings import MESSAGE_BYTES, RECORD_BYTES, TOMBSTONE
from streams.messaging.producer import MAX_BYTES, Record
from streams.monitoring.doctor import Diagnosis, examine
from streams.monitoring.status.checks import status_page
from streams.runtime.settings import Settings, SettingsError
from streams.security.encrypted_kafka import make_producer
from streams.security.rights import Component
from streams.security.vault import VaultError
from streams.security.vault_identity import adopt
from streams.state.redis_settings import wrong
from tests.dispatched import NOW
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

KEPT, LOG = topics.RESIDENTS.name, topics.SIGNALS.name
BAD = [
    (LOG, "retention.bytes", "1000000"),
    (KEPT, "retention.bytes", "1000000"),
    (LOG, "max.message.bytes", "100000"),
    (KEPT, "delete.retention.ms", "86400000"),
    (KEPT, "cleanup.policy", "delete"),
    (LOG, "cleanup.policy", "compact"),
    (LOG, "retention.ms", "3600000"),
    (topics.CASE_EVENTS.name, "retention.ms", "604800000"),
    (LOG, "segment.bytes", "1048576"),
    (LOG, "segment.ms", "604800000"),
    (LOG, "min.insync.replicas", "2"),
    (LOG, "unclean.leader.election.enable", "true"),
    (LOG, "message.timestamp.type", "LogAppendTime"),
    (LOG, "message.timestamp.before.max.ms", "3600000"),
    (LOG, "message.timestamp.after.max.ms", "3600000"),
    (LOG, "compression.type", "zstd"),
]
FIX = re.compile(r"--alter --topic (\S+) --add-config ([\w.]+)=(\S+)`")
BAD_PROPERTIES = """
offsets.retention.minutes=60
socket.request.max.bytes=2000000
replica.lag.time.max.ms=600000
group.min.session.timeout.ms=10000
group.max.size=2
auto.create.topics.enable=true
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    with Kafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture
def installation(broker: Kafka, redis_aof: RedisServer) -> Settings:
    """Settings on a Kafka with all topics as they must be, and a Redis of the test's own."""
    settings = _settings(broker, redis_aof.url)
    topics.create(settings)
    return settings


def _settings(broker: Kafka, redis: str) -> Settings:
    return Settings(kafka=broker.address, redis=redis, replication=1, secret="the key of a test", keys=KEYS)


def test_what_create_made_is_right_on_kafka(installation: Settings) -> None:
    assert topics.check(installation) == []
    assert broker_settings.check(installation) == []


@pytest.mark.parametrize(("topic", "name", "value"), BAD)
def test_a_setting_of_a_topic_that_loses_or_blocks_data_is_told_and_what_is_said_mends_it(
    broker: Kafka, installation: Settings, topic: str, name: str, value: str
) -> None:
    _alter(broker, topic, {name: value})
    (trouble,) = topics.check(installation)
    assert trouble.startswith(f"topic {topic} has {name} = {value}, not ")
    found = FIX.search(trouble)
    assert found is not None
    assert (found[1], found[2]) == (topic, name)
    _alter(broker, topic, {found[2]: found[3]})
    assert topics.check(installation) == []


def test_a_worker_does_not_start_on_a_topic_that_deletes(broker: Kafka, installation: Settings) -> None:
    line = Installation(installation, ChannelSettings(), component=Component.WORKER)
    _alter(broker, LOG, {"retention.bytes": "1000000"})
    try:
        with pytest.raises(SettingsError, match=r"retention\.bytes = 1000000, not -1"):
            line.check_topics()
    finally:
        _alter(broker, LOG, {"retention.bytes": "-1"})
    line.check_topics()


async def test_the_largest_record_that_a_producer_writes_is_taken_by_every_topic(installation: Settings) -> None:
    producer = make_producer(installation)
    await producer.start()
    try:
        for topic in (LOG, KEPT):
            await producer.send_all([Record(topic, b"key", bytes(MAX_BYTES - 200), 0)])
    finally:
        await producer.stop()
    assert RECORD_BYTES < MESSAGE_BYTES


class UnreadableBrokers:
    """Stands for the client of a cluster of one broker that does not show its settings: each request for them ends with
    `error`.
    """

    def __init__(self, error: KafkaError) -> None:
        self.error = error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"broker_id": 1}]}

    def describe_configs(self, *_: object, **__: object) -> None:
        raise self.error

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [{"error_code": 0, "partitions": [{"replica_nodes": [1]}]}]


def _unreadable(monkeypatch: pytest.MonkeyPatch, error: KafkaError) -> Settings:
    monkeypatch.setattr(broker_settings, "kafka_admin", lambda settings: UnreadableBrokers(error))
    return Settings(kafka="kafka:9092", redis="redis://redis", replication=3, secret="the key of a test")


def test_brokers_that_may_not_be_asked_are_a_warning_and_the_copies_are_checked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = broker_settings.check(_unreadable(monkeypatch, ClusterAuthorizationFailedError()))
    assert [(each.what.partition(" (")[0], each.warns) for each in found] == [
        ("the brokers' settings cannot be seen", True),
        (
            "topic __consumer_offsets has 1 copies, not 3: with one broker the places of all groups are lost",
            False,
        ),
    ]


def test_brokers_that_do_not_answer_in_time_are_not_taken_for_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaTimeoutError):
        broker_settings.check(_unreadable(monkeypatch, KafkaTimeoutError()))


def test_brokers_whose_settings_lose_or_block_data_are_told_and_refused(tmp_path: Path, redis_aof: RedisServer) -> None:
    with Kafka(tmp_path / "kafka", properties=BAD_PROPERTIES) as broker:
        settings = _settings(broker, redis_aof.url)
        topics.create(settings)
        found = {each.what.split(" = ")[0].removeprefix("broker 1: "): each for each in broker_settings.check(settings)}
        assert found.keys() == {line.split("=")[0] for line in BAD_PROPERTIES.split()}
        assert [name for name, each in found.items() if each.warns] == ["auto.create.topics.enable"]
        assert "offsets.retention.minutes=10080" in found["offsets.retention.minutes"].do
        with pytest.raises(SettingsError, match=r"offsets\.retention\.minutes = 60, not 10080 or more"):
            Installation(settings, ChannelSettings(), component=Component.WORKER).check_topics()
        told = {each.what: each for each in asyncio.run(examine(settings))}
        assert not next(each for what, each in told.items() if "group.max.size = 2" in what).good


async def test_a_redis_that_evicts_is_told_and_no_worker_starts_on_it(
    settings: Settings, redis_aof: RedisServer
) -> None:
    topics.create(settings)
    own = settings.model_copy(update={"redis": redis_aof.url})
    with redis_aof.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    assert _redis_findings(await examine(own)) == ["Redis has maxmemory-policy = allkeys-lru, not noeviction"]
    assert "redis-evicts" in {trouble.name for trouble in (await status_page(own)).troubles}
    line = Installation(own, ChannelSettings(), component=Component.WORKER)
    with pytest.raises(SettingsError, match="Set `maxmemory-policy noeviction`"):
        await line.open()
    await line.close()


async def test_a_redis_without_its_file_or_with_one_that_is_never_synced_is_told(
    settings: Settings, redis_aof: RedisServer
) -> None:
    topics.create(settings)
    own = settings.model_copy(update={"redis": redis_aof.url})
    with redis_aof.client() as client:
        client.config_set("appendfsync", "no")
        assert _redis_findings(await examine(own)) == ["Redis has appendfsync = no, not everysec"]
        client.config_set("appendonly", "no")
        assert _redis_findings(await examine(own)) == ["Redis keeps no append-only file"]


async def test_a_vault_that_may_lose_a_key_is_told_and_no_worker_starts_with_it(
    settings: Settings, redis_aof: RedisServer
) -> None:
    topics.create(settings)
    own = settings.model_copy(update={"vault": redis_aof.url})  # its file is synced each second
    assert _redis_findings(await examine(own), "the vault") == ["the vault has appendfsync = everysec, not always"]
    line = Installation(own, ChannelSettings(), component=Component.WORKER)
    with pytest.raises(SettingsError, match="Set `appendfsync always`"):
        await line.open()
    await line.close()


async def test_no_worker_starts_with_another_vault_and_the_doctor_tells_it(settings: Settings, tmp_path: Path) -> None:
    topics.create(settings)
    with RedisServer(tmp_path / "one", synced="always") as one, RedisServer(tmp_path / "two", synced="always") as two:
        right, wrong_one = (settings.model_copy(update={"vault": each.url}) for each in (one, two))
        line = Installation(right, ChannelSettings(), component=Component.WORKER)
        await line.open()
        await line.close()
        told = {each.what: each.good for each in await examine(right)}
        assert told["the vault is the one that the records were sealed by"]
        line = Installation(wrong_one, ChannelSettings(), component=Component.WORKER)
        with pytest.raises(VaultError, match="a vault without an identity"):
            await line.open()
        await line.close()
        (found,) = [each for each in await examine(wrong_one) if "QUANZU_VAULT names" in each.what]
        assert (found.good, found.do) == (False, "Name that one, or bring its copy back (RUNBOOK, The vault)")
        await adopt(wrong_one, "operator-1", "a test: the vault is lost, and no copy is left", NOW)
        line = Installation(wrong_one, ChannelSettings(), component=Component.WORKER)
        await line.open()
        await line.close()


def test_what_a_user_may_not_ask_is_not_judged() -> None:
    assert list(wrong({"maxmemory_policy": "noeviction", "aof_enabled": 1}, None)) == []


def test_a_deletion_stays_as_long_as_signals_may_be_kept() -> None:
    assert TOMBSTONE.days == 90
    for topic in topics.ALL:
        told = topics.configuration(topic, Settings(replication=3))
        assert ("delete.retention.ms" in told) == topic.compacted


def _alter(broker: Kafka, topic: str, configured: Mapping[str, str]) -> None:
    with broker.admin() as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(configured))])


def _redis_findings(found: list[Diagnosis], name: str = "Redis") -> list[str]:
    whats = [each.what for each in found if not each.good]
    return [what.partition(":")[0] for what in whats if what.startswith((f"{name} has", f"{name} keeps"))]
