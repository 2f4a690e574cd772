"""The administration of Kafka that a growth needs: topics made anew, added partitions, consumer groups.

All functions block: call them in a thread. They raise AccessError if Kafka refuses access, KafkaError or OSError if it
is unavailable or refuses a request, and GrowthError if it does not finish a change in time.
"""

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError

from streams.messaging.kafka_client import admin as kafka_admin
from streams.operations.growth.copies import GrowthError
from streams.runtime.settings import Settings

GONE_SECONDS = 120.0  # that Kafka may take to delete a topic, or to show a new one
LOOK_SECONDS = 0.1
OF_WEBHOOK = "(-w[a-z2-7]{16})?"  # the end of a group's name: the id of a webhook, or nothing
OF_TOPIC = "DYNAMIC_TOPIC_CONFIG"
KEEPING_ALL = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
"""The settings under which Kafka deletes no record: a copy can be compared with what was written."""


def own_settings(settings: Settings, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the settings that were made for each of these topics, without the brokers' defaults: by topic, the values
    by the setting's name. Blocking. Raises AccessError if Kafka refuses access, and KafkaError or OSError if it is
    unavailable.
    """
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    with kafka_admin(settings) as admin:
        found = admin.describe_configs(asked, config_filter="all")["topic"]
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items() if entry["config_source"] == OF_TOPIC}
        for name, entries in found.items()
    }


def make_anew(settings: Settings, name: str, partitions: int, configured: Mapping[str, str]) -> None:
    """Delete the topic if it exists, and create it empty with these settings. Returns once Kafka shows it. Blocking.
    Raises AccessError if Kafka refuses access, KafkaError or OSError if it is unavailable, and GrowthError if it does
    not finish in time.
    """
    with kafka_admin(settings) as admin:
        _delete(admin, [name])
        made = NewTopic(name, partitions, settings.replication, topic_configs=dict(configured))
        until = time.monotonic() + GONE_SECONDS
        while True:
            try:
                admin.create_topics([made])
            except TopicAlreadyExistsError:  # its deletion is still under way
                if time.monotonic() > until:
                    raise
                time.sleep(LOOK_SECONDS)
            else:
                break
        _await(lambda: _counts(admin, [name]).get(name) == partitions, until)


def configure(settings: Settings, name: str, configured: Mapping[str, str], before: Iterable[str]) -> None:
    """Give a topic exactly these settings of its own. `before`: names of settings that are removed if not given.
    Blocking. Raises AccessError if Kafka refuses access, and KafkaError or OSError if it is unavailable.
    """
    left = {key: None for key in before if key not in configured}
    with kafka_admin(settings) as admin:
        if left:
            admin.reset_configs([ConfigResource(ConfigResourceType.TOPIC, name, left)])
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, dict(configured))])


def add_partitions(settings: Settings, names: Iterable[str], count: int) -> None:
    """Add partitions to these topics, so that each has `count`. Those that have `count` already stay as they are.
    Blocking. Raises AccessError if Kafka refuses access, KafkaError or OSError if it is unavailable, and GrowthError if
    it does not finish in time.
    """
    names = list(names)
    with kafka_admin(settings) as admin:
        fewer = [name for name, number in _counts(admin, names).items() if number < count]
        if fewer:
            admin.create_partitions(dict.fromkeys(fewer, count))
        until = time.monotonic() + GONE_SECONDS
        _await(lambda: set(_counts(admin, names).values()) == {count}, until)


def delete(settings: Settings, names: Collection[str]) -> None:
    """Delete those of the topics that exist. Returns once Kafka no longer shows them. Blocking. Raises AccessError if
    Kafka refuses access, KafkaError or OSError if it is unavailable, and GrowthError if it does not finish in time.
    """
    with kafka_admin(settings) as admin:
        _delete(admin, names)


def topics_present(settings: Settings, names: Collection[str]) -> set[str]:
    """Return those of the topics that exist. Blocking. Raises AccessError if Kafka refuses access, and KafkaError or
    OSError if it is unavailable.
    """
    with kafka_admin(settings) as admin:
        return set(names) & set(admin.list_topics())


def groups(settings: Settings) -> dict[str, bool]:
    """Return the consumer groups of the workers and of the webhooks that exist: by name, True if the group has a
    consumer now, else False. Blocking. Raises AccessError if Kafka refuses access, and KafkaError or OSError if it is
    unavailable.
    """
    with kafka_admin(settings) as admin:
        found = [each["group_id"] for each in admin.list_groups()]
        ours = [name for name in found if re.fullmatch(re.escape(settings.app_id) + OF_WEBHOOK, name)]
        told = admin.describe_groups(ours) if ours else {}
    return {name: bool(group["members"]) for name, group in told.items()}


def committed(settings: Settings, group: str) -> dict[tuple[str, int], int]:
    """Return the offset of the next record that a consumer group will process, by topic and partition; empty if it has
    committed nothing. Blocking. Raises AccessError if Kafka refuses access, and KafkaError or OSError if it is
    unavailable.
    """
    with kafka_admin(settings) as admin:
        found = admin.list_group_offsets(group)[group]
    return {(where.topic, where.partition): entry.offset for where, entry in found.items()}


def _delete(admin: KafkaAdminClient, names: Collection[str]) -> None:
    there = sorted(set(names) & set(admin.list_topics()))
    if there:
        with suppress(UnknownTopicOrPartitionError):  # deleted meanwhile, by an interrupted run
            admin.delete_topics(there)
    _await(lambda: not set(names) & set(admin.list_topics()), time.monotonic() + GONE_SECONDS)


def _counts(admin: KafkaAdminClient, names: list[str]) -> dict[str, int]:
    found = admin.describe_topics(names)
    return {topic["name"]: len(topic["partitions"]) for topic in found if not topic["error_code"]}


def _await(done: Callable[[], bool], until: float) -> None:
    while not done():
        if time.monotonic() > until:
            raise GrowthError(f"Kafka did not finish a change of its topics within {GONE_SECONDS:.0f} s. Run it again")
        time.sleep(LOOK_SECONDS)
