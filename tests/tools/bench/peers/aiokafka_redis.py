"""A bare aiokafka loop with the same Redis work as Quanzu's and acked alerts: what the engine is measured against.

aiokafka, "Consumer client": `getmany` for batches, and a commit by hand after each: at least once.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.casework.inputs import Alert
from streams.runtime.settings import load
from tests.tools.bench.peers.redis_work import RedisWork
from tests.tools.bench.peers.work import TOPIC

BATCH = 20


async def main() -> None:
    """Run until killed."""
    settings = load()
    about = {"bootstrap_servers": settings.brokers}
    fetching = {"group_id": settings.app_id, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with (
        AIOKafkaConsumer(TOPIC, **about, **fetching) as consumer,
        AIOKafkaProducer(**about, acks="all", enable_idempotence=True) as producer,
    ):

        async def send(alerts: Sequence[Alert]) -> None:
            sent = [
                await producer.send("case-inputs", alert.model_dump_json().encode(), alert.resident.encode())
                for alert in alerts
            ]
            await asyncio.gather(*sent)

        work = RedisWork(settings, send)
        while True:
            for messages in (await consumer.getmany(timeout_ms=1000, max_records=BATCH)).values():
                await work.screen([(message.offset, message.value) for message in messages])
                await consumer.commit()


if __name__ == "__main__":
    asyncio.run(main())
