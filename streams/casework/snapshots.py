"""The board: writes each case's latest state to a compacted topic, and observes latencies as metrics."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

from domain.dispatches.ids import parts_of
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.casework.objections import ObjectionState
from schemas.codes.objections import ObjectionUpheld
from schemas.levels import ON_TELEPHONE, Action
from streams.casework.batch import Entry
from streams.casework.journal import read_entry
from streams.messaging import topics
from streams.messaging.codec import Unreadable
from streams.messaging.producer import Producer, Record
from streams.messaging.record import Raw
from streams.runtime import metrics, tracing
from streams.runtime.clock import Clock
from streams.state.case_store import CaseStore
from streams.state.keys import key, moment

Exemplar = dict[str, str] | None
WAITING = 10_000  # dispatches remembered until their first result: memory must not grow without bound


class Board:
    """Reads the journal of the partitions that this worker owns. Writes the latest state of each case to the topic
    case-snapshots, and observes latencies, such as the time to the first contact, as metrics.
    """

    def __init__(self, store: CaseStore, producer: Producer, clock: Clock) -> None:
        self._store, self._producer, self._clock = store, producer, clock
        self._waiting: OrderedDict[str, datetime] = OrderedDict()  # dispatch id -> its time, until its first result
        self._observed: dict[int, tuple[int, int]] = {}  # partition -> the highest place taken here

    async def take(self, partition: int, raws: Sequence[Raw]) -> None:
        """Write the latest snapshot of each case in these journal records to case-snapshots, and observe their
        latencies as metrics, once for each record.

        Returns when Kafka has acknowledged the snapshots. Invalid records and entries that were taken before are
        skipped: a later snapshot of their case may have been written. An entry whose encryption key is lost gives no
        snapshot: its readable part would replace an older complete one. Raises SendError if Kafka refuses a snapshot
        permanently. Errors of Redis pass through.
        """
        seen = await self._seen(partition)
        read = [(entry, raw) for raw in raws if (entry := read_entry(raw.offset, raw.value)) and _place(entry) > seen]
        if not read:
            return
        events = [(entry, raw) for entry, raw in read if isinstance(entry, CaseEvent)]
        latest = {entry.case.id: entry for entry, raw in events if not isinstance(raw.value, Unreadable)}
        await self._producer.send_all([_snapshot(partition, event) for event in latest.values()])
        for event, raw in events:
            self._observe(event, tracing.exemplar(raw.trace))
        highest = self._observed[partition] = max(_place(entry) for entry, _ in read)
        await self._store.redis.set(key("boarded", partition), f"{highest[0]}:{highest[1]}")

    async def _seen(self, partition: int) -> tuple[int, int]:
        """Return the highest place, (log, offset), of the partition's entries that were taken; (0, -1) if none were.
        This worker remembers its own: a Redis that was lost or went back has an earlier one, and what it lacks is
        published again.
        """
        raw: bytes = await self._store.redis.get(key("boarded", partition)) or b"0:-1"
        log, offset = raw.decode().split(":")
        return max((int(log), int(offset)), self._observed.get(partition, (0, -1)))

    def _observe(self, event: CaseEvent, trace: Exemplar) -> None:
        for fact in event.facts:
            if fact.kind is FactKind.RESULT and fact.action and fact.result:
                self._answered(fact.action, event, trace)
                self._on_telephone(fact, event, trace)
        if event.case.objections:
            self._objections(event, trace)
        self._clocks(event, trace)

    def _objections(self, event: CaseEvent, trace: Exemplar) -> None:
        """Observe the objections that the event decides, and those whose stop a bank has lifted by it."""
        reviewed = any(fact.kind is FactKind.OBJECTION for fact in event.facts)
        lifted = _lifted(event)
        for each in event.case.objections:
            taken = self._wall(event.at, each.at)
            if reviewed and each.decided_at == event.at:
                metrics.OBJECTION_SECONDS.labels(each.state).observe(taken, trace)
            if each.state is ObjectionState.UPHELD and each.transfer in lifted:
                metrics.OBJECTION_SECONDS.labels("released").observe(taken, trace)

    def _answered(self, action: Action, event: CaseEvent, trace: Exemplar) -> None:
        if sent := self._waiting.pop(event.input.rpartition(":")[0], None):
            metrics.DISPATCH_TO_RECEIPT.labels(action.channel).observe(self._wall(event.at, sent), trace)

    def _on_telephone(self, fact: Fact, event: CaseEvent, trace: Exemplar) -> None:
        """Observe how long a contact took to reach the telephone, by the first result that shows that it did."""
        dispatch = parts_of(event.input.rpartition(":")[0])
        step = next((each for each in event.case.steps if each.id == fact.step), None)
        if dispatch is None or step is None or fact.result not in ON_TELEPHONE:
            return
        made = [each for each in event.case.contacted if (each.step, each.attempt) == (step.id, dispatch.attempt)]
        if made and sum(result in ON_TELEPHONE for result in step.results) == 1:
            taken = self._wall(event.at, made[0].at)
            metrics.DECISION_TO_TELEPHONE.labels(made[0].channel, event.case.level).observe(taken, trace)

    def _clocks(self, event: CaseEvent, trace: Exemplar) -> None:
        now = self._clock.now()
        for dispatch in event.dispatches:
            self._waiting[dispatch.id] = dispatch.at
            if dispatch.signal_at is not None:
                metrics.ALERT_TO_DISPATCH.observe(self._wall(now, event.at), trace)
        while len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)
        if event.input_kind == "deadline" and (due := _due(event.input)):
            metrics.DEADLINE_ERROR.observe(self._wall(now, due), trace)

    def _wall(self, later: datetime, earlier: datetime) -> float:
        return max(0.0, self._clock.wall_seconds(later - earlier))


def _lifted(event: CaseEvent) -> set[str | None]:
    """Return the transfers whose stop a bank has lifted by the event, after an objection was upheld."""
    done = {fact.step for fact in event.facts if fact.kind is FactKind.STEP_DONE and fact.action is Action.STOP_RELEASE}
    steps = (step for step in event.case.steps if step.id in done)
    return {step.transfer for step in steps if isinstance(step.because, ObjectionUpheld)}


def _place(entry: Entry) -> tuple[int, int]:
    """Return the position of an entry's input among all inputs; offsets start at 0 again in each log of inputs."""
    return entry.commit.log, entry.offset


def _due(name: str) -> datetime | None:
    """Return when the deadline of an input fell due, from its id; None if the id has no time."""
    digits = name.rpartition(":")[2]
    return moment(int(digits)) if digits.isascii() and digits.isdigit() and len(digits) <= 13 else None


def _snapshot(partition: int, event: CaseEvent) -> Record:
    value = event.case.model_dump_json().encode()
    return Record(topics.CASE_SNAPSHOTS.name, event.case.id.encode(), value, partition)
