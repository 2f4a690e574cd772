"""Draining: intake accepts no more signals, and all accepted ones are processed, before servers are stopped or
replaced.

People are still warned meanwhile: deadlines fire, channels send, receipts arrive. Feeds that write to Kafka directly
cannot be stopped; their records wait for a worker.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from kafka import TopicPartition

from schemas.administration.audit import AuditEntry
from streams.installation import Installation
from streams.intake.drain_gate import Drain
from streams.messaging import topics
from streams.messaging.kafka_client import admin as kafka_admin
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.runtime.settings import Settings
from streams.security import audit
from streams.state.keys import DRAINING

CONSUMED = (*topics.LANES, topics.OUTSIDE_INPUTS, topics.CASE_INPUTS, topics.CASE_EVENTS, *topics.DISPATCHES)
LOOK_SECONDS = 0.5


async def begin(line: Installation, by: str, reason: str) -> None:
    """Close intake, and write to the audit who did it (`by`) and why.

    Within a second, intake answers 503; it stays closed until `end`. Waits while Kafka is unavailable.

    Raises RedisError if Redis is unavailable, and SendError if Kafka refuses the audit entry; intake is closed all the
    same then.
    """
    drain = Drain(at=line.clock.now(), by=by, reason=reason)
    await line.redis.set(DRAINING, drain.model_dump_json())
    await audit.write(line.producer, [AuditEntry(at=drain.at, by=by, act="drain", on="intake", reason=reason)])


async def end(line: Installation, by: str) -> bool:
    """Open intake again, with an audit entry. Returns True if it was closed; False, doing nothing, if it was open.

    Waits while Kafka is unavailable. Raises RedisError if Redis is unavailable, and SendError if Kafka refuses the
    audit entry; intake is open all the same then.
    """
    if not await line.redis.delete(DRAINING):
        return False
    await audit.write(line.producer, [AuditEntry(at=line.clock.now(), by=by, act="drain-ended", on="intake")])
    return True


async def waiting(line: Installation) -> AsyncIterator[dict[str, int]]:
    """Yield, twice a second, the number of unprocessed records by topic, and the number of unpublished journal entries
    under the name `outbox`. Ends after it has yielded only zeros.

    `outbox` counts at most about 1,000 entries for each partition. Raises RedisError or KafkaError if Redis or Kafka is
    unavailable, and AccessError if Kafka refuses access.
    """
    while True:
        left = await _left(line.settings)
        outbox = [len(await line.store.outbox(partition)) for partition in range(line.settings.partitions)]
        found = {**left, "outbox": sum(outbox)}
        yield found
        if not any(found.values()):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _left(settings: Settings) -> dict[str, int]:
    committed = await asyncio.to_thread(_committed, settings)
    left = {}
    for topic in CONSUMED:
        begins, ends = await beginning_offsets(settings, topic.name), await end_offsets(settings, topic.name)
        left[topic.name] = sum(
            unprocessed(begins[partition], committed.get((topic.name, partition)), end)
            for partition, end in ends.items()
        )
    return left


def unprocessed(begin: int, committed: int | None, end: int) -> int:
    """Return the number of records of a partition that are still on the topic and not processed.

    `begin`: the first offset still on the topic; `end`: the offset that the next record will get. `committed`: the
    offset of the next record to process; if it is None, or beyond `end` because the topic was created again, no record
    was processed.
    """
    processed = committed if committed is not None and committed <= end else 0
    return max(0, end - max(begin, processed))


def _committed(settings: Settings) -> dict[tuple[str, int], int]:
    admin = kafka_admin(settings)
    try:
        found: dict[TopicPartition, Any] = admin.list_group_offsets(settings.app_id)[settings.app_id]
    finally:
        admin.close()
    return {(where.topic, where.partition): entry.offset for where, entry in found.items()}
