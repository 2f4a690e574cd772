"""Evaluates a batch in memory, record by record, with results that do not depend on how records are split into batches.

Redis is read before (residents, watchlist) and written after (evidence, alerts); nothing here does I/O.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from aiokafka import TopicPartition

from domain.identity.identifiers import is_minor, own_tokens
from domain.policy.risk import RiskRules
from domain.risk import Assessment, alert_id, assess, bounded, come_back, merged, news, remembered, supersedes
from schemas.casework.cases import Profile
from schemas.casework.inputs import Alert
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Alerted, Evidence, ScreeningOutcome
from streams.screening.records import Item
from streams.screening.store import Known


@dataclass(slots=True)
class SignalMatch:
    """One signal, its resident (None if not found), and its evidence about them (`own`) and about others (`others`).

    Signals about a suspect (`suspect`) have no resident, but evidence about many. `late`: evidence by a watchlist entry
    that came later: stored, not evaluated. `seen`: the same watchlist entry came before in another record.
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
        """The evidence that is to be evaluated, each with its resident: `own`, if there is a resident, then
        `others`.
        """
        own = [(self.resident, member) for member in self.own] if self.resident else []
        return own + self.others


class RecordMatches(NamedTuple):
    """The matches of one record's signals (`findings`), without ordinary ones. `offset`: the record's; `at`: when its
    newest signal arrived.

    `slice_of`: the id and number of a fan-out's slice, which determine its alerts' ids; None for a record of signals. A
    slice's signal was already counted with the entry.
    """

    offset: int
    at: datetime
    findings: list[SignalMatch]
    slice_of: tuple[str, int] | None = None


@dataclass(slots=True)
class Evaluation:
    """The results of evaluating records. `alerts`: those to be sent, in order.

    `alerted`: what to remember of each resident's last alert; `rescore`: when to re-evaluate which resident, both by
    canonical id; `tally`: number of signals by `source|outcome`.
    """

    alerts: list[Alert] = field(default_factory=list)
    alerted: dict[ResidentId, Alerted] = field(default_factory=dict)
    rescore: dict[ResidentId, datetime] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)


class RiskEvaluator:
    """Evaluates records one after the other. `known` is updated with each.

    `entries`: the canonical entry for each resident id; `known` is keyed by canonical ids. `secret`: keys the tokens of
    the residents' own accounts in the alerts; None: the alerts have none. `past`: ignore evidence that is newer than
    the record under evaluation.
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
        """Return a second evaluator of the same evidence under other rules. The two do not share later changes."""
        known = {name: Known(dict(each.evidence), None, each.settled) for name, each in self._known.items()}
        return RiskEvaluator(known, self._entries, rules, self._now)

    def take_result(self) -> Evaluation:
        """Return the result so far and start a new one."""
        taken, self.result = self.result, Evaluation()
        return taken

    @property
    def known(self) -> Mapping[ResidentId, Known]:
        """The evidence and alerts known of each resident, by canonical id, including the records evaluated so far."""
        return self._known

    def canonical_id(self, resident: ResidentId | None) -> ResidentId | None:
        """Return the resident's canonical id, or None if they are not in the register or nothing was loaded of them."""
        entry = self._entries.get(resident) if resident else None
        return entry.id if entry and entry.id in self._known else None

    def evaluate(self, lane: TopicPartition, record: RecordMatches) -> None:
        """Evaluate a record's signals together, and count the outcome of each (not for slices of fan-outs)."""
        duplicates, danger = self.assess_record(lane, record)
        if record.slice_of:
            return
        for finding in record.findings:
            outcome = self._outcome(finding, id(finding) in duplicates, danger)
            self.result.tally[f"{finding.item.signal.source}|{outcome}"] += 1

    def assess_record(self, lane: TopicPartition, record: RecordMatches) -> tuple[set[int], dict[ResidentId, bool]]:
        """Assess each resident of a record, with all of the record's evidence added.

        Uses the record's newest arrival as the time, not the clock, so that a repetition has the same result. Returns
        the id()s of the matches without new information, and for each assessed resident whether they are in danger.
        """
        duplicates = self._add(record.findings)
        self._late = {member.id for finding in record.findings for member in finding.late}
        arrived = self._arrived(record.findings)
        cause = record.slice_of or (*lane, record.offset)
        return duplicates, {name: self.assess(name, record.at, arrived[name], cause) for name in arrived}

    def assess(self, resident: ResidentId, at: datetime, arrived: datetime, cause: Sequence[object]) -> bool:
        """Assess one resident, given by canonical id, at the time `at`, and add an alert if it is news.

        Returns whether they are in danger, also if that is no news. `arrived`: when the newest signal arrived; `cause`:
        determines the alert's id. Raises KeyError if the resident is not among `known`.
        """
        known = self._known[resident]
        profile = profile_of(self._entries[resident], at)
        members = [each for each in known.evidence.values() if not self._past or self._known_by(each, at, cause)]
        found = assess(members, profile, self._rules, at, known.settled)
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
                policy=self._rules.policy,
                signal_at=arrived,
            )
            self.result.alerts.append(alert)
        return found.danger is not None

    def _own(self, resident: ResidentId) -> list[str]:
        return sorted(own_tokens(self._secret, self._entries[resident])) if self._secret else []

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
        return come_back(found, assess(before, profile, self._rules, at, known.settled))

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
    """Return whether the same evidence in the same state came before, in another record or in this one."""
    old = known.evidence.get(member.id)
    if old is None or supersedes(member, old) or supersedes(old, member):
        return False
    return _place(old) != _place(member) or member.id in in_record


def _place(member: Evidence) -> tuple[str, int, int]:
    return member.topic, member.partition, member.offset


def profile_of(resident: Resident, at: datetime) -> Profile:
    """Return the resident's attributes that risk and plan use, without their identity.

    `at`: decides whether they are a minor.
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
    )
