"""In which order an agent is given what was fetched: the bulk lane's records in runs of one partition.

Faust's own order takes one record of each partition in turn. A batch of that has little of each partition, and
screening asks Redis for each partition by itself.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeVar

from faust.transport.utils import DefaultSchedulingStrategy, TopicBuffer, TopicIndexMap
from faust.types import TP

from streams.messaging.topics import SIGNALS

RUN_BYTES = 250_000  # of values: two records of 500 signals


class Valued(Protocol):
    """A record, as far as a run looks at it."""

    @property
    def value(self) -> bytes | None: ...


R = TypeVar("R", bound=Valued)


class FetchOrder(DefaultSchedulingStrategy):
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
    """A topic's records, each partition's in order: a run of one, then of the next, until none is left."""

    def __iter__(self) -> Iterator[tuple[TP, Any]]:
        waiting = deque(self._buffers.items())
        while waiting:
            tp, left = waiting.popleft()
            if run := run_of(left):
                yield from ((tp, record) for record in run)
                waiting.append((tp, left))


def run_of(left: Iterator[R]) -> list[R]:
    """The next records that make RUN_BYTES, or as many as are left; none: none is."""
    run, size = list[R](), 0
    for record in left:
        run.append(record)
        size += len(record.value or b"")
        if size >= RUN_BYTES:
            break
    return run
