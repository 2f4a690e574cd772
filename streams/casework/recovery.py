"""Restores a partition's store after Redis lost it or part of it: from the journal first, then from the inputs.

The journal states which inputs are proven to be applied (domain/consistency/commits.py). The other inputs are read from
case-inputs and decided again: the results and all ids are the same.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

from domain.policy import PolicyError
from schemas.administration.checkpoints import CheckpointHead
from streams.casework import journal
from streams.casework.checkpoints.heads import newest_checkpoint, tell_rejected
from streams.casework.checkpoints.loading import CheckpointError, CheckpointLoader
from streams.casework.journal import Proven
from streams.casework.rebuild_order import RebuildOrder
from streams.casework.rebuilding import LatestCases, derived
from streams.casework.replay import Replay, residents
from streams.casework.steps import CaseworkContext
from streams.messaging import topics
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import read_range
from streams.messaging.record import Raw
from streams.repositories.policies import UnknownPolicyError
from streams.state.keys import STATE
from streams.state.partition_state import AheadError, Stand, TopicIds
from streams.state.store_update import PartitionRules, StoreUpdate

log = logging.getLogger(__name__)

BATCH = 200  # inputs decided again per round trip
COMMANDS = 500  # per write while a store is rebuilt
MORE_COMMITS = 200  # journal entries that an older store takes at once

Process = Callable[[int, Sequence[Raw]], Awaitable[list[journal.Entry]]]
PublishOutbox = Callable[[int], Awaitable[list[journal.Entry]]]


class Recovery:
    """Restores partitions' stores. The caller holds the partition's lock.

    `process`: applies inputs; it writes nothing if another process was first. `publish_outbox`: publishes the
    partition's outbox.
    """

    def __init__(self, context: CaseworkContext, process: Process, publish_outbox: PublishOutbox) -> None:
        self._context = context
        self._settings, self._store, self._policies = context.settings, context.store, context.policies
        self._clock, self._lease_seconds, self._shared = context.clock, context.lease_seconds, context.shared
        self._process, self._publish_outbox = process, publish_outbox
        self._topic_ids = TopicIds(context.settings, context.store.redis)
        self.order = RebuildOrder()

    async def restore(self, partition: int) -> None:
        """Bring the partition's store back to its state before Redis failed: rebuild a lost one from the journal, and
        apply the commits and inputs that an older one lacks. A complete store is not changed.

        Does nothing if the Redis that answers is no longer the leading one. Raises AheadError if the journal covers
        inputs beyond the end of case-inputs, or of a topic with another id: that topic was created anew or lost
        records. Raises the errors of
        `continue_after_loss`, `rebuild` and `replay_inputs` too.
        """
        stand = await self._store.position(partition)
        if not await self.leads(stand):
            return
        if stand.offset is None:
            await self.rebuild(partition)
        elif stand.older:
            await self.continue_after_loss(partition, stand)
        await self._complete(partition)

    async def leads(self, stand: Stand) -> bool:
        """Return True if the Redis that answered (`stand.asked`) is the leading one; False if another one leads. Waits
        up to 3.5 s while a new epoch begins.

        While another Redis leads, other workers may be sending dispatches that are in no journal yet.
        """
        return await self._store.leader.names(stand.asked)

    async def continue_after_loss(self, partition: int, stand: Stand) -> None:
        """Let a partition whose store may lack the latest commits continue in the Redis that answers.

        Dispatches in journal entries after the last commit of the store (`stand.journal`) are marked as possibly sent,
        and no channel sends anything until the lost commits are applied again, which the caller does with `restore`.
        Does nothing if another process was first. Raises OtherInstallationError if Redis belongs to another
        installation; errors of Redis and Kafka pass through.
        """
        await self._shared.ensure()
        sent = await journal.sent_since(self._settings, partition, stand.journal)
        end = await self.end(partition)
        if await self._store.continue_after_loss(partition, stand, end, sent, self._lease_seconds):
            log.warning("partition %d stands at %s in another Redis; inputs end at %d", partition, stand.offset, end)

    async def rebuild(
        self, partition: int, progress: journal.Progress = lambda done, of: None, *, whole: bool = False
    ) -> None:
        """Rebuild the partition's lost store: from its newest checkpoint and the journal after it, or from the whole
        journal if there is no usable checkpoint, or `whole` is True.

        Does nothing if the store is not lost. If several workers try, one of them finishes.

        `progress` is called with the number of journal entries read so far and their total. Raises AheadError if the
        journal covers inputs beyond the end of case-inputs, OtherInstallationError if Redis belongs to another
        installation, and PolicyError or OSError if the settings' policy file is needed and is invalid or cannot be
        read. Errors of Redis and Kafka pass through.
        """
        await self._shared.ensure()
        kept, end = await self._begin(partition), await self.end(partition)
        if not whole and await self._from_newest(partition, kept, end):
            return
        mark = await self._store.begin_rebuild(partition)
        if mark is None:
            return
        # Again: if everything was lost once more before the mark, the shared part must come first.
        await self._shared.ensure()
        proven, replay = Proven(self._settings, partition, kept), Replay(self._clock.now(), LatestCases())
        steps = self._store.steps(partition, mark)
        with self.order.building(partition):
            await self.order.turn(partition)
            async for change in self._changes(partition, proven, replay, progress):
                if not await steps.write(_pieces(change)):
                    return
                await self.order.turn(partition)
        await self._topic_ids.check_journal(topics.CASE_INPUTS.name, replay.topic)
        # Asked again: another worker may have finished meanwhile, and applied later inputs.
        refuse_ahead(partition, proven.covered, await self.end(partition))
        self._report_lost(partition, proven.covered, kept)
        last = await self._last(replay, proven)
        if await steps.write([*replay.possibly_sent(), last]) and await steps.finish(
            max(proven.covered, kept - 1), end
        ):
            log.warning("partition %d was built anew from its journal, to input %d", partition, proven.covered)

    async def _from_newest(self, partition: int, kept: int, end: int) -> bool:
        """Rebuild a lost store from its newest usable checkpoint (see `_from_checkpoint`). Returns False, and the store
        is lost as before, if there is none.
        """
        unusable: set[str] = set()
        while (head := await newest_checkpoint(self._settings, self._topic_ids, partition, unusable)) is not None:
            try:
                await self._from_checkpoint(head, kept, end)
            except CheckpointError as error:
                tell_rejected(partition, head.first, error.reason)
                unusable.add(head.generation)
            else:
                return True
        return False

    async def _from_checkpoint(self, head: CheckpointHead, kept: int, end: int) -> None:
        """Rebuild a lost store from a checkpoint, and apply the journal's later entries. `kept`: the offset of the
        first input still on its topic; `end`: of the next one.

        Raises CheckpointError if the checkpoint turns out to be unusable: the store is lost as before.
        """
        partition = head.partition
        mark = await self._store.begin_rebuild(partition)
        if mark is None:
            return
        await self._shared.ensure()  # see `rebuild`
        steps = self._store.steps(partition, mark)
        with self.order.building(partition):
            await self.order.turn(partition)
            async for change in CheckpointLoader(self._context, head).changes(await self._usable(head.policy)):
                if not await steps.write(_pieces(change)):
                    return
                await self.order.turn(partition)
            if not await steps.finish(head.offset, end):
                return
            log.warning("partition %d was built from its checkpoint of %s, input %d", partition, head.at, head.offset)
            await self._replay_journal(partition)
        await self._pass_lost_inputs(partition, kept)

    async def _pass_lost_inputs(self, partition: int, kept: int) -> None:
        """Let a partition go on behind inputs that are neither on the journal nor on their topic any more."""
        stored = await self._store.offset(partition)
        if stored is None or stored >= kept - 1:
            return
        self._report_lost(partition, stored, kept)
        await self._publish_outbox(partition)
        await self._store.commit(partition, stored, kept - 1, StoreUpdate())

    async def replay_inputs(self, partition: int, stored: int, last: int) -> list[journal.Entry]:
        """Read the inputs from offset `stored` + 1 to `last` (both included) again, and apply them. Returns the
        resulting journal entries, in the order of the inputs.

        If some of these inputs are no longer on the topic, clears the store, so that it is rebuilt from the journal
        later, and returns an empty list. Raises ReadError if `last` is not written yet, and the errors of `process`.
        Errors of Redis and Kafka pass through.
        """
        begin = await self._begin(partition)
        if stored + 1 < begin:
            log.warning(
                "case-inputs/%d: %d to %d are no longer kept; folding the journal", partition, stored + 1, begin
            )
            await self._store.clear(partition)
            return []
        log.warning("case-inputs/%d: the store stands at %d, applying to %d", partition, stored, last)
        missed: list[Raw] = []
        entries: list[journal.Entry] = []
        async for record in read_range(self._settings, topics.CASE_INPUTS.name, partition, stored + 1, last):
            missed.append(Raw(record.offset, record.value or b""))
            if len(missed) == BATCH:
                entries += await self._process(partition, missed)
                missed = []
        return entries + (await self._process(partition, missed) if missed else [])

    async def end(self, partition: int) -> int:
        """Return the offset that the partition's next record on case-inputs will get; 0 if the topic never had one.
        Raises KafkaError if Kafka is unavailable.
        """
        return (await end_offsets(self._settings, topics.CASE_INPUTS.name))[partition]

    async def _complete(self, partition: int) -> None:
        """Apply to the partition's store the inputs that it lacks: those with proven journal entries as the journal has
        them, the others by deciding again.
        """
        if await self._store.behind(partition):
            await self._replay_journal(partition)
        if missing := await self._store.behind(partition):
            await self.replay_inputs(partition, *missing)

    async def _replay_journal(self, partition: int) -> None:
        """Apply the commits that an older store lost from the journal.

        They were published: deciding again could differ if the code has changed.
        """
        stand, logs = await self._store.position(partition), await self._store.logs(partition)
        if stand.offset is None:
            return
        kept, stored = await self._begin(partition), stand.offset
        proven = Proven(self._settings, partition, kept, first=stand.journal + 1, covered=stored, log=logs)
        replay = Replay(self._clock.now())
        async for chunk in proven.chunks(most=MORE_COMMITS):
            change = replay.change(chunk, await self._store.raw_cases(partition, residents(chunk)))
            await self._topic_ids.check_journal(topics.CASE_INPUTS.name, replay.topic)
            if replay.rules is not None:
                change.standing(replay.rules)
            for owed in replay.possibly_sent():
                change.commands += owed.commands
            await self._publish_outbox(partition)
            if not await self._store.commit(partition, stored, proven.covered, change):
                return
            stored = proven.covered

    async def _changes(
        self, partition: int, proven: Proven, replay: Replay, progress: journal.Progress
    ) -> AsyncIterator[StoreUpdate]:
        """Yield the updates that rebuild an empty store from the journal. Each must be written before the next is
        taken.
        """
        async for chunk in proven.chunks(progress):
            yield replay.change(chunk, await self._store.raw_cases(partition, residents(chunk)))
        async for change in derived(self._store, partition):
            yield change

    async def _begin(self, partition: int) -> int:
        return (await beginning_offsets(self._settings, topics.CASE_INPUTS.name, [partition]))[partition]

    async def _last(self, replay: Replay, proven: Proven) -> StoreUpdate:
        """Return the update with the rules in force after the last entry, and the journal's offset."""
        rules = replay.rules
        policy = await self._usable(rules.policy if rules else None)
        change = StoreUpdate()
        change.standing(PartitionRules(proven.covered, policy, rules.holds if rules else (), replay.logs))
        change.add("HSET", STATE, "journal", proven.read).settling(self._lease_seconds)
        return change

    async def _usable(self, policy: str | None) -> str:
        """Return the digest of the journal's policy, or of the settings' policy file if that one is not found."""
        try:
            return (await self._policies.get(policy) if policy else await self._policies.default()).hash
        except (UnknownPolicyError, PolicyError) as error:
            log.critical("%s. Until then the file of the settings is in force", error)
            return (await self._policies.default()).hash

    def _report_lost(self, partition: int, covered: int, kept: int) -> None:
        if 0 <= covered < kept - 1:
            journal.report_gap(partition, covered + 1, kept - 1)


def refuse_ahead(partition: int, stored: int, end: int) -> None:
    """Raise AheadError unless `stored`, the offset of the last input that the store has applied, is below `end`, the
    offset that the next input will get: else case-inputs was created anew or lost records.
    """
    if stored >= end:
        raise AheadError(
            f"partition {partition} stands at input {stored}, but {topics.CASE_INPUTS.name} ends at {end - 1}: the "
            "topic was made anew or lost records. Restore it, or go on from the journal with "
            "`quanzu admin rebuild --new-log`"
        )


def _pieces(change: StoreUpdate) -> Iterator[StoreUpdate]:
    """Yield the update in parts that a script writes in a few milliseconds."""
    for start in range(0, len(change.commands), COMMANDS):
        yield StoreUpdate(change.commands[start : start + COMMANDS])
