"""Writes a checkpoint of a partition: its store in pages, then what changed while they were read, then the head.

The line goes on meanwhile, so the pages show the store at different inputs. The last read is of one moment and names
one input, the checkpoint's. Every case that changed from the first read until then is written once more, from the
journal, at its version of that input: the parts, in their order, make the store of that one input.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing

from domain.consistency.checkpoints import Abandoned
from domain.ids import resident_of
from schemas.administration.checkpoints import CheckpointHead, CheckpointSlot
from schemas.casework.journal import PartialCaseEvent, PartialEntry, PartialStandingEvent, case_in
from streams.casework.checkpoints.capture import PAGE, AbandonedError, CheckpointMoment, StorePages, StorePlace
from streams.casework.checkpoints.heads import entry_at
from streams.casework.checkpoints.parts import PartBody, applied_body, case_body, head_key, part_key, sums_body
from streams.casework.journal import ProvenChain, Read, read_partial
from streams.casework.steps import CaseworkContext
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Record
from streams.messaging.reader import read_on
from streams.state.keys import milliseconds
from streams.state.partition_state import TopicIds

WRITTEN_AT_ONCE = 100  # parts
WRITTEN_BYTES = 500_000  # and no more than these, if one part has not more
SUMS_AT_ONCE = 1_000  # fields of a hash in one part
ENTRIES_AT_ONCE = 200  # journal entries read between two rests
SHARE = 0.1  # of the time is used for a checkpoint, the rest is the line's
TRIES = 50  # to find the outbox empty
TRY_SECONDS = 0.1

Mine = Callable[[], bool]
"""Returns True while this worker owns the partition."""

Rest = Callable[[float], Awaitable[None]]
"""Returns after some seconds, in which others work."""


class CheckpointWriter:
    """Writes checkpoints of the partitions of one worker, one at a time."""

    def __init__(self, context: CaseworkContext, page: int = PAGE, rest: Rest = asyncio.sleep) -> None:
        """`page`: members of a hash that Redis is asked for at once. `rest`: lets the line go on for some seconds."""
        self._context, self._page, self._rest = context, page, rest
        self._topic_ids = TopicIds(context.settings, context.store.redis)

    async def write(self, partition: int, slot: CheckpointSlot, mine: Mine) -> CheckpointHead:
        """Write a checkpoint of the partition into the slot, and return its head once Kafka has acknowledged all.

        `mine`: asked between pages. Raises AbandonedError if it cannot be completed; parts of it may then be on the
        topic, which nobody reads. Errors of Kafka and Redis and SendError pass through.
        """
        pages = StorePages(self._context.store, partition, self._page)
        began, first = await pages.standing(), await self._end(topics.CHECKPOINTS.name, partition)
        parts = _Parts(self._context, partition, slot)
        async for bodies in self._paced(_stored(pages), mine):
            await parts.add(bodies)
        taken = await self._taken(pages)
        async for bodies in self._paced(self._changed(pages, partition, began, taken.standing), mine):
            await parts.add(bodies)
        await parts.add(list(_sums(taken)))
        last = await parts.finish()
        await self._refuse_deposed(pages, taken, mine)
        head = await self._head(partition, slot, parts, (first, last), taken)
        await self._context.producer.send_all(
            [Record(topics.CHECKPOINTS.name, head_key(slot), head.model_dump_json().encode(), partition)]
        )
        return head

    async def _taken(self, pages: StorePages) -> CheckpointMoment:
        """Return the checkpoint's moment: one at which all decisions are published."""
        for _ in range(TRIES):
            if not (taken := await pages.at_once()).unpublished:
                return taken
            await asyncio.sleep(TRY_SECONDS)
        raise AbandonedError(Abandoned.UNPUBLISHED)

    async def _changed(
        self, pages: StorePages, partition: int, began: StorePlace, taken: StorePlace
    ) -> AsyncIterator[list[PartBody]]:
        """Yield the parts for what the inputs after the first read changed, up to the checkpoint's input, as the
        journal has it. Raises AbandonedError if the journal does not prove these inputs.
        """
        chain: ProvenChain[Read] = ProvenChain(began.offset, began.logs)
        chunk: list[Read] = []
        records = read_on(self._context.settings, topics.CASE_EVENTS.name, partition, began.journal + 1)
        async with aclosing(records):
            async for record in records:
                if chain.commits.covered >= taken.offset:
                    break
                entry = read_partial(record.offset, record.value)
                if entry is None or record.value is None:
                    chain.pass_over()
                    continue
                chunk += chain.take(entry, (entry, record.value))
                if len(chunk) >= ENTRIES_AT_ONCE:
                    yield await _bodies(pages, chunk, taken.offset)
                    chunk = []
        if chain.commits.covered < taken.offset or chain.commits.log != taken.logs:
            raise AbandonedError(Abandoned.UNPROVEN)
        yield await _bodies(pages, chunk, taken.offset)

    async def _paced(self, work: AsyncIterator[list[PartBody]], mine: Mine) -> AsyncIterator[list[PartBody]]:
        """Yield what `work` yields, and rest after each, so that this takes only a share of the time."""
        began = time.monotonic()
        async for bodies in work:
            if not mine():
                raise AbandonedError(Abandoned.DEPOSED)
            yield bodies
            await self._rest((time.monotonic() - began) * (1 / SHARE - 1))
            began = time.monotonic()

    async def _refuse_deposed(self, pages: StorePages, taken: CheckpointMoment, mine: Mine) -> None:
        """Raise AbandonedError unless the Redis that was read leads and has not gone back, and the partition is still
        this worker's.
        """
        if not mine() or not await self._context.store.leader.names(taken.standing.run):
            raise AbandonedError(Abandoned.DEPOSED)
        await pages.standing()

    async def _head(
        self, partition: int, slot: CheckpointSlot, parts: "_Parts", places: tuple[int, int], taken: CheckpointMoment
    ) -> CheckpointHead:
        settings, stands = self._context.settings, taken.standing
        entry = await entry_at(settings, partition, stands.journal)
        if entry is None:
            raise AbandonedError(Abandoned.NO_JOURNAL)
        return CheckpointHead(
            generation=parts.generation,
            slot=slot,
            partition=partition,
            partitions=settings.partitions,
            at=self._context.clock.now(),
            first=places[0],
            last=places[1],
            parts=parts.number,
            offset=stands.offset,
            log=stands.logs,
            inputs=taken.inputs or await self._topic_ids.current(topics.CASE_INPUTS.name),
            journal=stands.journal,
            entry=entry,
            events=await self._topic_ids.current(topics.CASE_EVENTS.name),
            run=stands.run,
            policy=stands.policy,
            holds=list(taken.holds),
            cases=taken.cases,
            recent=dict(taken.recent),
        )

    async def _end(self, topic: str, partition: int) -> int:
        return (await end_offsets(self._context.settings, topic, [partition]))[partition]


