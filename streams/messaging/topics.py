"""All topics: their names, keys and retention, and functions to create and check them."""

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
VISIBLE_SECONDS = 10.0  # that a broker may take to learn of a new topic


@dataclass(frozen=True, slots=True)
class Topic:
    """The required properties of a topic.

    `key`: the meaning of its record keys, in words. `kept`: its retention, None: without a limit. `compacted`: only the
    latest record of each key is kept. `family`: it has as many partitions as the other topics of the family, so that a
    key has the same partition number in each. `segment`: records younger than this are not compacted.
    """

    name: str
    key: str
    kept: timedelta | None = FOR_GOOD
    compacted: bool = False
    family: bool = False
    segment: timedelta = DAY

    def partitions(self, settings: Settings) -> int:
        """Return the number of partitions: that of the settings for a topic of the family, else 1."""
        return settings.partitions if self.family else 1


SIGNALS = Topic("signals", "shard of the subject", WEEK, family=True)
SIGNALS_URGENT = Topic("signals-urgent", "shard of the subject", WEEK, family=True)  # see domain/risk/lanes.py
# What parties outside report of a case: see streams/casework/outside_inputs.py.
OUTSIDE_INPUTS = Topic("outside-inputs", "resident", WEEK, family=True)
# The police's records of frauds, with the victims' names and numbers: deleted as soon as signals are.
REPORTED_FRAUDS = Topic("reported-frauds", "record", WEEK, family=True)
CASE_INPUTS = Topic("case-inputs", "resident", WEEK, family=True)
CASE_EVENTS = Topic("case-events", "resident", family=True)
CASE_SNAPSHOTS = Topic("case-snapshots", "resident", compacted=True, family=True)
# Each slot's parts replace those of its checkpoint before: see streams/casework/checkpoints.
CHECKPOINTS = Topic("checkpoints", "slot and number of the part", timedelta(days=30), compacted=True, family=True)
DISPATCHES_SMS = Topic("dispatches.sms", "resident", WEEK, family=True)
DISPATCHES_PHONE = Topic("dispatches.phone", "resident", WEEK, family=True)
DISPATCHES_VISIT = Topic("dispatches.visit", "resident", WEEK, family=True)
DISPATCHES_PAYMENT = Topic("dispatches.payment", "resident", WEEK, family=True)
DISPATCHES_PROVINCE = Topic("dispatches.province", "resident", WEEK, family=True)
DISPATCHES_RED = Topic("dispatches.red", "resident", WEEK, family=True)  # of red cases, all channels
RESIDENTS = Topic("residents", "resident", compacted=True, family=True)
# As long as a policy keeps evidence ([risk] keep): see streams/messaging/retention.py and
# streams/screening/evidence_log.py.
EVIDENCE = Topic("evidence", "resident and member of the evidence", timedelta(days=60), compacted=True, family=True)
# Pictures, each under its own key. Compacted so that a backup has them; no key comes twice. See
# streams/repositories/evidence_files.py.
EVIDENCE_FILES = Topic("evidence-files", "case, file and time", timedelta(days=365), compacted=True, family=True)
# Sound of operators' calls, in parts; compacted as the pictures are. See streams/repositories/call_recordings.py.
CALL_RECORDINGS = Topic(
    "call-recordings", "case, recording, time and part", timedelta(days=90), compacted=True, family=True
)
WATCHLIST = Topic("watchlist", "phone, account or payee, hashed", compacted=True)
# Confirmed suspects that other centres may be told of, with their numbers: no longer than the longest time that one is
# shared without a new decision (domain/stix/objects.py).
SHARED_SUSPECTS = Topic("shared-suspects", "phone, account or link, hashed", timedelta(days=366), compacted=True)
POLICIES = Topic("policies", "content's hash", compacted=True)
ROSTERS = Topic("rosters", "station", compacted=True)
PLACES = Topic("places", "place where residents may be looked for", compacted=True)
# Erased soon after the search by a tombstone; the retention and the short segments also remove what was missed.
SEARCHES = Topic("searches", "search for a resident", timedelta(days=7), compacted=True, segment=timedelta(minutes=10))
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
PUBLIC_REPORTS = Topic("public-reports", "report of the public page", timedelta(days=120), compacted=True)
# Longer than a call is owed (domain/desk/call_backs.py).
CALL_BACKS = Topic("call-backs", "keyed hash of a number to call back", WEEK, compacted=True)
SUBJECT_REQUESTS = Topic("subject-requests", "request of a person about their data", compacted=True)
LEGAL_HOLDS = Topic("legal-holds", "order to keep a person's data", compacted=True)
# Copies of records about people whose data must be kept, beyond the records' own retention: see
# streams/operations/preservation.py.
PRESERVED = Topic("preserved", "resident, and the place of the copied record", compacted=True)
FRAUD_MATCHES = Topic("fraud-matches", "record of a reported fraud", compacted=True)  # to whom each was matched
HANDOVERS = Topic("handovers", "hand-over", compacted=True)
ADMIN_REQUESTS = Topic("admin-requests", "administrator's request", compacted=True)
EPOCHS = Topic("epochs", "an epoch, or all confirmations", compacted=True, segment=timedelta(minutes=10))
VAULTS = Topic("vaults", "the installation's vault", compacted=True)  # see streams/security/vault.py
# Changed by streams/operations/growth.
PARTITION_COUNT = Topic("partition-count", "the installation's number of partitions", compacted=True)
BANK_MESSAGES = Topic("bank-messages", "resident")
CALLS = Topic("calls", "call to 96110", timedelta(days=120))
AUDIT = Topic("audit", "user of the console")
SECURITY_EVENTS = Topic("security-events", "login, its keyed hash, or unknown", timedelta(days=183))
SHADOW = Topic("shadow", "resident", timedelta(days=30))
DEAD_LETTERS = Topic("dead-letters", "source", timedelta(days=30))

