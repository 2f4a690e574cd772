"""The journal: publishing what was decided, and folding it into the cases it tells of."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import orjson

from domain import counts
from domain.casework import awaited, settled_at
from domain.policy.breaker import LOOKS_BACK
from schemas.base import ANY_VERSION
from schemas.cases import Case
from schemas.dead_letters import DeadLetter, RecordPlace, letter_adapter
from schemas.events import CaseEvent, Dispatch, StandingEvent, journal_adapter
from schemas.inputs import CaseInput, input_adapter
from schemas.levels import Level
from streams import topics
from streams.change import Change, Standing, minute_in, minute_of, raised_by
from streams.keys import APPLIED_KEPT, COUNTS, RAISED
from streams.producer import Producer, Record
from streams.reader import beginning_offsets, end_offsets, read_all, read_range
from streams.settings import Settings
from streams.tracing import Trace, no_trace
from streams.unreadable import readable

Entry = CaseEvent | StandingEvent

Progress = Callable[[int, int], object]

TOLD_EVERY = 1000  # entries
APPLIED_AT_ONCE = 500  # ids in one command
DISPATCH_TOPICS = {topic.name.removeprefix("dispatches."): topic.name for topic in topics.DISPATCHES}


async def publish(
    producer: Producer,
    partition: int,
    entries: Sequence[tuple[Entry, bytes]],
    trace: Callable[[int], Trace | None] = no_trace,
) -> int:
    """Write the entries, each with its JSON, to the journal, then their dispatches to the channels.

    `trace`: of an input, by its offset. Returns, when Kafka has all, the offset in the journal of the last of them:
    what is published later lies behind it.
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
    # Red does not wait behind what else waits for its channel.
    topic = topics.DISPATCHES_RED.name if dispatch.level is Level.RED else DISPATCH_TOPICS[dispatch.channel]
    return Record(topic, dispatch.resident.encode(), dispatch.model_dump_json().encode(), partition, trace)


@dataclass(slots=True)
class Folded:
    """What a partition's journal tells: the state a store must have."""

    standing: Standing | None = None
    cases: dict[str, Case] = field(default_factory=dict)  # by case id, at its highest version
    applied: dict[str, datetime] = field(default_factory=dict)
    offset: int = -1
    read: int = -1  # the journal's offset up to which it was read
    events: set[str] = field(default_factory=set)
    counted: Counter[str] = field(default_factory=Counter)
    clocks: counts.ClocksFold = field(default_factory=counts.ClocksFold)
    raised: Counter[str] = field(default_factory=Counter)
    settled: dict[str, tuple[int, int, datetime]] = field(default_factory=dict)  # by resident: case, version, when
    out: dict[str, list[CaseEvent]] = field(default_factory=dict)  # by case: with a dispatch whose step waits
    rules: set[str] = field(default_factory=set)  # inputs that changed what stands
    logs: int = 0  # of inputs that were lost

    def add(self, entry: Entry) -> None:
        """Take an entry in, any number of times; between two beginnings of the log in any order."""
        if isinstance(entry, CaseEvent):
            known = entry.id in self.events
            self._case(entry.case)
            if not known:
                self._event(entry)
        elif not (known := entry.input in self.rules):
            self._stands(entry)
        self.applied[entry.input] = entry.at
        if not known:  # published once more behind a new beginning, it tells of the log before
            self.offset = max(self.offset, entry.offset)

    def _event(self, event: CaseEvent) -> None:
        """Keep of an event what it adds, and itself only while a dispatch of it is out: there are millions."""
        self.events.add(event.id)
        self.counted.update(counts.of_event(event))
        self.clocks.add(event)
        self.raised.update(raised_by(event))
        waiting = awaited(self.cases[event.case.id])
        out = [*self.out.get(event.case.id, ()), event]
        self.out[event.case.id] = [each for each in out if waiting.intersection(one.id for one in each.dispatches)]
        if (at := settled_at(event.case)) is not None:
            settled = (event.case.number, event.case.version, at)
            self.settled[event.case.resident] = max(settled, self.settled.get(event.case.resident, settled))

    def _stands(self, entry: StandingEvent) -> None:
        self.rules.add(entry.input)
        if entry.anew:
            self.offset = -1
            self.logs += 1
        if entry.anew or self.standing is None or entry.offset >= self.standing.offset:
            self.standing = Standing(entry.offset, entry.policy, tuple(entry.holds), self.logs)

    def snapshot(self, case: Case) -> None:
        """Take a case's snapshot in: it may stand for entries that are gone."""
        self._case(case)

    def _case(self, case: Case) -> None:
        known = self.cases.get(case.id)
        if known is None or case.version > known.version:
            self.cases[case.id] = case

    def latest(self) -> dict[str, list[Case]]:
        """Each resident's cases, the earliest first."""
        by_resident: dict[str, list[Case]] = {}
        for case in sorted(self.cases.values(), key=lambda case: case.number):
            by_resident.setdefault(case.resident, []).append(case)
        return by_resident

    def owed(self) -> list[CaseEvent]:
        """Events with a dispatch whose result is still awaited: it may never have reached its channel."""
        return [
            event
            for case, events in self.out.items()
            for event in events
            if awaited(self.cases[case]).intersection(dispatch.id for dispatch in event.dispatches)
        ]


