"""What must have become of the signals: an independent model of screening, without its order.

Evidence is a set, and risk a function of set and time. So whatever the order in which lanes and partitions were
screened, whoever screened last saw all of a resident's evidence, and judged it at the moment of one of the resident's
records. The least of the levels at these moments must have been told to casework: an alert of that level or a graver
one is on case-inputs. Where the order does matter (a telephone that was confirmed as a scammer's, a payee with several
entries on the watchlist, one signal told with two contents), the model asks for nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from domain.identity.identifiers import Owner, holders, is_minor, normal_account, normal_phone, owned, owner, resolve
from domain.policy.risk import RiskRules
from domain.risk import Role, SignalContext, assess, bounded, evidence_of, merged, version
from schemas.base import ANY_VERSION, Token
from schemas.casework.cases import Profile
from schemas.levels import Level
from schemas.people.residents import Resident
from schemas.risk.evidence import Evidence, WatchEntry, WatchStatus
from schemas.risk.signals import BATCH_LIMIT, SentAgain, Signal, WatchState, batch_adapter, signal_adapter
from tests.simulation.laws.observed import LogRecord, Observed

LANES = ("signals-urgent", "signals")
UNKNOWN = "unknown"
_token: TypeAdapter[str] = TypeAdapter(Token)

Place = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True, slots=True)
class Item:
    """One signal of a record. `moment`: when the newest signal of its record arrived."""

    place: Place
    number: int
    signal: Signal
    moment: datetime


@dataclass(slots=True)
class Lane:
    """A lane's partition as the model reads it."""

    items: list[Item] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # place in words -> the source it counts under
    counted: Counter[str] = field(default_factory=Counter)  # source -> outcomes that there must be
    letters: set[str] = field(default_factory=set)  # dead letters that were sent again


@dataclass(frozen=True, slots=True)
class Required:
    """The level that casework must have been told of, and the signals that say so."""

    level: Level
    uids: tuple[str, ...]


def read(topic: str, partition: int, records: Iterable[LogRecord]) -> Lane:
    """Read a lane's partition: what is a signal, and what is refused."""
    lane = Lane()
    for record in records:
        place, value = (topic, partition, record.offset), record.value or b""
        signals = [
            (number, signal)
            for number, signal in _signals(lane, place, value)
            if not _without_number(lane, place, number, signal)
        ]
        arrived = [signal.arrived or signal.at for _, signal in signals]
        lane.items += [Item(place, number, signal, max(arrived)) for number, signal in signals]
        lane.counted.update(signal.source for _, signal in signals)
    lane.counted.update(lane.refused.values())
    return lane


def _signals(lane: Lane, place: Place, value: bytes) -> list[tuple[int, Signal]]:
    try:
        return list(enumerate(batch_adapter.validate_json(value, extra=ANY_VERSION)))
    except ValidationError:
        return list(_one_by_one(lane, place, value))


def _one_by_one(lane: Lane, place: Place, value: bytes) -> Iterator[tuple[int, Signal]]:
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        return _refuse(lane, place, None, UNKNOWN)
    if isinstance(content, dict) and content.get("kind") == "sent_again":
        yield from _sent_again(lane, place, value)
        return None
    items = content if isinstance(content, list) else [content]
    if not 1 <= len(items) <= BATCH_LIMIT:
        return _refuse(lane, place, None, UNKNOWN)
    for number, item in enumerate(items):
        try:
            yield number, signal_adapter.validate_json(orjson.dumps(item), extra=ANY_VERSION)
        except (ValidationError, orjson.JSONEncodeError):
            _refuse(lane, place, number, _source(item))
    return None


def _sent_again(lane: Lane, place: Place, value: bytes) -> Iterator[tuple[int, Signal]]:
    """A mended dead letter: the first one of a letter counts, and the letter counts no more."""
    try:
        again = SentAgain.model_validate_json(value, extra=ANY_VERSION)
    except ValidationError:
        return _refuse(lane, place, None, UNKNOWN)
    if again.letter in lane.letters:
        return None
    lane.letters.add(again.letter)
    lane.counted.subtract([again.tallied] if again.tallied else [])
    yield from enumerate(again.signals)
    return None


def _without_number(lane: Lane, place: Place, number: int, signal: Signal) -> bool:
    """Refuse an entry of the watchlist whose suspect is no account or telephone."""
    if signal.kind != "watchlist" or _suspect(signal):
        return False
    _refuse(lane, place, number, signal.source)
    return True


def _refuse(lane: Lane, place: Place, number: int | None, source: str) -> None:
    where = "/".join(map(str, place if number is None else (*place, number)))
    lane.refused[where] = source


