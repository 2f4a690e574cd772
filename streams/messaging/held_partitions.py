"""Partitions that are held back because a record's key is still on its way to this process (codec.Awaited).

The records before it are delivered. It and those after it are kept here, in order, and the partition is not fetched
further; other partitions go on. The first one is tried again each second, and the record is delivered once its key is
there, or refused once the key is known to be removed (security/intake_encryption).
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from faust.types import TP
from prometheus_client import Gauge

from streams.messaging.codec import BY_INTAKE, Awaited

log = logging.getLogger(__name__)

HELD = Gauge(
    "quanzu_partitions_awaiting_key",
    "Partitions of this process that wait for a private key of intake which it has not got yet",
    ["topic"],
)
AGAIN_SECONDS = 1.0
TOLD_SECONDS = 60.0  # between two warnings about a partition

for _topic in sorted(BY_INTAKE):
    HELD.labels(_topic).set(0)  # starts at 0, so that an alert sees the first one


class HeldPartitions:
    """The records of partitions that wait for a key. Nothing is stored outside this object but the number of held
    partitions, in the metric.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now`: seconds that only rise."""
        self._now = now
        self._kept: dict[TP, list[Any]] = {}
        self._again: dict[TP, float] = {}
        self._told: dict[TP, float] = {}

    @property
    def partitions(self) -> frozenset[TP]:
        """The partitions that are held: they must not be fetched."""
        return frozenset(self._kept)

    def due(self, active: Collection[TP] | None) -> dict[TP, list[Any]]:
        """Return, by partition, the kept records, in order and still encrypted as they came from Kafka, of each
        partition whose first record is to be decrypted again now: a second after its last try. They stay kept until
        `deliverable`.

        `active`: the partitions whose records can be delivered; None: all. Empty if no partition is due.
        """
        now = self._now()
        return {
            tp: list(kept)
            for tp, kept in self._kept.items()
            if self._again[tp] <= now and (active is None or tp in active)
        }

    def deliverable(self, read: Mapping[TP, list[Any]], decoded: Mapping[TP, list[Any]]) -> dict[TP, list[Any]]:
        """Return the decrypted records that can be delivered, by partition: those before the first record whose key is
        awaited. That record and those after it are kept, and tried again in a second; a partition without such a record
        is no longer held.

        `decoded`: the decrypted records by partition; `read`: the same records, as they came from Kafka. Partitions of
        which nothing can be delivered are left out.
        """
        found: dict[TP, list[Any]] = {}
        for tp, records in decoded.items():
            first = next((at for at, record in enumerate(records) if isinstance(record.value, Awaited)), None)
            if first is None:
                self.release([tp])
            else:
                self._hold(tp, records[first], read[tp][first:])
            if delivered := records[:first]:
                found[tp] = delivered
        return found

    def release(self, partitions: Iterable[TP]) -> None:
        """Forget the kept records of these partitions: they were delivered, or the partition's next owner reads them
        again.
        """
        for tp in partitions:
            if self._kept.pop(tp, None) is not None:
                del self._again[tp]
                self._told.pop(tp, None)
                self._measure(tp.topic)

    def release_all(self) -> None:
        """Forget all kept records. Kafka delivers again those that are not committed."""
        self.release(list(self._kept))

    def _hold(self, tp: TP, first: Any, kept: list[Any]) -> None:  # noqa: ANN401 - aiokafka's record, decrypted
        now = self._now()
        self._kept[tp], self._again[tp] = kept, now + AGAIN_SECONDS
        if now >= self._told.get(tp, now):
            log.warning("%s/%d is held at offset %d: %s", tp.topic, tp.partition, first.offset, first.value.told)
            self._told[tp] = now + TOLD_SECONDS
        self._measure(tp.topic)

    def _measure(self, topic: str) -> None:
        HELD.labels(topic).set(sum(tp.topic == topic for tp in self._kept))
