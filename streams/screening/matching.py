"""Finds the residents and suspects that a batch of signals is about, with one lookup for the whole batch."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import orjson
from aiokafka import TopicPartition

from domain.policy.risk import RiskRules
from domain.risk import Role, SignalContext, callee_of, evidence_of, may_be_evidence, payer_of
from domain.risk.sharing import shared
from domain.risk.verdicts import is_rated, rated_subjects
from schemas.risk.evidence import ScreeningOutcome, WatchEntry, WatchStatus
from schemas.risk.sharing import SharedSuspect
from schemas.risk.signals import Signal
from streams.repositories.residents.register import Asked, Residents
from streams.runtime.cooperative import Pause, at_once
from streams.screening.evaluation import Evaluation, RecordMatches, SignalMatch
from streams.screening.fan_outs import Fanning, FanOuts, about, said_before, standing_of
from streams.screening.payers import Fanned, token_of
from streams.screening.records import Item, ReadBatch, place_of, refuse
from streams.screening.store import EvidenceStore, Paid
from streams.screening.subjects import SUSPECTING, Party, Subjects

Found = list[Party]
"""The parties whom a signal may be about, in the order of preference."""

Suspects = dict[str, WatchEntry]


@dataclass(slots=True)
class MatchedBatch:
    """The matches of a batch.

    `records`: the matches by record, in order, without ordinary signals; `tally`: number of ordinary signals by
    `source|outcome`; `watched`: changed watchlist entries; `accounts`: account numbers, by the token that evidence
    uses; `fanning`: results of fan-outs; `shared`: the changed suspects, as they are shared with other
    centres.
    """

    records: list[RecordMatches] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    watched: list[WatchEntry] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    fanning: Fanning = field(default_factory=Fanning)
    shared: list[SharedSuspect] = field(default_factory=list)

    def with_slices(self) -> Self:
        """Insert the evidence of fan-out slices among `records`, in the order of offsets, and add the entries that
        decisions changed to `watched`. Returns this object.
        """
        if self.fanning.said:
            self.records = sorted([*self.records, *self.fanning.said], key=lambda record: record.offset)
        self.watched += self.fanning.watched
        return self


class Matcher:
    """Finds the residents and watchlist entries that signals are about, with two round trips to Redis for each
    batch.
    """

    def __init__(self, residents: Residents, store: EvidenceStore, subjects: Subjects) -> None:
        self._residents, self._store, self._subjects = residents, store, subjects
        self.fan_outs = FanOuts(store.payers_of)

    async def match(
        self,
        tp: TopicPartition,
        batch: ReadBatch,
        rules: RiskRules,
        now: datetime,
        pause: Pause = at_once,
        past: bool = False,
    ) -> MatchedBatch:
        """Return the matches of a batch, with the results of its fan-outs. Stores its payments and calls, new watchlist
        entries and decisions in Redis.

        A signal with a suspect's invalid number is taken out of the batch, and becomes a dead letter of it. `pause` is
        awaited after each record. `past`: True if the records were counted before. Matches then also have `late`
        evidence, from watchlist entries that came later on the same lane: their fan-out may have missed payments that
        were lost with Redis. Raises RedisError if Redis is unavailable.
        """
        accounts, entries, numbers = self._entries(tp, batch, now)
        found = await self._find([record for _, record in batch.records], pause)
        paid, asked = await _asked(tp, batch, found, rules, pause)
        known, fanned = await self._store.watch(paid, asked, list(entries.values()), rules, now)
        matched = MatchedBatch(watched=[each.entry for each in fanned], accounts=accounts)
        matched.fanning = await self.fan_outs.go_on(batch, rules, now)
        matched.shared = _told(entries.values(), fanned, numbers)
        answers = dict(zip(entries, fanned, strict=True))
        if answers:
            _begin(matched.fanning, batch, answers, now)
        for (offset, record), everybody in zip(batch.records, found, strict=True):
            ordinary: list[tuple[str, bool]] = []
            findings: list[SignalMatch] = []
            for item, who in zip(record, everybody, strict=True):
                answer = answers.get((offset, item.number)) if answers else None
                if answer or (who and _speaks(item.signal, who, known, rules)):
                    findings.append(self._finding(tp, item, who, known, answer, rules, past))
                else:
                    ordinary.append((item.signal.source, bool(who)))
            matched.tally.update(_tally(ordinary))
            if findings:
                matched.accounts |= self._payees(findings)
                matched.records.append(RecordMatches(offset, max(item.arrived for item in record), findings))
            await pause()
        return matched.with_slices()

    def _entries(
        self, tp: TopicPartition, batch: ReadBatch, now: datetime
    ) -> tuple[dict[str, str], dict[tuple[int, int], WatchEntry], list[str]]:
        """Return account numbers by token, new watchlist entries by offset and index of their signal, and the number or
        link of each entry, in the same order.
        """
        accounts, entries = {}, {}
        numbers: list[str] = []
        for offset, record in batch.records:
            for item in [item for item in record if item.signal.kind in SUSPECTING]:
                try:
                    suspect = self._subjects.suspect(item.signal)
                except ValueError as error:
                    record.remove(item)
                    _refuse(batch, tp, item, str(error), now)
                    continue
                if suspect is None:
                    continue
                entries[offset, item.number] = _entry(tp, item, suspect[0], self._subjects.check_listing(*suspect))
                numbers.append(suspect[1])
                if suspect[0].startswith("account:") and not is_rated(suspect[0]):
                    accounts[suspect[0].removeprefix("account:")] = suspect[1]
        return accounts, entries, numbers

    async def _find(self, records: Sequence[Sequence[Item]], pause: Pause) -> list[list[Found]]:
        """Return the parties found, for each signal of each record."""
        asked: list[list[tuple[int, Role, Asked]]] = []  # by record: (signal's index, role, lookup)
        for record in records:
            each = enumerate(self._subjects.asked(item.signal) for item in record)
            asked.append([(number, *one) for number, ones in each for one in ones])
            await pause()
        residents = iter(await self._residents.find([one for ones in asked for _, _, one in ones]))
        found: list[list[Found]] = []
        for record, ones in zip(records, asked, strict=True):
            about: list[Found] = [[] for _ in record]
            for (number, role, _), resident in zip(ones, residents, strict=False):
                if resident and all(party.role is not role for party in about[number]):
                    about[number].append(self._subjects.party(record[number].signal, role, resident))
            found.append(about)
            await pause()
        return found

    def _finding(
        self,
        tp: TopicPartition,
        item: Item,
        who: Found,
        known: Suspects,
        fanned: Fanned | None,
        rules: RiskRules,
        past: bool = False,
    ) -> SignalMatch:
        finding = SignalMatch(item, None, suspect=item.signal.kind == "watchlist")
        if who:
            party = _meant(tp, item, who, known)
            finding.resident, entry = party.resident, known.get(party.suspect or "")
            then = None if _later(tp, item, entry) else entry
            rated = _rated(tp, item, party, known, rules)
            finding.own = evidence_of(item.signal, _seen(tp, item, party, then, rated), rules)
            if past and entry is not then:
                now_known = evidence_of(item.signal, _seen(tp, item, party, entry, rated), rules)
                finding.late = [member for member in now_known if member not in finding.own]
        if fanned:
            known[fanned.entry.subject] = fanned.entry  # later signals see the entry, earlier ones did not
            finding.others = [] if said_before(fanned, item) else list(about(fanned.entry, fanned.payers, rules))
            finding.seen = finding.suspect and _elsewhere(fanned.before, tp, item)
        return finding

    def _payees(self, findings: Iterable[SignalMatch]) -> dict[str, str]:
        """Return the payees' account numbers in the signals' own evidence, by token, for stop-payments."""
        accounts = {}
        for finding in findings:
            signal = finding.item.signal
            if signal.kind == "transfer" and finding.own and (token := finding.own[0].payee):
                accounts[token] = self._subjects.spelt(signal.payee)
        return accounts


async def _asked(
    tp: TopicPartition, batch: ReadBatch, found: Sequence[Sequence[Found]], rules: RiskRules, pause: Pause
) -> tuple[list[Paid], list[str]]:
    """Return the payments and calls to be stored, and the suspects to look up on the watchlist."""
    paid: list[Paid] = []
    asked: list[str] = []
    for (_, record), everybody in zip(batch.records, found, strict=True):
        for item, who in zip(record, everybody, strict=True):
            if who:
                paid += _contacts(tp, item, who, rules)
                asked += [party.suspect for party in who if party.suspect]
                if rules.verdicts.vendors:
                    asked += [each for party in who for each in rated_subjects(party.suspect, rules.verdicts)]
        await pause()
    return paid, asked


def _told(given: Iterable[WatchEntry], fanned: Iterable[Fanned], numbers: Iterable[str]) -> list[SharedSuspect]:
    """Return what other centres are told of the entries `given` that are in force now, also if they were before: the
    process may have stopped before it told. `fanned`, `numbers`: each entry's effect and its number or link.
    """
    each = zip(given, fanned, numbers, strict=True)
    told = (shared(now.entry, number) for entry, now, number in each if now.entry.uid == entry.uid)
    return [suspect for suspect in told if suspect is not None]


def _begin(fanning: Fanning, batch: ReadBatch, answers: Mapping[tuple[int, int], Fanned], now: datetime) -> None:
    """Begin the fan-outs of the batch's watchlist entries."""
    for offset, record in batch.records:
        for item in record:
            if fanned := answers.get((offset, item.number)):
                fanning.begin(item, fanned, now)


