"""What a schedule leaves behind: everything the laws look at, as plain data.

The simulation fills it. Nothing here is taken from the product's own functions: the logs are what the simulated Kafka
holds, the stores are what the simulated Redis holds, and the contacts are what the simulated providers wrote down.

All times are seconds since 1970 of the simulation's true clock: no clock step of a server moves them.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from domain.policy import Policy
from schemas.people.residents import Resident

KeySpace = Mapping[str, Any]
"""Redis' keys as Python has them: bytes, dict[bytes, bytes] (hash), dict[bytes, float] (sorted set), set[bytes]."""


class Promise(StrEnum):
    """What a provider promises about a request that comes twice. The words are those of its setting."""

    IDEMPOTENT = "idempotent"  # the second does nothing
    ASKABLE = "askable"  # it can be asked whether it has the first
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of a topic's partition. `at`: when the broker appended it; `by`: the process that wrote it; "": unknown,
    or none of those simulated.
    """

    offset: int
    at: float
    key: bytes | None
    value: bytes | None
    by: str = ""


@dataclass(frozen=True, slots=True)
class AcceptedSignal:
    """A signal that intake has accepted: its record was acknowledged. `item`: its place in the record, from 0."""

    source: str
    uid: str
    topic: str
    partition: int
    offset: int
    item: int
    at: float

    @property
    def place(self) -> str:
        """Where it lies, in words."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.item}"


@dataclass(frozen=True, slots=True)
class Contact:
    """A request to send that reached a provider. `acted`: whether it contacted somebody because of this request.

    An idempotent provider does not act on a second request with the same key; a provider that answers 500 may have.
    """

    dispatch: str  # the idempotency key
    channel: str  # sms, phone, visit, payment or province
    at: float
    acted: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send as it left a worker, whether or not it reached the provider.

    `ended`: when the worker stopped waiting for the answer; infinite when the worker died before. `clear`: the worker
    got the answer that the provider has carried it out.
    """

    dispatch: str
    channel: str
    worker: str
    at: float
    ended: float = math.inf
    clear: bool = False


@dataclass(frozen=True, slots=True)
class ToldThere:
    """A hand-over as it reached the other province. `level`, `payments`: of the case, as it was told; `asks`: the
    sender only asks whether the case was taken before.
    """

    dispatch: str
    offer: str
    at: float
    level: str
    payments: int
    asks: bool


@dataclass(frozen=True, slots=True)
class TakenThere:
    """A case that the other province opened for an offer. `case`: its number there."""

    offer: str
    case: str
    at: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault of a worker (killed, frozen, cut off from Redis or Kafka) or of Redis (data lost, two primaries, a clock
    that was set). `who`: the worker's name, or `redis`.
    """

    who: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a record of a compacted table by an office. `text`: what the record says then, which no other change
    says. `ended`: when its caller was told that it is done (`done`) or failed; infinite if the caller died before.
    """

    table: str
    name: str
    text: str
    office: str
    began: float
    ended: float = math.inf
    done: bool = False

    def told(self, at: float, *, done: bool) -> "Change":
        """The change once its caller was told."""
        return replace(self, ended=at, done=done)


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Seconds that the system is allowed. See RUNBOOK and the design for where they come from."""

    recovery: float = 30.0  # after the last fault has healed, until every partition has an owner and is whole
    deadline: float = 2.0  # a deadline fires within this while its partition has an owner
    report: float = 30.0  # a dispatch on its topic has its channel's first report within this
    on_its_way: float = 2.0  # a channel may have looked just before the case was settled
    lease: float = 2.0  # a worker that is not in trouble keeps the others off a dispatch for this long


@dataclass(slots=True)
class Store:
    """What Redis holds of one partition at the end. Values are decoded texts; JSON stays JSON."""

    state: dict[str, str] = field(default_factory=dict)  # offset, policy, run, journal, end, logs, …
    cases: dict[str, str] = field(default_factory=dict)  # resident -> JSON
    earlier: dict[str, str] = field(default_factory=dict)  # case -> JSON
    applied: dict[str, float] = field(default_factory=dict)
    deadlines: dict[str, float] = field(default_factory=dict)  # case|step -> milliseconds
    queue: dict[str, float] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    outbox: dict[str, str] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    awaited: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    settled: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)  # resident -> JSON
    ledger: dict[str, int] = field(default_factory=dict)
    books: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    tally: dict[str, int] = field(default_factory=dict)  # source|outcome, of this partition's signals
    screened: dict[str, int] = field(default_factory=dict)  # lane -> the offset screened last
    dispatches: dict[str, str] = field(default_factory=dict)  # dispatch -> its entry in the book, JSON

    @property
    def offset(self) -> int | None:
        """The last input applied; None when the partition's store is lost."""
        return int(self.state["offset"]) if "offset" in self.state else None

    @classmethod
    def of(cls, partition: int, keys: KeySpace) -> Self:
        """One partition's part of all keys of a Redis."""

        found = {name.removesuffix(f":{{{partition}}}"): value for name, value in keys.items()}
        texts = {name: _each(found.get(name, {}), bytes.decode) for name in TEXTS}
        scores = {name: _each(found.get(name, {}), float) for name in SCORES}
        numbers = {name: _each(found.get(name, {}), int) for name in NUMBERS}
        members = {name: {member.decode() for member in found.get(name, ())} for name in MEMBERS}
        screened = {lane: int(found[name]) for lane, name in SCREENED.items() if name in found}
        book = f"dispatch:{{{partition}}}:"
        dispatches = {name.removeprefix(book): keys[name].decode() for name in keys if name.startswith(book)}
        parts: dict[str, Any] = texts | scores | numbers | members
        return cls(**parts, screened=screened, dispatches=dispatches)


