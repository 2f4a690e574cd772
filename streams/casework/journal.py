"""The journal (topic case-events): publishes decisions, and reads which inputs it proves to be applied."""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from prometheus_client import Counter

from domain.consistency.commits import CommitChain
from domain.consistency.commits import Entry as Link
from schemas.base import ANY_VERSION
from schemas.casework.events import CaseEvent, Commit, Dispatch, RulesEvent, UnchangedEvent, journal_adapter
from schemas.casework.journal import (
    PartialCaseEvent,
    PartialEntry,
    PartialStandingEvent,
    PartialUnchangedEvent,
    decode,
)
from schemas.levels import Level
from streams.messaging import topics
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import read_pages
from streams.runtime.settings import Settings
from streams.runtime.tracing import Trace, no_trace

log = logging.getLogger(__name__)

Entry = CaseEvent | RulesEvent | UnchangedEvent

Progress = Callable[[int, int], object]

CHUNK = 5_000  # entries per chunk: a case's versions are close together, and only the last is stored
MOST_WAITING = 20_000  # entries behind a gap: more than any writer has in progress, so the gap will never close

GAPS = Counter("quanzu_journal_gaps", "Ranges of inputs without a journal entry that are no longer on their topic")
DIFFERENT = Counter(
    "quanzu_decided_differently", "Inputs that another version of the code decided with a different result"
)
T = TypeVar("T")

DISPATCH_TOPICS = {topic.name.removeprefix("dispatches."): topic.name for topic in topics.DISPATCHES}


async def publish(
    producer: Producer,
    partition: int,
    entries: Sequence[tuple[Entry, bytes]],
    trace: Callable[[int], Trace | None] = no_trace,
) -> int:
    """Write the entries, each given with its JSON, to the journal, then their dispatches to the channels' topics.

    `trace`: returns the trace of an input, by the input's offset; None without one. Returns the last entry's offset in
    the journal (-1: unknown, or no entries) once Kafka has acknowledged all records. Raises SendError if Kafka refuses
    a record permanently; waits without limit while Kafka is unavailable.
    """
    offset = await producer.send_all(
        [_journal_record(partition, entry, value, trace(entry.offset)) for entry, value in entries]
    )
    dispatches = [
        dispatch_record(partition, dispatch, trace(entry.offset))
        for entry, _ in entries
        if isinstance(entry, CaseEvent)
        for dispatch in entry.dispatches
    ]
    await producer.send_all(dispatches)
    return offset


def _journal_record(partition: int, entry: Entry, value: bytes, trace: Trace | None) -> Record:
    name = entry.case.resident if isinstance(entry, CaseEvent) else "standing"
    return Record(topics.CASE_EVENTS.name, name.encode(), value, partition, trace)


def dispatch_record(partition: int, dispatch: Dispatch, trace: Trace | None = None) -> Record:
    """Return the Kafka record of a dispatch: for the topic of red dispatches if it is red, else for its channel's
    topic. Nothing is sent.

    The key is the resident's id, the value the dispatch as JSON. `trace` None: the current span's, if there is one.
    """
    # Red must not queue behind other dispatches of its channel.
    topic = topics.DISPATCHES_RED.name if dispatch.level is Level.RED else DISPATCH_TOPICS[dispatch.channel]
    return Record(topic, dispatch.resident.encode(), dispatch.model_dump_json().encode(), partition, trace)


Read = tuple[PartialEntry, bytes]
"""A journal entry with the fields that recovery needs, and its full JSON."""


def read_entry(offset: int, value: bytes) -> Entry | None:
    """Return the journal entry in a record's value (JSON). `offset`: the record's, for the log.

    Returns None, and logs and counts it, if the value is invalid: the case's next entry repeats its state.
    """
    return readable(topics.CASE_EVENTS.name, offset, partial(journal_adapter.validate_json, value, extra=ANY_VERSION))


def read_partial(offset: int, value: bytes | None) -> PartialEntry | None:
    """Return the fields that recovery needs of the journal entry in a record's value (JSON); None for a tombstone.
    `offset`: the record's, for the log. An invalid value: see `read_entry`.
    """
    return None if value is None else readable(topics.CASE_EVENTS.name, offset, partial(decode, value))


