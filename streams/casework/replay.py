"""Turns proven journal entries into the store updates that they made at the time, in bounded memory.

The result equals that of the original commits: sums are added event by event, and only the last version of each case is
stored.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, cast

from domain.casework import awaited
from domain.ids import reported_dispatch
from domain.policy.breaker_rules import LOOKS_BACK
from domain.statistics import clocks, counts
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.casework.journal import PartialCase, PartialCaseEvent, PartialStandingEvent, read_holds
from streams.casework.journal import Read
from streams.state.keys import APPLIED_KEPT, COUNTS, OUTBOX, RAISED
from streams.state.store_update import PartitionRules, StoreUpdate, minute_in, minute_of, raised_by

IDS_AT_ONCE = 500  # per command
CARRIED = timedelta(days=1)  # a channel holds a dispatch no longer than this

CaseRead = tuple[PartialCaseEvent, bytes]
"""A case event, and its JSON."""


class CaseWriter(Protocol):
    """Decides which data of the cases in a chunk of journal entries is stored."""

    def read(self, value: bytes) -> Case | PartialCase:
        """Return the case in the store's JSON (`value`): the complete Case, or a PartialCase with only the fields that
        counting needs. Raises ValueError (of pydantic or msgspec) if the JSON is invalid.
        """

    def write(self, change: StoreUpdate, stored: bytes | None, events: Sequence[CaseRead]) -> None:
        """Add the commands to `change` that store the cases as these events left them. `change` is modified in place.

        `stored`: the JSON of the resident's latest case in the store, None if the store has none. `events`: at least
        one, all of one resident, in the order of their versions. Raises ValueError if a JSON is invalid.
        """


class WholeCases:
    """Stores each case with all data derived from it, so that the store is complete after each update (see CaseWriter
    for the interface).
    """

    def read(self, value: bytes) -> Case:
        """Return the complete case in the store's JSON. Raises ValidationError if it is invalid."""
        return Case.model_validate_json(value, extra=ANY_VERSION)

    def write(self, change: StoreUpdate, stored: bytes | None, events: Sequence[CaseRead]) -> None:
        """Add to `change` the commands that store the last version of each case in `events`, and all data derived from
        it. `stored`, `events`: see CaseWriter. Raises ValidationError if a JSON is invalid.
        """
        before = self.read(stored) if stored else None
        for value in {event.case.id: value for event, value in events}.values():
            after = CaseEvent.model_validate_json(value, extra=ANY_VERSION).case
            change.case(before, after)
            before = after


