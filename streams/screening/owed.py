"""What a lost store owes: the signals that were counted before are screened again, beside those that come now.

All that follows from them was told and written before they were counted, and the store is filled with it from its
topics. What is missing is the tally, the payers of each account and the dead letters sent again: these are put back.
The newest come first: money that moved an hour ago may still be stopped.

One thing may be news: a payment to somebody who was put on the watchlist before the payment was back among the payers.
That evidence is added, and its resident is put on the list of those to be scored again.

A signal counts as what it was. An entry that came later on its lane does not make it raised: the entry was. Between two
lanes no order is kept: of a payment on one and the entry of its payee on the other, whichever was screened second was
raised, and that is written nowhere. Counted again, both may be. The sum over the outcomes is the same all the same.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from aiokafka import TopicPartition

from domain.policy.risk import RiskRules
from schemas.people.residents import ResidentId
from schemas.risk.evidence import Evidence
from streams.messaging.producer import Producer
from streams.messaging.reader import ReadError, beginning_offsets, read_range
from streams.messaging.record import Raw
from streams.repositories.residents.register import Residents
from streams.runtime.clock import Clock
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.settings import Settings
from streams.screening.about import evidence_in, standing
from streams.screening.evaluation import RiskEvaluator
from streams.screening.evidence_log import evidence_records, superseding
from streams.screening.matching import Matcher
from streams.screening.positions import Owed, Positions
from streams.screening.records import add, once, quickly, read
from streams.screening.store import EvidenceStore, Known

log = logging.getLogger(__name__)

SPAN = 200  # records read at once: they are in memory
BATCH = 20  # records counted at once, as screening does

Rules = Callable[[TopicPartition], Awaitable[RiskRules]]
"""The rules in force in a partition."""


class Rescreening:
    """Screens again what partitions owe. It holds up nobody: it needs no lock, for its count has a fence of its own."""

    def __init__(
        self,
        settings: Settings,
        positions: Positions,
        store: EvidenceStore,
        sieve: Matcher,
        residents: Residents,
        producer: Producer,
        clock: Clock,
        rules: Rules,
    ) -> None:
        self._settings, self._positions, self._store, self._sieve = settings, positions, store, sieve
        self._residents, self._producer, self._clock, self._rules = residents, producer, clock, rules

    async def step(self, tp: TopicPartition, turn: Pause | None = None) -> bool:
        """Screen the newest of what a partition owes again; False when it owes nothing.

        `turn` is awaited between records.
        """
        owed = await self._positions.owed(tp)
        if owed is None:
            return False
        begin = (await beginning_offsets(self._settings, tp.topic))[tp.partition]
        if owed.last < begin:  # no longer kept
            await self._positions.pay(tp, owed, owed.first, Counter())
            return True
        if owed.last == owed.until:
            log.warning("%s/%d: screening %d to %d again, beside what comes now", *tp, owed.first, owed.last)
        await self._pay(tp, owed, max(owed.first, begin), turn or in_pieces())
        return True

    async def _pay(self, tp: TopicPartition, owed: Owed, kept: int, turn: Pause) -> None:
        """Screen the newest records again, batch by batch from the last; stops when another was first.

        `kept`: the first that is still on the topic.
        """
        read_from = max(kept, owed.last - SPAN + 1)
        raws = await self._read(tp, read_from, owed.last)
        while raws:
            batch, raws = raws[-BATCH:], raws[:-BATCH]
            first = batch[0].offset if batch[0].offset > kept else owed.first
            if not await self._paid(tp, owed, first, batch, turn):
                return
            owed = replace(owed, last=first - 1)

    async def _read(self, tp: TopicPartition, first: int, last: int) -> list[Raw]:
        """Records from their topic; none when the first of them was dropped just now."""
        try:
            span = read_range(self._settings, tp.topic, tp.partition, first, last)
            return [Raw(record.offset, record.value or b"") async for record in span]
        except ReadError:
            if (await beginning_offsets(self._settings, tp.topic))[tp.partition] > first:
                return []
            raise

    async def _paid(self, tp: TopicPartition, owed: Owed, first: int, raws: Sequence[Raw], turn: Pause) -> bool:
        """Screen a batch again and count it; False when something else is owed by now."""
        now, rules = self._clock.now(), await self._rules(tp)
        batch = read(tp, [], now)
        for raw in raws:
            add(batch, tp, raw, now, quickly)
            await turn()
        letters = (again.letter for again in batch.again.values())
        again = once(batch, await self._positions.sent_again(tp, letters))
        sifted = await self._sieve.sift(tp, batch, rules, now, turn, past=True)
        evidence, entries = await standing(self._residents, evidence_in(sifted))
        known = await self._store.add(dict.fromkeys(evidence, ()), rules, now)
        await self._add_late(evidence, known, rules, now)
        judge = RiskEvaluator(known, entries, rules, now, past=True)
        for said in sifted.records:
            judge.record(tp, said)
            await turn()
        live = {who: at for who, at in judge.verdicts.rescore.items() if at > now - rules.call.most}
        await self._store.remember({}, live)
        tally = batch.tally
        tally.update(sifted.tally)
        tally.update(judge.verdicts.tally)
        return await self._positions.pay(tp, owed, first, tally, again)

    async def _add_late(
        self,
        evidence: Mapping[ResidentId, Sequence[Evidence]],
        known: Mapping[ResidentId, Known],
        rules: RiskRules,
        now: datetime,
    ) -> None:
        """Add payments to whom the watchlist has known since; nothing else can be missing.

        On the topic first: what is in Redis alone is found by nobody who screens this again.
        """
        late = {
            resident: found
            for resident, members in evidence.items()
            if (found := superseding(filter(_watched_payment, members), known[resident]))
        }
        if late:
            partitions = self._settings.partitions
            await self._producer.send_all(list(evidence_records(late, known, rules, now, partitions)))
            await self._store.add_late(late, rules, now)


def _watched_payment(member: Evidence) -> bool:
    return member.transfer is not None and member.watch_at is not None
