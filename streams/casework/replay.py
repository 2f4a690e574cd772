"""Proven journal entries turned into the changes that they made to a store, in bounded memory.

The result is the same as that of the commits which wrote the entries: sums are added up event by event, and of each
case only the last version is stored.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from domain.casework import awaited
from domain.policy.breaker_rules import LOOKS_BACK
from domain.statistics import counts
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.casework.journal import PartialCase, PartialCaseEvent, PartialStandingEvent, whole_holds
from streams.casework.journal import Read
from streams.state.keys import APPLIED_KEPT, COUNTS, OUTBOX, RAISED
from streams.state.store_update import PartitionRules, StoreUpdate, minute_in, minute_of, raised_by

IDS_AT_ONCE = 500  # in one command

CaseRead = tuple[PartialCaseEvent, bytes]


class Replay:
    """Replays one partition's entries, in the order of their inputs.

    `now`: applied ids and minutes that are too old for anybody to ask for are left out. `rules`: the policy and the
    holds that the entries left in force; None when no entry named them.
    """

    def __init__(self, now: datetime) -> None:
        self._applied_since, self._oldest_minute = now - APPLIED_KEPT, minute_of(now - LOOKS_BACK)
        self._owed: dict[str, dict[str, tuple[str, ...]]] = {}  # by case: outbox names and their dispatches
        self.rules: PartitionRules | None = None
        self.logs = 0

    def change(self, entries: Sequence[Read], stored: Mapping[str, Case]) -> StoreUpdate:
        """Return the change that the entries make. `stored`: the latest cases in the store, by resident."""
        change, stories = StoreUpdate(), defaultdict[str, list[CaseRead]](list)
        applied: dict[str, datetime] = {}
        for entry, value in entries:
            if isinstance(entry, PartialCaseEvent):
                stories[entry.case.resident].append((entry, value))
                applied[entry.input] = entry.at
            elif isinstance(entry, PartialStandingEvent):
                self._stand(entry)
                applied[entry.input] = entry.at
            else:
                applied |= entry.inputs
        counted, raised = Counter[str](), Counter[str]()
        for resident, story in stories.items():
            self._story(change, stored.get(resident), story, counted, raised)
        change.sums(COUNTS, counted)
        change.sums(RAISED, {name: count for name, count in raised.items() if minute_in(name) > self._oldest_minute})
        for part in _parts([(name, at) for name, at in applied.items() if at > self._applied_since]):
            change.all_applied(part)
        return change

    def owed(self) -> Iterator[StoreUpdate]:
        """The changes that mark the dispatches which still wait for a result: they may have been sent."""
        ids = [name for names in self._owed.values() for each in names.values() for name in each]
        for start in range(0, len(ids), IDS_AT_ONCE):
            change = StoreUpdate()
            change.unsure(ids[start : start + IDS_AT_ONCE])
            yield change

    def _stand(self, entry: PartialStandingEvent) -> None:
        if entry.anew:
            self.logs = entry.commit.log
        self.rules = PartitionRules(entry.offset, entry.policy, tuple(whole_holds(entry)), self.logs)

    def _story(
        self,
        change: StoreUpdate,
        stored: Case | None,
        story: Sequence[CaseRead],
        counted: Counter[str],
        raised: Counter[str],
    ) -> None:
        """Add what happened to one resident. An event that the store has already adds nothing."""
        before: Case | PartialCase | None = stored
        fresh: list[CaseRead] = []
        for event, value in story:
            if before is not None and (event.case.number, event.case.version) <= (before.number, before.version):
                continue
            whole = cast("CaseEvent", event)  # the functions that count look at the fields that both have
            counted.update(counts.of_event(whole))
            counted.update(counts.of_clocks(cast("Case | None", before), whole))
            raised.update(raised_by(event))
            if event.case.settled and event.case.settled_at is not None:
                change.settled(event.case.resident, event.case.settled_at)
            before = event.case
            fresh.append((event, value))
        self._cases(change, stored, fresh)

    def _cases(self, change: StoreUpdate, before: Case | None, fresh: Sequence[CaseRead]) -> None:
        by_case: dict[str, list[CaseRead]] = defaultdict(list)
        for event, value in fresh:
            by_case[event.case.id].append((event, value))
        for events in by_case.values():
            after = _case(events[-1][1])
            change.case(before, after)
            self._outbox(change, after, events)
            before = after

    def _outbox(self, change: StoreUpdate, case: Case, events: Sequence[CaseRead]) -> None:
        """Keep the entries with a dispatch that still waits for its result: it may never have reached its channel."""
        waiting, known = awaited(case), self._owed.pop(case.id, {})
        kept = {name: ids for name, ids in known.items() if waiting.intersection(ids)}
        for name in known.keys() - kept.keys():
            change.add("HDEL", OUTBOX, name)
        for event, value in events:
            ids = tuple(dispatch.id for dispatch in event.dispatches)
            if waiting.intersection(ids):
                name = f"{event.offset}/{event.case.id}"
                kept[name] = ids
                change.add("HSET", OUTBOX, name, value)
        if kept:
            self._owed[case.id] = kept


def residents(entries: Iterable[Read]) -> list[str]:
    """Return the residents that the entries are about."""
    return sorted({entry.case.resident for entry, _ in entries if isinstance(entry, PartialCaseEvent)})


def _case(value: bytes) -> Case:
    """Read the case of an event whole."""
    return CaseEvent.model_validate_json(value, extra=ANY_VERSION).case


def _parts(applied: Sequence[tuple[str, datetime]]) -> Iterator[Sequence[tuple[str, datetime]]]:
    for start in range(0, len(applied), IDS_AT_ONCE):
        yield applied[start : start + IDS_AT_ONCE]