def changes(folded: Folded, now: datetime) -> Iterator[Change]:
    """The commands that bring an empty store to what was folded, a resident at a time."""
    for resident, cases in folded.latest().items():
        change = Change()
        for before, after in zip([None, *cases], cases, strict=False):
            change.case(before, after)
        if resident in folded.settled:
            change.settled(resident, folded.settled[resident][-1])
        yield change
    yield Change().sums(COUNTS, folded.counted + folded.clocks.counted)
    oldest = minute_of(now - LOOKS_BACK)
    yield Change().sums(RAISED, {name: number for name, number in folded.raised.items() if minute_in(name) > oldest})
    for event in folded.owed():
        change = Change()
        change.entry(event)
        change.unsure(dispatch.id for dispatch in event.dispatches)
        yield change
    fresh = [(name, at) for name, at in folded.applied.items() if at > now - APPLIED_KEPT]
    for start in range(0, len(fresh), APPLIED_AT_ONCE):
        yield Change().all_applied(fresh[start : start + APPLIED_AT_ONCE])


def read_entry(offset: int, value: bytes) -> Entry | None:
    """An entry of the journal as it lies there; none when it is none. What it says of a case, the next one says too."""
    return readable(topics.CASE_EVENTS.name, offset, partial(journal_adapter.validate_json, value, extra=ANY_VERSION))


async def fold(settings: Settings, partition: int, progress: Progress = lambda done, of: None) -> Folded:
    """Read a partition's snapshots and its whole journal. `progress`: how many entries were read, of how many."""
    folded, end = Folded(), (await end_offsets(settings, topics.CASE_EVENTS.name))[partition]
    async for offset, value in _values(settings, topics.CASE_SNAPSHOTS.name, partition):
        if case := readable(
            topics.CASE_SNAPSHOTS.name, offset, partial(Case.model_validate_json, value, extra=ANY_VERSION)
        ):
            folded.snapshot(case)
    async for offset, value in _values(settings, topics.CASE_EVENTS.name, partition):
        if entry := read_entry(offset, value):
            folded.add(entry)
        folded.read = offset
        if offset % TOLD_EVERY == 0 or offset == end - 1:
            progress(offset + 1, end)
    return folded


def applied(entries: Iterable[Entry], offset: int | None) -> Iterator[CaseEvent]:
    """What of a partition's journal a store has that stands at this input's offset; all, when it stands nowhere.

    An event is in the journal before it is in the store: so what a busy line is just adding is left out.
    """
    ahead: list[CaseEvent] = []
    for entry in entries:
        if isinstance(entry, StandingEvent):
            if entry.anew:  # offsets so far are of another log, which was applied to its end
                yield from ahead
                ahead.clear()
        elif offset is None or entry.offset <= offset:
            yield entry
        else:
            ahead.append(entry)


