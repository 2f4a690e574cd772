"""Reads records whose worker is silent, for the worker that covers for it."""

import logging
from collections.abc import Collection

from aiokafka import TopicPartition

from streams.messaging.codec import KeyAwaitedError
from streams.messaging.offsets import committed_offset
from streams.messaging.reader import Read, read_on
from streams.messaging.topics import Topic
from streams.runtime.logs import warn_once_a_minute
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)


class WaitingRecords:
    """Reads partitions of a topic from the offset that their owner committed, and remembers how far it has read."""

    def __init__(self, settings: Settings, topic: Topic) -> None:
        self._settings, self._topic = settings, topic.name
        self._next: dict[int, int] = {}  # partition -> next offset

    def only(self, partitions: Collection[int]) -> None:
        """Forget how far the other partitions were read: they have an owner again. `partitions`: those that this worker
        still reads for a silent owner.
        """
        self._next = {partition: offset for partition, offset in self._next.items() if partition in partitions}

    async def read(self, partition: int) -> list[Read]:
        """Return the partition's records that the owner has not committed and this object has not returned before, in
        the order of the topic; empty if there are none.

        The list ends before a record whose private key this process does not have yet; a warning is logged, and the
        next call tries that record again. Raises KafkaError if Kafka is unavailable, and CodecError if this process
        cannot decrypt the topic's values.
        """
        if (first := self._next.get(partition)) is None:
            first = await committed_offset(self._settings, TopicPartition(self._topic, partition)) or 0
        found: list[Read] = []
        try:
            async for record in read_on(self._settings, self._topic, partition, first):
                found.append(record)  # noqa: PERF401 - what was read before an error counts
        except KeyAwaitedError as error:
            warn_once_a_minute(log, str(error))
        self._next[partition] = found[-1].offset + 1 if found else first
        return found

    def again(self, partition: int) -> None:
        """Let the next `read` begin at the owner's committed offset again, because the records that were returned could
        not be processed.
        """
        self._next.pop(partition, None)
