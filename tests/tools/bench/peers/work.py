"""What every peer does with a record, whatever moves it and wherever its state lies: the product's own decisions.

Validate its signals; find whom each is about; keep each payment of a resident under its payee; take what is evidence
into the resident's set; judge him once a record; tell casework what is news, and remember that it was told. Of the
product's own work a peer is spared the fence, the tally of outcomes, dead letters and what a change of the watchlist
entails: the topic has none.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from domain.policy import load
from domain.policy.risk import RiskRules
from domain.risk import Role, SignalContext, alert_id, assess, bounded, evidence_of, merged, news, payer_of, remembered
from schemas.base import Model
from schemas.casework.inputs import Alert
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Alerted, Evidence, WatchEntry, WatchStatus
from schemas.risk.signals import Signal
from simulators.world.memory import Register, finished
from streams.repositories.residents.register import Asked
from streams.runtime.cooperative import spare_the_collector
from streams.runtime.settings import Settings
from streams.screening.evaluation import profile_of
from streams.screening.payers import packed
from streams.screening.records import quickly
from streams.screening.store import Known, Paid
from streams.screening.subjects import Party, Subjects

TOPIC = "signals"


@dataclass(frozen=True, slots=True)
class Item:
    """A signal, and who may be meant by it, in the order of preference."""

    offset: int
    signal: Signal
    who: Sequence[Party]


class State(Model):
    """What is kept of a resident, as JSON, where a peer has a store of its own."""

    evidence: dict[str, Evidence] = Field(default_factory=dict)
    alerted: Alerted | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What a record says: payments under their payees' tokens, and evidence about residents."""

    offset: int
    at: datetime
    paid: list[tuple[str, str]]
    evidence: Mapping[ResidentId, Sequence[Evidence]]


class Work:
    """The work with the register and the watchlist in memory, read from files as a program's reference data are."""

    def __init__(self, settings: Settings) -> None:
        people = read_people(settings.data / "residents.jsonl")
        self.rules = rules(settings)
        self._register, self._entries = Register(people), {each.id: each for each in people}
        self._watch = {entry.subject: entry for entry in read_watch(settings.data / "watch.jsonl")}
        self._subjects = Subjects(settings.key())
        spare_the_collector()

    def read(self, offset: int, value: bytes) -> Record:
        """Validate a record, and say what it is about. Raises ValidationError."""
        signals = quickly(value)
        questions = asked(self._subjects, signals)
        answers = finished(self._register.find([each.question for each in questions]))
        items = found(self._subjects, offset, signals, questions, answers)
        paid = [(token, packed(payer)) for token, payer in payments(items)]
        return Record(offset, newest(signals), paid, evidence(items, self._watch, self.rules))

    def judge(self, resident: ResidentId, before: bytes | None, record: Record) -> tuple[bytes, Alert | None]:
        """The resident's state after the record, and what casework is to be told."""
        state = State.model_validate_json(before) if before else State()
        known = Known(dict(state.evidence), state.alerted)
        alert = judged(known, record.evidence[resident], self._entries[resident], self.rules, record.at, record.offset)
        return State(evidence=known.evidence, alerted=known.alerted).model_dump_json().encode(), alert


class Question(NamedTuple):
    """Whom to ask for: in which role in which signal of a record."""

    number: int
    role: Role
    question: Asked


def asked(subjects: Subjects, signals: Sequence[Signal]) -> list[Question]:
    """All that a record asks the register."""
    return [Question(number, *each) for number, signal in enumerate(signals) for each in subjects.asked(signal)]


def found(
    subjects: Subjects,
    offset: int,
    signals: Sequence[Signal],
    questions: Iterable[Question],
    answers: Iterable[ResidentId | None],
) -> list[Item]:
    """The signals with their residents. `answers`: one for each that was `asked`, in their order."""
    who: list[list[Party]] = [[] for _ in signals]
    for (number, role, _), resident in zip(questions, answers, strict=True):
        if resident:
            who[number].append(subjects.party(signals[number], role, resident))
    return [Item(offset, signal, each) for signal, each in zip(signals, who, strict=True)]


def payments(items: Iterable[Item]) -> Iterator[Paid]:
    """Each payment of a resident, under the payee's token."""
    for item in items:
        if item.signal.kind == "transfer":
            for party in item.who:
                if party.suspect:
                    yield _payee(party), payer_of(item.signal, _seen(item, party), party.resident)


def evidence(
    items: Iterable[Item], watch: Mapping[str, WatchEntry], rules: RiskRules
) -> dict[ResidentId, list[Evidence]]:
    """By resident what the signals say of him: of a call the called, but the caller when he calls a suspect."""
    about: defaultdict[ResidentId, list[Evidence]] = defaultdict(list)
    for item in items:
        if item.who:
            party = next(filter(partial(_calls_suspect, watch), item.who[1:]), item.who[0])
            if members := evidence_of(item.signal, _seen(item, party, watch.get(party.suspect or "")), rules):
                about[party.resident] += members
    return about


def judged(
    known: Known, members: Sequence[Evidence], entry: Resident, rules: RiskRules, at: datetime, offset: int
) -> Alert | None:
    """Take the evidence into what is known, and judge: an alert when casework does not know it yet."""
    known.evidence = bounded(merged(known.evidence, members), rules, at)
    profile = profile_of(entry, at)
    assessment = assess(known.evidence.values(), profile, rules, at, known.settled)
    if assessment.danger is None or not news(assessment, known.alerted):
        return None
    known.alerted = remembered(assessment, known.alerted, at)
    return Alert(
        id=alert_id((TOPIC, 0, offset), entry.id, assessment.danger.level),
        at=at,
        resident=entry.id,
        danger=assessment.danger,
        payments=assessment.payments,
        profile=profile,
        policy=rules.policy,
        signal_at=at,
    )


def newest(signals: Iterable[Signal]) -> datetime:
    """When the record's last signal arrived."""
    return max(signal.arrived or signal.at for signal in signals)


def rules(settings: Settings) -> RiskRules:
    return load(settings.policy.read_text(encoding="utf-8")).risk


def read_people(file: Path) -> list[Resident]:
    return [Resident.model_validate_json(line) for line in file.read_bytes().splitlines()]


def read_watch(file: Path) -> list[WatchEntry]:
    return [WatchEntry.model_validate_json(line) for line in file.read_bytes().splitlines()]


def _seen(item: Item, party: Party, entry: WatchEntry | None = None) -> SignalContext:
    payee = _payee(party) if party.suspect and party.role is Role.PAYER else None
    return SignalContext(TOPIC, 0, item.offset, party.role, payee, entry)


def _payee(party: Party) -> str:
    return (party.suspect or "").removeprefix("account:")


def _calls_suspect(watch: Mapping[str, WatchEntry], party: Party) -> bool:
    entry = watch.get(party.suspect or "")
    return entry is not None and entry.standing is WatchStatus.CONFIRMED
