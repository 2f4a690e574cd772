"""In which order an agent is given what was fetched: the bulk lane's records in runs of one partition.

Faust's own order takes one record of each partition in turn. A batch of that has little of each partition, and
screening asks Redis for each partition by itself.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from faust.transport.utils import DefaultSchedulingStrategy, TopicBuffer, TopicIndexMap
from faust.types import TP

from streams.topics import SIGNALS

RUN_BYTES = 250_000  # of values: two records of 500 signals


class Runs(DefaultSchedulingStrategy):
    """Faust's round robin between topics; within the bulk lane it is between runs and not between records."""

    @classmethod
    def map_from_records(cls, records: Mapping[TP, list[Any]]) -> TopicIndexMap:
        index = super().map_from_records(records)
        if SIGNALS.name in index:
            index[SIGNALS.name] = runs = _InRuns()
            for tp, found in records.items():
                if tp.topic == SIGNALS.name:
                    runs.add(tp, found)
        return index


class _InRuns(TopicBuffer):
    """A topic's records, each partition's in order: as many of one as make RUN_BYTES, then of the next."""

    def __iter__(self) -> Iterator[tuple[TP, Any]]:
        waiting = deque(self._buffers.items())
        while waiting:
            tp, left = waiting.popleft()
            size = 0
            for record in left:
                yield tp, record
                size += len(record.value or b"")
                if size >= RUN_BYTES:
                    waiting.append((tp, left))
                    break
