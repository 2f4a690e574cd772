"""Case inputs applied in their order, behind the fence; the journal published; a lost or older store brought up.

The order of case-inputs is the truth. Whatever happened to the worker, the partition or Redis, one question decides
what to do: at which offset does the store stand?
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain

from pydantic import ValidationError

from domain.policy import PolicyError
from schemas.base import ANY_VERSION
from schemas.events import CaseEvent, journal_adapter
from schemas.inputs import CaseInput, HoldChange, PolicyChange, input_adapter
from streams import journal, topics, tracing
from streams.batch import TOO_LARGE, Batch, Entry
from streams.change import Change, Standing, entry_name
from streams.clock import Clock
from streams.dead_letters import DeadLetters
from streams.keys import STATE
from streams.policies import Policies, UnknownPolicyError
from streams.producer import Producer
from streams.raw import Raw
from streams.reader import beginning_offsets, end_offsets, read_range
from streams.settings import Settings
from streams.store import AheadError, CaseStore, Loaded, Stand

log = logging.getLogger(__name__)

BATCH = 200  # inputs decided on with one round trip
REBUILD_CHUNK = 500  # commands written at once while a store is built anew


class Casework:
    """Applies inputs to the cases of the partitions this worker owns.

    `whole` is awaited before a partition stands again that was lost: it restores what all share. So a channel that
    finds the partition standing finds the resident too. `lease_seconds`: how long a dispatch may be in flight.
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
        self._settings, self._store, self._producer = settings, store, producer
        self._policies, self._clock, self._lease_seconds = policies, clock, lease_seconds
        self._dead_letters = DeadLetters(producer, clock)
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # a batch and the watch do not mix
        self._published: dict[int, int] = {}  # the journal's offset of what was published here last, by partition
        self.whole: Callable[[], Awaitable[object]] = _nothing_shared

    async def apply(self, partition: int, records: Sequence[Raw]) -> list[Entry]:
        """Apply records, in order, each once whatever came before. Returns the journal entries they made."""
        async with self._locks[partition]:
            return await self._apply(partition, records)

    async def cover(self, partition: int) -> list[Entry]:
        """Apply what waits on the topic, for an owner who is silent. Returns the journal entries it made."""
        async with self._locks[partition]:
            stand, end = await self._store.stand(partition), await self._end(partition)
            if stand.offset is None or not await self._leads(stand):
                return []
            if stand.older:
                await self._outlive(partition, stand)
            return await self._catch_up(partition, stand.offset, end - 1) if stand.offset < end - 1 else []

    async def watch(self, partitions: Iterable[int]) -> None:
        """Bring partitions up whose store was lost or is older, and publish what a dead worker left in the outbox."""
        mine = list(partitions)
        for partition in await self._store.unsettled(mine):
            async with self._locks[partition]:
                await self._stand(partition)
                await self._publish_outbox(partition)
        await self._store.forget(mine, self._clock.now())

    async def _apply(self, partition: int, records: Sequence[Raw]) -> list[Entry]:
        with tracing.Spans("casework", records) as spans:
            return await self._decided(partition, records, spans)

    async def _decided(self, partition: int, records: Sequence[Raw], spans: tracing.Spans) -> list[Entry]:
        inputs = [(raw, await self._read(partition, raw)) for raw in records]
        while True:
            loaded = await self._load(partition, [message for _, message in inputs if message])
            if loaded is None:
                await self._stand(partition)
                continue
            stored = loaded.standing.offset
            if stored >= records[-1].offset:
                await self._check_end(partition, stored)
                await self._publish_outbox(partition)
                return []
            if stored < records[0].offset - 1:
                await self._catch_up(partition, stored, records[0].offset - 1)
                continue
            change, entries = await self._decide(
                partition, loaded, [item for item in inputs if item[0].offset > stored]
            )
            if partition in self._published:
                change.add("HSET", STATE, "journal", self._published[partition])
            if await self._store.commit(partition, stored, records[-1].offset, change):
                written = [(entry, change.outbox[entry_name(entry)]) for entry in entries]
                await self._publish(partition, written, spans)
                return entries

    async def _read(self, partition: int, raw: Raw) -> CaseInput | None:
        try:
            return input_adapter.validate_json(raw.value, extra=ANY_VERSION)
        except ValidationError as error:
            await self._refuse(partition, raw, error)
            return None

    async def _load(self, partition: int, messages: Sequence[CaseInput]) -> Loaded | None:
        residents = {message.resident for message in messages if not isinstance(message, PolicyChange | HoldChange)}
        if any(isinstance(message, HoldChange) and message.lift for message in messages):
            residents.update(await self._store.held(partition))
        return await self._store.load(partition, [message.id for message in messages], sorted(residents))

    async def _decide(
        self, partition: int, loaded: Loaded, inputs: Iterable[tuple[Raw, CaseInput | None]]
    ) -> tuple[Change, list[Entry]]:
        batch = Batch(partition, loaded, await self._policies.get(loaded.standing.policy))
        for raw, message in inputs:
            if message is None or message.id in batch.applied:
                continue
            if isinstance(message, PolicyChange):
                await self._follow(batch, raw, message)
            elif not batch.take(raw.offset, message):
                await self._refuse(partition, raw, TOO_LARGE)
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

    async def _catch_up(self, partition: int, stored: int, last: int) -> list[Entry]:
        """Apply what the store has not seen, or not any more: the outcome and all ids are the same."""
        begin = (await beginning_offsets(self._settings, topics.CASE_INPUTS.name))[partition]
        if stored + 1 < begin:
            log.warning(
                "case-inputs/%d: %d to %d are no longer kept; folding the journal", partition, stored + 1, begin
            )
            await self._store.clear(partition)
            return []
        log.warning("case-inputs/%d: the store stands at %d, applying to %d", partition, stored, last)
        missed: list[Raw] = []
        entries: list[Entry] = []
        async for record in read_range(self._settings, topics.CASE_INPUTS.name, partition, stored + 1, last):
            missed.append(Raw(record.offset, record.value or b""))
            if len(missed) == BATCH:
                entries += await self._apply(partition, missed)
                missed = []
        return entries + (await self._apply(partition, missed) if missed else [])

    async def rebuild(self, partition: int, progress: journal.Progress) -> None:
        """Build a partition anew from its journal, whatever is stored of it. `progress`: entries read, of how many."""
        async with self._locks[partition]:
            await self._store.clear(partition)
            await self._leads(await self._store.stand(partition))
            await self._recover(partition, progress)
        await self.watch([partition])

    async def _stand(self, partition: int) -> None:
        """Have the partition stand as it did, whatever became of Redis."""
        stand = await self._store.stand(partition)
        if not await self._leads(stand):
            return
        if stand.offset is None:
            await self._recover(partition)
        elif stand.older:
            await self._outlive(partition, stand)
        await self._complete(partition)

    async def _leads(self, stand: Stand) -> bool:
        """Return whether the Redis that was asked leads. Until it does, others may send what no journal tells yet."""
        return await self._store.leader.names(stand.asked)

    async def _outlive(self, partition: int, stand: Stand) -> None:
        """Go on in another Redis than before, which may lack the latest commits.

        What follows from those is applied again. But what was sent of it, and not yet reported, is known to nobody.
        """
        await self.whole()
        sent = await journal.sent_since(self._settings, partition, stand.journal)
        end = await self._end(partition)
        if await self._store.outlive(partition, stand, end, sent, self._lease_seconds):
            log.warning("partition %d stands at %s in another Redis; inputs end at %d", partition, stand.offset, end)

    async def begin_anew(self, partition: int) -> None:
        """Tell the journal that the log of inputs was made anew; the store is then forgotten and built."""
        policy = (await self._policies.default()).hash
        await journal.begin_anew(self._settings, self._producer, partition, policy, self._clock.now())

    async def _recover(self, partition: int, progress: journal.Progress = lambda done, of: None) -> None:
        """Build the partition's store from its journal. Of several who try, one finishes."""
        await self.whole()
        folded = await journal.fold(self._settings, partition, progress)
        end = await self._end(partition)
        begin = (await beginning_offsets(self._settings, topics.CASE_INPUTS.name))[partition]
        _refuse_ahead(partition, folded.offset, end)
        folded.applied |= await journal.without_effect(self._settings, partition, folded)
        policy = await self._usable(folded.standing.policy if folded.standing else None)
        holds = folded.standing.holds if folded.standing else ()
        standing = Standing(max(folded.offset, begin - 1), policy, holds, folded.logs)
        mark = await self._store.begin_rebuild(partition)
        if mark is None:
            return
        await self.whole()  # again: if all was lost once more before the mark, what all share must come first
        last = _standing(standing).add("HSET", STATE, "journal", folded.read)
        last.settling(self._lease_seconds)
        chunks = _chunks(chain(journal.changes(folded, self._clock.now()), [last]))
        if await self._store.rebuild(partition, mark, chunks, standing.offset, end) and folded.cases:
            log.warning("partition %d was built anew from its journal: %d cases", partition, len(folded.cases))

    async def _usable(self, policy: str | None) -> str:
        """The policy to go on with: the journal's, or the settings' file's where that one is nowhere to be found."""
        try:
            return (await self._policies.get(policy) if policy else await self._policies.default()).hash
        except (UnknownPolicyError, PolicyError) as error:
            log.critical("%s. Until then the file of the settings is in force", error)
            return (await self._policies.default()).hash

    async def _complete(self, partition: int) -> None:
        """Apply what a rebuilt or older store lacks: until then no channel sends, for what it asks may be among it."""
        if missing := await self._store.behind(partition):
            await self._catch_up(partition, *missing)

    async def _check_end(self, partition: int, stored: int) -> None:
        _refuse_ahead(partition, stored, await self._end(partition))

    async def _end(self, partition: int) -> int:
        return (await end_offsets(self._settings, topics.CASE_INPUTS.name))[partition]

    async def _publish_outbox(self, partition: int) -> None:
        waiting = await self._store.outbox(partition)
        entries = [(journal_adapter.validate_json(value, extra=ANY_VERSION), value) for value in waiting.values()]
        if entries:
            self._published[partition] = await journal.publish(self._producer, partition, entries)
            await self._store.published(partition, waiting)

    async def _publish(self, partition: int, written: Sequence[tuple[Entry, bytes]], spans: tracing.Spans) -> None:
        for entry, _ in written:
            if isinstance(entry, CaseEvent):
                spans.tell(entry.offset, case=entry.case.id, input=entry.input_kind)
        if written:
            self._published[partition] = await journal.publish(self._producer, partition, written, spans.trace)
            await self._store.published(partition, [entry_name(entry) for entry, _ in written])


async def _nothing_shared() -> None:
    """Where there is none but cases."""


def _standing(standing: Standing) -> Change:
    change = Change()
    change.standing(standing)
    return change


def _refuse_ahead(partition: int, stored: int, end: int) -> None:
    if stored >= end:
        raise AheadError(
            f"partition {partition} stands at input {stored}, but {topics.CASE_INPUTS.name} ends at {end - 1}: the "
            "topic was made anew or lost records. Restore it, or go on from the journal with `quanzu rebuild --new-log`"
        )


def _chunks(changes: Iterable[Change]) -> Iterable[Change]:
    chunk = Change()
    for change in changes:
        chunk.commands += change.commands
        if len(chunk.commands) >= REBUILD_CHUNK:
            yield chunk
            chunk = Change()
    yield chunk
