"""What must have become of the cases: an independent model of casework.

It folds each partition's inputs in the order of their offsets, by `domain.casework` alone. It knows nothing of Redis,
batches, fences, outboxes or recovery, and imports neither streams/ nor agents/: what they do must come out the same.

The rules that it applies are those of the design:
* A record that is no valid input is refused: it lies among the dead letters, and changes nothing.
* An input whose id was applied before is dropped.
* A policy change or a hold changes the rules from its place on. A policy that does not exist is refused.
* An input that changes its case makes one event, whose id is of the case and the input.
* An input that would make the journal's entry too large for Kafka is refused.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from domain.casework import Decision, Rules, awaited, deadlines, decide, has_held, lift, queue_rank, settled_at
from domain.ids import short_hash
from domain.payments import books, ledger
from domain.policy import Policy
from domain.statistics import counts
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, Dispatch, RulesEvent
from schemas.casework.inputs import CaseInput, Hold, HoldChange, PolicyChange, input_adapter
from schemas.risk.evidence import PriorLoss
from tests.simulation.laws.observed import LogRecord, Observed

CASE_INPUTS, OUTSIDE_INPUTS = "case-inputs", "outside-inputs"
MOST_HOLDS = 200  # in force at once: the product refuses more
MOST_BYTES = 999_000  # of an entry: more Kafka does not take
MANY_PARTS = 60  # an entry of fewer payments, orders, facts and dispatches is never too large


@dataclass(frozen=True, slots=True)
class Given:
    """A valid input, and its place."""

    partition: int
    offset: int
    at: float  # when Kafka appended it
    what: CaseInput

    @property
    def place(self) -> str:
        return f"{CASE_INPUTS}/{self.partition}/{self.offset}"


@dataclass(slots=True)
class Fold:
    """One partition as the model has it after its last input."""

    partition: int
    policy: Policy
    holds: dict[str, Hold] = field(default_factory=dict)
    given: list[Given] = field(default_factory=list)  # every valid input, repeated ones too
    refused: set[int] = field(default_factory=set)  # offsets
    applied: dict[str, datetime] = field(default_factory=dict)  # input -> its time
    without_effect: dict[str, int] = field(default_factory=dict)  # input -> offset: applied, and no entry tells of it
    events: dict[str, CaseEvent] = field(default_factory=dict)  # by id, in order
    standing: dict[str, RulesEvent] = field(default_factory=dict)  # by input, in order
    cases: dict[str, Case] = field(default_factory=dict)  # resident -> the latest
    earlier: dict[str, Case] = field(default_factory=dict)  # case -> one that another has followed
    settled: dict[str, datetime] = field(default_factory=dict)  # resident -> when last settled
    policies_used: dict[str, Policy] = field(default_factory=dict)

    @property
    def dispatches(self) -> Iterator[tuple[Dispatch, CaseEvent]]:
        """All that was decided to be sent, each with the event that says so."""
        return ((dispatch, event) for event in self.events.values() for dispatch in event.dispatches)

    def deadlines(self) -> dict[str, float]:
        """case|step -> when it falls due, in milliseconds since 1970."""
        dues = {case.id: deadlines(case) for case in self.cases.values()}
        named = {f"{case}|{step}": due for case, steps in dues.items() for step, due in steps.items()}
        return {name: milliseconds(due) for name, due in named.items()}

    def queue(self) -> dict[str, float]:
        """Case -> its rank on the desk."""
        ranks = {case.id: queue_rank(case) for case in self.cases.values()}
        return {name: rank for name, rank in ranks.items() if rank is not None}

    def held(self) -> set[str]:
        """Residents with a step that a hold keeps back."""
        return {case.resident for case in self.cases.values() if has_held(case)}

    def awaited(self) -> set[str]:
        """Dispatches whose step waits for a result, of the residents' latest cases."""
        return {name for case in self.cases.values() for name in awaited(case)}

    def lost(self) -> dict[str, PriorLoss]:
        """Resident -> the loss that shields them."""
        losses = {name: case.prior_loss for name, case in self.cases.items()}
        return {name: loss for name, loss in losses.items() if loss is not None and loss.shielded_until is not None}

    def ledger(self) -> dict[str, int]:
        """The money, by sum; sums of nothing left out."""
        return some(ledger.fold(self.events.values())._asdict())

    def books(self) -> dict[str, int]:
        """The money's changes by day, month and year; sums of nothing left out."""
        return books.fold_books(self.events.values())

    def counts(self) -> dict[str, int]:
        """All that is counted; zeros left out."""
        total: Counter[str] = Counter()
        for event in self.events.values():
            total.update(counts.of_event(event))
        total.update(counts.clocks_of(self.events.values()))
        for case in (*self.cases.values(), *self.earlier.values()):
            total.update(counts.of_standing(None, case))
        return some(total)


