"""Keeps a worker's partitions complete beside the flow: lost or older stores, outboxes, silent owners, rebuilds.

A channel that finds a partition complete also finds its residents: recovery restores the store's shared part first.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from streams.casework import journal
from streams.casework.batch import Entry
from streams.casework.recovery import Recovery, refuse_ahead
from streams.casework.steps import CaseworkContext
from streams.messaging import topics
from streams.messaging.reader import acknowledged_offsets

log = logging.getLogger(__name__)


class Upkeep:
    """Keeps partitions complete, and remembers which inputs this worker has seen applied.

    `recovery`: applies the inputs that a store lacks. `publish_outbox`: publishes a partition's outbox.
    """

    def __init__(
        self,
        context: CaseworkContext,
        recovery: Recovery,
        publish_outbox: Callable[[int], Awaitable[list[Entry]]],
    ) -> None:
        self._settings, self._store, self._shared = context.settings, context.store, context.shared
        self._producer, self._policies, self._clock = context.producer, context.policies, context.clock
        self._recovery, self._publish_outbox = recovery, publish_outbox
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # excludes batch and watch from each other
        self._reached: dict[int, int] = {}  # partition -> highest input known here to be applied
        self._known: set[int] = set()  # the partitions that this worker has owned since it learned what was applied

    def lock(self, partition: int) -> asyncio.Lock:
        """Return the lock that is held while this worker processes a partition's inputs; always the same one for a
        partition.
        """
        return self._locks[partition]

    def lacks_inputs(self, partition: int, stored: int, first: int) -> bool:
        """Return whether the store, at offset `stored`, lacks an input before `first`, or one that it had applied
        before.
        """
        return stored < self._reached.get(partition, -1) or stored < first - 1

    def committed(self, partition: int, last: int) -> None:
        """Note that the store has applied the inputs up to offset `last`, this one included."""
        self._reached[partition] = last

    async def catch_up(self, partition: int, needed: int = -1) -> None:
        """Bring up a store that lacks inputs up to `needed`, or lost commits although Redis reports the same run.

        That happens when a machine is restored from an image. The caller holds the lock. Raises AheadError if the
        journal covers inputs beyond the end of case-inputs.
        """
        stand = await self._store.position(partition)
        reached = max(needed, self._reached.pop(partition, -1))  # else applying what is missing would begin here again
        try:
            await self._shared.check_again()
            if stand.offset is not None and stand.offset < reached:
                log.error(
                    "partition %d stands at %d and was at %d before: Redis went back", partition, stand.offset, reached
                )
                await self._recovery.outlive(partition, stand)
            await self._recovery.restore(partition)
        except BaseException:
            self._reached[partition] = max(reached, self._reached.get(partition, -1))
            raise

    async def check_log_end(self, partition: int, stored: int) -> None:
        """Raise AheadError if case-inputs has no input at offset `stored`, the last one that the store has applied: the
        topic was lost or created again.
        """
        refuse_ahead(partition, stored, await self._recovery.end(partition))

    async def learn(self, partitions: Sequence[int]) -> None:
        """Learn which inputs of newly owned partitions are in the journal or were acknowledged, and thus applied.

        A restored image of a Redis machine has the run id that it had before. Without this, only a worker that had seen
        the later state would notice.
        """
        if new := [partition for partition in partitions if partition not in self._known]:
            acked = await acknowledged_offsets(self._settings, topics.CASE_INPUTS.name, new)
            for partition in new:
                await self._learn_from_journal(partition)
                self._reached[partition] = max(self._reached[partition], acked.get(partition, -1))
            self._known.update(new)

    async def watch(self, partitions: Iterable[int]) -> None:
        """Restore partitions whose store was lost or is older, and publish what a dead worker left in the outbox.

        Also deletes expired input ids and earlier cases. Raises AheadError if a journal covers inputs beyond the end of
        case-inputs.
        """
        mine = list(partitions)
        self._known.intersection_update(mine)
        await self.learn(mine)
        for partition in await self._store.unsettled(mine, self._reached):
            async with self._locks[partition]:
                stored = await self._store.offset(partition)
                if stored is not None and stored < self._reached.get(partition, -1):
                    await self.catch_up(partition)
                await self._recovery.restore(partition)
                await self._publish_outbox(partition)
        await self._store.drop_expired(mine, self._clock.now())

    async def cover(self, partition: int) -> list[Entry]:
        """Publish the outbox of a silent owner's partition, and apply its waiting inputs. Returns the journal entries
        published.

        Returns an empty list, doing nothing, if another Redis leads. Raises AheadError if the journal covers inputs
        beyond the end of case-inputs.
        """
        async with self._locks[partition]:
            await self._learn_from_journal(partition)  # each time: others commit too
            stand = await self._store.position(partition)
            if not await self._recovery.leads(stand):
                return []
            if stand.offset is None or stand.older:
                await self._recovery.restore(partition)
            elif self.lacks_inputs(partition, stand.offset, 0):
                await self.catch_up(partition)
            entries = await self._publish_outbox(partition)
            stored, end = await self._store.offset(partition), await self._recovery.end(partition)
            if stored is None or stored >= end - 1:
                return entries
            return entries + await self._recovery.replay_inputs(partition, stored, end - 1)

    async def rebuild(self, partition: int, progress: journal.Progress) -> None:
        """Clear a partition's store and rebuild it from its journal. `progress` is called with the entries read and
        their total. Raises AheadError if the journal covers inputs beyond the end of case-inputs.
        """
        async with self._locks[partition]:
            await self._store.clear(partition)
            await self._recovery.leads(await self._store.position(partition))
            await self._recovery.rebuild(partition, progress)
        await self.watch([partition])

    async def begin_anew(self, partition: int) -> None:
        """Record in the journal that case-inputs was recreated. The caller then rebuilds the store.

        Raises PolicyError or OSError if the settings' policy file is invalid or cannot be read.
        """
        policy = (await self._policies.default()).hash
        await journal.begin_anew(self._settings, self._producer, partition, policy, self._clock.now())

    async def _learn_from_journal(self, partition: int) -> None:
        applied = await journal.last_applied(self._settings, partition)
        self._reached[partition] = max(applied, self._reached.get(partition, -1))
