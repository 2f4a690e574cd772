"""Fills an empty store from a checkpoint, so that it is as Redis was at the checkpoint's input.

What lies in between is then applied from the journal, as for any Redis that came back with an older state.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

from domain.consistency.checkpoints import Rejected
from domain.ids import reported_dispatch
from schemas.administration.checkpoints import CheckpointHead
from schemas.casework.journal import PartialCaseEvent, PartialStandingEvent, decode_case
from streams.casework.checkpoints.parts import AppliedPart, CasePart, Part, SumsPart, part_in
from streams.casework.journal import read_partial
from streams.casework.rebuilding import derived
from streams.casework.replay import CARRIED, IDS_AT_ONCE
from streams.casework.steps import CaseworkContext
from streams.messaging import topics
from streams.messaging.offsets import offset_at
from streams.messaging.reader import Read, ReadError, read_on, read_pages
from streams.state.keys import (
    APPLIED,
    BOOKS,
    CASES,
    COUNTS,
    LEDGER,
    RAISED,
    RECENT,
    SETTLED,
    STATE,
    UNSURE,
    key,
    milliseconds,
)
from streams.state.store_update import PartitionRules, StoreUpdate

HASHES = {"counts": COUNTS, "ledger": LEDGER, "books": BOOKS, "raised": RAISED}
SKEW = timedelta(minutes=10)  # by which a machine's clock, which dates the journal's records, may be wrong
ENTRIES_BEFORE_REST = 500


class CheckpointError(RuntimeError):
    """A checkpoint turned out to be unusable while it was read. `reason`: why."""

    def __init__(self, reason: Rejected) -> None:
        super().__init__(f"the checkpoint cannot be used: {reason}")
        self.reason = reason


class CheckpointLoader:
    """Yields the updates that make a checkpoint's store of an empty one."""

    def __init__(self, context: CaseworkContext, head: CheckpointHead) -> None:
        self._settings, self._store, self._clock = context.settings, context.store, context.clock
        self._lease_seconds, self._head = context.lease_seconds, head
        self._sums: list[SumsPart] = []

    async def changes(self, policy: str) -> AsyncIterator[StoreUpdate]:
        """Yield the updates, each to be written before the next is taken. `policy`: the digest of the policy in force.

        Raises CheckpointError if parts are missing or damaged. Errors of Redis and Kafka pass through; raises
        CodecError if the topics cannot be decrypted, and ValidationError if a case is invalid.
        """
        async for change in self._parts():
            yield change
        if await self._store.redis.hlen(key("cases", self._head.partition)) != self._head.cases:
            raise CheckpointError(Rejected.INCOMPLETE)
        async for change in derived(self._store, self._head.partition):
            yield change
        # Written last, because adding up the cases that are still stored does not give them.
        for each in self._replaced_sums():
            yield each
        async for change in self._possibly_sent():
            yield change
        yield self._last(policy)

    async def _parts(self) -> AsyncIterator[StoreUpdate]:
        head, number = self._head, 0
        pages = read_pages(self._settings, topics.CHECKPOINTS.name, head.partition, head.first, head.last)
        try:
            async for page in pages:
                change = StoreUpdate()
                for part in self._of_this(page):
                    if part.number > number:
                        raise CheckpointError(Rejected.INCOMPLETE)
                    if part.number == number:  # else it was sent again
                        self._take(change, part)
                        number += 1
                yield change
        except ReadError as error:
            raise CheckpointError(Rejected.INCOMPLETE) from error
        if number != head.parts:
            raise CheckpointError(Rejected.INCOMPLETE)

    def _of_this(self, page: list[Read]) -> Iterator[Part]:
        """Yield the page's parts of this checkpoint. Others are of a worker that was late."""
        own = f"{self._head.slot}/".encode()
        for record in page:
            if record.value is None or not (record.key or b"").startswith(own):
                continue
            try:
                part = part_in(record.value)
            except ValueError as error:
                raise CheckpointError(Rejected.DAMAGED) from error
            if part.generation == self._head.generation:
                yield part

    def _take(self, change: StoreUpdate, part: Part) -> None:
        if isinstance(part, CasePart):
            self._case(change, part)
        elif isinstance(part, AppliedPart):
            change.add("ZADD", APPLIED, *(each for name, at in part.inputs.items() for each in (at, name)))
        else:
            self._sums.append(part)

    def _case(self, change: StoreUpdate, part: CasePart) -> None:
        raw = bytes(part.case)
        try:
            case = decode_case(raw)
        except ValueError as error:
            raise CheckpointError(Rejected.DAMAGED) from error
        if part.latest:
            change.add("HSET", CASES, case.resident, raw)
            change.add("ZADD", RECENT, milliseconds(case.updated_at), case.id)
        else:
            change.earlier(case.id, case.updated_at, raw)
        if part.settled is not None:
            change.add("HSET", SETTLED, case.resident, part.settled)

    def _replaced_sums(self) -> Iterator[StoreUpdate]:
        change = StoreUpdate()
        for number in HASHES.values():
            change.add("DEL", number)
        change.add("DEL", RECENT)
        for name, score in self._head.recent.items():
            change.add("ZADD", RECENT, score, name)
        yield change
        for part in self._sums:
            yield StoreUpdate().add(
                "HSET", HASHES[part.of], *(each for name, amount in part.sums.items() for each in (name, amount))
            )

    async def _possibly_sent(self) -> AsyncIterator[StoreUpdate]:
        """Yield the updates that mark dispatches as possibly sent: those whose result may still change a case, and
        those of the last day without their channel's report (see Replay.possibly_sent).
        """
        partition = self._head.partition
        yield StoreUpdate().add("SUNIONSTORE", UNSURE, key("unsure", partition), key("awaited", partition))
        ids = sorted(await self._unreported(self._clock.now() - CARRIED))
        for start in range(0, len(ids), IDS_AT_ONCE):
            change = StoreUpdate()
            change.unsure(ids[start : start + IDS_AT_ONCE])
            yield change

    async def _unreported(self, since: datetime) -> set[str]:
        """Return the dispatches decided after a time whose channel's report is not on the journal."""
        partition, found = self._head.partition, set[str]()
        seconds = self._clock.wall_seconds(self._clock.now() - since) + SKEW.total_seconds()
        begun = round((self._clock.wall.time() - seconds) * 1000)
        first = await offset_at(self._settings, topics.CASE_EVENTS.name, partition, begun)
        async for record in read_on(self._settings, topics.CASE_EVENTS.name, partition, first):
            if record.offset % ENTRIES_BEFORE_REST == 0:
                await asyncio.sleep(0)
            entry = read_partial(record.offset, record.value)
            if isinstance(entry, PartialCaseEvent):
                found.update(dispatch.id for dispatch in entry.dispatches if entry.at > since)
            if entry is not None:
                names = [entry.input] if isinstance(entry, PartialCaseEvent | PartialStandingEvent) else entry.inputs
                found.difference_update(map(reported_dispatch, names))
        return found

    def _last(self, policy: str) -> StoreUpdate:
        head, change = self._head, StoreUpdate()
        change.standing(PartitionRules(head.offset, policy, tuple(head.holds), head.log))
        change.add("HSET", STATE, "journal", head.journal).settling(self._lease_seconds)
        return change