def milliseconds(moment: datetime) -> float:
    """A moment as a store's sorted sets have it."""
    return float(round(moment.timestamp() * 1000))


def some(amounts: Mapping[str, int]) -> dict[str, int]:
    """Without zeros, which a store may hold or not."""
    return {name: amount for name, amount in amounts.items() if amount}


def fold(observed: Observed, partition: int) -> Fold:
    """Apply a partition's inputs in their order."""
    return folded(partition, observed.records(CASE_INPUTS, partition), observed.policies, observed.policy)


def folded(partition: int, records: Iterable[LogRecord], policies: Mapping[str, Policy], first: str) -> Fold:
    """Apply records in their order. `first`: the policy in force before the first of them."""
    model = begun(partition, policies[first])
    for record in records:
        take(model, record, policies)
    return model


def begun(partition: int, policy: Policy) -> Fold:
    """A partition before its first input."""
    return Fold(partition, policy, policies_used={policy.hash: policy})


def take(model: Fold, record: LogRecord, policies: Mapping[str, Policy]) -> None:
    """Apply the next record."""
    given = _read(model.partition, record)
    if given is None:
        model.refused.add(record.offset)
        return
    model.given.append(given)
    if given.what.id not in model.applied:
        _apply(model, given, policies)


def _read(partition: int, record: LogRecord) -> Given | None:
    try:
        what = input_adapter.validate_json(record.value or b"", extra=ANY_VERSION)
    except ValidationError:
        return None
    return Given(partition, record.offset, record.at, what)


def _apply(model: Fold, given: Given, policies: Mapping[str, Policy]) -> None:
    what, before = given.what, len(model.events) + len(model.standing)
    match what:
        case PolicyChange():
            taken = _follow(model, given, policies.get(what.policy))
        case HoldChange():
            taken = _hold(model, given, what)
        case _:
            case = model.cases.get(what.resident)
            taken = _decided(model, given, case, decide(case, what, _rules(model), what.at))
    if not taken:
        model.refused.add(given.offset)
        return
    model.applied[what.id] = what.at
    if before == len(model.events) + len(model.standing):
        model.without_effect[what.id] = given.offset


def _rules(model: Fold) -> Rules:
    return Rules(model.policy, tuple(model.holds.values()))


def _follow(model: Fold, given: Given, policy: Policy | None) -> bool:
    if policy is None:
        return False
    model.policy = model.policies_used[policy.hash] = policy
    _stand(model, given)
    return True


def _hold(model: Fold, given: Given, change: HoldChange) -> bool:
    model.holds = {name: hold for name, hold in model.holds.items() if hold.until > change.at}
    if change.lift is None:
        if len(model.holds) >= MOST_HOLDS:
            return False
        model.holds[change.hold.id] = change.hold
    else:
        model.holds.pop(change.hold.id, None)
        for case in list(model.cases.values()):
            _decided(model, given, case, lift(case, change, _rules(model), change.at))
    _stand(model, given)
    return True


def _stand(model: Fold, given: Given) -> None:
    model.standing[given.what.id] = RulesEvent(
        **_commit(RulesEvent, given),
        input=given.what.id,
        partition=model.partition,
        offset=given.offset,
        at=given.what.at,
        policy=model.policy.hash,
        holds=list(model.holds.values()),
    )


def _commit(kind: type[BaseModel], given: Given) -> dict[str, Any]:
    """Some commit, where entries tell of theirs: which inputs were committed together is the worker's affair."""
    alone = {"first": given.offset, "last": given.offset, "entries": 1}
    return {"commit": alone} if "commit" in kind.model_fields else {}


def _decided(model: Fold, given: Given, before: Case | None, decision: Decision) -> bool:
    after = decision.case
    if after is None or not decision.facts:
        return True
    event = CaseEvent(
        **_commit(CaseEvent, given),
        id=short_hash("event", after.id, given.what.id),
        input=given.what.id,
        input_kind=given.what.kind,
        partition=model.partition,
        offset=given.offset,
        at=given.what.at,
        case=after,
        facts=decision.facts,
        dispatches=decision.dispatches,
    )
    if _too_large(event):
        return False
    model.events[event.id] = event
    model.cases[after.resident] = after
    if before is not None and before.id != after.id:
        model.earlier[before.id] = before
    if (at := settled_at(after)) is not None:
        model.settled[after.resident] = at
    return True


def _too_large(event: CaseEvent) -> bool:
    case = event.case
    money: tuple[Sized, ...] = (case.payments, case.losses, case.kept, case.frozen, case.booked_before)
    parts = (*money, case.traced, case.orders, event.facts, event.dispatches)
    return sum(len(part) for part in parts) >= MANY_PARTS and len(event.model_dump_json().encode()) > MOST_BYTES
