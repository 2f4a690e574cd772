"""Screening: signals in batches -> evidence in Redis, alerts to casework, each signal counted once.

Evidence is a set and risk a function of set and time, so nothing is fenced but the counting: what is done again
comes out the same, and alerts have the same ids. If the store is lost, the topic is screened again from its beginning;
if it is older (see run.py), from where it stands.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from aiokafka import TopicPartition
from redis.asyncio import Redis

from domain.identity import normal_account
from domain.policy.risk import RiskRules
from schemas.base import ANY_VERSION
from schemas.evidence import Evidence, WatchEntry
from schemas.residents import ResidentId
from streams import case_inputs, dead_letters, metrics, sources, topics, tracing
from streams.clock import Clock
from streams.payers_requests import PayersRequests
from streams.policies import Policies
from streams.producer import Producer, Record
from streams.raw import Raw
from streams.reader import Read, Tails, beginning_offsets, end_offsets, read_all, read_range
from streams.residents.register import Residents
from streams.screening.fan_outs import Fanning
from streams.screening.fan_outs import record as fan_out_record
from streams.screening.records import add, once, quickly, read
from streams.screening.shadow import Shadow
from streams.screening.sifting import Sieve, Sifted
from streams.screening.store import EvidenceStore, Position
from streams.screening.subjects import Subjects
from streams.screening.verdicts import Judge, Verdicts
from streams.settings import Settings
from streams.store import AheadError
from streams.topics import home
from streams.turns import Turn, in_pieces
from streams.unreadable import readable

log = logging.getLogger(__name__)

BATCH = 20  # records of up to 500 signals screened at once
RESTORE_CHUNK = 500
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
        self._sieve = Sieve(residents, self._store, Subjects(settings.key()))
        self._locks: dict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)  # a batch and the watch do not mix
        self._whole_log: dict[TopicPartition, int] = {}  # the offset that was seen to lie on the log
        self._default: RiskRules | None = None
        self._requests = PayersRequests(settings, redis, producer)
        self._shadow = Shadow(redis, producer, policies, clock, settings.partitions)
        self.whole: Callable[[], Awaitable[object]] = self.restore
        self.heard: Callable[[str, int, datetime], None] = _nobody_listens
        self.cases_wait_seconds = CASES_WAIT_SECONDS

    async def screen(self, tp: TopicPartition, raws: Sequence[Raw], turn: Turn | None = None) -> None:
        """Screen records, in order. Returns when their alerts are with Kafka and they are counted.

        `turn` is awaited between records: red must not wait for a whole batch of ordinary life; without it others have
        theirs. Raises what passes by itself (Kafka or Redis away): call it again. Raises AheadError when the store
        belongs to another log.
        """
        async with self._locks[tp]:
            while not await self._advanced(tp, raws, turn):
                pass

    async def catch_up(self, lanes: Iterable[TopicPartition]) -> None:
        """Screen again what a lost or older store has not seen of lanes' partitions, without waiting for a record."""
        for tp in await self._store.not_current(list(lanes)):
            async with self._locks[tp]:
                position = await self._store.position(tp)
                if not position.current:
                    await self._bring_up(tp, position)

    async def cover(self, partition: int) -> None:
        """Screen what waits on the lanes, for an owner who is silent: a batch of each."""
        for lane in topics.LANES:
            await self._cover(TopicPartition(lane.name, partition))

    async def rescore(self, partition: int, now: datetime) -> int:
        """Assess whom a call that goes on has brought into graver danger; returns how many were looked at."""
        due = await self._store.due(partition, now, RESCORE_MOST)
        if not due:
            return 0
        position = await self._store.position(TopicPartition(topics.SIGNALS.name, partition))
        if position.policy is not None and not await self._store.cases_stand():
            return 0  # whom casework has settled is not known for the moment: they stay on the list
        judge = await self._judge({resident: [] for resident in due}, await self._rules(position.policy), now)
        for resident, time in due.items():
            if standing := judge.stands_for(resident):
                judge.resident(standing, now, now, ("rescore", time))
        await self._tell(judge.verdicts, [None] * len(judge.verdicts.alerts))
        await self._store.rescored(partition, due)
        return len(due)

    async def restore(self, since: Tails | None = None) -> None:
        """Read the watchlist and the accounts behind tokens from their topics into Redis; newer entries stay.

        `since`: only what lies behind there.
        """
        policy = await self._rules(None)
        watched, accounts = topics.WATCHLIST.name, topics.ACCOUNTS.name
        entries = [
            entry
            async for record in read_all(self._settings, watched, since)
            if record.value and (entry := readable(watched, record.offset, partial(_watched, record.value)))
        ]
        for start in range(0, len(entries), RESTORE_CHUNK):
            await self._store.enter(entries[start : start + RESTORE_CHUNK], policy)
        found = [
            account
            async for record in read_all(self._settings, accounts, since)
            if (account := readable(accounts, record.offset, partial(_account, record)))
        ]
        await self._store.keep_accounts(dict(found))

    async def tallies(self) -> dict[str, dict[str, int]]:
        """What became of all signals: by source and outcome."""
        return await self._store.tallies()

    async def _cover(self, tp: TopicPartition) -> None:
        async with self._locks[tp]:
            position, (_, end) = await self._store.position(tp), await self._bounds(tp)
            if position.offset is None or not position.current or position.offset >= end - 1:
                return
            last = min(end - 1, position.offset + BATCH)
            waiting = read_range(self._settings, tp.topic, tp.partition, position.offset + 1, last)
            raws = [Raw(record.offset, record.value or b"") async for record in waiting]
            while not await self._advanced(tp, raws):
                pass

    async def _advanced(self, tp: TopicPartition, raws: Sequence[Raw], turn: Turn | None = None) -> bool:
        """Screen the records, or first what is missing before them; False when that has to be looked at again."""
        position = await self._store.position(tp)
        screened, last, first = position.offset, raws[-1].offset, raws[0].offset
        if screened is not None and screened >= last:
            await self._refuse_ahead(tp, screened)
            return True
        if screened is None or not position.current:
            await self._bring_up(tp, position)
            return False
        if screened < first - 1:
            await self._again(tp, screened, screened + 1, first - 1)
            return False
        fresh = [raw for raw in raws if raw.offset > screened]
        return await self._batch(tp, fresh, screened, await self._rules(position.policy), turn)

    async def _bring_up(self, tp: TopicPartition, position: Position) -> None:
        """Screen again what may be missing in this Redis: all that is on the topic behind where it stands."""
        await self.whole()
        await self._cases()
        begin, end = await self._bounds(tp)
        stands = begin - 1 if position.offset is None else position.offset
        if position.offset is None or stands < end - 1:
            await self._again(tp, position.offset, stands + 1, end - 1)
        reached = (await self._store.position(tp)).offset
        if reached is not None and reached >= end - 1:
            await self._store.brought_up(tp, position.asked)

    async def _again(self, tp: TopicPartition, screened: int | None, first: int, last: int) -> None:
        """Screen `first` to `last` from the topic, as far as it still has them; stops when another worker did it."""
        begin, _ = await self._bounds(tp)
        if begin <= last:
            log.warning("%s/%d: screening %d to %d again", tp.topic, tp.partition, max(first, begin), last)
        chunk: list[Raw] = []
        async for record in read_range(self._settings, tp.topic, tp.partition, max(first, begin), last):
            chunk.append(Raw(record.offset, record.value or b""))
            if len(chunk) == BATCH:
                if not await self._batch(tp, chunk, screened, await self._current(tp)):
                    return
                screened, chunk = chunk[-1].offset, []
        if chunk and not await self._batch(tp, chunk, screened, await self._current(tp)):
            return
        reached = chunk[-1].offset if chunk else screened
        if reached != last:  # what came last is no longer kept, or nothing was ever there
            await self._store.count(tp, reached, last, Counter())

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
        expected: int | None,
        rules: RiskRules,
        turn: Turn | None = None,
    ) -> bool:
        """One batch from signals to alerts; False when it was not counted, since the store stood elsewhere."""
        with tracing.Spans("screening", raws) as spans:
            return await self._screened(tp, raws, expected, rules, turn or in_pieces(), spans)

    async def _screened(
        self,
        tp: TopicPartition,
        raws: Sequence[Raw],
        expected: int | None,
        rules: RiskRules,
        turn: Turn,
        spans: tracing.Spans,
    ) -> bool:
        now = self._clock.now()
        batch = read(tp, [], now)
        for raw in raws:
            add(batch, tp, raw, now, quickly)
            await turn()
        letters = (again.letter for again in batch.again.values())
        again = once(batch, await self._store.sent_again(tp, letters))
        sifted = await self._sieve.sift(tp, batch, rules, now, turn)
        judge = await self._judge(_evidence(sifted), rules, now)
        beside = await self._shadow.beside(judge)
        traces: list[tracing.Trace | None] = []  # of each alert, its record's
        for said in sifted.records:
            judge.record(tp, said)
            traces += [spans.trace(said.offset)] * (len(judge.verdicts.alerts) - len(traces))
            await turn()
        await self._publish(tp, sifted)
        if batch.letters:
            await dead_letters.write(self._producer, batch.letters)
        await self._tell(judge.verdicts, traces)
        await self._fanned_out(sifted.fanning)
        tally = batch.tally
        tally.update(sifted.tally)
        tally.update(judge.verdicts.tally)
        counted = await self._store.count(tp, expected, raws[-1].offset, tally, again)
        if counted:
            self._measure(tally, now)
        if counted and beside:
            await self._shadow.judge(tp, beside, sifted.records, judge.verdicts)
        return counted

    async def _judge(self, evidence: dict[ResidentId, list[Evidence]], rules: RiskRules, now: datetime) -> Judge:
        """Add the evidence, and judge on what was known before it."""
        entries = await self._residents.standing(evidence) if evidence else {}
        entries |= {entry.id: entry for entry in entries.values()}  # judged as who stands for those who were merged
        standing: dict[ResidentId, list[Evidence]] = defaultdict(list)
        for resident, members in evidence.items():
            if resident in entries:
                standing[entries[resident].id].extend(members)
        return Judge(await self._store.add(standing, rules, now), entries, rules, now)

    async def _publish(self, tp: TopicPartition, sifted: Sifted) -> None:
        """What must outlive Redis: the watchlist, the accounts that a stop-payment may need, the next slices."""
        if sifted.accounts:
            await self._store.keep_accounts(sifted.accounts)
        await self._producer.send_all(
            [
                *(Record(topics.ACCOUNTS.name, k.encode(), v.encode()) for k, v in sifted.accounts.items()),
                *(_watch_record(entry) for entry in sifted.watched),
                *(fan_out_record(tp, each) for each in sifted.fanning.following),
            ]
        )

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

    async def _tell(self, verdicts: Verdicts, traces: Sequence[tracing.Trace | None]) -> None:
        """Alerts to casework, each with its trace; remembered once Kafka has them."""
        alerts, partitions = verdicts.alerts, self._settings.partitions
        told = list(zip(alerts, traces, strict=True))
        await self._producer.send_all([case_inputs.record(it, home(it.resident, partitions), by) for it, by in told])
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
        return await self._rules((await self._store.position(tp)).policy)

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
                "made anew or lost records. Restore it, or empty Redis and start over with `quanzu rebuild`"
            )


def _nobody_listens(source: str, count: int, now: datetime) -> None:
    """Where no feed is watched."""


def _evidence(sifted: Sifted) -> dict[ResidentId, list[Evidence]]:
    found: dict[ResidentId, list[Evidence]] = defaultdict(list)
    for said in sifted.records:
        for finding in said.findings:
            for resident, member in finding.about:
                found[resident].append(member)
    return found


def _watched(value: bytes) -> WatchEntry:
    return WatchEntry.model_validate_json(value, extra=ANY_VERSION)


def _account(record: Read) -> tuple[str, str | None]:
    """A token and its account; none once it was forgotten. Raises ValueError when it is no account."""
    return (record.key or b"").decode(), normal_account(record.value.decode()) if record.value else None


def _watch_record(entry: WatchEntry) -> Record:
    return Record(topics.WATCHLIST.name, entry.subject.encode(), entry.model_dump_json().encode())
