"""Applies the policy's retention times to the topics."""

from collections.abc import Mapping
from datetime import timedelta

from kafka.admin import ConfigResource, ConfigResourceType

from domain.policy.retention import Retention
from domain.policy.units import spelt
from streams.messaging import topics
from streams.messaging.kafka_client import admin as kafka_admin
from streams.messaging.topics import Topic
from streams.runtime.settings import Settings

KINDS: Mapping[str, tuple[Topic, ...]] = {
    "signals": (*topics.LANES, topics.REPORTED_FRAUDS),
    "inputs": (topics.OUTSIDE_INPUTS, topics.CASE_INPUTS),
    "dispatches": topics.DISPATCHES,
    "calls": (topics.CALLS, topics.PUBLIC_REPORTS),
    "evidence_files": (topics.EVIDENCE_FILES,),
    "call_recordings": (topics.CALL_RECORDINGS,),
    "shadow": (topics.SHADOW,),
    "dead_letters": (topics.DEAD_LETTERS,),
}
"""The topics of each kind, by the kind's name in the policy."""


def retention_of(rules: Retention, evidence: timedelta) -> dict[str, timedelta]:
    """Return, by the topic's name, how long the policy keeps its records: for the topics in KINDS, and the topic of
    evidence.

    `evidence`: how long evidence is kept ([risk] keep).
    """
    named = {topic.name: getattr(rules, kind) for kind, found in KINDS.items() for topic in found}
    return {**named, topics.EVIDENCE.name: evidence}


def retain(settings: Settings, rules: Retention, evidence: timedelta) -> dict[str, str]:
    """Set the topics' retention times in Kafka as the policy requires. Return the changes as text by topic, such as
    "7d, now 14d"; topics that already had the right retention are left out, so empty if nothing was changed.

    `rules`: the policy's retention times; `evidence`: how long Redis keeps evidence ([risk] keep). The topic keeps
    evidence for the same time, because a lost Redis is restored from it. Blocking: call it in a thread. Raises
    AccessError if Kafka refuses access, KafkaError or OSError if it is unavailable or a topic is missing, SettingsError
    if the embedded servers are not started yet, and ValueError if the CA file is unusable.
    """
    wanted = retention_of(rules, evidence)
    with kafka_admin(settings) as admin:
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
        told = admin.describe_configs(asked, config_filter="all")["topic"]
        before = {name: timedelta(milliseconds=int(told[name]["retention.ms"]["value"])) for name in wanted}
        other = {name: kept for name, kept in wanted.items() if before[name] != kept}
        changed = [
            ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": str(round(kept.total_seconds() * 1000))})
            for name, kept in other.items()
        ]
        if changed:
            admin.alter_configs(changed)
    return {name: f"{spelt(before[name])}, now {spelt(kept)}" for name, kept in other.items()}
