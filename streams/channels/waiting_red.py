"""Reads red dispatches whose worker is gone, for the worker that covers for it."""

from functools import partial

from schemas.base import ANY_VERSION
from schemas.casework.events import Dispatch
from streams.messaging.codec import refuse_unreadable
from streams.messaging.dead_letter_writer import readable
from streams.messaging.topics import DISPATCHES_RED
from streams.messaging.waiting_records import WaitingRecords
from streams.runtime.settings import Settings


class WaitingRed(WaitingRecords):
    """Reads partitions of dispatches.red from the offset that their owner committed."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, DISPATCHES_RED)

    async def dispatches(self, partition: int) -> list[Dispatch]:
        """Return the dispatches in the partition's records that its owner has not committed and this object has not
        returned before, in the topic's order. Invalid records are logged, counted and left out.

        Raises KafkaError if Kafka is unavailable, and CodecError if this process cannot decrypt the topic.
        """
        found = [
            readable(DISPATCHES_RED.name, record.offset, partial(_dispatch, record.value or b""))
            for record in await self.read(partition)
        ]
        return [dispatch for dispatch in found if dispatch]


def _dispatch(value: bytes) -> Dispatch:
    refuse_unreadable(value)
    return Dispatch.model_validate_json(value, extra=ANY_VERSION)
