"""Keeps a worker's partitions complete beside the flow: lost or older stores, outboxes, silent owners, rebuilds.

Recovery restores the data shared by all partitions first, so a channel that finds a partition complete also finds its
residents.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from streams.casework import journal
from streams.casework.applied import LOOK_SECONDS
from streams.casework.batch import Entry
from streams.casework.checkpoints.heads import withdraw_checkpoints
from streams.casework.recovery import Recovery, refuse_ahead
from streams.casework.steps import CaseworkContext
from streams.messaging import topics
from streams.messaging.offsets import acknowledged_offsets
from streams.state.partition_state import TopicIds

log = logging.getLogger(__name__)


class Upkeep:
    """Keeps partitions' stores complete, and remembers which inputs this worker knows to be applied.

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
        self._topic_ids = TopicIds(context.settings, context.store.redis)
        self._applied = context.applied
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # excludes batch and watch from each other
        self._reached: dict[int, int] = {}  # partition -> highest input known here to be applied
        self._known: set[int] = set()  # the partitions that this worker has owned since it learned what was applied

    def lock(self, partition: int) -> asyncio.Lock:
        """Return the lock of the partition in this process, always the same object.

        Hold it while you process the partition's inputs.
        """
        return self._locks[partition]

    def lacks_inputs(self, partition: int, stored: int, first: int) -> bool:
        """Return True if a store whose last applied input is at offset `stored` lacks an input before offset `first`,
        or one that this worker knows to have been applied; else False. Compares only: nothing is read.
        """
        return stored < self._reached.get(partition, -1) or stored < first - 1

    async def is_current(self, partition: int, stored: int) -> bool:
        """Return True if the store, whose last applied input is at offset `stored`, has every input that is known to be
        applied, by the journal or to this worker; False if it lacks one. The journal is read at most every 0.25 s.
        Errors of Kafka and Redis pass through.

        While this worker was frozen or cut off, other workers may have applied inputs of its partition. If Redis then
        lost their commits without a new run id, this worker would find the store as it left it, and send the same
        dispatches once more.
        """
        await self._applied.read_journals([partition], LOOK_SECONDS)
        self._note_applied(partition)
        return not self.lacks_inputs(partition, stored, 0)

    def committed(self, partition: int, last: int) -> None:
        """Remember that the store has applied the inputs up to and including offset `last`."""
        self._reached[partition] = last

    def published(self, partition: int, last: int, entries: Sequence[Entry]) -> None:
        """Remember that this worker has published the entries of its commit, so that their inputs are known to be
        applied. `last`: the last entry's offset in the journal.
        """
        self._applied.published(partition, last, entries)

    async def catch_up(self, partition: int, needed: int = -1) -> None:
        """Apply the inputs up to and including offset `needed` that a store lacks, and the commits that it has lost
        although the run id of Redis is the same, as on a machine restored from an image. Also has the Redis data shared
        by all partitions checked and restored.

        The caller holds the partition's lock. Raises the errors of Recovery.restore, such as AheadError if the journal
        covers inputs beyond the end of case-inputs.
        """
        stand = await self._store.position(partition)
        reached = max(needed, self._reached.pop(partition, -1))  # else applying what is missing would begin here again
        went_back = stand.offset is not None and stand.offset < reached
        try:
            if went_back:
                log.error(
                    "partition %d stands at %s and was at %d before: Redis went back", partition, stand.offset, reached
                )
                # At once: the shared part may take seconds, and a channel would not find what it has sent.
                await self._store.hold_back(partition, stand, reached + 1)
            await self._shared.check_again()
            if went_back:
                await self._recovery.continue_after_loss(partition, stand)
            await self._recovery.restore(partition)
        except BaseException:
            self._reached[partition] = max(reached, self._reached.get(partition, -1))
            raise

    async def check_log_end(self, partition: int, stored: int) -> None:
        """Raise AheadError if the topic case-inputs ends at or before offset `stored`, the last input that the store
        has applied: the topic was lost or created again; or if it was created again and has grown beyond it. Raises
        KafkaError if Kafka is unavailable. Errors of Redis pass through.
        """
        await self._topic_ids.check(topics.CASE_INPUTS.name, [partition])
        refuse_ahead(partition, stored, await self._recovery.end(partition))

    async def learn_applied(self, partitions: Sequence[int]) -> None:
        """Find out, for partitions new to this worker, up to which offset of case-inputs the inputs are certainly
        applied, and remember it in this object. The journal and the consumer group's committed offsets prove it. Raises
        AheadError if the topic was created again. Errors of Kafka and Redis pass through.

        A Redis restored from a machine's image has the same run id (which changes when Redis starts) as before, so its
        loss of data does not show there. Without this method, only a worker that has seen the later state would notice
        the loss.
        """
        if new := [partition for partition in partitions if partition not in self._known]:
            await self._topic_ids.check(topics.CASE_INPUTS.name, new)
            acked = await acknowledged_offsets(self._settings, topics.CASE_INPUTS.name, new)
            await self._applied.read_journals(new)
            for partition in new:
                self._reached[partition] = max(acked.get(partition, -1), self._reached.get(partition, -1))
                if self._note_applied(partition):
                    self._known.add(partition)

    async def read_journals(self, partitions: Iterable[int]) -> None:
        """Read the new entries of these partitions' journals, and remember the inputs that they prove to be applied. If
        it is called once before `cover` for several partitions, `cover` need not read the journals again. Errors of
        Kafka and Redis pass through.
        """
        await self._applied.read_journals(partitions)

    async def watch(self, partitions: Iterable[int]) -> None:
        """Restore those of the partitions whose store was lost or lacks commits, and publish entries that a dead worker
        left in the outbox.

        Also deletes from Redis the ids of inputs applied over 9 days ago, and earlier cases unchanged for over 120
        days. Raises the errors of Recovery.restore, such as AheadError if a journal covers inputs beyond the end of
        case-inputs, and SendError.
        """
        mine = list(partitions)
        self._known.intersection_update(mine)
        await self.learn_applied(mine)
        for partition in await self._store.unsettled(mine, self._reached):
            async with self._locks[partition]:
                stored = await self._store.offset(partition)
                if stored is not None and stored < self._reached.get(partition, -1):
                    await self.catch_up(partition)
                await self._recovery.restore(partition)
                await self._publish_outbox(partition)
        await self._store.drop_expired(mine, self._clock.now())

    async def cover(self, partition: int) -> list[Entry]:
        """Publish the outbox of a silent owner's partition, and apply its waiting inputs. Restores a lost or older
        store first.

        Returns the journal entries published, in the order of their inputs. Returns an empty list, doing nothing, if
        another Redis leads. Raises the errors of Recovery.restore, such as AheadError if the journal covers inputs
        beyond the end of case-inputs, and SendError.
        """
        async with self._locks[partition]:
            await self._applied.read_journals([partition], LOOK_SECONDS)  # each time: others commit too
            self._note_applied(partition)
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
        """Delete the offset and policy of a partition's store, so that it counts as lost, and rebuild the store from
        its whole journal. Its checkpoints are not used, now or later. Then do what `watch` does: apply the inputs that
        the journal lacks, and publish the entries left in the outbox, with their dispatches.

        `progress` is called with the number of journal entries read so far and their total. Raises the errors of
        Recovery.restore, such as AheadError if the journal covers inputs beyond the end of case-inputs, and SendError
        if Kafka refuses a record permanently. Errors of Redis and Kafka pass through.
        """
        async with self._locks[partition]:
            await withdraw_checkpoints(self._producer, partition)  # what is wrong with the store may be in them too
            await self._store.clear(partition)
            await self._recovery.leads(await self._store.position(partition))
            await self._recovery.rebuild(partition, progress, whole=True)
        await self.watch([partition])

    async def begin_anew(self, partition: int) -> None:
        """Write to the partition's journal that case-inputs was recreated, and clear the partition's store: its offset
        is of the topic before. The caller then rebuilds the store; else a worker does, which finds it lost.

        Raises PolicyError if the settings' policy file is invalid, OSError if it cannot be read, and SendError if Kafka
        refuses a record permanently. Errors of Kafka and Redis pass through.
        """
        policy = (await self._policies.default()).hash
        topic = await self._topic_ids.current(topics.CASE_INPUTS.name)
        await journal.begin_anew(self._settings, self._producer, partition, policy, self._clock.now(), topic)
        await self._store.clear(partition)  # before: its offset is of the topic before
        await self._topic_ids.renew(topics.CASE_INPUTS.name, partition)

    def _note_applied(self, partition: int) -> bool:
        """Take over what the look has found. Returns False if the store is lost, so that nothing was."""
        if (applied := self._applied.last(partition)) is None:
            return False
        self._reached[partition] = max(applied, self._reached.get(partition, -1))
        return True