def _speaks(signal: Signal, who: Found, known: Suspects, rules: RiskRules) -> bool:
    """Return True if the signal can be evidence: by itself, or because a party's counterpart is on the watchlist or
    rated by vendors.

    Other signals are only counted.
    """
    if may_be_evidence(signal) or (known and any(party.suspect in known for party in who)):
        return True
    if not known or not rules.verdicts.vendors:
        return False
    return any(each in known for party in who for each in rated_subjects(party.suspect, rules.verdicts))


def _rated(tp: TopicPartition, item: Item, party: Party, known: Suspects, rules: RiskRules) -> tuple[WatchEntry, ...]:
    """Return the vendors' verdicts about the other party's number that did not come after the signal."""
    found = (known.get(each) for each in rated_subjects(party.suspect, rules.verdicts))
    return tuple(entry for entry in found if entry is not None and not _later(tp, item, entry))


def tally_of(batch: ReadBatch, matched: MatchedBatch, result: Evaluation) -> Counter[str]:
    """Add the counts of `matched` and `result` to the batch's own tally, and return it. Call it once for a batch.

    The tally is the number of signals by `source|outcome` (a ScreeningOutcome). A resent dead letter counts under its
    new outcome, and reduces `source|dead_lettered` by one, which can therefore be negative.
    """
    tally = batch.tally
    tally.update(matched.tally)
    tally.update(result.tally)
    return tally


