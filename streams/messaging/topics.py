"""The topics: what they are called, how they are kept, how to create them and how to tell that they are right."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from zlib import crc32

from aiokafka.partitioner import murmur2
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from domain.policy.retention import DAY, WEEK
from streams.messaging.kafka_client import admin as kafka_admin
from streams.messaging.kafka_settings import Rule, of_topic, wrong
from streams.runtime.settings import Settings

FOR_GOOD = None
VISIBLE_SECONDS = 10.0  # that a broker may take to hear of a new topic


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it has to be."""

    name: str
    key: str  # what its records are keyed by, in words
    kept: timedelta | None = FOR_GOOD
    compacted: bool = False
    family: bool = False  # has the family's number of partitions, so that a key is in the same one of each
    segment: timedelta = DAY  # what is younger is not compacted

    def partitions(self, settings: Settings) -> int:
        return settings.partitions if self.family else 1


SIGNALS = Topic("signals", "shard of the subject", WEEK, family=True)
SIGNALS_URGENT = Topic("signals-urgent", "shard of the subject", WEEK, family=True)  # see domain/risk/lanes.py
CASE_INPUTS = Topic("case-inputs", "resident", WEEK, family=True)
CASE_EVENTS = Topic("case-events", "resident", family=True)
CASE_SNAPSHOTS = Topic("case-snapshots", "resident", compacted=True, family=True)
DISPATCHES_SMS = Topic("dispatches.sms", "resident", WEEK, family=True)
DISPATCHES_PHONE = Topic("dispatches.phone", "resident", WEEK, family=True)
DISPATCHES_VISIT = Topic("dispatches.visit", "resident", WEEK, family=True)
DISPATCHES_PAYMENT = Topic("dispatches.payment", "resident", WEEK, family=True)
DISPATCHES_RED = Topic("dispatches.red", "resident", WEEK, family=True)  # red's, of all channels
RESIDENTS = Topic("residents", "resident", compacted=True, family=True)
# As long as a policy keeps evidence ([risk] keep): see streams/messaging/retention.py and
# streams/screening/evidence_log.py.
EVIDENCE = Topic("evidence", "resident and member of the evidence", timedelta(days=60), compacted=True, family=True)
WATCHLIST = Topic("watchlist", "phone, account or payee, hashed", compacted=True)
POLICIES = Topic("policies", "content's hash", compacted=True)
ROSTERS = Topic("rosters", "station", compacted=True)
ACCOUNTS = Topic("accounts", "token of a bank account", compacted=True)
FEEDS = Topic("feeds", "source", compacted=True)
STAFF = Topic("staff", "login, or token/ and its id", compacted=True)
DRAFTS = Topic("drafts", "draft of a policy", compacted=True)
ALARMS = Topic("alarms", "alarm", compacted=True)
WEBHOOKS = Topic("webhooks", "webhook", compacted=True)
COMPLAINTS = Topic("complaints", "complaint", compacted=True)
INCIDENTS = Topic("incidents", "incident", compacted=True)
RELEASES = Topic("releases", "request to lift a stop", compacted=True)
PAYERS_REQUESTS = Topic("payers-requests", "request to alert earlier payers", compacted=True)
HANDOVERS = Topic("handovers", "hand-over", compacted=True)
EPOCHS = Topic("epochs", "an epoch, or all confirmations", compacted=True, segment=timedelta(minutes=10))
VAULTS = Topic("vaults", "the installation's vault", compacted=True)  # see streams/security/vault.py
BANK_MESSAGES = Topic("bank-messages", "resident")
CALLS = Topic("calls", "call to 96110", timedelta(days=120))
AUDIT = Topic("audit", "user of the console")
SHADOW = Topic("shadow", "resident", timedelta(days=30))
DEAD_LETTERS = Topic("dead-letters", "source", timedelta(days=30))

LANES = (SIGNALS_URGENT, SIGNALS)
DISPATCHES = (DISPATCHES_RED, DISPATCHES_SMS, DISPATCHES_PHONE, DISPATCHES_VISIT, DISPATCHES_PAYMENT)
CONSOLES = (STAFF, DRAFTS, ALARMS, WEBHOOKS, COMPLAINTS, INCIDENTS, RELEASES, HANDOVERS)
COMPACTED = (RESIDENTS, WATCHLIST, POLICIES, ROSTERS, ACCOUNTS, FEEDS, PAYERS_REQUESTS, *CONSOLES)
SHARED = (*COMPACTED, EVIDENCE)
"""What the store that all partitions share is filled from (streams/state/shared_state.py)."""

LOGS = (CALLS, BANK_MESSAGES, AUDIT, SHADOW, DEAD_LETTERS)
ALL = (*LANES, CASE_INPUTS, CASE_EVENTS, CASE_SNAPSHOTS, *DISPATCHES, *SHARED, EPOCHS, VAULTS, *LOGS)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's own clients choose for `key`: murmur2 without its sign."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def shard_of(value: str, partitions: int) -> int:
    """The partition of what need not lie where Kafka's clients would put it, whose hash takes some 5 µs in Python."""
    return crc32(value.encode()) % partitions


