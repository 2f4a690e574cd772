"""Reads red dispatches that wait for a worker that is gone, for the worker that covers for it."""

from collections.abc import Collection
from functools import partial

from aiokafka import TopicPartition

from schemas.base import ANY_VERSION
from schemas.casework.events import Dispatch
from streams.messaging.codec import refuse_unreadable
from streams.messaging.dead_letter_writer import readable
from streams.messaging.reader import committed_offset, read_on
from streams.messaging.topics import DISPATCHES_RED
from streams.runtime.settings import Settings


class WaitingRed:
    """Follows partitions of dispatches.red from the offset that their owner committed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._next: dict[int, int] = {}  # partition -> next offset

    def only(self, partitions: Collection[int]) -> None:
        """Forget all but these partitions: the others have an owner again, which continues from its own offset."""
        self._next = {partition: offset for partition, offset in self._next.items() if partition in partitions}

    async def read(self, partition: int) -> list[Dispatch]:
        """Return the partition's red dispatches that the owner has not committed, in the order of the topic, except
        those that this object has returned before.
        """
        if (first := self._next.get(partition)) is None:
            first = await committed_offset(self._settings, TopicPartition(DISPATCHES_RED.name, partition)) or 0
        found: list[Dispatch] = []
        async for record in read_on(self._settings, DISPATCHES_RED.name, partition, first):
            dispatch = readable(DISPATCHES_RED.name, record.offset, partial(_dispatch, record.value or b""))
            found += [dispatch] if dispatch else []
            first = record.offset + 1
        self._next[partition] = first
        return found


def _dispatch(value: bytes) -> Dispatch:
    refuse_unreadable(value)
    return Dispatch.model_validate_json(value, extra=ANY_VERSION)