def _tally(ordinary: Iterable[tuple[str, bool]]) -> dict[str, int]:
    """Return the number of ordinary signals by `source|outcome`, from pairs of source and whether a resident was
    found.
    """
    outcomes = ScreeningOutcome.UNMATCHED, ScreeningOutcome.BELOW_THRESHOLD
    return {f"{source}|{outcomes[found]}": count for (source, found), count in Counter(ordinary).items()}


def _entry(tp: TopicPartition, item: Item, subject: str, check: str) -> WatchEntry:
    signal = item.signal
    return WatchEntry(
        subject=subject,
        standing=standing_of(signal),
        at=signal.at,
        scam_type=signal.scam_type if signal.kind == "watchlist" else None,
        verdict=signal.verdict if signal.kind == "watchlist" else None,
        until=signal.until if signal.kind == "watchlist" else None,
        confidence=signal.confidence if signal.kind == "watchlist" else None,
        tlp=signal.tlp if signal.kind == "watchlist" else None,
        uid=signal.uid,
        topic=tp.topic,
        partition=tp.partition,
        offset=item.offset,
        check=check,
    )


def _refuse(batch: ReadBatch, tp: TopicPartition, item: Item, why: str, now: datetime) -> None:
    value = orjson.dumps(item.signal.model_dump(mode="json"))
    refuse(batch, place_of(tp, item.offset, item.number), item.signal.source, why, value, now)


def _meant(tp: TopicPartition, item: Item, who: Found, known: Suspects) -> Party:
    """Return the party whom the signal is evidence about: the first one, unless a later one has contact with a
    confirmed suspect, for example a caller who dials one.
    """
    for party in who[1:]:
        entry = known.get(party.suspect or "")
        if entry and entry.standing is WatchStatus.CONFIRMED and not _later(tp, item, entry):
            return party
    return who[0]


def _later(tp: TopicPartition, item: Item, entry: WatchEntry | None) -> bool:
    """Return whether a watchlist entry came after the signal on the same lane: then its own fan-out covers the signal.

    Lanes have no common order. For an entry of another lane, it is unknown which came first.
    """
    return entry is not None and (entry.topic, entry.partition) == tp and entry.offset > item.offset


def _seen(
    tp: TopicPartition, item: Item, party: Party, entry: WatchEntry | None, rated: tuple[WatchEntry, ...] = ()
) -> SignalContext:
    payee = party.suspect.removeprefix("account:") if party.suspect and party.role is Role.PAYER else None
    return SignalContext(tp.topic, tp.partition, item.offset, party.role, payee, entry, rated)


def _contacts(tp: TopicPartition, item: Item, who: Found, rules: RiskRules) -> list[Paid]:
    """Return what is stored of a signal in case the other party is confirmed as a suspect later."""
    signal: Signal = item.signal
    if signal.kind == "call":
        called = [party for party in who if party.role is Role.CALLED and party.suspect]
        found = ((party, callee_of(signal, _seen(tp, item, party, None), party.resident, rules)) for party in called)
        return [(token_of(party.suspect or ""), callee) for party, callee in found if callee is not None]
    if signal.kind != "transfer":
        return []
    return [
        (seen.payee, payer_of(signal, seen, party.resident))
        for party in who
        if (seen := _seen(tp, item, party, None)).payee
    ]


def _elsewhere(before: WatchEntry | None, tp: TopicPartition, item: Item) -> bool:
    """Return whether the same signal made the same entry before, in another record."""
    return (
        before is not None
        and before.uid == item.signal.uid
        and before.at == item.signal.at
        and (before.topic, before.partition, before.offset) != (*tp, item.offset)
    )
