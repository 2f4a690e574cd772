"""Where on a topic a moment lies, asked of a real Kafka: the embedded broker does not answer it."""

import asyncio

from aiokafka import AIOKafkaProducer

from streams.messaging import topics
from streams.messaging.offsets import offset_at
from streams.runtime.settings import Settings
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.process import wait_for
from tests.tools.servers.redis import RedisServer

TOPIC = topics.CASE_EVENTS
WRITTEN = [1_772_000_000_000, 1_772_000_000_000, 1_772_000_060_000, 1_772_003_600_000]  # epoch ms, in their order


async def test_the_offset_of_a_moment_is_that_of_the_first_record_written_then_or_later(
    kafka_cluster: Kafka, redis_aof: RedisServer
) -> None:
    about = {"kafka": kafka_cluster.address, "redis": redis_aof.url, "secret": "the key of a test", "keys": KEYS}
    settings = Settings.model_validate(about)
    await asyncio.to_thread(topics.create, settings, [TOPIC])
    await asyncio.to_thread(wait_for, kafka_cluster.whole, "the topic's replicas")
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers, acks="all") as producer:
        for number, at in enumerate(WRITTEN):
            await producer.send_and_wait(TOPIC.name, b"%d" % number, partition=1, timestamp_ms=at)

    async def found(at: int, partition: int = 1) -> int:
        return await offset_at(settings, TOPIC.name, partition, at)

    assert await found(0) == 0
    assert [await found(at) for at in WRITTEN] == [0, 0, 2, 3]
    assert await found(WRITTEN[1] + 1) == 2, "between two it is the later one's"
    assert await found(WRITTEN[-1] + 1) == len(WRITTEN), "after the last it is the end"
    assert await found(WRITTEN[0], partition=0) == 0, "an empty partition has nothing but its end"
