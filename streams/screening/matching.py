"""What a batch of signals says about whom: residents and suspects looked up for the whole of it at once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import orjson
from aiokafka import TopicPartition

from domain.policy.risk import RiskRules
from domain.risk import Role, Seen, evidence_of, payer_of, telling
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
"""Who may be meant by a signal, in the order of preference."""

Suspects = dict[str, WatchEntry]


@dataclass(slots=True)
class MatchedBatch:
    """What records said, those of ordinary life alone left out; how much ordinary life there was, as `source|outcome`;
    what changed on the watchlist; the numbers behind the tokens that evidence names.
    """

    records: list[RecordMatches] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    watched: list[WatchEntry] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    fanning: Fanning = field(default_factory=Fanning)

    def with_slices(self) -> Self:
        """Put what slices of fan-outs said among the records, in the order of the lane."""
        if self.fanning.said:
            self.records = sorted([*self.records, *self.fanning.said], key=lambda record: record.offset)
        self.watched += self.fanning.watched
        return self


class Matcher:
    """Looks up residents and suspects; two round trips a batch."""

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
        """The findings of a batch; suspects whose number is none are refused into its dead letters.

        `pause` is awaited after each record's part of the work. `past`: the records were counted before. Then a finding
        has `late` evidence too: that of a watchlist entry which came later on the same lane. Its fan-out may not have
        found a payment that was lost with Redis.
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
        """Whom the batch puts on the watchlist, by offset and number of the signal; and their accounts by token."""
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
        """Who may be meant: of each record, of each of its signals."""
        asked: list[list[tuple[int, Role, Asked]]] = []  # by record; about which of its signals
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
            known[fanned.entry.subject] = fanned.entry  # signals after this one see it, those before did not
            finding.others = [] if said_before(fanned, item) else list(about(fanned.entry, fanned.payers, rules))
            finding.seen = finding.suspect and _elsewhere(fanned.before, tp, item)
        return finding

    def _payees(self, findings: Iterable[SignalMatch]) -> dict[str, str]:
        """The accounts that the signals' own evidence names: a stop-payment will need the number."""
        accounts = {}
        for finding in findings:
            signal = finding.item.signal
            if signal.kind == "transfer" and finding.own and (token := finding.own[0].payee):
                accounts[token] = self._subjects.spelt(signal.payee)
        return accounts


async def _asked(
    tp: TopicPartition, batch: ReadBatch, found: Sequence[Sequence[Found]], pause: Pause
) -> tuple[list[Paid], list[str]]:
    """The payments to be kept, and the suspects that the watchlist is asked for."""
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
    """Begin the fan-outs of the batch's entries."""
    for offset, record in batch.records:
        for item in record:
            if fanned := answers.get((offset, item.number)):
                fanning.begin(item, fanned, now)


def _speaks(signal: Signal, who: Found, known: Suspects) -> bool:
    """Whether it can be evidence: all else becomes no finding, and is only counted."""
    return telling(signal) or bool(known and any(party.suspect in known for party in who))


def _tally(ordinary: Iterable[tuple[str, bool]]) -> dict[str, int]:
    """Of ordinary life, by source and whether somebody was found: how much of it there was, as `source|outcome`."""
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
    """Of a call the called; but the caller when he calls a suspect, whoever the suspect's number is entered for."""
    for party in who[1:]:
        entry = known.get(party.suspect or "")
        if entry and entry.standing is WatchStatus.CONFIRMED and not _later(tp, item, entry):
            return party
    return who[0]


def _later(tp: TopicPartition, item: Item, entry: WatchEntry | None) -> bool:
    """Whether an entry came after the signal: the signal is read again, and the entry fans out in its turn.

    Only one lane has an order. Of an entry on another, nobody knows whether it was there when the signal was screened.
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
    """Whether the same signal put the same entry there before, out of another record."""
    return (
        before is not None
        and before.uid == item.signal.uid
        and before.at == item.signal.at
        and (before.topic, before.partition, before.offset) != (*tp, item.offset)
    )
