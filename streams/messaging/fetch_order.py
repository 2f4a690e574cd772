"""The order in which agents receive fetched records: on the bulk lane, in runs of one partition.

Faust's own order alternates between partitions with each record. Batches would then have a few records of each
partition, and screening makes a Redis round trip for each partition of a batch.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeVar

from faust.transport.utils import DefaultSchedulingStrategy, TopicBuffer, TopicIndexMap
from faust.types import TP

from streams.messaging.topics import SIGNALS

RUN_BYTES = 250_000  # bytes of values in a run: about two records of 500 signals


class Valued(Protocol):
    """A Kafka record with its value: bytes, or None for a tombstone. `run_of` uses only the value's size."""

    @property
    def value(self) -> bytes | None:
        """The record's value, or None for a tombstone."""
        ...


R = TypeVar("R", bound=Valued)


class FetchOrder(DefaultSchedulingStrategy):
    """The order in which agents get fetched records: Faust's, which takes topics in turn. Of the topic `signals`, many
    records of one partition come before those of the next, instead of one each.
    """

    @classmethod
    def map_from_records(cls, records: Mapping[TP, list[Any]]) -> TopicIndexMap:
        """Return, by topic, the iterable of the topic's fetched records in the order in which agents receive them.

        Records of the bulk lane come in runs of one partition; those of other topics alternate between partitions.
        """
        index = super().map_from_records(records)
        if SIGNALS.name in index:
            index[SIGNALS.name] = runs = _InRuns()
            for tp, found in records.items():
                if tp.topic == SIGNALS.name:
                    runs.add(tp, found)
        return index


class _InRuns(TopicBuffer):
    """A topic's records: a run of one partition, then of the next, until none is left; each partition's in order."""

    def __iter__(self) -> Iterator[tuple[TP, Any]]:
        waiting = deque(self._buffers.items())
        while waiting:
            tp, left = waiting.popleft()
            if run := run_of(left):
                yield from ((tp, record) for record in run)
                waiting.append((tp, left))


def run_of(left: Iterator[R]) -> list[R]:
    """Take the next run of records from the iterator, and return them in order; empty if the iterator has ended.

    The run ends with the record at which its values reach 250,000 bytes, or with the iterator.
    """
    run, size = list[R](), 0
    for record in left:
        run.append(record)
        size += len(record.value or b"")
        if size >= RUN_BYTES:
            break
    return run
