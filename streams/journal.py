"""The journal: publishing what was decided, and folding it into the cases it tells of."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schemas.cases import Case, StepState
from schemas.events import CaseEvent, Dispatch, StandingEvent, journal_adapter
from schemas.levels import Level
from streams import topics
from streams.producer import Producer, Record
from streams.reader import beginning_offsets, end_offsets, read_range
from streams.settings import Settings
from streams.store import APPLIED_KEPT, Change, Standing

Entry = CaseEvent | StandingEvent

DISPATCH_TOPICS = {topic.name.removeprefix("dispatches."): topic.name for topic in topics.DISPATCHES}


async def publish(producer: Producer, partition: int, entries: Sequence[Entry]) -> int:
    """Write the entries to the journal, then their dispatches to the channels; returns when Kafka has all.

    Returns the offset in the journal of the last of them: what is published later lies behind it.
    """
    offset = await producer.send_all([_journal_record(partition, entry) for entry in entries])
    dispatches = [dispatch for entry in entries if isinstance(entry, CaseEvent) for dispatch in entry.dispatches]
    await producer.send_all([dispatch_record(partition, dispatch) for dispatch in dispatches])
    return offset


def _journal_record(partition: int, entry: Entry) -> Record:
    name = entry.case.resident if isinstance(entry, CaseEvent) else "standing"
    return Record(topics.CASE_EVENTS.name, name.encode(), entry.model_dump_json().encode(), partition)


def dispatch_record(partition: int, dispatch: Dispatch) -> Record:
    # Red does not wait behind what else waits for its channel.
    topic = topics.DISPATCHES_RED.name if dispatch.level is Level.RED else DISPATCH_TOPICS[dispatch.channel]
    return Record(topic, dispatch.resident.encode(), dispatch.model_dump_json().encode(), partition)


@dataclass(slots=True)
class Folded:
    """What a partition's journal tells: the state a store must have."""

    standing: Standing | None = None
    cases: dict[str, Case] = field(default_factory=dict)  # by case id, at its highest version
    applied: dict[str, datetime] = field(default_factory=dict)
    offset: int = -1
    read: int = -1  # the journal's offset up to which it was read
    events: dict[str, CaseEvent] = field(default_factory=dict)  # by event id
    rules: set[str] = field(default_factory=set)  # inputs that changed what stands

    def add(self, entry: Entry) -> None:
        """Take an entry in, any number of times; between two beginnings of the log in any order."""
        if isinstance(entry, CaseEvent):
            known = entry.id in self.events
            self._case(entry.case)
            self.events[entry.id] = entry
        elif not (known := entry.input in self.rules):
            self._stands(entry)
        self.applied[entry.input] = entry.at
        if not known:  # published once more behind a new beginning, it tells of the log before
            self.offset = max(self.offset, entry.offset)

    def _stands(self, entry: StandingEvent) -> None:
        self.rules.add(entry.input)
        if entry.anew:
            self.offset = -1
        if entry.anew or self.standing is None or entry.offset >= self.standing.offset:
            self.standing = Standing(entry.offset, entry.policy, tuple(entry.holds))

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
        return [event for event in self.events.values() if any(map(self._awaited, event.dispatches))]

    def _awaited(self, dispatch: Dispatch) -> bool:
        step = next((step for step in self.cases[dispatch.case].steps if step.id == dispatch.step), None)
        return step is not None and step.state is StepState.SENT and step.attempt == dispatch.attempt


def changes(folded: Folded, now: datetime) -> Iterable[Change]:
    """The commands that bring an empty store to what was folded, a resident at a time."""
    for cases in folded.latest().values():
        change = Change()
        for before, after in zip([None, *cases], cases, strict=False):
            change.case(before, after)
        yield change
    for event in folded.events.values():
        change = Change()
        change.counted(event)
        yield change
    for event in folded.owed():
        change = Change()
        change.entry(event)
        change.unsure(dispatch.id for dispatch in event.dispatches)
        yield change
    for name, at in folded.applied.items():
        if at > now - APPLIED_KEPT:
            change = Change()
            change.applied(name, at)
            yield change


async def fold(settings: Settings, partition: int) -> Folded:
    """Read a partition's snapshots and its whole journal."""
    folded = Folded()
    async for _, value in _values(settings, topics.CASE_SNAPSHOTS.name, partition):
        folded.snapshot(Case.model_validate_json(value))
    async for offset, value in _values(settings, topics.CASE_EVENTS.name, partition):
        folded.add(journal_adapter.validate_json(value))
        folded.read = offset
    return folded


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
    await publish(producer, partition, [entry])


async def sent_since(settings: Settings, partition: int, offset: int) -> set[str]:
    """The dispatches of the entries behind `offset` of the journal: a channel sees none that is not in it."""
    found: set[str] = set()
    async for _, value in _values(settings, topics.CASE_EVENTS.name, partition, offset + 1):
        entry = journal_adapter.validate_json(value)
        if isinstance(entry, CaseEvent):
            found.update(dispatch.id for dispatch in entry.dispatches)
    return found


async def _values(settings: Settings, topic: str, partition: int, first: int = 0) -> AsyncIterator[tuple[int, bytes]]:
    begin = (await beginning_offsets(settings, topic))[partition]
    end = (await end_offsets(settings, topic))[partition]
    async for record in read_range(settings, topic, partition, max(first, begin), end - 1):
        if record.value is not None:
            yield record.offset, record.value