async def events_applied(settings: Settings, partition: int, offset: int | None) -> list[CaseEvent]:
    """`applied` of what lies on the topic."""
    read = [read_entry(place, value) async for place, value in _values(settings, topics.CASE_EVENTS.name, partition)]
    return list(applied([entry for entry in read if entry], offset))


async def without_effect(settings: Settings, partition: int, folded: Folded) -> dict[str, datetime]:
    """Inputs up to where the journal stands that are in no entry, since they changed nothing; nor were they refused.

    Like all that were applied they are not applied once more. Only those that are still on their topic are told.
    """
    begin = (await beginning_offsets(settings, topics.CASE_INPUTS.name))[partition]
    found: dict[int, CaseInput] = {}
    async for record in read_range(settings, topics.CASE_INPUTS.name, partition, begin, folded.offset):
        if (given := _unknown(record.value or b"", folded)) is not None:
            found[record.offset] = given
    refused = await _refused(settings, partition) if found else set()
    return {given.id: given.at for offset, given in found.items() if offset not in refused}


async def _refused(settings: Settings, partition: int) -> set[int]:
    """The inputs of a partition that lie among the dead letters: mended, they may come under their old ids."""
    found = set()
    async for record in read_all(settings, topics.DEAD_LETTERS.name):
        letter = readable(topics.DEAD_LETTERS.name, record.offset, partial(_letter, record.value or b""))
        where = letter and letter.where
        if isinstance(where, RecordPlace) and (where.topic, where.partition) == (topics.CASE_INPUTS.name, partition):
            found.add(where.offset)
    return found


def _letter(value: bytes) -> DeadLetter:
    return letter_adapter.validate_json(value, extra=ANY_VERSION)


def _unknown(value: bytes, folded: Folded) -> CaseInput | None:
    """An input that is in no entry. Most are: those are not read wholly."""
    try:
        return (
            None
            if orjson.loads(value)["id"] in folded.applied
            else input_adapter.validate_json(value, extra=ANY_VERSION)
        )
    except (ValueError, TypeError, LookupError):
        return None


async def begin_anew(settings: Settings, producer: Producer, partition: int, policy: str, at: datetime) -> None:
    """Say that the log of inputs was made anew: the partition stands before its first record from here on.

    `policy`: the one in force if the journal tells of none. All that is on the new log is applied after it; an input
    that was on the old one too is known by its id.
    """
    folded = await fold(settings, partition)
    begin = (await beginning_offsets(settings, topics.CASE_INPUTS.name))[partition]
    entry = StandingEvent(
        input=f"log:{partition}:{folded.read}",
        partition=partition,
        offset=begin - 1,
        at=at,
        policy=folded.standing.policy if folded.standing else policy,
        holds=list(folded.standing.holds) if folded.standing else [],
        anew=True,
    )
    await publish(producer, partition, [(entry, entry.model_dump_json().encode())])


async def sent_since(settings: Settings, partition: int, offset: int) -> set[str]:
    """The dispatches of the entries behind `offset` of the journal: a channel sees none that is not in it."""
    found: set[str] = set()
    async for place, value in _values(settings, topics.CASE_EVENTS.name, partition, offset + 1):
        entry = read_entry(place, value)
        if isinstance(entry, CaseEvent):
            found.update(dispatch.id for dispatch in entry.dispatches)
    return found


async def _values(settings: Settings, topic: str, partition: int, first: int = 0) -> AsyncIterator[tuple[int, bytes]]:
    begin = (await beginning_offsets(settings, topic))[partition]
    end = (await end_offsets(settings, topic))[partition]
    async for record in read_range(settings, topic, partition, max(first, begin), end - 1):
        if record.value is not None:
            yield record.offset, record.value