def _source(item: object) -> str:
    try:
        return _token.validate_python(item["source"] if isinstance(item, dict) else None)
    except (KeyError, ValidationError):
        return UNKNOWN


@dataclass(slots=True)
class Entry:
    """An entry of the watchlist, and the moments of the records that say so."""

    entry: WatchEntry
    moments: set[datetime] = field(default_factory=set)


class Suspects:
    """The watchlist, by subject: `account:` or `phone:` and the number in its one spelling."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._entries: defaultdict[str, dict[tuple[object, ...], Entry]] = defaultdict(dict)
        for item in items:
            if subject := _suspect(item.signal):
                entry = _entry(item, subject)
                same = (entry.standing, entry.at, entry.scam_type)
                self._entries[subject].setdefault(same, Entry(entry)).moments.add(item.moment)

    def entries(self, subject: str | None) -> list[Entry]:
        """What was said of a subject: the same again is one entry."""
        return list(self._entries[subject].values()) if subject and subject in self._entries else []

    def all(self) -> Mapping[str, list[Entry]]:
        """What was said, by subject."""
        return {subject: list(found.values()) for subject, found in self._entries.items()}

    def decided(self, subject: str | None) -> bool:
        """Whether somebody ever confirmed or lifted it."""
        return any(each.entry.standing is not WatchStatus.REPORTED for each in self.entries(subject))


def _suspect(signal: Signal) -> str | None:
    """Whom a signal puts on the watchlist."""
    if signal.kind == "watchlist":
        return _subject(signal.subject, signal.value)
    if signal.kind != "report":
        return None
    if signal.suspect_account:
        return _subject("account", signal.suspect_account)
    return _subject("phone", signal.suspect_phone) if signal.suspect_phone else None


def _subject(kind: str, number: str) -> str | None:
    spelt = _spelt(kind, number)
    return f"{kind}:{spelt}" if spelt else None


def _spelt(kind: str, number: str) -> str | None:
    try:
        return normal_account(number) if kind == "account" else normal_phone(number)
    except ValueError:
        return None


def _entry(item: Item, subject: str) -> WatchEntry:
    signal, standing = item.signal, WatchStatus.REPORTED
    if signal.kind == "watchlist":
        standing = WatchStatus.CONFIRMED if signal.state is WatchState.CONFIRMED else WatchStatus.LIFTED
    scam_type = signal.scam_type if signal.kind == "watchlist" else None
    return WatchEntry(subject=subject, standing=standing, at=signal.at, scam_type=scam_type, uid=signal.uid)


class Register:
    """Who holds which telephone and account."""

    def __init__(self, residents: Mapping[str, Resident]) -> None:
        self._merged = {entry.id: entry.merged_into for entry in residents.values()}
        self._owners: defaultdict[str, list[Owner]] = defaultdict(list)
        for resident in residents.values():
            for kind, holdings in zip(("phone", "account"), owned(resident), strict=True):
                for holding in holdings:
                    self._owners[f"{kind}:{holding.value}"].append(owner(resident, holding))

    def parties(self, signal: Signal) -> list[tuple[Role, str]]:
        """The residents who may be meant, each as what, in the order of preference."""
        asked = [(role, _subject(kind, number)) for role, kind, number in _asked(signal)]
        found = [(role, holders(self._owners.get(subject or "", []), signal.at)) for role, subject in asked]
        return [(role, resolve(held[0], self._merged)) for role, held in found if held]


def _asked(signal: Signal) -> list[tuple[Role, str, str]]:
    match signal.kind:
        case "call":
            return [(Role.CALLED, "phone", signal.called), (Role.CALLER, "phone", signal.caller)]
        case "transfer":
            return [(Role.PAYER, "account", signal.payer)]
        case "sms":
            return [(Role.RECEIVER, "phone", signal.receiver)]
        case "app":
            return [(Role.SUBSCRIBER, "phone", signal.phone)]
        case "report":
            return [(Role.REPORTER, "phone", signal.phone)]
        case "watchlist":
            return []


@dataclass(slots=True)
class About:
    """What all signals together say of a resident. `certain`: it does not depend on the order of screening."""

    evidence: list[Evidence] = field(default_factory=list)
    moments: set[datetime] = field(default_factory=set)
    uids: dict[str, None] = field(default_factory=dict)  # in order
    certain: bool = True


@dataclass(frozen=True)
class Signals:
    """All lanes as the model reads them."""

    observed: Observed
    lanes: Mapping[tuple[str, int], Lane]

    @classmethod
    def of(cls, observed: Observed) -> "Signals":
        """Read all lanes."""
        asked = [(topic, partition) for topic in LANES for partition in range(observed.partitions)]
        return cls(observed, {(t, p): read(t, p, observed.records(t, p)) for t, p in asked if observed.records(t, p)})

    @cached_property
    def items(self) -> list[Item]:
        """All signals of all lanes."""
        return [item for lane in self.lanes.values() for item in lane.items]

    @cached_property
    def suspects(self) -> Suspects:
        return Suspects(self.items)

    @cached_property
    def register(self) -> Register:
        return Register(self.observed.residents)

    def required(self, rules: Sequence[RiskRules], settled: Mapping[str, datetime]) -> dict[str, Required]:
        """By resident the level that casework must have been told of, whichever of the rules were in force."""
        by_rules = [self._levels(each, settled) for each in rules]
        common = set.intersection(*(set(levels) for levels in by_rules)) if by_rules else set()
        return {
            resident: min((levels[resident] for levels in by_rules), key=lambda found: found.level.rank)
            for resident in sorted(common)
        }

    def _levels(self, rules: RiskRules, settled: Mapping[str, datetime]) -> dict[str, Required]:
        found: dict[str, Required] = {}
        for resident, about in self._about(rules).items():
            entry = self.observed.residents.get(resident)
            if entry is None or not about.certain or not about.evidence or _contradictory(about.evidence):
                continue
            level = _least(about, entry, rules, settled.get(resident))
            if level is not None:
                found[resident] = Required(level, tuple(about.uids))
        return found

    def _about(self, rules: RiskRules) -> dict[str, About]:
        about: defaultdict[str, About] = defaultdict(About)
        for item in self.items:
            parties = self.register.parties(item.signal)
            if parties and self._depends_on_order(item.signal, parties):
                for _, resident in parties:
                    about[resident].certain = False
            elif parties:
                self._add(about[parties[0][1]], item, parties[0][0], rules)
        return about

    def _depends_on_order(self, signal: Signal, parties: Sequence[tuple[Role, str]]) -> bool:
        others = [_other(signal, role) for role, _ in parties]
        if signal.kind == "transfer":
            return any(len(self.suspects.entries(other)) > 1 for other in others)
        return any(self.suspects.decided(other) for other in others)

    def _add(self, about: About, item: Item, role: Role, rules: RiskRules) -> None:
        other = _other(item.signal, role)
        entries = self.suspects.entries(other) if item.signal.kind == "transfer" else []
        payee = other.partition(":")[2] if other and item.signal.kind == "transfer" else None
        seen = SignalContext(*item.place, role, payee, entries[0].entry if entries else None)
        if members := evidence_of(item.signal, seen, rules):
            about.evidence += members
            about.moments |= {item.moment}.union(*(each.moments for each in entries))
            about.uids |= {item.signal.uid: None} | {each.entry.uid: None for each in entries}


def _other(signal: Any, role: Role) -> str | None:  # noqa: ANN401 - of a union, by its kind
    """The suspect at the other end."""
    match signal.kind:
        case "transfer":
            return _subject("account", signal.payee)
        case "call":
            return _subject("phone", signal.caller if role is Role.CALLED else signal.called)
        case "sms":
            return _subject("phone", signal.sender)
        case _:
            return None


def _contradictory(evidence: Iterable[Evidence]) -> bool:
    """Whether one signal came with two contents, neither the later state: whichever is screened first stays."""
    contents: dict[tuple[str, str], Evidence] = {}
    for member in evidence:
        content = member.model_copy(update={"topic": "", "partition": 0, "offset": 0})
        if contents.setdefault((member.id, version(member)), content) != content:
            return True
    return False


def _least(about: About, entry: Resident, rules: RiskRules, settled: datetime | None) -> Level | None:
    """The least level of all moments at which the whole evidence may have been judged; None: of one it is none."""
    members = bounded(merged({}, about.evidence), rules, max(about.moments))
    least: Level | None = None
    for moment in sorted(about.moments):
        danger = assess(members.values(), _profile(entry, moment), rules, moment, settled).danger
        if danger is None:
            return None
        least = danger.level if least is None else min(least, danger.level, key=lambda level: level.rank)
    return least


def _profile(resident: Resident, at: datetime) -> Profile:
    same = ("birth_year", "sex", "occupation", "division", "language", "balance", "flags")
    values = {name: getattr(resident, name) for name in same}
    return Profile(**values, contacts=len(resident.contacts), minor=is_minor(resident, at))
