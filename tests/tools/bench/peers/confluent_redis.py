"""A bare loop on confluent-kafka (librdkafka) with the same Redis work as Quanzu's and acked alerts.

confluent-kafka-python, "Kafka Client": `consume` for batches, `flush` for the acks, and a synchronous commit.
"""

import asyncio
from collections.abc import Sequence

from confluent_kafka import Consumer, Producer

from schemas.casework.inputs import Alert
from streams.runtime.settings import load
from tests.tools.bench.peers.redis_work import RedisWork
from tests.tools.bench.peers.work import TOPIC

BATCH = 20


def main() -> None:
    """Run until killed."""
    settings = load()
    about = {"bootstrap.servers": ",".join(settings.brokers)}
    fetching = {"group.id": settings.app_id, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({**about, **fetching})
    producer = Producer({**about, "acks": "all", "enable.idempotence": True, "linger.ms": 0})

    async def send(alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            producer.produce("case-inputs", alert.model_dump_json().encode(), alert.resident.encode())
        producer.flush()

    with asyncio.Runner() as runner:
        work = RedisWork(settings, send)
        consumer.subscribe([TOPIC])
        while True:
            if messages := consumer.consume(BATCH, timeout=1.0):
                runner.run(work.screen([(each.offset() or 0, each.value() or b"") for each in messages]))
                consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main()
