"""Case inputs applied in their order, behind the fence; the journal published.

The order of case-inputs is the truth. Whatever happened to the worker, the partition or Redis, one question decides
what to do: at which offset does the store stand? A lost or older store: see recovery.py.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from domain.policy import PolicyError
from schemas.base import ANY_VERSION
from schemas.casework.events import CaseEvent, journal_adapter
from schemas.casework.inputs import CaseInput, HoldChange, PolicyChange, input_adapter
from streams.casework import journal
from streams.casework.batch import TOO_LARGE, Batch, Entry
from streams.casework.recovery import Recovery, refuse_ahead
from streams.messaging import topics
from streams.messaging.dead_letter_writer import DeadLetters
from streams.messaging.producer import Producer
from streams.messaging.reader import acknowledged_offsets
from streams.messaging.record import Raw
from streams.repositories.policies import Policies, UnknownPolicyError
from streams.runtime import tracing
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.record_encryption import refuse_unreadable
from streams.state.case_store import CaseStore, Loaded
from streams.state.keys import STATE
from streams.state.store_update import StoreUpdate, entry_name

log = logging.getLogger(__name__)

BATCH = 200  # inputs decided on with one round trip


class Casework:
    """Applies inputs to the cases of the partitions this worker owns.

    `whole` is awaited before a partition stands again that was lost: it restores the shared part of the store. So a
    channel that finds the partition standing finds the resident too. `doubt` says that a part of it may be missing.
    `lease_seconds`: how long a dispatch may be in flight.
    """

    def __init__(
        self,
        settings: Settings,
        store: CaseStore,
        producer: Producer,
        policies: Policies,
        clock: Clock,
        lease_seconds: float,
    ) -> None:
        self._store, self._producer = store, producer
        self._policies, self._clock = policies, clock
        self._dead_letters = DeadLetters(producer, clock)
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # a batch and the watch do not mix
        self._published: dict[int, int] = {}  # the journal's offset of what was published here last, by partition
        self._reached: dict[int, int] = {}  # the highest input known here to be applied, by partition
        self._known: set[int] = set()  # the partitions of the last look
        self.whole: Callable[[], Awaitable[object]] = _nothing_shared
        self.doubt: Callable[[], Awaitable[object]] = _nothing_shared
        self._settings = settings
        self._recovery = Recovery(
            settings,
            store,
            policies,
            clock,
            lease_seconds,
            process=self._apply,
            publish=self._publish_outbox,
            whole=lambda: self.whole(),
        )

    async def apply(self, partition: int, records: Sequence[Raw]) -> list[Entry]:
        """Apply records, in order, each once whatever came before. Returns the journal entries they made."""
        async with self._locks[partition]:
            return await self._apply(partition, records)

    async def cover(self, partition: int) -> list[Entry]:
        """Publish and apply what waits, for an owner who is silent. Returns the entries that it published."""
        async with self._locks[partition]:
            stand = await self._store.stand(partition)
            if not await self._recovery.leads(stand):
                return []
            if stand.offset is None or stand.older:
                await self._recovery.restore(partition)
            entries = await self._publish_outbox(partition)
            stored, end = await self._store.offset(partition), await self._recovery.end(partition)
            if stored is None or stored >= end - 1:
                return entries
            return entries + await self._recovery.replay_inputs(partition, stored, end - 1)

    async def watch(self, partitions: Iterable[int]) -> None:
        """Bring partitions up whose store was lost or is older, and publish what a dead worker left in the outbox."""
        mine = list(partitions)
        await self._learn(mine)
        for partition in await self._store.unsettled(mine, self._reached):
            async with self._locks[partition]:
                stored = await self._store.offset(partition)
                if stored is not None and stored < self._reached.get(partition, -1):
                    await self._went_back(partition)
                await self._recovery.restore(partition)
                await self._publish_outbox(partition)
        await self._store.forget(mine, self._clock.now())

    async def rebuild(self, partition: int, progress: journal.Progress) -> None:
        """Build a partition anew from its journal, whatever is stored of it. `progress`: entries read, of how many."""
        async with self._locks[partition]:
            await self._store.clear(partition)
            await self._recovery.leads(await self._store.stand(partition))
            await self._recovery.rebuild(partition, progress)
        await self.watch([partition])

    async def begin_anew(self, partition: int) -> None:
        """Tell the journal that the log of inputs was made anew; the store is then forgotten and built."""
        policy = (await self._policies.default()).hash
        await journal.begin_anew(self._settings, self._producer, partition, policy, self._clock.now())

    async def _apply(self, partition: int, records: Sequence[Raw]) -> list[Entry]:
        with tracing.Spans("casework", records) as spans:
            return await self._decided(partition, records, spans)

    async def _decided(self, partition: int, records: Sequence[Raw], spans: tracing.Spans) -> list[Entry]:
        inputs = [(raw, await self._read(partition, raw)) for raw in records]
        first, last = records[0].offset, records[-1].offset
        while True:
            loaded = await self._load(partition, [message for _, message in inputs if message])
            if loaded is None:
                await self._recovery.restore(partition)
                continue
            stored = loaded.standing.offset
            if stored < self._reached.get(partition, -1) or stored < first - 1:
                self._reached[partition] = max(first - 1, self._reached.get(partition, -1))
                await self._went_back(partition)
            elif loaded.unpublished:
                await self._publish_outbox(partition)
            elif stored >= last:
                await self._check_end(partition, stored)
                return []
            else:
                fresh = [item for item in inputs if item[0].offset > stored]
                if (entries := await self._commit(partition, loaded, fresh, last, spans)) is not None:
                    return entries

    async def _commit(
        self,
        partition: int,
        loaded: Loaded,
        inputs: Sequence[tuple[Raw, CaseInput | None]],
        last: int,
        spans: tracing.Spans,
    ) -> list[Entry] | None:
        """Decide, commit and publish. None when the store has moved meanwhile."""
        change, entries = await self._decide(partition, loaded, inputs, last)
        if partition in self._published:
            change.add("HSET", STATE, "journal", self._published[partition])
        if not await self._store.commit(partition, loaded.standing.offset, last, change):
            return None
        self._reached[partition] = last
        await self._publish(partition, [(entry, change.outbox[entry_name(entry)]) for entry in entries], spans)
        return entries

    async def _learn(self, partitions: Sequence[int]) -> None:
        """Learn of partitions that are new here which inputs were acknowledged: the store had reached them."""
        if new := [partition for partition in partitions if partition not in self._known]:
            acked = await acknowledged_offsets(self._settings, topics.CASE_INPUTS.name, new)
            self._reached |= {each: max(offset, self._reached.get(each, -1)) for each, offset in acked.items()}
        self._known = set(partitions)

    async def _went_back(self, partition: int) -> None:
        """Go on in a store that has lost commits although Redis says that it is the same process.

        A machine that was restored from its image does so.
        """
        stand = await self._store.stand(partition)
        reached = self._reached.pop(partition, -1)
        await self.doubt()
        if stand.offset is not None and stand.offset < reached:
            log.error(
                "partition %d stands at %d and was at %d before: Redis went back", partition, stand.offset, reached
            )
            await self._recovery.outlive(partition, stand)
        await self._recovery.restore(partition)

    async def _read(self, partition: int, raw: Raw) -> CaseInput | None:
        try:
            refuse_unreadable(raw.value)
            return input_adapter.validate_json(raw.value, extra=ANY_VERSION)
        except ValueError as error:
            await self._refuse(partition, raw, error)
            return None

    async def _load(self, partition: int, messages: Sequence[CaseInput]) -> Loaded | None:
        residents = {message.resident for message in messages if not isinstance(message, PolicyChange | HoldChange)}
        if any(isinstance(message, HoldChange) and message.lift for message in messages):
            residents.update(await self._store.held(partition))
        return await self._store.load(partition, [message.id for message in messages], sorted(residents))

    async def _decide(
        self, partition: int, loaded: Loaded, inputs: Sequence[tuple[Raw, CaseInput | None]], last: int
    ) -> tuple[StoreUpdate, list[Entry]]:
        policy = await self._policies.get(loaded.standing.policy)
        batch = Batch(partition, loaded, policy, loaded.standing.offset + 1, last)
        for raw, message in inputs:
            if message is None or message.id in batch.applied:
                continue
            if isinstance(message, PolicyChange):
                await self._follow(batch, raw, message)
            elif not batch.take(raw.offset, message):
                await self._refuse(partition, raw, TOO_LARGE)
        batch.finish(self._clock.now())
        return batch.change, batch.entries

    async def _follow(self, batch: Batch, raw: Raw, message: PolicyChange) -> None:
        """Another policy; one that is nowhere to be found, or cannot be used, leaves the one in force."""
        try:
            batch.follow(raw.offset, message, await self._policies.get(message.policy))
        except (UnknownPolicyError, PolicyError) as error:
            await self._refuse(batch.partition, raw, f"policy: {error}")

    async def _refuse(self, partition: int, raw: Raw, why: Exception | str) -> None:
        log.warning("case-inputs/%d/%d is refused; see the dead letters", partition, raw.offset)
        await self._dead_letters.record(topics.CASE_INPUTS.name, partition, raw.offset, raw.value, why)

    async def _check_end(self, partition: int, stored: int) -> None:
        refuse_ahead(partition, stored, await self._recovery.end(partition))

    async def _publish_outbox(self, partition: int) -> list[Entry]:
        """Publish what an earlier commit left in the outbox, by whomever it was. Returns the entries."""
        published: list[Entry] = []
        while waiting := await self._store.outbox(partition):
            entries = [(journal_adapter.validate_json(value, extra=ANY_VERSION), value) for value in waiting.values()]
            self._published[partition] = await journal.publish(self._producer, partition, entries)
            await self._store.published(partition, waiting)
            published += [entry for entry, _ in entries]
        return published

    async def _publish(self, partition: int, written: Sequence[tuple[Entry, bytes]], spans: tracing.Spans) -> None:
        for entry, _ in written:
            if isinstance(entry, CaseEvent):
                spans.tell(entry.offset, case=entry.case.id, input=entry.input_kind)
        self._published[partition] = await journal.publish(self._producer, partition, written, spans.trace)
        await self._store.published(partition, [entry_name(entry) for entry, _ in written])


async def _nothing_shared() -> None:
    """The store has no shared part."""
