"""How long records are kept: the policy says it, the topics do it, on a real Kafka."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from pydantic import ValidationError

from domain.policy import load
from domain.policy.retention import Retention
from streams.messaging import topics
from streams.messaging.retention import KINDS, retain
from streams.runtime.settings import Settings
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

DAY = timedelta(days=1)
JILIN = Path(__file__).parents[3] / "deploy" / "policy" / "jilin.toml"


def test_every_topic_that_ends_is_of_one_kind_and_is_made_as_jilin_s_policy_says() -> None:
    rules = load(JILIN.read_text("utf-8")).retention
    kinds = {topic: getattr(rules, kind) for kind, found in KINDS.items() for topic in found}
    kinds[topics.SECURITY_EVENTS] = topics.SECURITY_EVENTS.kept  # six months by law, whatever a policy says
    # A promised call, the places of a search, what other centres were told of a suspect, and a checkpoint, which the
    # next replaces: kept for as long as they are needed, whatever a policy says.
    needed = topics.CALL_BACKS, topics.SEARCHES, topics.SHARED_SUSPECTS, topics.CHECKPOINTS
    kinds |= {topic: topic.kept for topic in needed}
    kinds[topics.EVIDENCE] = load(JILIN.read_text("utf-8")).risk.keep
    assert kinds == {topic: topic.kept for topic in topics.ALL if topic.kept is not None}
    assert rules == Retention()
    assert KINDS.keys() == Retention.model_fields.keys()


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("signals", "6d"), ("dispatches", "91d"), ("inputs", "0s"), ("calls", "23h"), ("call_recordings", "6d")],
)
def test_what_is_kept_too_short_or_too_long_is_refused_by_its_name(kind: str, kept: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Retention.model_validate({kind: kept})
    assert [each["ctx"]["key"] for each in refused.value.errors()] == [kind]


async def test_the_topics_keep_what_the_policy_says_and_the_check_finds_what_is_kept_too_short(
    kafka_cluster: Kafka, redis_aof: RedisServer
) -> None:
    about = {"kafka": kafka_cluster.address, "redis": redis_aof.url, "secret": "the key of a test", "keys": KEYS}
    settings = Settings.model_validate(about)
    await asyncio.to_thread(topics.create, settings)
    assert await asyncio.to_thread(retain, settings, Retention(), 60 * DAY) == {}
    rules = Retention(signals=14 * DAY, dead_letters=10 * DAY)
    changed = {"signals": "7d, now 14d", "signals-urgent": "7d, now 14d", "dead-letters": "30d, now 10d"}
    changed |= {"reported-frauds": "7d, now 14d", "evidence": "60d, now 90d"}
    assert await asyncio.to_thread(retain, settings, rules, 90 * DAY) == changed
    assert await asyncio.to_thread(retain, settings, rules, 90 * DAY) == {}
    assert await asyncio.to_thread(topics.check, settings) == []
    with kafka_cluster.admin() as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "signals", {"retention.ms": "3600000"})])
    (trouble,) = await asyncio.to_thread(topics.check, settings)
    assert "topic signals has retention.ms = 3600000" in trouble
