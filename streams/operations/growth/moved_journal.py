"""The journal of cases for another number of partitions.

Only proven entries are copied, each once: the case events of a resident go to the resident's new partition as they are
stored. The ids of inputs that changed no case, or changed rules, do not tell whom they concern: those that still count
go to each new partition to which a resident of their old one may belong.

A partition's new journal consists of a first entry that announces the moved ones (RulesEvent.moved), the moved ones,
and an entry from which on its inputs count (RulesEvent.anew). It begins a new log of inputs: an offset in a moved entry
is one of another partition.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from functools import partial

from domain.consistency.growth import OrderedDigest, shared_partitions
from schemas.administration.partition_counts import CopiedJournal
from schemas.casework.events import Commit, RulesEvent, UnchangedEvent
from schemas.casework.inputs import Hold
from schemas.casework.journal import PartialCaseEvent, PartialEntry, PartialUnchangedEvent, decode
from streams.casework.journal import ProvenChain
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import Read
from streams.messaging.topics import CASE_EVENTS, CASE_INPUTS
from streams.operations.growth.copies import (
    Copier,
    GrowthError,
    merged_by_time,
    place_of_key,
    require_copied,
    staging,
    stored_records,
)
from streams.runtime.settings import Settings
from streams.state.keys import APPLIED_KEPT

IDS_AT_ONCE = 2_000  # input ids in one entry: some 100 KB
STANDING_KEY = b"standing"  # the key of entries that are about no case

ProvenRecord = tuple[PartialEntry, Read]
"""An entry that is proven to be applied, and its record."""


class JournalReading:
    """Reads the old partitions' journals. After `events` has ended: `fold`, a digest of the residents' events;
    `applied`, the ids of applied inputs that concern no single case, by old partition; `log`, the highest number of a
    log of inputs; `left_out`, the number of entries that are no part of the new journal.
    """

    def __init__(self, settings: Settings, since: datetime) -> None:
        """`since`: ids of inputs applied before it no longer count."""
        self._settings, self._since = settings, since
        self._kept: dict[int, int] = {}  # the first input that is still on its topic, by partition
        self._ends: dict[int, int] = {}  # the offset after the last input
        self.fold = OrderedDigest()
        self.applied: defaultdict[int, dict[str, datetime]] = defaultdict(dict)
        self.log = self.left_out = 0

    async def events(self) -> AsyncIterator[Read]:
        """Yield the case events of all partitions, about in the order of their times; those of a resident in the order
        in which they were decided. Fills `fold`, `applied`, `log` and `left_out` meanwhile. Raises GrowthError if a
        journal does not prove all inputs of its partition, or a record's key is not its resident, and KafkaError if
        Kafka is unavailable.
        """
        self._kept = await beginning_offsets(self._settings, CASE_INPUTS.name)
        self._ends = await end_offsets(self._settings, CASE_INPUTS.name)
        records = await stored_records(self._settings, CASE_EVENTS.name)
        async for record in merged_by_time([self._of(partition, each) for partition, each in enumerate(records)]):
            yield record

    async def _of(self, partition: int, records: AsyncIterator[Read]) -> AsyncIterator[Read]:
        chain: ProvenChain[ProvenRecord] = ProvenChain()
        async for record in records:
            entry = readable(CASE_EVENTS.name, record.offset, partial(decode, record.value or b""))
            self.left_out += 1
            if entry is None:
                chain.pass_over()
                continue
            for found in self._taken(partition, chain.take(entry, (entry, record))):
                yield found
        for found in self._taken(partition, _behind_gaps(chain, self._kept[partition])):
            yield found
        self._require_whole(partition, chain)
        self.log = max(self.log, chain.commits.log)

    def _taken(self, partition: int, proven: Sequence[ProvenRecord]) -> Iterator[Read]:
        for entry, record in proven:
            if isinstance(entry, PartialCaseEvent):
                if record.key != entry.case.resident.encode():
                    raise GrowthError(f"{CASE_EVENTS.name}/{partition}: the key of {record.offset} is not its resident")
                self.left_out -= 1
                self.fold.add(record.key, record.value or b"")
                yield record
            elif isinstance(entry, PartialUnchangedEvent):
                self.applied[partition] |= {name: at for name, at in entry.inputs.items() if at > self._since}
            elif entry.at > self._since:
                self.applied[partition][entry.input] = entry.at

    def _require_whole(self, partition: int, chain: ProvenChain[ProvenRecord]) -> None:
        kept, end = self._kept[partition], self._ends[partition]
        covered = max(chain.commits.covered, kept - 1)
        if chain.commits.waiting or covered != end - 1:
            raise GrowthError(
                f"the journal of partition {partition} proves the inputs to {covered}, and the last one is {end - 1}. "
                "Start the workers, wait until `quanzu admin drain` has drained, stop them, and run this again"
            )


async def copy_journal(
    settings: Settings, old: int, new: int, at: datetime, policy: str, holds: list[Hold]
) -> CopiedJournal:
    """Write the journal's proven entries to its empty staging topic, compare them with what is there afterwards, and
    return their numbers, digest and old end offsets. `old`, `new`: numbers of partitions.

    `at`: when the growth began; `policy` (its hash), `holds`: the rules in force in all partitions. Raises GrowthError
    if a journal is not complete, or the copy differs, and KafkaError if Kafka is unavailable.
    """
    ends = await end_offsets(settings, CASE_EVENTS.name)
    reading = JournalReading(settings, at - APPLIED_KEPT)
    async with Copier(settings, staging(CASE_EVENTS.name), new) as copier:
        async for record in reading.events():
            await copier.add(place_of_key(record.key, new), record.key, record.value, record.timestamp)
        for partition in range(new):
            for entry in _ids(reading, partition, old, new, at):
                await copier.add(partition, STANDING_KEY, entry.model_dump_json().encode(), _ms(at))
        await copier.finish()
    digest = copier.sequences.hexdigest()
    await require_copied(settings, staging(CASE_EVENTS.name), new, digest)
    return CopiedJournal(
        records=copier.sequences.records,
        digest=digest,
        ends=[ends[each] for each in range(old)],
        residents=reading.fold.names,
        fold=reading.fold.hexdigest(),
        left_out=reading.left_out,
        log=reading.log,
        policy=policy,
        holds=holds,
    )


async def fill_journal(settings: Settings, copied: CopiedJournal, covered: Sequence[int], at: datetime) -> None:
    """Write the new journal to its empty topic, from its staging topic, and compare its residents' events with those of
    before.

    `covered`: by new partition, the offset after the inputs that it proves. `at`: the time of the added first and last
    entries. Raises GrowthError if the events differ, and KafkaError if Kafka is unavailable.
    """
    new = len(copied.records)
    async with Copier(settings, CASE_EVENTS.name, new) as copier:
        for partition, records in enumerate(await stored_records(settings, staging(CASE_EVENTS.name))):
            opening, closing = _frame(partition, copied, covered[partition], at)
            first = await anext(records, None)
            # Dated like the first moved record: a search by time is to find that, not this one at the beginning.
            dated = first.timestamp if first else _ms(at)
            await copier.add(partition, STANDING_KEY, opening.model_dump_json().encode(), dated)
            if first:
                await copier.add(partition, first.key, first.value, first.timestamp)
            async for record in records:
                await copier.add(partition, record.key, record.value, record.timestamp)
            await copier.add(partition, STANDING_KEY, closing.model_dump_json().encode(), _ms(at))
        await copier.finish()
    fold = OrderedDigest()
    for records in await stored_records(settings, CASE_EVENTS.name):
        await _add_proven(records, fold)
    if (fold.names, fold.hexdigest()) != (copied.residents, copied.fold):
        raise GrowthError(
            f"the new journal's fold differs: {fold.names:,} residents instead of {copied.residents:,}. The copy of "
            "the old one is complete: run the command again, and it writes the journal anew"
        )


async def _add_proven(records: AsyncIterator[Read], fold: OrderedDigest) -> None:
    chain: ProvenChain[ProvenRecord] = ProvenChain()
    async for record in records:
        entry = readable(CASE_EVENTS.name, record.offset, partial(decode, record.value or b""))
        if entry is None:
            chain.pass_over()
            continue
        for proven, its in chain.take(entry, (entry, record)):
            if isinstance(proven, PartialCaseEvent):
                fold.add(proven.case.resident.encode(), its.value or b"")


def _behind_gaps(chain: ProvenChain[ProvenRecord], kept: int) -> list[ProvenRecord]:
    """Return the entries behind gaps whose inputs are no longer on their topic, as a recovery does. `kept`: the first
    input that is.
    """
    found: list[ProvenRecord] = []
    while (gap := chain.commits.gap) is not None and gap[1] < kept:
        found += chain.commits.skip()
    return found


def _ids(reading: JournalReading, partition: int, old: int, new: int, at: datetime) -> Iterator[UnchangedEvent]:
    found: dict[str, datetime] = {}
    for source in range(old):
        if partition in shared_partitions(source, old, new):
            found |= reading.applied[source]
    names = sorted(found)
    for start in range(0, len(names), IDS_AT_ONCE):
        inputs = {name: found[name] for name in names[start : start + IDS_AT_ONCE]}
        commit = Commit(first=-1, last=-1, entries=1)
        yield UnchangedEvent(commit=commit, partition=partition, offset=-1, at=at, inputs=inputs)


def _frame(partition: int, copied: CopiedJournal, covered: int, at: datetime) -> tuple[RulesEvent, RulesEvent]:
    """Return the entries before and after the moved ones."""
    last = covered - 1
    frame = RulesEvent(
        commit=Commit(first=last, last=last, entries=1, log=copied.log + 1),
        input=f"growth:{partition}:{len(copied.records)}",
        partition=partition,
        offset=last,
        at=at,
        policy=copied.policy,
        holds=copied.holds,
    )
    return frame.model_copy(update={"moved": copied.records[partition]}), frame.model_copy(update={"anew": True})


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
