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
    """The records of partitions that wait for a key."""

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
        """Return what is kept of the partitions whose first record is to be decrypted again now, as it came from Kafka.
        `active`: the partitions whose records can be delivered; None: all.
        """
        now = self._now()
        return {
            tp: list(kept)
            for tp, kept in self._kept.items()
            if self._again[tp] <= now and (active is None or tp in active)
        }

    def deliverable(self, read: Mapping[TP, list[Any]], decoded: Mapping[TP, list[Any]]) -> dict[TP, list[Any]]:
        """Return the decrypted records that can be delivered: of each partition, those before the first that is
        awaited. That one and those after it are kept. `read`: the same records, as they came from Kafka.
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
        """Forget what is kept of these partitions: it was delivered, or their next owner reads it again."""
        for tp in partitions:
            if self._kept.pop(tp, None) is not None:
                del self._again[tp]
                self._told.pop(tp, None)
                self._measure(tp.topic)

    def release_all(self) -> None:
        """Forget everything: what is not committed is read again."""
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