class ProvenChain(Generic[T]):
    """Finds out, entry by entry in the order of a partition's journal, which of them are proven to be applied.

    `covered`: offset of the last input known to be applied (-1: none); `log`: the number of case-inputs topics that
    were lost before the one with that input. It also reads a journal that was made anew for another number of
    partitions (see RulesEvent.moved): the entries that were moved there are proven.
    """

    def __init__(self, covered: int = -1, log: int = 0) -> None:
        self.commits: CommitChain[T] = CommitChain(covered, log)
        self._moved = 0  # records that follow and were moved

    def take(self, entry: PartialEntry, item: T) -> list[T]:
        """Add the journal's next entry, and return the items that are proven by it to be applied, in the order of their
        inputs; often an empty list. `item`: what is returned for this entry once it is proven, now or by a later call.
        """
        if self._moved:
            self._moved -= 1
            return [item]
        if isinstance(entry, PartialStandingEvent) and entry.moved is not None:
            self.commits, self._moved = CommitChain(entry.offset, entry.commit.log), entry.moved
            return [item]
        if isinstance(entry, PartialStandingEvent) and entry.anew:
            self.commits.begin_anew(entry.offset, entry.commit.log)
            return [item]
        return self.commits.add(Link(entry.commit, entry.offset, _name(entry), item))

    def pass_over(self) -> None:
        """Leave out the journal's next record, which cannot be read. It counts as one of the moved records if such
        records are expected.
        """
        self._moved = max(0, self._moved - 1)


class Proven:
    """Reads a partition's journal and yields, in the order of the inputs, the entries of complete commits.

    `first`: the journal offset to begin at. `covered`: offset of the last input known to be applied; `log`: the number
    of case-inputs topics that were lost before the one with that input. `kept`: offset of the first input still on its
    topic: a gap before it cannot be closed. `read`: the last journal offset that was read.
    """

    def __init__(
        self, settings: Settings, partition: int, kept: int, *, first: int = 0, covered: int = -1, log: int = 0
    ) -> None:
        self._settings, self._partition, self._kept, self._first = settings, partition, kept, first
        self._chain: ProvenChain[Read] = ProvenChain(covered, log)
        self.read = first - 1  # the last journal offset that was read

    @property
    def covered(self) -> int:
        """The offset on case-inputs of the last input that is proven to be applied so far; -1 if none is."""
        return self._chain.commits.covered

    async def chunks(self, progress: Progress = lambda done, of: None, most: int = CHUNK) -> AsyncIterator[list[Read]]:
        """Yield the entries of complete commits in the order of their inputs, in lists of about `most`; nothing if
        there is none. Stops at a gap whose inputs can still be read from their topic. A gap whose inputs are gone is
        logged, counted and skipped.

        `progress` is called with the number of journal entries read so far and their total. Errors of Kafka pass
        through; raises CodecError if the journal cannot be decrypted.
        """
        end = (await end_offsets(self._settings, topics.CASE_EVENTS.name))[self._partition]
        chunk: list[Read] = []
        async for page in _pages(self._settings, topics.CASE_EVENTS.name, self._partition, self._first):
            for offset, value in page:
                chunk += self._take(offset, value)
                self.read = offset
                if len(chunk) >= most:
                    yield chunk
                    chunk = []
            progress(self.read + 1, end)
            if self._chain.commits.waiting > MOST_WAITING:
                chunk += self._skip()
                if self._chain.commits.waiting > MOST_WAITING:
                    break
        while skipped := self._skip():
            chunk += skipped
        self._tell_differences()
        if chunk:
            yield chunk

    def _take(self, offset: int, value: bytes) -> list[Read]:
        entry = read_partial(offset, value)
        if entry is None:
            self._chain.pass_over()
            return []
        return self._chain.take(entry, (entry, value))

    def _skip(self) -> list[Read]:
        """Skip a gap whose inputs are no longer on the topic, and return the entries behind it.

        Returns an empty list if there is no gap or its inputs are still on the topic.
        """
        gap = self._chain.commits.gap
        if gap is None or gap[1] >= self._kept:
            return []
        report_gap(self._partition, *gap)
        return self._chain.commits.skip()

    def _tell_differences(self) -> None:
        for before, after in self._chain.commits.differing:
            if decided_differently(before, after):
                report_difference(self._partition, _name(after[0]))


def report_gap(partition: int, first: int, last: int) -> None:
    """Log as critical, and count, a gap: no journal entry covers the inputs from offset `first` to `last` (both
    included), and their topic no longer has them.
    """
    GAPS.inc()
    log.critical(
        "case-inputs/%d: no journal entry covers the inputs %d to %d, and they are no longer kept. The cases go on "
        "without them: compare the cases of that time with the feeds' own records",
        partition,
        first,
        last,
    )


def decided_differently(before: Read, after: Read) -> bool:
    """Return True if two entries of one name, made by different versions of the code, have another content.

    The ids of inputs that changed nothing are those of one batch: of batches that begin elsewhere, they are not
    compared.
    """
    (entry, written), (again, rewritten) = before, after
    if isinstance(entry, PartialUnchangedEvent) and entry.commit.first != again.commit.first:
        return False
    return _content(written) != _content(rewritten)


