"""Troubles of Kafka: unavailable, too few in-sync replicas, brokers or topics missing."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.messaging import topics
from streams.messaging.kafka_client import admin as kafka_admin
from streams.monitoring.status.page import Trouble, danger, listed, missed
from streams.runtime.credentials import AccessError
from streams.runtime.settings import Settings

REACH_MS = 4_000
CONNECT_SECONDS = 1.0
_TOPICS = {topic.name: topic for topic in topics.ALL}


def check_kafka(settings: Settings) -> tuple[bool, list[Trouble]]:
    """Return a pair: True if everything can be read from Kafka (it answers, and every partition has a leader), else
    False; and Kafka's troubles, an empty list if all is well.

    Blocking: call it in a thread. If Kafka is unavailable or refuses access, this is not an error: returns False and
    one trouble that says so.
    """
    try:
        admin = kafka_admin(settings, REACH_MS)
    except AccessError as error:
        return False, [_refused(error)]
    except (KafkaError, OSError) as error:
        return False, [_away(settings, error)]
    try:
        brokers = _alive(admin)
        found = [topic for topic in admin.describe_topics() if topic["name"] in _TOPICS]
    except (KafkaError, OSError) as error:
        return False, [_away(settings, error)]
    finally:
        admin.close()
    troubles = list(_troubles(found, brokers, settings))
    return all(trouble.name != "no-leader" for trouble in troubles), troubles


@dataclass(frozen=True, slots=True)
class Copies:
    """The state of Kafka's replication.

    `brokers`: number of brokers; `reached`: number of brokers that answer. Numbers of our partitions that have no
    leader (`headless`), fewer in-sync replicas than min.insync.replicas (`thin`), or a replica that is not in sync
    (`short`).
    """

    brokers: int
    reached: int
    headless: int
    thin: int
    short: int


def copies(settings: Settings) -> Copies:
    """Return the state of Kafka's replication: numbers of brokers and of partitions with a fault. Blocking: call it in
    a thread.

    Raises AccessError if Kafka refuses access, and KafkaError or OSError if it is unavailable.
    """
    admin = kafka_admin(settings, REACH_MS)
    try:
        alive = _alive(admin)
        found = [topic for topic in admin.describe_topics() if topic["name"] in _TOPICS]
    finally:
        admin.close()
    headless, thin, short, away = _states(found, alive, settings)
    return Copies(len(alive | away), len(alive), len(headless), len(thin), short)


def _alive(admin: KafkaAdminClient) -> set[int]:
    """Return the ids of brokers that accept connections: if most are gone, the metadata of the others are outdated."""
    found = set()
    for broker in admin.describe_cluster()["brokers"]:
        with suppress(OSError), socket.create_connection((broker["host"], broker["port"]), CONNECT_SECONDS):
            found.add(broker["broker_id"] if "broker_id" in broker else broker["node_id"])
    return found


def _away(settings: Settings, error: Exception) -> Trouble:
    return missed(
        "kafka-away",
        f"Kafka at {settings.kafka} does not answer ({type(error).__name__}): nobody new is warned, no deadline fires",
        "Start its brokers. Intake answers 503 meanwhile and feeds keep their signals; what is in the store stays",
    )


def _refused(error: AccessError) -> Trouble:
    what, _, do = str(error).partition(". ")
    return missed("kafka-refuses", f"{what}: nothing can be said of Kafka from here", do)


def _troubles(found: list[Mapping[str, Any]], brokers: set[int], settings: Settings) -> Iterator[Trouble]:
    if lacking := _TOPICS.keys() - {topic["name"] for topic in found}:
        yield missed(
            "topics-missing", f"topics are missing: {listed(sorted(lacking))}", "Run `quanzu admin topics create`"
        )
    headless, thin, short, away = _states(found, brokers, settings)
    if headless:
        yield missed(
            "no-leader",
            f"{len(headless)} partitions have no leader ({listed(headless)}): nothing can be read or written there",
            f"Start the brokers that are away: {listed(sorted(away)) or 'see their logs'}",
        )
    if thin:
        yield missed(
            "below-min-isr",
            f"{len(thin)} partitions have fewer copies in sync than are needed ({listed(thin)}): nothing is accepted",
            f"Start the brokers that are away: {listed(sorted(away)) or 'see their logs'}. Do not lower the minimum: "
            "what is written then may be lost",
        )
    if short and not thin:
        yield danger(
            "copies-missing",
            f"{short} partitions lack a copy in sync; brokers away: {listed(sorted(away)) or 'none, a copy lags'}",
            "Start them before another one fails: then nothing could be written any more",
        )


def _states(
    found: list[Mapping[str, Any]], brokers: set[int], settings: Settings
) -> tuple[list[str], list[str], int, set[int]]:
    """Return partitions without a leader, those below min.insync.replicas, the number lacking a replica, and missing
    brokers.
    """
    headless, thin, short, away = [], [], 0, set()
    for topic in found:
        least = int(topics.configuration(_TOPICS[topic["name"]], settings)["min.insync.replicas"])
        for partition in topic["partitions"]:
            name, copies = f"{topic['name']}/{partition['partition_index']}", set(partition["isr_nodes"]) & brokers
            away |= set(partition["replica_nodes"]) - brokers
            if partition["leader_id"] not in brokers:
                headless.append(name)
            elif settings.embedded:
                continue
            elif len(copies) < least:
                thin.append(name)
            short += len(copies) < len(partition["replica_nodes"]) and not settings.embedded
    return headless, thin, short, away
