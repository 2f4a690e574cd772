"""Bytewax with its own state: keyed operators whose state is snapshotted into its recovery store at each epoch's end.

Bytewax, "Recovery" and "Stateful operators": `stateful_batch`, which costs least, one for payees and one for residents.
Run as that says: python -m bytewax.run tests.tools.bench.peers.bytewax_recovery:flow -r FOLDER -s 1 -b 0
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic

from streams.runtime.settings import load
from tests.tools.bench.peers.work import TOPIC, Record, Work

BATCH = 20
Alert: TypeAlias = KafkaSinkMessage[bytes | None, bytes | None]

settings = load()
work = Work(settings)


class Payers(StatefulBatchLogic[str, object, list[str]]):
    """Who has paid somebody."""

    def __init__(self, paid: list[str] | None) -> None:
        self._paid = paid or []

    def on_batch(self, values: list[str]) -> tuple[Iterable[object], bool]:
        self._paid += values
        return (), StatefulBatchLogic.RETAIN

    def snapshot(self) -> list[str]:
        return list(self._paid)


class Resident(StatefulBatchLogic[tuple[str, Record], Alert, bytes | None]):
    """What is known of a resident."""

    def __init__(self, known: bytes | None) -> None:
        self._known = known

    def on_batch(self, values: list[tuple[str, Record]]) -> tuple[Iterable[Alert], bool]:
        alerts = []
        for resident, record in values:
            self._known, alert = work.judge(resident, self._known, record)
            if alert:
                alerts.append(KafkaSinkMessage(resident.encode(), alert.model_dump_json().encode()))
        return alerts, StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes | None:
        return self._known


def read(messages: list[Any]) -> Iterable[Record]:
    return [work.read(message.offset, message.value) for message in messages]


def paid(records: list[Record]) -> Iterable[tuple[str, str]]:
    return [each for record in records for each in record.paid]


def about(records: list[Record]) -> Iterable[tuple[str, tuple[str, Record]]]:
    return [(who, (who, record)) for record in records for who in record.evidence]


flow = Dataflow("peer")
source = KafkaSource(settings.brokers, [TOPIC], batch_size=BATCH)
records = op.flat_map_batch("read", op.input("signals", flow, source), read)
op.stateful_batch("payers", op.flat_map_batch("paid", records, paid), Payers)
alerts = op.stateful_batch("residents", op.flat_map_batch("about", records, about), Resident)
op.output("alerts", op.map("message", alerts, lambda each: each[1]), KafkaSink(settings.brokers, "case-inputs"))
