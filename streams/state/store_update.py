"""The Redis commands of one commit: they store cases with everything derived from them, journal entries, and counts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from domain.casework import awaited, deadlines, has_held, queue_rank, settled_at
from domain.payments import books, ledger
from domain.payments.freezes import freeze_attention
from domain.policy import trial
from domain.statistics import counts
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, RulesEvent, UnchangedEvent
from schemas.casework.inputs import Hold
from schemas.casework.journal import PartialCaseEvent
from streams.state.keys import (
    ALERTED,
    APPLIED,
    AWAITED,
    BOOKS,
    CASES,
    CLOSED,
    COUNTS,
    DEADLINES,
    EARLIER,
    FREEZES,
    HELD,
    HOLDS,
    LEDGER,
    LOST,
    OUTBOX,
    QUEUE,
    RAISED,
    RECENT,
    RECENTLY,
    SETTLED,
    SETTLING,
    STATE,
    UNSURE,
    milliseconds,
)

Argument = str | bytes | int | float
Command = tuple[str, int, tuple[Argument, ...]]


@dataclass(frozen=True, slots=True)
class PartitionRules:
    """A partition's offset of the last applied input, policy hash, holds, and number of case-inputs topics lost so
    far (`logs`).
    """

    offset: int
    policy: str
    holds: tuple[Hold, ...] = ()
    logs: int = 0


@dataclass(slots=True)
class StoreUpdate:
    """The Redis commands of one commit.

    `commands`: each a command, the index of its key in keys.NAMES, and its further arguments. `outbox`: the journal
    entries among them, as JSON, by name. The methods only add commands; nothing is sent until CaseStore.commit.
    """

    commands: list[Command] = field(default_factory=list)
    outbox: dict[str, bytes] = field(default_factory=dict)

    def add(self, command: str, name: int, *arguments: Argument) -> Self:
        """Add a Redis command, and return this update. Nothing is sent yet.

        `name`: the command's key, as an index in keys.NAMES; `arguments`: the arguments after the key.
        """
        self.commands.append((command, name, arguments))
        return self

    def applied(self, input_id: str, at: datetime) -> None:
        """Add the command that stores the input's id as applied at the time `at`, to recognise a repetition."""
        self.add("ZADD", APPLIED, milliseconds(at), input_id)

    def all_applied(self, inputs: Iterable[tuple[str, datetime]]) -> Self:
        """Add the command that stores the ids of several inputs, (id, time) each, as applied. Returns this update.
        `inputs`: at least one, or Redis refuses the command.
        """
        return self.add("ZADD", APPLIED, *(part for name, at in inputs for part in (milliseconds(at), name)))

    def entry(self, entry: CaseEvent | RulesEvent | UnchangedEvent) -> None:
        """Add a journal entry to the outbox in Redis, where it stays until it is published."""
        name = entry_name(entry)
        self.outbox[name] = entry.model_dump_json().encode()
        self.add("HSET", OUTBOX, name, self.outbox[name])

    def case(self, before: Case | None, after: Case) -> None:
        """Add the commands that store the case `after` and everything derived from it, and list it among the recent
        changes.

        `before`: the resident's latest case so far, or None; if it is another case, it is stored as an earlier one.
        """
        if before is not None and before.id != after.id:
            self.earlier(before.id, before.updated_at, before.model_dump_json())
        self.latest(before, after)
        self.add("ZADD", RECENT, milliseconds(after.updated_at), after.id)
        self.add("ZREMRANGEBYRANK", RECENT, 0, -RECENTLY - 1)

    def latest(self, before: Case | None, after: Case) -> None:
        """Add the commands that store `after` as its resident's latest case, and everything derived from it: deadlines,
        awaited dispatches, rank in the queue, sums of money and counts.

        Unlike `case`, does not change the list of recent changes. `before`: the resident's latest case so far, or None.
        """
        same = before is not None and before.id == after.id
        self.add("HSET", CASES, after.resident, after.model_dump_json())
        self._indexed(DEADLINES, _members(before, deadlines), _members(after, deadlines))
        self._indexed(FREEZES, _members(before, freeze_attention), _members(after, freeze_attention))
        self._awaited(before if same else None, after)
        self._flags(before, after)
        self.sums(LEDGER, ledger.added(before if same else None, after))
        self.sums(BOOKS, books.changes(before if same else None, after))
        self.sums(COUNTS, counts.of_standing(before, after))

    def earlier(self, case_id: str, changed: datetime, value: str | bytes) -> None:
        """Add the commands that store a case as an earlier one, because its resident has a later case.

        `changed`: when it last changed; `value`: its JSON.
        """
        self.add("HSET", EARLIER, case_id, value)
        self.add("ZADD", CLOSED, milliseconds(changed), case_id)

    def settled(self, resident: str, at: datetime) -> Self:
        """Add the command that stores `at` as the time when the resident was last dissuaded or cleared.

        Returns this update.

        The time stays stored if the resident is in danger again.
        """
        return self.add("HSET", SETTLED, resident, at.isoformat())

    def lost(self, case: Case) -> Self:
        """Add the command that stores the case's earlier loss, if the resident is still shielded after it: for a time,
        evidence like that of the loss reaches a level sooner. Otherwise add the command that deletes a stored one.
        Returns this update.
        """
        if case.prior_loss is None or case.prior_loss.shielded_until is None:
            return self.add("HDEL", LOST, case.resident)
        return self.add("HSET", LOST, case.resident, case.prior_loss.model_dump_json())

    def counted(self, before: Case | None, event: CaseEvent) -> None:
        """Add the commands that count an event in the partition's statistics.

        `before`: the resident's latest case just before the event.
        """
        self.sums(COUNTS, counts.of_event(event) + counts.of_clocks(before, event))

    def raised(self, event: CaseEvent) -> None:
        """Add the commands that count how many cases the event's alert raised (opened, reopened or raised to a higher
        level), by policy and minute. The policy breaker, which stops a policy that raises too many cases, reads the
        counts.
        """
        self.sums(RAISED, raised_by(event))

    def sums(self, name: int, amounts: Mapping[str, int]) -> Self:
        """Add the commands that add each amount to the field of the same name in a Redis hash. Returns this update.

        `name`: the hash's key, as an index in keys.NAMES. An amount of 0 adds no command.
        """
        for field_name, amount in amounts.items():
            if amount:
                self.add("HINCRBY", name, field_name, amount)
        return self

    def unsure(self, dispatches: Iterable[str]) -> None:
        """Add the commands that mark dispatches as possibly sent, because a lost Redis held the marks of those that
        were sent.
        """
        for dispatch in dispatches:
            self.add("SADD", UNSURE, dispatch)

    def settling(self, seconds: float) -> None:
        """Add the command that keeps all workers from carrying out dispatches marked by `unsure` for `seconds` of
        wall-clock time: another worker may still be sending one.
        """
        self.add("SET", SETTLING, 1, "PX", round(seconds * 1000))

    def standing(self, standing: PartitionRules) -> None:
        """Add the commands that store a partition's policy hash, holds and number of lost case-inputs topics.

        The holds replace the stored ones. The offset is not stored here, but by the commit itself.
        """
        self.add("HSET", STATE, "policy", standing.policy, "logs", standing.logs)
        self.add("DEL", HOLDS)
        for hold in standing.holds:
            self.add("HSET", HOLDS, hold.id, hold.model_dump_json())

    def _awaited(self, before: Case | None, after: Case) -> None:
        old, new = awaited(before) if before else set(), awaited(after)
        for dispatch in sorted(old - new):
            self.add("SREM", AWAITED, dispatch)
        for dispatch in sorted(new - old):
            self.add("SADD", AWAITED, dispatch)

    def _indexed(self, name: int, old: Mapping[str, datetime], new: Mapping[str, datetime]) -> None:
        """Add the commands that change a sorted set (an index in keys.NAMES) by time from `old` to `new`."""
        for member in old.keys() - new.keys():
            self.add("ZREM", name, member)
        for member, due in new.items():
            if old.get(member) != due:
                self.add("ZADD", name, milliseconds(due), member)

    def _flags(self, before: Case | None, after: Case) -> None:
        rank = queue_rank(after)
        if before is not None and before.id != after.id:
            self.add("ZREM", QUEUE, before.id)
        self.add("ZREM", QUEUE, after.id) if rank is None else self.add("ZADD", QUEUE, rank, after.id)
        self.add("SADD" if has_held(after) else "SREM", HELD, after.resident)
        settled = settled_at(after)
        if settled is not None and (before is None or settled_at(before) != settled):
            self.settled(after.resident, settled).add("HDEL", ALERTED, after.resident)
        if after.prior_loss != (before.prior_loss if before is not None else None):
            self.lost(after)