class Replay:
    """Replays one partition's journal entries in the order of their inputs.

    `now`: ids of applied inputs and counts by minute that are too old at this time are left out. `writer`: None:
    WholeCases. `rules`: the policy and holds in force after the entries so far; None if no entry named them. `logs`:
    the number of lost case-inputs topics so far; `topic`: the id of the topic that the last entries are of, "" if it is
    unknown.
    """

    def __init__(self, now: datetime, writer: CaseWriter | None = None) -> None:
        self._applied_since, self._oldest_minute = now - APPLIED_KEPT, minute_of(now - LOOKS_BACK)
        self._owed: dict[str, dict[str, tuple[str, ...]]] = {}  # case -> outbox name -> its dispatches
        # dispatches without their channel's report, even if they have a receipt or their deadline fired
        self._unreported: set[str] = set()
        self._carried_since = now - CARRIED
        self._writer = writer or WholeCases()
        self.rules: PartitionRules | None = None
        self.logs = 0
        self.topic = ""

    def change(self, entries: Sequence[Read], stored: Mapping[str, bytes]) -> StoreUpdate:
        """Return the store update that these journal entries make. It does not contain the rules: read them from
        `rules` afterwards.

        `entries`: the partition's next entries, in the order of their inputs. `stored`: by resident id, the JSON of the
        resident's latest case in the store; residents without one are left out. Events that the store already has are
        skipped. Changes this object: `rules`, `logs`, `topic` and the dispatches of `possibly_sent`. Raises ValueError
        if a stored case, or a case or hold in an entry, is invalid; go on with a new object then, as this one is
        changed in part.
        """
        change, stories = StoreUpdate(), defaultdict[str, list[CaseRead]](list)
        applied: dict[str, datetime] = {}
        for entry, value in entries:
            self.topic = entry.commit.topic or self.topic
            if isinstance(entry, PartialCaseEvent):
                stories[entry.case.resident].append((entry, value))
                applied[entry.input] = entry.at
            elif isinstance(entry, PartialStandingEvent):
                self._stand(entry)
                applied[entry.input] = entry.at
            else:
                applied |= entry.inputs
        sums = _Sums()
        for resident, story in stories.items():
            self._story(change, stored.get(resident), story, sums)
        change.sums(COUNTS, sums.counted)
        change.sums(RAISED, {name: n for name, n in sums.raised.items() if minute_in(name) > self._oldest_minute})
        self._unreported -= {reported_dispatch(name) for name in applied}
        for part in _parts([(name, at) for name, at in applied.items() if at > self._applied_since]):
            change.all_applied(part)
        return change

    def possibly_sent(self) -> Iterator[StoreUpdate]:
        """Yield the updates that mark dispatches as possibly sent, 500 ids each: those whose result may still change a
        case, and those of the last day without their channel's report. The channel may still hold such a dispatch, and
        must not report it as not sent.
        """
        waiting = {name for names in self._owed.values() for each in names.values() for name in each}
        ids = sorted(waiting | self._unreported)
        for start in range(0, len(ids), IDS_AT_ONCE):
            change = StoreUpdate()
            change.unsure(ids[start : start + IDS_AT_ONCE])
            yield change

    def _stand(self, entry: PartialStandingEvent) -> None:
        if entry.anew:
            self.logs, self.topic = entry.commit.log, entry.commit.topic
        self.rules = PartitionRules(entry.offset, entry.policy, tuple(read_holds(entry)), self.logs)

    def _story(self, change: StoreUpdate, stored: bytes | None, story: Sequence[CaseRead], sums: "_Sums") -> None:
        """Add the events of one resident. Events that the store already has are skipped."""
        before = self._writer.read(stored) if stored else None
        known = (before.number, before.version) if before else (0, 0)
        fresh = []
        for event, value in story:
            here = (event.case.number, event.case.version)
            if here > known:
                fresh.append((event, value))
                known = here
        if not fresh:
            return
        sums.add(before, [event for event, _ in fresh])
        settled = (event.case.settled_at for event, _ in reversed(fresh) if event.case.settled)
        if (at := next(settled, None)) is not None:
            change.settled(fresh[0][0].case.resident, at)
        self._writer.write(change, stored, fresh)
        self._unreported |= {
            dispatch.id for event, _ in fresh if event.at > self._carried_since for dispatch in event.dispatches
        }
        self._outbox(change, fresh)

    def _outbox(self, change: StoreUpdate, fresh: Sequence[CaseRead]) -> None:
        """Keep the outbox entries of dispatches that wait for a result, because the dispatches may not have reached
        their channel.
        """
        by_case: dict[str, list[CaseRead]] = defaultdict(list)
        for event, value in fresh:
            by_case[event.case.id].append((event, value))
        for name, events in by_case.items():
            waiting, known = awaited(cast("Case", events[-1][0].case)), self._owed.pop(name, {})
            if kept := self._kept(change, waiting, known, events):
                self._owed[name] = kept

    def _kept(
        self,
        change: StoreUpdate,
        waiting: set[str],
        known: Mapping[str, tuple[str, ...]],
        events: Sequence[CaseRead],
    ) -> dict[str, tuple[str, ...]]:
        kept = {name: ids for name, ids in known.items() if waiting.intersection(ids)}
        for name in known.keys() - kept.keys():
            change.add("HDEL", OUTBOX, name)
        for event, value in events:
            ids = tuple(dispatch.id for dispatch in event.dispatches)
            if waiting.intersection(ids):
                name = f"{event.offset}/{event.case.id}"
                kept[name] = ids
                change.add("HSET", OUTBOX, name, value)
        return kept


class _Sums:
    """The amounts by which journal entries raise the counters."""

    def __init__(self) -> None:
        self.counted, self.raised = Counter[str](), Counter[str]()

    def add(self, before: Case | PartialCase | None, events: Sequence[PartialCaseEvent]) -> None:
        """Count the events of one resident. `before`: their latest case before these events.

        Called for each journal entry, so it repeats no work.
        """
        last, out = before and before.id, clocks.waiting_dispatches(cast("Case | None", before))
        for event in cast("Sequence[CaseEvent]", events):  # they have all fields that the counts read
            now = clocks.waiting_dispatches(event.case)
            for name in counts.names_of_event(event):
                self.counted[name] += 1
            if out and last == event.case.id:
                for name in counts.names_of_clocks(out, now, event):
                    self.counted[name] += 1
            if event.input_kind == "alert":
                self.raised.update(raised_by(event))
            last, out = event.case.id, now


def residents(entries: Iterable[Read]) -> list[str]:
    """Return the ids, sorted and without repetition, of the residents in the case events among these entries; empty if
    there is none.
    """
    return sorted({entry.case.resident for entry, _ in entries if isinstance(entry, PartialCaseEvent)})


def _parts(applied: Sequence[tuple[str, datetime]]) -> Iterator[Sequence[tuple[str, datetime]]]:
    for start in range(0, len(applied), IDS_AT_ONCE):
        yield applied[start : start + IDS_AT_ONCE]
