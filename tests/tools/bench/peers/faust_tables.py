"""Faust as in its tutorial: an agent that takes one record after the other, its state in Tables on RocksDB.

Faust, "Tables and Windowing" (a table of RocksDB with its changelog topic) and "Agents" (alerts sent and awaited). The
tables hold bytes, which spares them a second JSON; changelog records may wait 5 ms for one another.
"""

import asyncio
from typing import Any

import faust
from faust.types import StreamT

from streams.runtime.settings import load
from tests.tools.bench.peers.work import TOPIC, Work

settings = load()
work = Work(settings)
app = faust.App(
    settings.app_id,
    broker=[f"kafka://{broker}" for broker in settings.brokers],
    store="rocksdb://",
    datadir=str(settings.data / settings.app_id),
    key_serializer="raw",
    value_serializer="raw",
    topic_partitions=1,
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    producer_acks=-1,
    producer_linger=0.005,
    web_enabled=False,
)
records = app.topic(TOPIC, value_type=bytes)
alerts = app.topic("case-inputs")
raw: Any = {"key_type": bytes, "value_type": bytes, "partitions": 1}
payers = app.Table("payers", **raw)
known = app.Table("known", **raw)


@app.agent(records)
async def screen(stream: StreamT[bytes]) -> None:
    """Screen each record, and go on when its alerts are with Kafka."""
    async for event in stream.events():
        record = work.read(event.message.offset, event.value)
        for token, payment in record.paid:
            key, before = token.encode(), payers.get(token.encode())
            payers[key] = before + b"\n" + payment.encode() if before else payment.encode()
        sent = []
        for resident in record.evidence:
            key = resident.encode()
            known[key], alert = work.judge(resident, known.get(key), record)
            if alert:
                sent.append(await alerts.send(key=key, value=alert.model_dump_json().encode()))
        await asyncio.gather(*sent)


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False).execute_from_commandline()