def minute_of(at: datetime) -> int:
    """Return the number of full minutes from 1970 (UTC) to a time (aware)."""
    return int(at.timestamp() // 60)


def raised_by(event: CaseEvent | PartialCaseEvent) -> dict[str, int]:
    """Return the number of cases that an event's alert raised, by "policy hash|minute since 1970"; empty if it raised
    none.
    """
    number = trial.raised(event)
    return {f"{event.case.raised_by or event.case.policy}|{minute_of(event.at)}": number} if number else {}


def minute_in(raised: str) -> int:
    """Return the minute, counted from 1970, in a key of `raised_by` ("policy hash|minute")."""
    return int(raised.rpartition("|")[2])


def entry_name(entry: CaseEvent | RulesEvent | UnchangedEvent) -> str:
    """Return a journal entry's name in the outbox: "offset/case id", or "offset/kind" if the entry is not about a
    case.

    One input may change several cases, and then has an entry for each.
    """
    return f"{entry.offset}/{entry.case.id if isinstance(entry, CaseEvent) else entry.kind}"


def _members(case: Case | None, times: Callable[[Case], Mapping[str, datetime]]) -> dict[str, datetime]:
    """Return times by "case id|step id". `times`: returns a case's, by step id."""
    return {f"{case.id}|{step}": due for step, due in times(case).items()} if case else {}
