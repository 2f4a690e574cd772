"""The records of a batch, as agents take them: offset and bytes."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from faust.types import EventT

from streams.runtime import tracing


class Raw(NamedTuple):
    """A record's offset on its partition, its value (empty for a tombstone), and the trace it belongs to."""

    offset: int
    value: bytes
    trace: tracing.Trace | None = None


def by_partition(batch: Iterable[EventT[bytes]]) -> dict[int, list[Raw]]:
    """Return a batch's records by partition, each partition's in order."""
    found: dict[int, list[Raw]] = defaultdict(list)
    for event in batch:
        message = event.message
        raw = Raw(message.offset, message.value or b"", tracing.of_headers(message.headers))
        found[message.partition].append(raw)
    return found