TEXTS = ("state", "cases", "earlier", "outbox", "holds", "settled", "lost")
SCORES = ("applied", "deadlines", "queue")
NUMBERS = ("ledger", "books", "counts", "tally")
MEMBERS = ("held", "awaited", "unsure")
SCREENED = {"signals": "screened", "signals-urgent": "screened-urgent"}


def _each(found: Mapping[bytes, Any], read: Callable[[Any], Any]) -> dict[str, Any]:
    return {name.decode(): read(value) for name, value in found.items()}


@dataclass(frozen=True, eq=False)
class Observed:
    """All that is left of a schedule. It is complete when it is made; the laws remember what they have read of it.

    `logs`: topic -> partition -> every record that was ever appended, by offset, those included that retention has
    deleted since. `policies`: every policy that a schedule may use, by hash; `policy`: the one in force at first.
    `kinds`: what each channel's provider promises. `began_at`: the schedule's time 0, from which violations count;
    `healed_at`: when the last fault ended; `ended_at`: when the workers were stopped.
    `begins`: topic -> partition -> the first record that retention has left; none named: all are left.
    `lost_at`: when a store was wiped, or replaced by an older one or by a replica that lagged; `restored_at`: when it
    was first seen to have all shared data again, in order.
    `stalls`: from when to when a worker was frozen, or a request to a provider was held up on its way.
    `requests`: as they left the workers; `contacts`: as they reached the providers.
    `told_there`, `taken_there` (by offer): the other province's book; `denied_there`: offers that it has refused,
    rightly or not.
    `changes`: by offices, of compacted tables; `tables`: what Redis holds of these, by name.
    """

    partitions: int
    policy: str
    policies: Mapping[str, Policy]
    residents: Mapping[str, Resident]
    kinds: Mapping[str, Promise]
    healed_at: float
    ended_at: float
    accepted: Sequence[AcceptedSignal] = ()
    logs: Mapping[str, Mapping[int, Sequence[LogRecord]]] = field(default_factory=dict)
    stores: Mapping[int, Store] = field(default_factory=dict)
    contacts: Sequence[Contact] = ()
    tolerances: Tolerances = field(default_factory=Tolerances)
    seed: int | None = None
    began_at: float = 0.0
    begins: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    lost_at: Sequence[float] = ()
    restored_at: Sequence[float] = ()
    stalls: Sequence[tuple[float, float]] = ()
    requests: Sequence[Request] = ()
    troubles: Sequence[Trouble] = ()
    told_there: Sequence[ToldThere] = ()
    taken_there: Mapping[str, TakenThere] = field(default_factory=dict)
    denied_there: Collection[str] = ()
    changes: Sequence[Change] = ()
    tables: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    def records(self, topic: str, partition: int) -> Sequence[LogRecord]:
        """A partition's records, by offset."""
        return self.logs.get(topic, {}).get(partition, ())

    def topic(self, topic: str) -> Iterator[tuple[int, LogRecord]]:
        """All records of a topic, each with its partition: partition by partition, by offset."""
        for partition, records in sorted(self.logs.get(topic, {}).items()):
            for record in records:
                yield partition, record

    def restored(self, lost: float) -> float:
        """When a Redis that was lost at a time was seen to be restored; infinite if it never was."""
        return next((at for at in self.restored_at if at > lost), math.inf)

    def store(self, partition: int) -> Store:
        """A partition's store; an empty one when Redis holds nothing of it."""
        return self.stores.get(partition, Store())

    def end(self, topic: str, partition: int) -> int:
        """The offset that a partition's next record would have."""
        records = self.records(topic, partition)
        return records[-1].offset + 1 if records else 0

    def begin(self, topic: str, partition: int) -> int:
        """The offset of the first record that retention has left."""
        return self.begins.get(topic, {}).get(partition, 0)

    @property
    def whole_at(self) -> float:
        """From when on everything must be as promised: the last fault has healed, and recovery has had its time."""
        return self.healed_at + self.tolerances.recovery
