"""A record of a partition as an agent takes it: where it lies, and its bytes."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from faust.types import EventT


class Raw(NamedTuple):
    """A record's offset on its partition, and its value (empty where there is none)."""

    offset: int
    value: bytes


def by_partition(batch: Iterable[EventT[bytes]]) -> dict[int, list[Raw]]:
    """A batch's records, each partition's in order."""
    found: dict[int, list[Raw]] = defaultdict(list)
    for event in batch:
        found[event.message.partition].append(Raw(event.message.offset, event.message.value or b""))
    return found
