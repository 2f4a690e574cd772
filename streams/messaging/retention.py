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
    "signals": topics.LANES,
    "inputs": (topics.CASE_INPUTS,),
    "dispatches": topics.DISPATCHES,
    "calls": (topics.CALLS, topics.PUBLIC_REPORTS),
    "evidence_files": (topics.EVIDENCE_FILES,),
    "shadow": (topics.SHADOW,),
    "dead_letters": (topics.DEAD_LETTERS,),
}
"""The topics of each kind, by the kind's name in the policy."""


def retain(settings: Settings, rules: Retention, evidence: timedelta) -> dict[str, str]:
    """Set the topics' retention as the policy says. Return by topic the changes as text, such as "7d, now 14d".

    Topics that had the right retention are left out. `evidence`: how long Redis keeps evidence ([risk] keep); its topic
    keeps it as long, because a lost Redis is filled from it. Blocking: call it in a thread. Raises AccessError if Kafka
    refuses access, and KafkaError or OSError if it is unavailable or a topic is missing.
    """
    wanted = {topic.name: getattr(rules, kind) for kind, found in KINDS.items() for topic in found}
    wanted[topics.EVIDENCE.name] = evidence
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
