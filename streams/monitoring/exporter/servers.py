"""Metrics of the servers: how far Redis lags behind Kafka, Kafka's replication, Redis' memory, the audit's chains."""

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
from streams.state.lag import Where, ends, screened, signal_ends

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
    """Return the metric of how many signals and case inputs wait, by topic: from the offsets in Redis, even if no
    worker runs.
    """
    log = await signal_ends(context.settings) | await ends(context.settings, topics.CASE_INPUTS.name)
    done: dict[Where, int | None] = dict(await screened(context.redis, context.settings.partitions))
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
    """Return the metrics of Kafka's brokers and replicas; only quanzu_kafka_up = 0 if it is unavailable.

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
    """Return the metrics of Redis' memory (bytes), replicas and file; only quanzu_redis_up = 0 if it does not answer
    within 4 s.
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
    """Verify the whole audit, and return the metrics of the number of faults and of the time (seconds since 1970).

    Reads the whole topic, so it is done hourly.
    """
    found = await verified(context.settings, Heads(context.redis))
    await remember(context.redis, found, context.clock.now(), "quanzu metrics serve")
    return [FAULTS.value(len(found.faults)), VERIFIED.value(context.clock.wall.time())]
