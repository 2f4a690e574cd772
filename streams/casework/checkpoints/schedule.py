"""Decides, for the partitions that a worker owns, when the next checkpoint is written, and writes it."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from prometheus_client import Gauge

from domain.consistency.checkpoints import is_due, next_slot
from schemas.administration.checkpoints import CheckpointHead
from streams.casework.checkpoints.capture import AbandonedError
from streams.casework.checkpoints.heads import newest_checkpoint
from streams.casework.checkpoints.writing import CheckpointWriter
from streams.casework.steps import CaseworkContext
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.state.partition_state import TopicIds

log = logging.getLogger(__name__)

AGE = Gauge(
    "quanzu_checkpoint_age_seconds",
    "Age of the newest checkpoint, of this worker's partition whose newest is the oldest; 0: no partition has one",
)


class Checkpoints:
    """Writes the checkpoints of a worker's partitions, one at a time. Remembers the newest head of each partition."""

    def __init__(self, context: CaseworkContext) -> None:
        self._settings, self._clock = context.settings, context.clock
        self._interval = timedelta(hours=context.settings.checkpoint_hours)
        self._writer = CheckpointWriter(context)
        self._topic_ids = TopicIds(context.settings, context.store.redis)
        self._newest: dict[int, CheckpointHead | None] = {}

    async def look(self, owned: Callable[[], Iterable[int]]) -> None:
        """Write the checkpoint of each partition for which it is due; with an interval of 0, do nothing.

        `owned`: returns the partitions that this worker owns; asked again while a checkpoint is written. A checkpoint
        that cannot be completed is logged and tried again by the next call. Errors of Kafka and Redis and
        SendError pass through.
        """
        mine = sorted(owned()) if self._interval else []
        self._newest = {partition: head for partition, head in self._newest.items() if partition in mine}
        ends = await end_offsets(self._settings, topics.CASE_EVENTS.name, mine) if mine else {}
        for partition in mine:
            if partition not in self._newest:  # another worker may have written some since this one owned it last
                self._newest[partition] = await newest_checkpoint(self._settings, self._topic_ids, partition)
            if is_due(self._newest[partition], ends[partition], self._clock.now(), self._interval):
                await self.write(partition, owned)
        self._measure()

    async def write(self, partition: int, owned: Callable[[], Iterable[int]]) -> None:
        """Write a checkpoint of a partition now, whether or not it is due. See `look`, which calls this."""
        # Another worker may have written one.
        latest = await newest_checkpoint(self._settings, self._topic_ids, partition)
        try:
            head = await self._writer.write(partition, next_slot(latest), partial(_owns, owned, partition))
        except AbandonedError as error:
            log.info("checkpoints/%d: not completed: %s", partition, error.why)
            return
        self._newest[partition] = head
        log.info("checkpoints/%d: complete to input %d, in %d parts", partition, head.offset, head.parts)

    def _measure(self) -> None:
        now = self._clock.now()
        ages = [(now - head.at).total_seconds() for head in self._newest.values() if head is not None]
        AGE.set(max(ages, default=0.0))


def _owns(owned: Callable[[], Iterable[int]], partition: int) -> bool:
    return partition in owned()