class _Parts:
    """Numbers the parts of one checkpoint, and writes them."""

    def __init__(self, context: CaseworkContext, partition: int, slot: CheckpointSlot) -> None:
        self._context, self._partition, self._slot = context, partition, slot
        self.generation, self.number = uuid.uuid4().hex, 0
        self._waiting: list[Record] = []
        self._bytes, self._last = 0, -1

    async def add(self, bodies: Sequence[PartBody]) -> None:
        """Write these parts, perhaps with later ones."""
        for body in bodies:
            value = body.value(self.generation, self.number)
            if len(self._waiting) >= WRITTEN_AT_ONCE or self._bytes + len(value) > WRITTEN_BYTES:
                await self._write()
            key = part_key(self._slot, self.number)
            self._waiting.append(Record(topics.CHECKPOINTS.name, key, value, self._partition))
            self._bytes, self.number = self._bytes + len(value), self.number + 1

    async def finish(self) -> int:
        """Write the rest. Returns the offset of the last part, or a later one."""
        await self._write()
        ends = await end_offsets(self._context.settings, topics.CHECKPOINTS.name, [self._partition])
        return self._last if self._last >= 0 else ends[self._partition] - 1

    async def _write(self) -> None:
        if self._waiting:
            self._last = await self._context.producer.send_all(self._waiting)
            self._waiting, self._bytes = [], 0


async def _stored(pages: StorePages) -> AsyncIterator[list[PartBody]]:
    """Yield the parts of what the store has. A case that a later one follows while the residents' cases are read is an
    earlier one before the earlier ones are read.
    """
    async for found in pages.scan("HSCAN", "cases"):
        settled = await pages.settled([name.decode() for name, _ in found])
        yield [case_body(name.decode(), value, settled.get(name.decode()), latest=True) for name, value in found]
    async for found in pages.scan("HSCAN", "earlier"):
        yield [case_body(resident_of(name.decode()), value, None, latest=False) for name, value in found]
    async for found in pages.scan("ZSCAN", "applied"):
        if found:
            yield [applied_body({name.decode(): int(float(score)) for name, score in found})]


async def _bodies(pages: StorePages, entries: Sequence[Read], last: int) -> list[PartBody]:
    """Return the parts for these proven entries, of inputs up to offset `last`."""
    applied: dict[str, int] = {}
    latest: dict[str, tuple[PartialCaseEvent, bytes]] = {}
    settled: dict[str, str] = {}
    before: list[str] = []
    for entry, value in entries:
        if entry.offset > last:
            continue
        applied |= _applied_by(entry)
        if isinstance(entry, PartialCaseEvent):
            case = entry.case
            latest[case.resident] = (entry, value)
            if case.settled and case.settled_at is not None:
                settled[case.resident] = case.settled_at.isoformat()
            if case.number > 1:
                before.append(f"{case.resident}-{case.number - 1}")
    earlier = await pages.earlier(sorted(set(before)))
    found = [case_body(resident_of(name), value, None, latest=False) for name, value in earlier.items()]
    found += [case_body(name, case_in(value), settled.get(name), latest=True) for name, (_, value) in latest.items()]
    return [*found, applied_body(applied)] if applied else found


def _applied_by(entry: PartialEntry) -> dict[str, int]:
    """Return the times of the inputs that an entry applies, in ms since 1970, by their ids."""
    if isinstance(entry, PartialCaseEvent | PartialStandingEvent):
        return {entry.input: milliseconds(entry.at)}
    return {name: milliseconds(at) for name, at in entry.inputs.items()}


def _sums(taken: CheckpointMoment) -> Iterator[PartBody]:
    for name, sums in taken.sums.items():
        fields = list(sums.items())
        for start in range(0, len(fields), SUMS_AT_ONCE):
            yield sums_body(name, dict(fields[start : start + SUMS_AT_ONCE]))
