"""The audit's chains on three real brokers, whose leader is killed while lines are written."""

import asyncio
from datetime import UTC, datetime

from schemas.administration.audit import AuditEntry
from streams.messaging import topics
from streams.messaging.producer import Producer
from streams.runtime.settings import Settings
from streams.security import audit, audit_log
from streams.security.audit_chains import Heads
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import connect
from tests.end_to_end.harness.house import until
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.process import wait_for
from tests.tools.servers.redis import RedisServer

LINES = 150


async def test_a_leader_that_is_killed_while_lines_are_written_leaves_every_chain_whole(
    kafka_cluster: Kafka, redis_aof: RedisServer
) -> None:
    about = {"kafka": kafka_cluster.address, "redis": redis_aof.url, "secret": "the key of a test", "keys": KEYS}
    settings = Settings.model_validate(about)
    await asyncio.to_thread(topics.create, settings, [topics.AUDIT])
    await asyncio.to_thread(wait_for, kafka_cluster.whole, "the topic's replicas")
    redis = connect(settings)
    writers = [make_producer(settings, heads=Heads(redis)) for _ in range(2)]
    for producer in writers:
        await producer.start()

    async def work(name: str, producer: Producer) -> None:
        for number in range(LINES):
            entry = AuditEntry(at=datetime.now(UTC), by=name, act="look-case", on=f"case-{number}")
            await audit.write(producer, [entry])

    async def begun() -> bool:
        return all(audit.chain_of(producer).end.number > LINES // 10 for producer in writers)

    working = asyncio.gather(*(work(f"person-{number}", producer) for number, producer in enumerate(writers)))
    await until(begun, 60)
    await asyncio.to_thread(kafka_cluster.kill, kafka_cluster.leaders(topics.AUDIT.name)[0])
    await working
    found = await audit_log.verified(settings, Heads(redis))
    assert found.faults == ()
    assert (found.lines - found.repeats, found.chains) == (2 * LINES, 2)
    assert all(audit.chain_of(producer).end.offset >= 0 for producer in writers)
    for producer in writers:
        await producer.stop()
    await redis.aclose()
