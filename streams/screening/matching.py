"""Matches a batch of signals with residents and suspects, looked up for the whole batch at once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import orjson
from aiokafka import TopicPartition

from domain.policy.risk import RiskRules
from domain.risk import Role, Seen, evidence_of, may_be_evidence, payer_of
from schemas.risk.evidence import ScreeningOutcome, WatchEntry, WatchStatus
from schemas.risk.signals import Signal
from streams.repositories.residents.register import Asked, Residents
from streams.runtime.cooperative import Pause, at_once
from streams.screening.evaluation import RecordMatches, SignalMatch
from streams.screening.fan_outs import Fanning, FanOuts, about, said_before, standing_of
from streams.screening.payers import Fanned
from streams.screening.records import Item, ReadBatch, place_of, refuse
from streams.screening.store import EvidenceStore, Paid
from streams.screening.subjects import SUSPECTING, Party, Subjects

Found = list[Party]
"""The parties whom a signal may be about, in the order of preference."""

Suspects = dict[str, WatchEntry]


@dataclass(slots=True)
class MatchedBatch:
    """The matches of a batch: `records`: by record, in order; ordinary signals are only counted in `tally` (by
    `source|outcome`).

    `watched`: changed watchlist entries; `accounts`: account numbers by the token that evidence uses; `fanning`:
    fan-outs.
    """

    records: list[RecordMatches] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    watched: list[WatchEntry] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    fanning: Fanning = field(default_factory=Fanning)

    def with_slices(self) -> Self:
        """Insert the evidence of fan-out slices among the records, in the order of their offsets. Returns this batch,
        changed.
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
        """Return the matches of a batch. Signals with an invalid suspect's number go to the batch's dead letters.

        `pause` is awaited after each record. `past`: the records were counted before. Then matches also have `late`
        evidence, from watchlist entries that came later on the same lane: their fan-out may have missed payments lost
        with Redis.
        """
        accounts, entries = self._entries(tp, batch, now)
        found = await self._find([record for _, record in batch.records], pause)
        paid, asked = await _asked(tp, batch, found, pause)
        known, fanned = await self._store.watch(paid, asked, list(entries.values()), rules, now)
        matched = MatchedBatch(watched=[each.entry for each in fanned], accounts=accounts)
        matched.fanning = await self.fan_outs.go_on(batch, rules, now)
        answers = dict(zip(entries, fanned, strict=True))
        if answers:
            _begin(matched.fanning, batch, answers, now)
        for (offset, record), everybody in zip(batch.records, found, strict=True):
            ordinary: list[tuple[str, bool]] = []
            findings: list[SignalMatch] = []
            for item, who in zip(record, everybody, strict=True):
                answer = answers.get((offset, item.number)) if answers else None
                if answer or (who and _speaks(item.signal, who, known)):
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
    ) -> tuple[dict[str, str], dict[tuple[int, int], WatchEntry]]:
        """Return account numbers by token, and new watchlist entries by offset and index of their signal."""
        accounts, entries = {}, {}
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
                entries[offset, item.number] = _entry(tp, item, suspect[0])
                if suspect[0].startswith("account:"):
                    accounts[suspect[0].removeprefix("account:")] = suspect[1]
        return accounts, entries

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
                if resident:
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
            finding.own = evidence_of(item.signal, _seen(tp, item, party, then), rules)
            if past and entry is not then:
                now_known = evidence_of(item.signal, _seen(tp, item, party, entry), rules)
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
    tp: TopicPartition, batch: ReadBatch, found: Sequence[Sequence[Found]], pause: Pause
) -> tuple[list[Paid], list[str]]:
    """Return the payments to be stored, and the suspects to look up on the watchlist."""
    paid: list[Paid] = []
    asked: list[str] = []
    for (_, record), everybody in zip(batch.records, found, strict=True):
        for item, who in zip(record, everybody, strict=True):
            if who:
                paid += _payments(tp, item, who)
                asked += [party.suspect for party in who if party.suspect]
        await pause()
    return paid, asked


def _begin(fanning: Fanning, batch: ReadBatch, answers: Mapping[tuple[int, int], Fanned], now: datetime) -> None:
    """Begin the fan-outs of the batch's watchlist entries."""
    for offset, record in batch.records:
        for item in record:
            if fanned := answers.get((offset, item.number)):
                fanning.begin(item, fanned, now)


def _speaks(signal: Signal, who: Found, known: Suspects) -> bool:
    """Return whether a signal can be evidence. Others are only counted."""
    return may_be_evidence(signal) or bool(known and any(party.suspect in known for party in who))


def _tally(ordinary: Iterable[tuple[str, bool]]) -> dict[str, int]:
    """Return the number of ordinary signals by `source|outcome`, from pairs of source and whether a resident was
    found.
    """
    outcomes = ScreeningOutcome.UNMATCHED, ScreeningOutcome.BELOW_THRESHOLD
    return {f"{source}|{outcomes[found]}": count for (source, found), count in Counter(ordinary).items()}


def _entry(tp: TopicPartition, item: Item, subject: str) -> WatchEntry:
    signal = item.signal
    return WatchEntry(
        subject=subject,
        standing=standing_of(signal),
        at=signal.at,
        scam_type=signal.scam_type if signal.kind == "watchlist" else None,
        uid=signal.uid,
        topic=tp.topic,
        partition=tp.partition,
        offset=item.offset,
    )


def _refuse(batch: ReadBatch, tp: TopicPartition, item: Item, why: str, now: datetime) -> None:
    value = orjson.dumps(item.signal.model_dump(mode="json"))
    refuse(batch, place_of(tp, item.offset, item.number), item.signal.source, why, value, now)


def _meant(tp: TopicPartition, item: Item, who: Found, known: Suspects) -> Party:
    """Return the preferred party, unless a later one has contact with a confirmed suspect, such as a caller dialling
    one.
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


def _seen(tp: TopicPartition, item: Item, party: Party, entry: WatchEntry | None) -> Seen:
    payee = party.suspect.removeprefix("account:") if party.suspect and party.role is Role.PAYER else None
    return Seen(tp.topic, tp.partition, item.offset, party.role, payee, entry)


def _payments(tp: TopicPartition, item: Item, who: Found) -> list[Paid]:
    signal: Signal = item.signal
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
