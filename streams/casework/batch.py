"""Decides a batch of inputs in memory, one after the other, and collects the resulting store update."""

from collections.abc import Sized
from datetime import datetime

from domain.casework import Decision, Rules, decide, lift
from domain.ids import short_hash
from domain.policy import Policy
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, Commit, RulesEvent, UnchangedEvent
from schemas.casework.inputs import CaseInput, HoldChange, PolicyChange
from streams.messaging.producer import MAX_BYTES
from streams.runtime.code_version import code_version
from streams.state.partition_state import Loaded
from streams.state.store_update import PartitionRules, StoreUpdate

Entry = CaseEvent | RulesEvent | UnchangedEvent

MOST_HOLDS = 200  # in force at once: all of them are in one record
MANY = 60  # parts of at most 6 KB: an event with fewer is far below Kafka's limit and is not measured
_UNFINISHED = Commit(first=-1, last=-1, entries=1)  # a placeholder: `finish` sets the real one
TOO_LARGE = "record: with it the case, or the holds in force, would be more than one record of the journal can hold"


class Batch:
    """Decides inputs one after the other in memory, and collects one store update (`change`) and the journal entries
    (`entries`).

    `loaded`: the state before the batch. `first`, `last`: the offsets of the first and the last input that the commit
    covers. `cases`: the latest case by resident id; `applied`: the ids of inputs already applied.
    """

    def __init__(self, partition: int, loaded: Loaded, policy: Policy, first: int, last: int) -> None:
        self.partition = partition
        self._range = first, last
        self._unchanged: dict[str, datetime] = {}
        self.cases: dict[str, Case] = dict(loaded.cases)
        self.applied = set(loaded.applied)
        self.change = StoreUpdate()
        self.entries: list[Entry] = []
        self._holds = {hold.id: hold for hold in loaded.standing.holds}
        self._logs, self._topic = loaded.standing.logs, loaded.topic
        self._policy = policy

    def take(self, offset: int, message: CaseInput) -> bool:
        """Decide on an input about a resident, or a change of a hold, and add the result to the update and the entries.
        `offset`: the input's. A PolicyChange is only marked as applied: use `follow`.

        Returns True if the input was applied, also if it changed nothing. Returns False if the resulting case is too
        large for a journal record, or 200 holds are already in force; the input then has no effect (except that expired
        holds are dropped).
        """
        taken, before = True, len(self.entries)
        if isinstance(message, HoldChange):
            taken = self._hold(offset, message)
        elif not isinstance(message, PolicyChange):
            case = self.cases.get(message.resident)
            taken = self._decided(offset, message, case, decide(case, message, self._rules(), message.at))
        if taken:
            self._applied(message, before)
        return taken

    def follow(self, offset: int, message: PolicyChange, policy: Policy) -> None:
        """Use `policy` for the inputs that follow. Adds the change, which is the input `message` at this offset, to the
        update and the journal entries.
        """
        self._policy, before = policy, len(self.entries)
        self._stand(offset, message)
        self._applied(message, before)

    def finish(self, now: datetime) -> None:
        """Complete the journal entries with their commit, which proves which inputs were applied, and add them to
        `change`. Call it once, after the last input.

        All inputs that changed nothing get one common entry; so does a batch without any entry. `now`: the time of that
        entry if no input is in it.
        """
        first, last = self._range
        number = len(self.entries) + (1 if self._unchanged or not self.entries else 0)
        commit = Commit(first=first, last=last, entries=number, log=self._logs, code=code_version(), topic=self._topic)
        self.entries = [entry.model_copy(update={"commit": commit}) for entry in self.entries]
        if number > len(self.entries):
            at = max(self._unchanged.values(), default=now)
            self.entries.append(
                UnchangedEvent(commit=commit, partition=self.partition, offset=last, at=at, inputs=self._unchanged)
            )
        for entry in self.entries:
            self.change.entry(entry)

    def _rules(self) -> Rules:
        return Rules(self._policy, tuple(self._holds.values()), self._logs)

    def _hold(self, offset: int, message: HoldChange) -> bool:
        self._holds = {name: hold for name, hold in self._holds.items() if hold.until > message.at}
        if message.lift is None and len(self._holds) >= MOST_HOLDS:
            return False
        if message.lift is None:
            self._holds[message.hold.id] = message.hold
        else:
            self._holds.pop(message.hold.id, None)
            for case in list(self.cases.values()):
                self._decided(offset, message, case, lift(case, message, self._rules(), message.at))
        self._stand(offset, message)
        return True

    def _decided(self, offset: int, message: CaseInput, before: Case | None, decision: Decision) -> bool:
        after = decision.case
        if after is None or not decision.facts:
            return True
        event = CaseEvent(
            commit=_UNFINISHED,
            id=short_hash("event", after.id, message.id),
            input=message.id,
            input_kind=message.kind,
            partition=self.partition,
            offset=offset,
            at=message.at,
            case=after,
            facts=decision.facts,
            dispatches=decision.dispatches,
        )
        if _too_large(event):
            return False
        self.cases[after.resident] = after
        self.change.case(before, after)
        self.change.counted(before, event)
        self.change.raised(event)
        self.entries.append(event)
        return True

    def _stand(self, offset: int, message: PolicyChange | HoldChange) -> None:
        holds = tuple(self._holds.values())
        self.change.standing(PartitionRules(offset, self._policy.hash, holds, self._logs))
        event = RulesEvent(
            commit=_UNFINISHED,
            input=message.id,
            partition=self.partition,
            offset=offset,
            at=message.at,
            policy=self._policy.hash,
            holds=list(holds),
        )
        self.entries.append(event)

    def _applied(self, message: CaseInput, before: int) -> None:
        """Mark the input as applied. `before`: number of entries before this input."""
        self.applied.add(message.id)
        self.change.applied(message.id, message.at)
        if len(self.entries) == before:
            self._unchanged[message.id] = message.at


def _too_large(event: CaseEvent) -> bool:
    """Return True if the event exceeds Kafka's size limit, so that Kafka would refuse it at every attempt."""
    case = event.case
    grows: tuple[Sized, ...] = (
        case.payments,
        case.traced,
        case.orders,
        case.losses,
        case.kept,
        case.frozen,
        case.booked_before,
        event.facts,
        event.dispatches,
    )
    if sum(len(part) for part in grows) < MANY:
        return False
    return len(event.model_dump_json().encode()) > MAX_BYTES - 1_000  # leaves room for the key and Kafka's own fields
