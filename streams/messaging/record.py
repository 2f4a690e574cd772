"""The records of a batch, as agents take them: offset and bytes."""

from collections.abc import Iterable
from typing import NamedTuple

from faust.types import EventT

from streams.runtime import tracing


class Raw(NamedTuple):
    """A record's offset on its partition, its value (empty for a tombstone), and the trace it belongs to."""

    offset: int
    value: bytes
    trace: tracing.Trace | None = None


def runs_of(batch: Iterable[EventT[bytes]]) -> list[tuple[int, list[Raw]]]:
    """Return a batch's records in runs, each with its partition: consecutive offsets, and each record once.

    A gap in the offsets begins a new run. Around a rebalance Faust may deliver a record again, or one after the next,
    in the same batch. Whoever applies a run compares its first offset with the store, and so sees what is missing
    before it.
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