LANES = (SIGNALS_URGENT, SIGNALS)
DISPATCHES = (
    *(DISPATCHES_RED, DISPATCHES_SMS, DISPATCHES_PHONE, DISPATCHES_VISIT, DISPATCHES_PAYMENT, DISPATCHES_PROVINCE),
)
CONSOLES = (
    *(STAFF, DRAFTS, ALARMS, WEBHOOKS, COMPLAINTS, INCIDENTS, RELEASES, PUBLIC_REPORTS, HANDOVERS, ADMIN_REQUESTS),
    *(SUBJECT_REQUESTS, LEGAL_HOLDS, CALL_BACKS, SEARCHES),
)
COMPACTED = (
    *(RESIDENTS, WATCHLIST, POLICIES, ROSTERS, PLACES, ACCOUNTS, FEEDS, PAYERS_REQUESTS, FRAUD_MATCHES),
    *CONSOLES,
)
SHARED = (*COMPACTED, EVIDENCE)
"""The topics from which the Redis data shared by all partitions are restored (streams/state/shared_state.py)."""

LOGS = (CALLS, BANK_MESSAGES, AUDIT, SHADOW, DEAD_LETTERS)
ALL = (
    *LANES,
    OUTSIDE_INPUTS,
    REPORTED_FRAUDS,
    CASE_INPUTS,
    CASE_EVENTS,
    CASE_SNAPSHOTS,
    CHECKPOINTS,
    *DISPATCHES,
    *SHARED,
    EVIDENCE_FILES,
    CALL_RECORDINGS,
    PRESERVED,
    SHARED_SUSPECTS,
    EPOCHS,
    VAULTS,
    PARTITION_COUNT,
    *LOGS,
    SECURITY_EVENTS,
)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition (0 to `partitions` - 1) that Kafka's own clients choose for `key`: murmur2 without its sign,
    modulo `partitions`.
    """
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def shard_of(value: str, partitions: int) -> int:
    """Return the partition (0 to `partitions` - 1) for a value, by its CRC-32.

    Kafka's own hash would take about 5 µs in Python.
    """
    return crc32(value.encode()) % partitions


@lru_cache(maxsize=65_536)
def home(resident: str, partitions: int) -> int:
    """Return the partition of a resident, by Kafka's hash of their id.

    Their cases, inputs and Redis keys are all in this partition.
    """
    return partition_of(resident.encode(), partitions)


def configuration(topic: Topic, settings: Settings) -> dict[str, str]:
    """Return the configuration with which the topic is created: values, by the name of the broker's setting."""
    return {rule.name: rule.value for rule in rules(topic, settings)}


def rules(topic: Topic, settings: Settings) -> list[Rule]:
    """Return the rules for a topic's settings in Kafka: clean-up, retention, in-sync replicas and segments."""
    least = None if topic.kept is None else WEEK if topic.family else DAY  # the policy sets more: see retention.py
    in_sync = _in_sync(settings)
    return of_topic(cleanup=_cleanup(topic), kept=topic.kept, least_kept=least, in_sync=in_sync, segment=topic.segment)


def create(settings: Settings, wanted: Iterable[Topic] = ALL) -> list[str]:
    """Create those topics of `wanted` (default: all) that are missing, and return the names of the created ones, in the
    order of `wanted`. Existing topics stay unchanged (see `check`).

    Waits up to 10 s until the brokers know the new topics. Blocking: call it in a thread. Raises AccessError if Kafka
    refuses access, KafkaError or OSError if it is unavailable or refuses a topic, SettingsError if the embedded servers
    are not started yet, and ValueError if the CA file is unusable.
    """
    admin = kafka_admin(settings)
    try:
        present = set(admin.list_topics())
        made = [topic.name for topic in wanted if topic.name not in present and _created(admin, topic, settings)]
        _await_visible(admin, made)
        return made
    finally:
        admin.close()


def _await_visible(admin: KafkaAdminClient, made: list[str]) -> None:
    """Wait, at most 10 s, until the brokers know the new topics: they learn of them a moment after the controller."""
    until = time.monotonic() + VISIBLE_SECONDS
    while not set(made) <= set(admin.list_topics()) and time.monotonic() < until:
        time.sleep(0.05)


def check(settings: Settings, wanted: Iterable[Topic] = ALL) -> list[str]:
    """Return the faults of the topics in `wanted` (default: all), in their order: missing topics and wrong settings,
    each as a text with the correction. Empty if there are none. Settings that the broker does not give are not checked.

    Blocking: call it in a thread. Raises AccessError if Kafka refuses access, KafkaError or OSError if it is
    unavailable, SettingsError if the embedded servers are not started yet, and ValueError if the CA file is unusable.
    """
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
    """Return topic -> setting -> value as text. Empty without names, or if the broker does not support the request."""
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        answer = admin.describe_configs(asked, config_filter="all")
    except KafkaError:  # a broker other than Kafka may not support the request
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
            "what the topics have; `quanzu admin topics grow` increases it. Do not add partitions yourself."
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
