"""The records of a batch, as agents take them: offset and bytes."""

from collections.abc import Iterable
from typing import NamedTuple

from faust.types import EventT

from streams.runtime import tracing


class Raw(NamedTuple):
    """A record as an agent takes it.

    `offset`: on its partition; `value`: b"" for a tombstone; `trace`: the trace that it belongs to, None without one.
    """

    offset: int
    value: bytes
    trace: tracing.Trace | None = None


def runs_of(batch: Iterable[EventT[bytes]]) -> list[tuple[int, list[Raw]]]:
    """Return a batch's records as runs, in the order in which the runs begin in the batch: pairs of a partition and its
    records with consecutive offsets. Each record is included once.

    A gap in the offsets begins a new run. Around a rebalance, Faust may deliver a record twice, or two records in the
    wrong order, in the same batch. The caller compares a run's first offset with the stored offset, and so detects
    missing records.
    """
    runs: list[tuple[int, list[Raw]]] = []
    open_runs: dict[int, list[Raw]] = {}
    seen: set[tuple[int, int]] = set()
    for event in batch:
        message = event.message
        partition, offset = message.partition, message.offset
        if (partition, offset) in seen:
            continue
        seen.add((partition, offset))
        run = open_runs.get(partition)
        if run is None or offset != run[-1].offset + 1:
            open_runs[partition] = run = []
            runs.append((partition, run))
        run.append(Raw(offset, message.value or b"", tracing.of_headers(message.headers)))
    return runs
