"""Evaluates a batch in memory, record by record. The results do not depend on how records are split into batches.

Redis is read before (residents, watchlist) and written after (evidence, alerts); nothing here does I/O.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import NamedTuple

from aiokafka import TopicPartition

from domain.identity.identifiers import is_minor, keyed_hash, own_tokens
from domain.policy.risk import RiskRules
from domain.risk import Assessment, alert_id, assess, bounded, come_back, merged, news, remembered, supersedes
from domain.visits.one_visit import household
from schemas.casework.cases import Profile
from schemas.casework.inputs import Alert
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Alerted, Evidence, ScreeningOutcome
from streams.screening.records import Item
from streams.screening.store import Known


@dataclass(slots=True)
class SignalMatch:
    """A signal (`item`), its resident (None if not found), and its evidence about this resident (`own`) and about other
    residents (`others`).

    `suspect`: the signal is about a suspect; it has no resident, but may be evidence about many. `late`: evidence that
    follows from a watchlist entry which came after the signal: it is stored, but not evaluated. `seen`: another record
    brought the same watchlist entry before.
    """

    item: Item
    resident: ResidentId | None
    own: list[Evidence] = field(default_factory=list)
    others: list[tuple[ResidentId, Evidence]] = field(default_factory=list)
    late: list[Evidence] = field(default_factory=list)
    suspect: bool = False
    seen: bool = False

    @property
    def about(self) -> list[tuple[ResidentId, Evidence]]:
        """The evidence to be evaluated, as pairs (id of the resident, evidence): `own`, if there is a resident, then
        `others`.
        """
        own = [(self.resident, member) for member in self.own] if self.resident else []
        return own + self.others


class RecordMatches(NamedTuple):
    """The matches of one record's signals (`findings`), without ordinary signals.

    `offset`: the record's; `at`: when its newest signal arrived. `slice_of`: for a fan-out's slice, the fan-out's id
    and the slice's number, which determine its alerts' ids; None for a record of signals. The signal of a slice is not
    counted: it was counted with the watchlist entry.
    """

    offset: int
    at: datetime
    findings: list[SignalMatch]
    slice_of: tuple[str, int] | None = None


@dataclass(slots=True)
class Evaluation:
    """The results of evaluating records.

    `alerts`: to be sent, in order. `alerted`: the data about each resident's last alert that is stored, and `rescore`:
    when to re-evaluate each resident, both by canonical id. `tally`: number of signals by `source|outcome`.
    `looked_up`: when the residents were looked up in the register, in seconds of the event loop's clock; infinite if
    unknown.
    """

    alerts: list[Alert] = field(default_factory=list)
    alerted: dict[ResidentId, Alerted] = field(default_factory=dict)
    rescore: dict[ResidentId, datetime] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)
    looked_up: float = inf


class RiskEvaluator:
    """Evaluates records one after the other, in memory. Each record updates `known` and `result`.

    `known`: the evidence and alerts by canonical id; `entries`: the canonical register entry for each resident id.
    `now`: the time of the alerts. `secret`: the key for the tokens of the residents' own accounts and households in
    the alerts; None: alerts have none. `past`: ignore evidence that is newer than the record under evaluation.
    """

    def __init__(
        self,
        known: dict[ResidentId, Known],
        entries: Mapping[ResidentId, Resident],
        rules: RiskRules,
        now: datetime,
        *,
        secret: bytes | None = None,
        past: bool = False,
    ) -> None:
        self._known, self._entries, self._rules, self._now, self._past = known, entries, rules, now, past
        self._secret = secret
        self._late: set[str] = set()  # ids of evidence that was unknown when the current record came
        self.result = Evaluation()

    def fork(self, rules: RiskRules) -> "RiskEvaluator":
        """Return a second evaluator with the same evidence, without the alerts and the keys of tokens, under other
        rules.

        Neither sees later changes of the other.
        """
        known = {name: Known(dict(each.evidence), None, each.settled, each.lost) for name, each in self._known.items()}
        return RiskEvaluator(known, self._entries, rules, self._now)

    def take_result(self) -> Evaluation:
        """Return the result since the last call (or the start), and begin with an empty one."""
        taken, self.result = self.result, Evaluation()
        return taken

    @property
    def known(self) -> Mapping[ResidentId, Known]:
        """The evidence and the last alert of each resident, by canonical id, including the records evaluated so far."""
        return self._known

    def canonical_id(self, resident: ResidentId | None) -> ResidentId | None:
        """Return the resident's canonical id; None for None, if they are not in the register, or if their evidence was
        not loaded.
        """
        entry = self._entries.get(resident) if resident else None
        return entry.id if entry and entry.id in self._known else None

    def evaluate(self, lane: TopicPartition, record: RecordMatches) -> None:
        """Evaluate the signals of a record of `lane` together, and add the alerts and the outcome of each signal to
        `result`.

        A slice of a fan-out adds no outcome.
        """
        duplicates, danger = self.assess_record(lane, record)
        if record.slice_of:
            return
        for finding in record.findings:
            outcome = self._outcome(finding, id(finding) in duplicates, danger)
            self.result.tally[f"{finding.item.signal.source}|{outcome}"] += 1

    def assess_record(self, lane: TopicPartition, record: RecordMatches) -> tuple[set[int], dict[ResidentId, bool]]:
        """Add all evidence of a record to `known`, then assess each resident whom it concerns, and add the alerts to
        `result`.

        The time of assessment is the arrival of the record's newest signal, not the clock, so that a repetition has the
        same result. Returns a pair: the set of the Python id() of each match that only repeats earlier records; and, by
        canonical id of each assessed resident, True if they are in danger, else False.
        """
        duplicates = self._add(record.findings)
        self._late = {member.id for finding in record.findings for member in finding.late}
        arrived = self._arrived(record.findings)
        cause = record.slice_of or (*lane, record.offset)
        return duplicates, {name: self.assess(name, record.at, arrived[name], cause) for name in arrived}

    def assess(self, resident: ResidentId, at: datetime, arrived: datetime, cause: Sequence[object]) -> bool:
        """Assess one resident, given by canonical id, at the time `at`. Return True if they are in danger, else False.

        Adds an alert to `result` if the danger is news, and the time of the next assessment, if there is one.
        `arrived`: when the newest signal arrived, for the alert; `cause`: determines the alert's id. Raises KeyError if
        the resident is not in `known`.
        """
        known = self._known[resident]
        profile = profile_of(self._entries[resident], at)
        members = [each for each in known.evidence.values() if not self._past or self._known_by(each, at, cause)]
        found = assess(members, profile, self._rules, at, known.settled, known.lost)
        if found.rescore_at:
            self.result.rescore[resident] = found.rescore_at
        if found.danger is not None and (news(found, known.alerted) or self._come_back(found, known, profile, at)):
            known.alerted = self.result.alerted[resident] = remembered(found, known.alerted, at)
            alert = Alert(
                id=alert_id(cause, resident, found.danger.level),
                at=self._now,
                resident=resident,
                danger=found.danger,
                payments=found.payments,
                profile=profile,
                accounts=self._own(resident),
                household=self._household(resident),
                policy=self._rules.policy,
                signal_at=arrived,
            )
            self.result.alerts.append(alert)
        return found.danger is not None

    def _own(self, resident: ResidentId) -> list[str]:
        return sorted(own_tokens(self._secret, self._entries[resident])) if self._secret else []

    def _household(self, resident: ResidentId) -> str | None:
        if not self._secret:
            return None
        entry = self._entries[resident]
        place = household(entry.division, entry.address)
        return keyed_hash(self._secret, "address", place) if place else None

    def _known_by(self, member: Evidence, at: datetime, cause: Sequence[object]) -> bool:
        """Return whether the evidence was known at `at`, or comes from the record under evaluation."""
        if member.id in self._late or (member.watch_at is not None and member.watch_at > at):
            return False
        return member.at <= at or _place(member) == tuple(cause)

    def _come_back(self, found: Assessment, known: Known, profile: Profile, at: datetime) -> bool:
        """Return whether the danger is greater than that of the last alert to casework, reduced by the time since."""
        told = known.alerted
        before = [member for member in known.evidence.values() if told and member.at <= told.at]
        if len(before) == len(known.evidence):
            return False  # nothing new since then
        return come_back(found, assess(before, profile, self._rules, at, known.settled, known.lost))

    def _add(self, findings: Sequence[SignalMatch]) -> set[int]:
        """Add the record's evidence. Returns the id()s of the matches that only repeat other records."""
        in_record: set[str] = set()
        duplicates = set()
        for finding in findings:
            own = self.canonical_id(finding.resident)
            if own and finding.own and all(_told(member, self._known[own], in_record) for member in finding.own):
                duplicates.add(id(finding))
            in_record.update(member.id for member in finding.own)
            for resident, member in finding.about:
                if standing := self.canonical_id(resident):
                    known = self._known[standing]
                    known.evidence = bounded(merged(known.evidence, [member]), self._rules, self._now)
        return duplicates

    def _arrived(self, findings: Sequence[SignalMatch]) -> dict[ResidentId, datetime]:
        """Return for each resident whom a record's signals concern when the newest of these signals arrived."""
        arrived: dict[ResidentId, datetime] = {}
        for finding in findings:
            for resident, _ in finding.about:
                if standing := self.canonical_id(resident):
                    arrived[standing] = max(finding.item.arrived, arrived.get(standing, finding.item.arrived))
        return arrived

    def _outcome(self, finding: SignalMatch, duplicate: bool, danger: Mapping[ResidentId, bool]) -> ScreeningOutcome:
        if duplicate or finding.seen:
            return ScreeningOutcome.DUPLICATE
        if any(danger.get(self.canonical_id(resident) or "") for resident, _ in finding.about):
            return ScreeningOutcome.RAISED
        if finding.resident is None and not finding.suspect:
            return ScreeningOutcome.UNMATCHED
        return ScreeningOutcome.BELOW_THRESHOLD


def _told(member: Evidence, known: Known, in_record: set[str]) -> bool:
    """Return True if the same evidence in the same state came before: in another record, or earlier in this one
    (`in_record`: the ids of its earlier evidence).
    """
    old = known.evidence.get(member.id)
    if old is None or supersedes(member, old) or supersedes(old, member):
        return False
    return _place(old) != _place(member) or member.id in in_record


def _place(member: Evidence) -> tuple[str, int, int]:
    return member.topic, member.partition, member.offset


def profile_of(resident: Resident, at: datetime) -> Profile:
    """Return the attributes of a resident that risk and plan depend on, without their identity.

    `at`: the time at which their age decides whether they are a minor.
    """
    return Profile(
        birth_year=resident.birth_year,
        sex=resident.sex,
        occupation=resident.occupation,
        division=resident.division,
        language=resident.language,
        balance=resident.balance,
        flags=resident.flags,
        contacts=len(resident.contacts),
        minor=is_minor(resident, at),
        assumed=resident.assumed,
    )
