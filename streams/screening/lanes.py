"""Screening: signals in batches -> evidence in Redis, alerts to casework, each signal counted once.

Evidence is a set and risk a function of set and time, so nothing is fenced but the counting: what is done again
comes out the same, and alerts have the same ids. If the store is lost or older (see run.py), the evidence is read from
its topic (evidence_log.py), and screening goes on at once with the records that come now; what was counted before is
screened again beside them (owed.py).
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from aiokafka import TopicPartition
from redis.asyncio import Redis

from domain.policy.risk import RiskRules
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Evidence
from streams.messaging import case_inputs, dead_letter_writer, sources, topics
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import (
    Tails,
    acknowledged_offsets,
    beginning_offsets,
    committed_offset,
    end_offsets,
    read_range,
)
from streams.messaging.record import Raw
from streams.messaging.topics import home
from streams.repositories.payers_requests import PayersRequests
from streams.repositories.policies import Policies
from streams.repositories.residents.register import Residents
from streams.runtime import metrics, tracing
from streams.runtime.clock import Clock
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.settings import Settings
from streams.screening import evidence_log, shared_part
from streams.screening.about import evidence_in, standing
from streams.screening.evaluation import Evaluation, RiskEvaluator
from streams.screening.fan_outs import Fanning
from streams.screening.fan_outs import record as fan_out_record
from streams.screening.matching import MatchedBatch, Matcher
from streams.screening.owed import Rescreening
from streams.screening.positions import Position, Positions
from streams.screening.records import add, once, quickly, read
from streams.screening.shadow import Shadow
from streams.screening.store import EvidenceStore
from streams.screening.subjects import Subjects
from streams.state.case_store import AheadError

log = logging.getLogger(__name__)

BATCH = 20  # records of up to 500 signals screened at once
RESCORE_MOST = 200
CASES_WAIT_SECONDS = 60.0
NAP_SECONDS = 0.2


class Screening:
    """Screens the signals of the partitions this worker owns.

    `whole` is awaited before anybody is looked up in a store that may have been lost: it restores what all share.
    """

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        residents: Residents,
        producer: Producer,
        policies: Policies,
        clock: Clock,
    ) -> None:
        self._settings, self._residents, self._producer = settings, residents, producer
        self._policies, self._clock = policies, clock
        self._store = EvidenceStore(redis, settings.partitions, clock.speed)
        self._positions = Positions(redis, settings.partitions)
        self._sieve = Matcher(residents, self._store, Subjects(settings.key()))
        again = (settings, self._positions, self._store, self._sieve, residents, producer, clock, self._current)
        self._rescreening = Rescreening(*again)
        self._locks: dict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)  # a batch and the watch do not mix
        self._whole_log: dict[TopicPartition, int] = {}  # the offset that was seen to lie on the log
        self._default: RiskRules | None = None
        self._requests = PayersRequests(settings, redis, producer)
        self._shadow = Shadow(redis, producer, policies, clock, settings.partitions)
        self._reached: dict[TopicPartition, int] = {}  # the highest record known here to be counted
        self._known: set[TopicPartition] = set()  # the lanes of the last look
        self.whole: Callable[[], Awaitable[object]] = self.restore
        self.doubt: Callable[[], Awaitable[object]] = _nothing_else
        self.heard: Callable[[str, int, datetime], None] = _nobody_listens
        self.cases_wait_seconds = CASES_WAIT_SECONDS

    async def screen(self, tp: TopicPartition, raws: Sequence[Raw], turn: Pause | None = None) -> None:
        """Screen records, in order. Returns when their alerts are with Kafka and they are counted.

        `turn` is awaited between records: red must not wait for a whole batch of ordinary life; without it others have
        theirs. Raises what passes by itself (Kafka or Redis away): call it again. Raises AheadError when the store
        belongs to another log.
        """
        async with self._locks[tp]:
            while not await self._advanced(tp, raws, turn):
                pass

    async def catch_up(self, lanes: Iterable[TopicPartition]) -> None:
        """Have lanes' partitions stand in a store that was lost, or is older, without waiting for a record."""
        mine = list(lanes)
        await self._learn(mine)
        for tp in await self._positions.not_current(mine, self._reached):
            async with self._locks[tp]:
                position = await self._positions.position(tp)
                if position.offset is not None and position.offset < self._reached.get(tp, -1):
                    await self.doubt()  # Redis went back, though it says that it is the same process
                    await self._bring_up(tp, position)
                elif not position.current:
                    await self._bring_up(tp, position)

    async def screen_owed(self, lanes: Iterable[TopicPartition], turn: Callable[[], Pause] = in_pieces) -> bool:
        """Screen again some of what a lost store owes, the first lanes' before the others'; False when nothing is owed.

        `turn`: makes what is awaited between the records of a lane.
        """
        for tp in lanes:
            if await self._rescreening.step(tp, turn()):
                return True
        return False

    async def cover(self, partition: int) -> None:
        """Screen what waits on the lanes, for an owner who is silent: a batch of each."""
        for lane in topics.LANES:
            await self._cover(TopicPartition(lane.name, partition))

    async def rescore(self, partition: int, now: datetime) -> int:
        """Assess whom a call that goes on has brought into graver danger; returns how many were looked at."""
        due = await self._store.due(partition, now, RESCORE_MOST)
        if not due:
            return 0
        position = await self._positions.position(TopicPartition(topics.SIGNALS.name, partition))
        if position.policy is not None and not await self._store.cases_stand():
            return 0  # whom casework has settled is not known for the moment: they stay on the list
        rules = await self._rules(position.policy)
        nothing, entries = await standing(self._residents, dict.fromkeys(due, ()))
        judge = await self._judge(nothing, entries, rules, now)
        for resident, time in due.items():
            if who := judge.stands_for(resident):
                judge.resident(who, now, now, ("rescore", time))
        await self._tell(judge.verdicts, [None] * len(judge.verdicts.alerts))
        await self._store.rescored(partition, due)
        return len(due)

    async def restore(self, since: Tails | None = None) -> None:
        """Read the watchlist, the accounts behind tokens and the evidence from their topics into Redis; newer stays.

        `since`: only what lies behind there.
        """
        in_force = await self._policies.in_force()
        rules = await self._rules(in_force.policy if in_force else None)
        await shared_part.restore(self._settings, self._store, rules, self._clock.now(), since)

    async def tallies(self) -> dict[str, dict[str, int]]:
        """What became of all signals: by source and outcome."""
        return await self._positions.tallies()

    async def _cover(self, tp: TopicPartition) -> None:
        async with self._locks[tp]:
            position, (_, end) = await self._positions.position(tp), await self._bounds(tp)
            if position.offset is None or not position.current or position.offset >= end - 1:
                return
            last = min(end - 1, position.offset + BATCH)
            waiting = read_range(self._settings, tp.topic, tp.partition, position.offset + 1, last)
            raws = [Raw(record.offset, record.value or b"") async for record in waiting]
            while not await self._advanced(tp, raws):
                pass

    async def _advanced(self, tp: TopicPartition, raws: Sequence[Raw], turn: Pause | None = None) -> bool:
        """Screen the records, or first what is missing before them; False when that has to be looked at again."""
        position = await self._positions.position(tp)
        screened, last, first = position.offset, raws[-1].offset, raws[0].offset
        if screened is not None and screened >= last:
            await self._refuse_ahead(tp, screened)
            return True
        if screened is None or not position.current:
            await self._bring_up(tp, position)
            return False
        if screened < first - 1:
            await self._again(tp, position, first - 1)
            return False
        fresh = [raw for raw in raws if raw.offset > screened]
        return await self._batch(tp, fresh, position, await self._rules(position.policy), turn)

    async def _learn(self, lanes: Sequence[TopicPartition]) -> None:
        """Learn of lanes that are new here which records were acked: they had been counted."""
        new = [tp for tp in lanes if tp not in self._known]
        for topic in {tp.topic for tp in new}:
            partitions = [tp.partition for tp in new if tp.topic == topic]
            for partition, offset in (await acknowledged_offsets(self._settings, topic, partitions)).items():
                tp = TopicPartition(topic, partition)
                self._reached[tp] = max(offset, self._reached.get(tp, -1))
        self._known = set(lanes)

    async def _bring_up(self, tp: TopicPartition, position: Position) -> None:
        """Have a partition stand in this Redis before the first record that the consumer group has not acked.

        What was acked was counted, and all that followed from it was written: it is owed. Where the group is not known
        to have acked anything, all that is behind where the store stands is screened as if it came now.
        """
        life = await self._positions.life(tp)
        await self.whole()
        await self._cases()
        (begin, end), acked = await self._bounds(tp), await committed_offset(self._settings, tp)
        stands = begin - 1 if position.offset is None else position.offset
        proven = acked is not None and acked <= end  # else the topic was made anew
        last = max(stands, acked - 1) if acked is not None and proven else stands
        stood = await self._positions.stand(tp, position, life, last, range(max(begin, stands + 1), last + 1))
        if stood and not proven:
            await self._again(tp, stood, end - 1)

    async def _again(self, tp: TopicPartition, position: Position, last: int) -> None:
        """Screen up to `last` from the topic, as far as it still has it; stops when another worker did it."""
        begin, _ = await self._bounds(tp)
        first = begin if position.offset is None else max(begin, position.offset + 1)
        if first <= last:
            log.warning("%s/%d: screening %d to %d again", tp.topic, tp.partition, first, last)
        chunk: list[Raw] = []
        async for record in read_range(self._settings, tp.topic, tp.partition, first, last):
            chunk.append(Raw(record.offset, record.value or b""))
            if len(chunk) == BATCH or record.offset == last:
                if not await self._batch(tp, chunk, position, await self._current(tp)):
                    return
                position, chunk = replace(position, offset=chunk[-1].offset), []
        if position.offset is not None and position.offset < last:  # what came last is no longer kept
            await self._positions.count(tp, position, last, Counter())

    async def _cases(self) -> None:
        """Wait for casework: without `settled`, evidence of closed cases would count in full again."""
        waited = 0.0
        while waited < self.cases_wait_seconds and not await self._store.cases_stand():
            await asyncio.sleep(NAP_SECONDS)
            waited += NAP_SECONDS

    async def _batch(
        self,
        tp: TopicPartition,
        raws: Sequence[Raw],
        expected: Position,
        rules: RiskRules,
        turn: Pause | None = None,
    ) -> bool:
        """One batch from signals to alerts; False when it was not counted, since the store stood elsewhere."""
        with tracing.Spans("screening", raws) as spans:
            return await self._screened(tp, raws, expected, rules, turn or in_pieces(), spans)

    async def _screened(
        self,
        tp: TopicPartition,
        raws: Sequence[Raw],
        expected: Position,
        rules: RiskRules,
        turn: Pause,
        spans: tracing.Spans,
    ) -> bool:
        now = self._clock.now()
        batch = read(tp, [], now)
        for raw in raws:
            add(batch, tp, raw, now, quickly)
            await turn()
        letters = (again.letter for again in batch.again.values())
        again = once(batch, await self._positions.sent_again(tp, letters))
        sifted = await self._sieve.sift(tp, batch, rules, now, turn)
        added, entries = await standing(self._residents, evidence_in(sifted))
        judge = await self._judge(added, entries, rules, now)
        kept = list(evidence_log.evidence_records(added, judge.known, rules, now, self._settings.partitions))
        beside = await self._shadow.beside(judge)
        traces: list[tracing.Trace | None] = []  # of each alert, its record's
        for said in sifted.records:
            judge.record(tp, said)
            traces += [spans.trace(said.offset)] * (len(judge.verdicts.alerts) - len(traces))
            await turn()
        await self._publish(tp, sifted)
        if batch.letters:
            await dead_letter_writer.write(self._producer, batch.letters)
        await self._tell(judge.verdicts, traces, kept)
        await self._fanned_out(sifted.fanning)
        tally = batch.tally
        tally.update(sifted.tally)
        tally.update(judge.verdicts.tally)
        counted = await self._positions.count(tp, expected, raws[-1].offset, tally, again)
        if counted:
            self._reached[tp] = raws[-1].offset
            self._measure(tally, now)
        if counted and beside:
            await self._shadow.judge(tp, beside, sifted.records, judge.verdicts)
        return counted

    async def _judge(
        self,
        evidence: Mapping[ResidentId, Sequence[Evidence]],
        entries: Mapping[ResidentId, Resident],
        rules: RiskRules,
        now: datetime,
    ) -> RiskEvaluator:
        """Add the evidence, and judge on what was known before it."""
        return RiskEvaluator(await self._store.add(evidence, rules, now), entries, rules, now)

    async def _publish(self, tp: TopicPartition, sifted: MatchedBatch) -> None:
        """What must outlive Redis: the watchlist, the accounts that a stop-payment may need, the next slices."""
        if sifted.accounts:
            await self._store.keep_accounts(sifted.accounts)
        slices = [fan_out_record(tp, each) for each in sifted.fanning.following]
        await self._producer.send_all([*shared_part.records(sifted.accounts, sifted.watched), *slices])

    async def _fanned_out(self, fanning: Fanning) -> None:
        """Ask persons, note their answers, and remember the slices that are done."""
        for request in fanning.asked:
            await self._requests.ask(request)
        for name in fanning.overtaken:
            await self._requests.overtake(name)
        for given, counts in fanning.answers:
            await self._requests.answer(given, counts)
        if fanning.done:
            await self._store.payers_of.mark(fanning.done)

    async def _tell(
        self, verdicts: Evaluation, traces: Sequence[tracing.Trace | None], evidence: Iterable[Record] = ()
    ) -> None:
        """Alerts to casework, each with its trace; remembered once Kafka has them, there too.

        They do not wait until Kafka has the evidence.
        """
        alerts, partitions = verdicts.alerts, self._settings.partitions
        told = list(zip(alerts, traces, strict=True))
        await self._producer.send_all([case_inputs.record(it, home(it.resident, partitions), by) for it, by in told])
        memory = evidence_log.alerted_records(verdicts.alerted, partitions)
        await self._producer.send_all([*evidence, *memory])
        await self._store.remember(verdicts.alerted, verdicts.rescore)
        for alert, by in told:
            took = max(0.0, self._clock.wall_seconds(self._clock.now() - alert.signal_at))
            metrics.SIGNAL_TO_ALERT.observe(took, tracing.exemplar(by))

    def _measure(self, tally: Counter[str], now: datetime) -> None:
        for name, count in tally.items():
            source, _, outcome = name.partition("|")
            label = sources.label(source)
            if count > 0:
                self.heard(label, count, now)
            if count < 0:  # sent again: what it has become is counted beside it
                metrics.DEAD_LETTERS_SENT.labels(label).inc(-count)
            else:
                metrics.SIGNALS_SCREENED.labels(label, outcome).inc(count)

    async def _current(self, tp: TopicPartition) -> RiskRules:
        return await self._rules((await self._positions.position(tp)).policy)

    async def _rules(self, policy: str | None) -> RiskRules:
        """The rules in force in a partition; the settings' file's before casework has begun it."""
        if policy is not None:
            return (await self._policies.get(policy)).risk
        if self._default is None:
            self._default = (await self._policies.default()).risk
        return self._default

    async def _bounds(self, tp: TopicPartition) -> tuple[int, int]:
        begin = await beginning_offsets(self._settings, tp.topic)
        end = await end_offsets(self._settings, tp.topic)
        return begin[tp.partition], end[tp.partition]

    async def _refuse_ahead(self, tp: TopicPartition, screened: int) -> None:
        if self._whole_log.get(tp) == screened:
            return
        _, end = await self._bounds(tp)
        self._whole_log[tp] = screened
        if screened >= end:
            raise AheadError(
                f"{tp.topic}/{tp.partition} was screened up to {screened}, but the topic ends at {end - 1}: it was "
                "made anew or lost records. Restore it, or empty Redis and start over with `quanzu admin rebuild`"
            )


async def _nothing_else() -> None:
    """Where the store has no other part."""


def _nobody_listens(source: str, count: int, now: datetime) -> None:
    """Where no feed is watched."""
