"""Metrics of the servers: how far Redis lags behind Kafka, Kafka's replication, Redis' memory, the audit's hash
chains.
"""

import asyncio
from collections import Counter
from typing import Any

from aiokafka.errors import KafkaError as AioKafkaError
from kafka.errors import KafkaError
from prometheus_client.core import Metric
from redis.exceptions import RedisError

from streams.installation import ExporterContext
from streams.messaging import topics
from streams.monitoring.exporter.family import Labels, gauge
from streams.monitoring.status.kafka import Copies, copies
from streams.security.audit_chains import Heads
from streams.security.audit_log import remember, verified
from streams.state.keys import key
from streams.state.lag import Where, ends, reports_passed_on, screened, signal_ends

BEHIND = gauge(
    "quanzu_behind_records", "Records of a topic, in all partitions, that are not applied to the store", "topic"
)
KAFKA_UP = gauge("quanzu_kafka_up", "1 if Kafka answers")
BROKERS = gauge("quanzu_kafka_brokers", "Brokers of the cluster, by whether they are reachable", "reached")
NO_LEADER = gauge("quanzu_kafka_partitions_without_leader", "Own partitions without a leader")
BELOW_MIN = gauge("quanzu_kafka_partitions_below_min_isr", "Own partitions with fewer in-sync replicas than required")
UNDER = gauge("quanzu_kafka_partitions_under_replicated", "Own partitions with a replica out of sync")
REDIS_UP = gauge("quanzu_redis_up", "1 if Redis answers")
USED = gauge("quanzu_redis_memory_used_bytes", "Memory that Redis uses")
LIMIT = gauge("quanzu_redis_memory_limit_bytes", "Memory limit of Redis: its maxmemory, else the machine's memory")
REPLICAS = gauge("quanzu_redis_replicas", "Replicas that follow this Redis")
AOF = gauge("quanzu_redis_aof_ok", "1 if the append-only file of Redis is on and was written without error")
FAULTS = gauge("quanzu_audit_chain_faults", "Audit records that were changed, removed or moved")
VERIFIED = gauge(
    "quanzu_audit_verified_timestamp_seconds", "Time of the last verification of the whole audit (wall-clock)"
)

FAMILIES = (
    BEHIND, KAFKA_UP, BROKERS, NO_LEADER, BELOW_MIN, UNDER, REDIS_UP, USED, LIMIT, REPLICAS, AOF, FAULTS, VERIFIED,
)  # fmt: skip

REACH_SECONDS = 4.0


async def behind(context: ExporterContext) -> list[Metric]:
    """Return one metric: by topic, the number of signals and case inputs that are not applied to the store yet; for the
    topic outside-inputs, the number of inputs that are not passed on to case-inputs yet.

    It is computed from the offsets in Redis and those of the workers' group, so that it is right even if no worker
    runs. Raises RedisError or KafkaError if a server is unavailable.
    """
    inputs = topics.OUTSIDE_INPUTS.name, topics.CASE_INPUTS.name
    log = await signal_ends(context.settings) | await ends(context.settings, *inputs)
    done = await screened(context.redis, context.settings.partitions) | await reports_passed_on(context.settings)
    redis: Any = context.redis
    for partition in range(context.settings.partitions):
        offset = await redis.hget(key("state", partition), "offset")
        done[Where(topics.CASE_INPUTS.name, partition)] = None if offset is None else int(offset)
    found: Counter[Labels] = Counter()
    for where, end in log.items():
        stood = done.get(where)
        found[(where.topic,)] += max(0, end - 1 - (-1 if stood is None else stood))
    return [BEHIND.filled(found)]


async def kafka(context: ExporterContext) -> list[Metric]:
    """Return the metrics of Kafka's brokers and replicas, and quanzu_kafka_up with 1; if Kafka is unavailable, only
    quanzu_kafka_up with 0.

    Raises AccessError if Kafka refuses access.
    """
    try:
        found = await asyncio.to_thread(copies, context.settings)
    except (KafkaError, AioKafkaError, OSError):
        return [KAFKA_UP.value(0)]
    return [KAFKA_UP.value(1), *_copies(found)]


def _copies(found: Copies) -> list[Metric]:
    return [
        BROKERS.filled({("yes",): found.reached, ("no",): found.brokers - found.reached}),
        NO_LEADER.value(found.headless),
        BELOW_MIN.value(found.thin),
        UNDER.value(found.short),
    ]


async def redis(context: ExporterContext) -> list[Metric]:
    """Return the metrics of Redis's memory (bytes), replicas and append-only file, and quanzu_redis_up with 1; if it
    does not answer within 4 s, only quanzu_redis_up with 0.
    """
    try:
        async with asyncio.timeout(REACH_SECONDS):
            info = await context.redis.info("memory", "replication", "persistence")
    except (RedisError, OSError, TimeoutError):
        return [REDIS_UP.value(0)]
    kept = info.get("aof_enabled") and info.get("aof_last_write_status", "ok") == "ok"
    return [
        REDIS_UP.value(1),
        USED.value(info["used_memory"]),
        LIMIT.value(info.get("maxmemory") or info.get("total_system_memory") or 0),
        REPLICAS.value(info.get("connected_slaves", 0)),
        AOF.value(bool(kept)),
    ]


async def chains(context: ExporterContext) -> list[Metric]:
    """Verify all hash chains of the audit topic, and store the result in Redis. Return two metrics: the number of
    faults, and when this was done (seconds since 1970).

    Reads the whole topic, so it is called once an hour. Raises RedisError or KafkaError if Redis or Kafka is
    unavailable, and SettingsError if this process has no key of the audit.
    """
    found = await verified(context.settings, Heads(context.redis))
    await remember(context.redis, found, context.clock.now(), "quanzu metrics serve")
    return [FAULTS.value(len(found.faults)), VERIFIED.value(context.clock.wall.time())]
