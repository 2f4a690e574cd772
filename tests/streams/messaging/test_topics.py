import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from domain.policy.retention import WEEK
from streams.messaging import topics
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings


@pytest.fixture
def topic() -> topics.Topic:
    return topics.Topic(f"test-{uuid.uuid4().hex[:12]}", "any", WEEK, family=True)


def test_what_create_made_is_right_and_is_made_once(tmp_path: Path) -> None:
    with Embedded(tmp_path) as servers:  # its own: elsewhere a test may have made a topic by writing to it
        settings = servers.settings(Settings())
        topics.create(settings)
        assert topics.check(settings) == []
        assert topics.create(settings) == []


def test_a_missing_topic_is_told(settings: Settings, topic: topics.Topic) -> None:
    assert topics.check(settings, [topic]) == [
        f"topic {topic.name} is missing. Create it with `quanzu admin topics create`."
    ]


def test_a_family_that_is_split_otherwise_is_told(settings: Settings, topic: topics.Topic) -> None:
    topics.create(settings.model_copy(update={"partitions": 3}), [topic])
    (trouble,) = topics.check(settings, [topic])
    assert "has 3 partitions, not 4" in trouble


def test_a_topic_kept_otherwise_is_told_with_the_command_that_mends_it(settings: Settings, topic: topics.Topic) -> None:
    topics.create(settings, [replace(topic, compacted=True)])
    (trouble,) = topics.check(settings, [topic])
    assert "cleanup.policy = compact,delete, not delete" in trouble
    assert "--add-config cleanup.policy=delete" in trouble


def test_too_few_copies_are_told_in_production_only(settings: Settings, topic: topics.Topic) -> None:
    topics.create(settings, [topic])
    production = settings.model_copy(update={"embedded": False, "replication": 3})
    troubles = topics.check(production, [topic])
    assert any("has 1 copies, not 3" in trouble for trouble in troubles)
    assert any("min.insync.replicas = 1, not 2" in trouble for trouble in troubles)


def test_the_family_is_split_alike_and_the_rest_is_small(settings: Settings) -> None:
    wide = {topic.name for topic in topics.ALL if topic.partitions(settings) == settings.partitions}
    assert {
        "signals",
        "signals-urgent",
        "case-inputs",
        "case-events",
        "case-snapshots",
        "dispatches.sms",
        "residents",
    } <= wide
    assert topics.POLICIES.partitions(settings) == 1


@given(st.binary(max_size=64), st.integers(1, 64))
def test_a_key_is_where_kafkas_clients_put_it(key: bytes, partitions: int) -> None:
    every = list(range(partitions))
    assert topics.partition_of(key, partitions) == DefaultPartitioner()(key, every, every)