@lru_cache(maxsize=65_536)
def home(resident: str, partitions: int) -> int:
    """The partition of the family that is a resident's: his cases, inputs and keys lie there."""
    return partition_of(resident.encode(), partitions)


def configuration(topic: Topic, settings: Settings) -> dict[str, str]:
    """The topic's configuration on the broker. A compacted topic keeps the latest of each key (for `kept`)."""
    return {rule.name: rule.value for rule in rules(topic, settings)}


def rules(topic: Topic, settings: Settings) -> list[Rule]:
    """What each of the topic's settings must be."""
    least = None if topic.kept is None else WEEK if topic.family else DAY  # more is the policy's affair: see retention
    in_sync = _in_sync(settings)
    return of_topic(cleanup=_cleanup(topic), kept=topic.kept, least_kept=least, in_sync=in_sync, segment=topic.segment)


def create(settings: Settings, wanted: Iterable[Topic] = ALL) -> list[str]:
    """Create what is missing and return its names; what is there stays as it is (see `check`)."""
    admin = kafka_admin(settings)
    try:
        present = set(admin.list_topics())
        made = [topic.name for topic in wanted if topic.name not in present and _created(admin, topic, settings)]
        _await_visible(admin, made)
        return made
    finally:
        admin.close()


def _await_visible(admin: KafkaAdminClient, made: list[str]) -> None:
    """A broker knows of a new topic a moment after the controller has made it: who checks at once must find it."""
    until = time.monotonic() + VISIBLE_SECONDS
    while not set(made) <= set(admin.list_topics()) and time.monotonic() < until:
        time.sleep(0.05)


def check(settings: Settings, wanted: Iterable[Topic] = ALL) -> list[str]:
    """What is wrong with the topics and what to do about it; nothing when all is well."""
    topics = list(wanted)
    admin = kafka_admin(settings)
    try:
        found = {topic["name"]: topic for topic in admin.describe_topics() if not topic["error_code"]}
        configured = _configured(admin, [topic.name for topic in topics if topic.name in found])
    finally:
        admin.close()
    return [
        trouble
        for topic in topics
        for trouble in _troubles(topic, found.get(topic.name), configured.get(topic.name, {}), settings)
    ]


def _cleanup(topic: Topic) -> str:
    if not topic.compacted:
        return "delete"
    return "compact" if topic.kept is None else "compact,delete"


def _in_sync(settings: Settings) -> int:
    return 2 if settings.replication >= 3 else 1


def _created(admin: KafkaAdminClient, topic: Topic, settings: Settings) -> bool:
    made = NewTopic(
        topic.name,
        topic.partitions(settings),
        settings.replication,
        topic_configs=configuration(topic, settings),
    )
    try:
        admin.create_topics([made])
    except TopicAlreadyExistsError:  # another process was faster
        return False
    return True


def _configured(admin: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """Each topic's configuration as far as the broker tells it."""
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        answer = admin.describe_configs(asked, config_filter="all")
    except KafkaError:  # a broker that is not Kafka may not know the question
        return {}
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items()}
        for name, entries in answer.get("topic", {}).items()
    }


def _troubles(
    topic: Topic, found: Mapping[str, Any] | None, configured: Mapping[str, str], settings: Settings
) -> Iterator[str]:
    if found is None:
        yield f"topic {topic.name} is missing. Create it with `quanzu admin topics create`."
        return
    yield from _layout_troubles(topic, found["partitions"], settings)
    for rule, value in wrong(rules(topic, settings), configured):
        if not (settings.embedded and rule.name == "min.insync.replicas"):
            yield _wrong_configuration(topic, rule, value, settings)


def _layout_troubles(topic: Topic, partitions: list[Mapping[str, Any]], settings: Settings) -> Iterator[str]:
    if len(partitions) != topic.partitions(settings):
        yield (
            f"topic {topic.name} has {len(partitions)} partitions, not {topic.partitions(settings)}. "
            "A key must stay in its partition, and a family's topics are split alike: set QUANZU_PARTITIONS to "
            "what the topics have, or start over with new topics; do not add partitions to old ones."
        )
    copies = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
    if copies < settings.replication and not settings.embedded:
        yield (
            f"topic {topic.name} has {copies} copies, not {settings.replication}: a broker lost may take records with "
            "it. Reassign its partitions to more brokers (kafka-reassign-partitions.sh), or set QUANZU_REPLICATION."
        )


def _wrong_configuration(topic: Topic, rule: Rule, value: str, settings: Settings) -> str:
    wanted = f"[{rule.value}]" if "," in rule.value else rule.value  # as kafka-configs.sh reads a list
    return (
        f"topic {topic.name} has {rule.name} = {value}, not {rule.must}: {rule.why}. Set it with "
        f"`kafka-configs.sh --bootstrap-server {settings.kafka} --alter --topic {topic.name} "
        f"--add-config {rule.name}={wanted}`."
    )