def report_difference(partition: int, name: str) -> None:
    """Log as critical, and count, that another version of the code decided an input with a different result.

    `name`: the journal entry's name, "offset/case id" or "offset/kind" (see streams.state.store_update.entry_name).
    """
    DIFFERENT.inc()
    log.critical(
        "partition %d, journal entry %s: another version of the code has decided this input with another result. The "
        "first result stands. Read the case's history, and do not run two versions that decide differently for long",
        partition,
        name,
    )


def _content(value: bytes) -> dict[str, object]:
    entry = journal_adapter.validate_json(value, extra=ANY_VERSION)
    return entry.model_dump(exclude={"commit"})


def _name(entry: PartialEntry) -> str:
    """Return the entry's name, in the format of streams.state.store_update.entry_name."""
    if isinstance(entry, PartialCaseEvent):
        return f"{entry.offset}/{entry.case.id}"
    return f"{entry.offset}/{'standing' if isinstance(entry, PartialStandingEvent) else 'unchanged'}"


def applied(entries: Iterable[Entry], offset: int | None) -> Iterator[CaseEvent]:
    """Yield the case events of a journal that the store has applied, in the journal's order: those of inputs up to and
    including `offset` (None: all), and all those of earlier case-inputs topics.

    In a busy system the newest events are left out, because an event is in the journal before it is in the store.
    """
    ahead: list[CaseEvent] = []
    for entry in entries:
        if isinstance(entry, RulesEvent):
            if entry.anew:  # earlier offsets belong to an older log, which was applied completely
                yield from ahead
                ahead.clear()
        elif isinstance(entry, CaseEvent):
            if offset is None or entry.offset <= offset:
                yield entry
            else:
                ahead.append(entry)


async def events_applied(settings: Settings, partition: int, offset: int | None) -> list[CaseEvent]:
    """Read a partition's journal, and return the case events of inputs up to and including `offset` (None: all), in
    order.

    Events of inputs on an older case-inputs topic are always included. Invalid entries are logged and left out. Errors
    of Kafka pass through; raises CodecError if the journal cannot be decrypted.
    """
    read = [read_entry(place, value) async for place, value in _values(settings, topics.CASE_EVENTS.name, partition)]
    return list(applied([entry for entry in read if entry], offset))


async def begin_anew(
    settings: Settings, producer: Producer, partition: int, policy: str, at: datetime, topic: str
) -> None:
    """Write an entry to the partition's journal that states: the case-inputs topic was recreated, and all its records
    are to be applied. The write waits while Kafka is unavailable. `topic`: the id of the new topic, "" if unknown.

    `policy`: the hash of the policy to use if no journal entry names one. Inputs that were also on the old topic are
    recognised by their ids. Raises SendError if Kafka refuses the entry permanently, KafkaError if Kafka cannot be
    read, and CodecError if the journal cannot be decrypted.
    """
    read, rules, lost = -1, None, 0
    async for read, value in _values(settings, topics.CASE_EVENTS.name, partition):
        if isinstance(entry := read_entry(read, value), RulesEvent):
            rules, lost = entry, max(lost, entry.commit.log)
    begin = (await beginning_offsets(settings, topics.CASE_INPUTS.name, [partition]))[partition]
    anew = RulesEvent(
        commit=Commit(first=begin - 1, last=begin - 1, entries=1, log=lost + 1, topic=topic),
        input=f"log:{partition}:{read}",
        partition=partition,
        offset=begin - 1,
        at=at,
        policy=rules.policy if rules else policy,
        holds=rules.holds if rules else [],
        anew=True,
    )
    await publish(producer, partition, [(anew, anew.model_dump_json().encode())])


async def sent_since(settings: Settings, partition: int, offset: int) -> set[str]:
    """Return the ids of the dispatches in the partition's journal entries after the journal offset `offset`; an empty
    set if there are none.

    A channel gets a dispatch only after its entry. Errors of Kafka pass through; raises CodecError if the journal
    cannot be decrypted.
    """
    found: set[str] = set()
    async for place, value in _values(settings, topics.CASE_EVENTS.name, partition, offset + 1):
        entry = read_entry(place, value)
        if isinstance(entry, CaseEvent):
            found.update(dispatch.id for dispatch in entry.dispatches)
    return found


async def _values(settings: Settings, topic: str, partition: int, first: int = 0) -> AsyncIterator[tuple[int, bytes]]:
    async for page in _pages(settings, topic, partition, first):
        for offset, value in page:
            yield offset, value


async def _pages(
    settings: Settings, topic: str, partition: int, first: int = 0
) -> AsyncIterator[list[tuple[int, bytes]]]:
    """Yield pages of (offset, value) of a partition's present records from `first` on, without tombstones."""
    begin = (await beginning_offsets(settings, topic, [partition]))[partition]
    end = (await end_offsets(settings, topic))[partition]
    async for page in read_pages(settings, topic, partition, max(first, begin), end - 1):
        yield [(record.offset, record.value) for record in page if record.value is not None]
