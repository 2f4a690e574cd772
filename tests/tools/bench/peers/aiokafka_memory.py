"""A bare aiokafka loop with its state in dictionaries: the floor. Killed, it has lost everything.

aiokafka, "Consumer client": `getmany` for batches, and a commit by hand after each: at least once.
"""

import asyncio
from collections import defaultdict

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.runtime.settings import load
from tests.tools.bench.peers.work import TOPIC, Work

BATCH = 20


async def main() -> None:
    """Run until killed."""
    settings = load()
    work, known, payers = Work(settings), dict[str, bytes](), defaultdict[str, list[str]](list)
    about = {"bootstrap_servers": settings.brokers}
    fetching = {"group_id": settings.app_id, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with (
        AIOKafkaConsumer(TOPIC, **about, **fetching) as consumer,
        AIOKafkaProducer(**about, acks="all", enable_idempotence=True) as producer,
    ):
        while True:
            for messages in (await consumer.getmany(timeout_ms=1000, max_records=BATCH)).values():
                sent = []
                for message in messages:
                    record = work.read(message.offset, message.value)
                    for token, payment in record.paid:
                        payers[token].append(payment)
                    for resident in record.evidence:
                        known[resident], alert = work.judge(resident, known.get(resident), record)
                        if alert:
                            value = alert.model_dump_json().encode()
                            sent.append(await producer.send("case-inputs", value, resident.encode()))
                await asyncio.gather(*sent)
                await consumer.commit()


if __name__ == "__main__":
    asyncio.run(main())
