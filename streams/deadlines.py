"""Deadlines: what has fallen due becomes an input of its case, within a second."""

import time

from schemas.inputs import Deadline
from streams import topics
from streams.clock import Clock
from streams.producer import Producer, Record
from streams.store import CaseStore, moment

POLL_SECONDS = 0.05
AGAIN_SECONDS = 2.0  # a deadline still there then was lost on the way, or casework is behind: its id counts it once
MOST = 500  # a partition and poll


class Deadlines:
    """Polls the partitions this worker owns and writes an input for each deadline that has come."""

    def __init__(self, store: CaseStore, producer: Producer, clock: Clock) -> None:
        self._store, self._producer, self._clock = store, producer, clock
        self._written: dict[str, float] = {}  # input id -> when, so that a poll does not write it again at once

    async def fire(self, partition: int) -> int:
        """Write what is due in a partition; returns how many inputs that were."""
        now = self._clock.now()
        found = await self._store.due(partition, now, MOST)
        inputs = [
            Deadline(
                id=f"d:{case}:{step}:{due}",
                at=now,
                resident=case.rpartition("-")[0],
                case=case,
                step=step,
                due=moment(due),
            )
            for case, step, due in found
        ]
        fresh = [item for item in inputs if self._fresh(item.id)]
        await self._producer.send_all([_record(item, partition) for item in fresh])
        return len(fresh)

    def _fresh(self, name: str) -> bool:
        now = time.monotonic()
        if now - self._written.get(name, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return False
        self._written[name] = now
        if len(self._written) > 100 * MOST:
            self._written = {n: at for n, at in self._written.items() if now - at < AGAIN_SECONDS}
        return True


def _record(item: Deadline, partition: int) -> Record:
    return Record(topics.CASE_INPUTS.name, item.resident.encode(), item.model_dump_json().encode(), partition)
