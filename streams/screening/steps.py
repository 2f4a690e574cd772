"""The steps of screening a batch of a lane's records. agents/screening.py calls them in order.

Evidence is a set, and risk is a function of the set and the time. So a repeated step has the same result and its alerts
have the same ids; only the count needs a fence.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from aiokafka import TopicPartition

from domain.policy.risk import RiskRules
from schemas.people.residents import ResidentId
from schemas.risk.evidence import Evidence, WatchEntry
from streams.messaging import case_inputs, dead_letter_writer, sources
from streams.messaging.producer import Correct, Producer, Record, nothing_newer
from streams.messaging.record import Raw
from streams.messaging.topics import home
from streams.repositories.payers_requests import PayersRequests
from streams.repositories.policies import Policies
from streams.repositories.residents.register import Residents
from streams.runtime import metrics, tracing
from streams.runtime.clock import Clock
from streams.runtime.cooperative import Pause
from streams.runtime.settings import Settings
from streams.screening import evidence_log, state
from streams.screening.about import evidence_in, standing
from streams.screening.evaluation import Evaluation, RiskEvaluator
from streams.screening.fan_outs import Fanning
from streams.screening.fan_outs import record as fan_out_record
from streams.screening.matching import MatchedBatch, Matcher
from streams.screening.positions import Owed, Position
from streams.screening.records import ReadBatch, add, once, quickly, read, withhold
from streams.screening.state import ScreeningState
from streams.screening.store import late
from streams.screening.subjects import Subjects
from streams.state.leader import EXEMPT, Leader
from streams.state.server_identity import current_run
from streams.state.shared_state import EmptiedError, Shared

STOOD_STILL_SECONDS = 1.0  # from a batch's beginning; then it may be another worker's
QUICK_SECONDS = 0.5  # from a lookup of residents until their evidence is stored: an erasure waits for longer than that

ObserveFeed = Callable[[str, int, datetime], None]
"""Called with a source, a number of signals and a time, to detect feeds that stop sending."""


@dataclass(frozen=True, slots=True)
class ScreeningContext:
    """The parts of an installation that screening needs.

    `shared`: restores the Redis data that all partitions share, before any lookup. `observe_feed`: is called with
    the number of each batch's signals, to detect feeds that stop sending. `leader`: knows which Redis leads.
    """

    settings: Settings
    state: ScreeningState
    producer: Producer
    residents: Residents
    policies: Policies
    clock: Clock
    shared: Shared
    observe_feed: ObserveFeed
    leader: Leader = EXEMPT


class BatchLostError(Exception):
    """Another worker has begun or counted the batch's signals meanwhile, or another Redis leads."""


class LoadedEvidence(NamedTuple):
    """The result of `load_evidence`.

    `evaluator`: has the evidence that Redis had before the batch; evaluating a record adds that record's own evidence.
    `added`: the batch's evidence, by canonical resident id. Redis has it already; `evidence_records` makes its Kafka
    records.
    """

    evaluator: RiskEvaluator
    added: Mapping[ResidentId, Sequence[Evidence]]


class ScreeningSteps:
    """The steps by which a batch of signals is screened: parse, match, evaluate, write.

    `matcher`: finds the residents and suspects that signals are about.
    """

    def __init__(self, context: ScreeningContext) -> None:
        self._producer, self._residents, self._clock = context.producer, context.residents, context.clock
        self._secret = context.settings.key()
        self._partitions, self._observe_feed = context.settings.partitions, context.observe_feed
        self._evidence, self._positions = context.state.evidence, context.state.positions
        self._rights = context.settings.rights()
        self._redis, self._shared, self._leader = context.state.redis, context.shared, context.leader
        self._requests = PayersRequests(context.settings, context.state.redis, context.producer)
        self.matcher = Matcher(
            context.residents, self._evidence, Subjects(self._secret, context.settings.id_number_keys())
        )

    async def leads(self, position: Position) -> bool:
        """Return True if the Redis that gave the position leads. Waits up to 3.5 s while a new epoch begins; False if
        another one leads then: this one lacks the newest watchlist and evidence.
        """
        return await self._leads(position.asked)

    async def require_own_batch(self, lane: TopicPartition, expected: Position, began: datetime) -> None:
        """Raise BatchLostError if a batch that began at the position `expected`, at the time `began`, cannot be counted
        any more. If it is written to the topics nevertheless, its older states come after those of the worker that has
        it now, and stay if this one is killed before it has put that right.

        Looks only if the batch began over 1 s ago: so it costs nothing while a worker does not stand still. Waits up to
        3.5 s while a new epoch begins. Raises RedisError if Redis is unavailable.
        """
        if self._clock.wall_seconds(self._clock.now() - began) <= STOOD_STILL_SECONDS:
            return
        if not await self.leads(expected) or not await self._positions.is_last_begun(lane, expected):
            raise BatchLostError(f"{lane.topic}/{lane.partition}: the batch is another worker's")

    async def may_screen_again(self, owed: Owed) -> bool:
        """Return True if the Redis that gave the range leads, as `leads` does. Raises EmptiedError, which is transient,
        if that Redis is not restored yet: evidence that its topic has would count as lacking, and older states of it
        would become the last on the topic.
        """
        if not await self._leads(owed.asked):
            return False
        await self._shared.require_whole()
        return True

    async def decode(self, lane: TopicPartition, records: Sequence[Raw], now: datetime, pause: Pause) -> ReadBatch:
        """Return the parsed signals of the records, in order. `pause`: awaited after each record.

        Invalid records and signals, and signals that their source may not send, become dead letters of the batch, of
        the time `now`; they raise no error. Nothing is written.
        """
        batch = read(lane, [], now)
        for raw in records:
            add(batch, lane, raw, now, quickly)
            withhold(batch, lane, raw, now, self._rights)
            await pause()
        return batch

    async def deduplicate(self, lane: TopicPartition, batch: ReadBatch) -> dict[str, int]:
        """Drop the records of the batch that resend a dead letter which was resent and counted before.

        Returns the dead letters whose resending counts now: by id, the offset of the record. Raises RedisError if Redis
        is unavailable.
        """
        letters = (again.letter for again in batch.again.values())
        return once(batch, await self._positions.sent_again(lane, letters))

    async def load_evidence(
        self, found: Mapping[ResidentId, Sequence[Evidence]], rules: RiskRules, now: datetime
    ) -> LoadedEvidence:
        """Add evidence to the residents' sets in Redis. Return an evaluator of the evidence from before, and the added
        evidence.

        `found`: by resident id, canonical or not. Evidence about residents who left the register is left out; that of
        residents who were erased meanwhile is deleted again. Raises RedisError if Redis or the vault is unavailable.
        """
        since = _seconds()
        added, entries = await standing(self._residents, found)
        known = await self._evidence.add(added, rules, now)
        await self._erase_forgotten(added, since)
        evaluator = RiskEvaluator(known, entries, rules, now, secret=self._secret)
        evaluator.result.looked_up = since
        return LoadedEvidence(evaluator, added)

    async def load_past_evidence(
        self, owed: Owed, matched: MatchedBatch, rules: RiskRules, now: datetime
    ) -> RiskEvaluator:
        """Return an evaluator for records that were counted before. For each record, it ignores newer evidence.

        First adds those records' evidence that Redis lacks, to its topic and to Redis, and schedules the residents for
        re-evaluation. Raises RedisError if Redis or the vault is unavailable, EmptiedError if evidence was written and
        the Redis that gave `owed` leads no more, and SendError if Kafka refuses a record.
        """
        since = _seconds()
        found, entries = await standing(self._residents, evidence_in(matched))
        known = await self._evidence.add(dict.fromkeys(found, ()), rules, now)
        evaluator = RiskEvaluator(known, entries, rules, now, past=True)
        await self._add_late(owed, matched, found, evaluator, rules, now)
        await self._erase_forgotten(found, since)
        return evaluator

    def evidence_records(self, loaded: LoadedEvidence, rules: RiskRules, now: datetime) -> list[Record]:
        """Return the Kafka records of the added evidence, for the topic `evidence`; nothing is written.

        Call it before any evaluation, which changes the evaluator's evidence.
        """
        known = loaded.evaluator.known
        return list(evidence_log.evidence_records(loaded.added, known, rules, now, self._partitions))

    async def publish_watchlist(self, lane: TopicPartition, matched: MatchedBatch, newer: Correct) -> None:
        """Write the data that must survive the loss of Redis to its topics: changed watchlist entries, account numbers
        for stop-payments, suspects that are shared with other centres, and the records of next slices.

        Account numbers are first stored in Redis too. `newer`: what a task writes later if the caller is cancelled and
        Kafka gets the records late (see `newer`). Returns when Kafka has acknowledged all, and waits while it is
        unavailable. Raises SendError if Kafka refuses a record permanently, and RedisError if Redis is unavailable.
        """
        if matched.accounts:
            await self._evidence.keep_accounts(matched.accounts)
        slices = [fan_out_record(lane, each) for each in matched.fanning.following]
        records = [*state.records(matched.accounts, matched.watched, matched.shared), *slices]
        await self._producer.send_corrected(records, newer)

    async def publish_dead_letters(self, batch: ReadBatch) -> None:
        """Write the batch's dead letters to their topic, if there are any. Waits while Kafka is unavailable. Raises
        SendError if Kafka refuses one permanently.
        """
        if batch.letters:
            await dead_letter_writer.write(self._producer, batch.letters)

    async def publish_alerts(self, result: Evaluation, traces: Sequence[tracing.Trace | None]) -> None:
        """Write the alerts to case-inputs, and return once Kafka has them. Observes the latency of each alert
        (wall-clock seconds) as a metric.

        `traces`: one for each alert, in order. A worker that stood still publishes no alert about a resident who was
        erased since it looked them up: the case could reach nobody, and the erasure, which has ended, would not tell of
        it. Raises SendError if Kafka refuses a record permanently, RedisError if Redis or the vault is unavailable, and
        ValueError if the numbers of alerts and traces differ.
        """
        gone = await self._forgotten({alert.resident for alert in result.alerts}, result.looked_up)
        alerts = [each for each in zip(result.alerts, traces, strict=True) if each[0].resident not in gone]
        await self._producer.send_all(
            [case_inputs.record(alert, home(alert.resident, self._partitions), trace) for alert, trace in alerts]
        )
        for alert, trace in alerts:
            took = max(0.0, self._clock.wall_seconds(self._clock.now() - alert.signal_at))
            metrics.SIGNAL_TO_ALERT.observe(took, tracing.exemplar(trace))

    async def publish_evidence(
        self, result: Evaluation, evidence: Iterable[Record] = (), newer: Correct = nothing_newer
    ) -> None:
        """Write the evidence and the last alerts to their topic, then the last alerts and re-evaluation times to Redis.
        Call it once Kafka has the alerts.

        `evidence`: Kafka records; `newer`: as for `publish_watchlist`. Returns once Kafka and Redis have everything.
        Raises SendError if Kafka refuses a record permanently, and RedisError if Redis or the vault is unavailable.
        """
        memory = evidence_log.alerted_records(result.alerted, self._partitions)
        await self._producer.send_corrected([*evidence, *memory], newer)
        await self._evidence.remember(result.alerted, result.rescore)
        await self._erase_forgotten({*result.alerted, *result.rescore}, result.looked_up)

    async def publish_newer(
        self, matched: MatchedBatch, loaded: LoadedEvidence, rules: RiskRules, now: datetime
    ) -> None:
        """Write watchlist entries and evidence that other workers have changed in Redis since this batch did, to their
        topics once more.

        Redis decides which state of an entry is the newer one; the topics keep the last one written. So a worker that
        stood still between the two must not leave its older state as the last. Waits while Kafka is unavailable. Raises
        SendError if Kafka refuses a record permanently, and RedisError if Redis is unavailable.
        """
        entries: Sequence[WatchEntry] = matched.watched
        sent: Mapping[ResidentId, Sequence[Evidence]] = loaded.added
        while entries or sent:
            entries = await self._evidence.payers_of.newer(entries) if entries else []
            known = await self._evidence.add(dict.fromkeys(sent, ()), rules, now) if sent else {}
            sent = evidence_log.newer_evidence(sent, known)
            await self._producer.send_all(
                [*state.records({}, entries), *evidence_log.topic_records(sent, self._partitions)]
            )

    def newer(self, matched: MatchedBatch, loaded: LoadedEvidence, rules: RiskRules, now: datetime) -> Correct:
        """Return what a task does for a batch that a worker has written to the topics, or begun to, and not counted: do
        what `publish_newer` does. Kafka may get the records after those of the worker that screens the batch next, and
        the Redis that the batch was screened with may have been emptied or replaced. So it asks the Redis that leads,
        once that one has all data.
        """

        @asynccontextmanager
        async def correct(_: Sequence[Record]) -> AsyncIterator[Sequence[Record]]:
            await self._shared.ensure()
            run = await current_run(self._redis)
            await self._require_leading(run)
            await self.publish_newer(matched, loaded, rules, now)
            await self._shared.require_whole()
            await self._require_leading(run)
            yield []

        return correct

    def publish_newer_later(self, matched: MatchedBatch, loaded: LoadedEvidence, newer: Correct) -> None:
        """Let a task do `newer`, and repeat it while Redis or Kafka is unavailable; nothing if the batch has neither
        watchlist entries nor evidence. Also evidence that another record has written counts: `publish_newer` may have
        written it once more.
        """
        evidence = evidence_log.topic_records(loaded.added, self._partitions)
        if written := [*state.records({}, matched.watched), *evidence]:
            self._producer.correct_later(written, newer)

    async def _require_leading(self, run: str) -> None:
        if not await self._leads(run):  # its answers would be older records once more
            raise EmptiedError("the Redis that was asked for newer evidence does not lead")

    async def _leads(self, run: str) -> bool:
        return self._leader.current() == run or await self._leader.names(run)

    async def record_fan_outs(self, fanning: Fanning) -> None:
        """Store new requests for a decision and the decisions taken, on their topic and in Redis, and in Redis which
        slices are finished. Raises TimeoutError if Kafka or Redis does not answer within 8 s, SendError if Kafka
        refuses a record, and RedisError if Redis is unavailable.
        """
        for request in fanning.asked:
            await self._requests.ask(request)
        for name in fanning.overtaken:
            await self._requests.overtake(name)
        for given, counts in fanning.answers:
            await self._requests.answer(given, counts)
        if fanning.done:
            await self._evidence.payers_of.mark(fanning.done)

    def measure(self, tally: Counter[str], now: datetime) -> None:
        """Add the batch's signals to the metrics, and report them to the detection of feed outages.

        `tally`: number of signals by `source|outcome`; a negative number counts dead letters that were sent again.
        """
        for name, count in tally.items():
            source, _, outcome = name.partition("|")
            label = sources.label(source)
            if count > 0:
                self._observe_feed(label, count, now)
            if count < 0:  # a resent dead letter: its new outcome is counted separately
                metrics.DEAD_LETTERS_SENT.labels(label).inc(-count)
            else:
                metrics.SIGNALS_SCREENED.labels(label, outcome).inc(count)

    async def _forgotten(self, residents: Iterable[ResidentId], since: float) -> list[ResidentId]:
        """Return those of `residents` who were erased since they were looked up at `since` (see `_seconds`); none if
        that was just now: an erasure waits for so long, and then deletes what was written.
        """
        ids = list(residents)
        return await self._residents.forgotten(ids) if ids and _seconds() - since > QUICK_SECONDS else []

    async def _erase_forgotten(self, residents: Iterable[ResidentId], since: float) -> None:
        """Delete from Redis the evidence of those of these residents who were erased after `since`, the time at which
        they were looked up.
        """
        for gone in await self._forgotten(residents, since):
            await self._evidence.erase(gone)

    async def _add_late(
        self,
        owed: Owed,
        matched: MatchedBatch,
        evidence: Mapping[ResidentId, Sequence[Evidence]],
        evaluator: RiskEvaluator,
        rules: RiskRules,
        now: datetime,
    ) -> None:
        """Add the evidence that residents' sets lack, because it was written to another store, or because a payment's
        payee was put on the watchlist later. Schedule the re-evaluation of these residents and of all who paid a listed
        account, because an earlier schedule may have been lost with another store.

        The topic is written first: if this is repeated, evidence that is already in Redis no longer counts as lacking.
        What another worker has made newer meanwhile is written to the topic once more, by a task if this is cancelled
        or fails, or if another Redis leads then: an older state must not stay the last one there.
        """
        known = evaluator.known
        lacking = late(evidence, known, rules, now)
        again = {
            who: lacking.get(who, ())
            for who, members in evidence.items()
            if who in lacking or any(_is_watched_since(member, known[who].settled) for member in members)
        }
        loaded = LoadedEvidence(evaluator, lacking)
        records, newer = self.evidence_records(loaded, rules, now), self.newer(matched, loaded, rules, now)
        try:
            await self._producer.send_corrected(records, newer)
            await self._evidence.add_late(again, rules, now)
            await self.publish_newer(matched, loaded, rules, now)
            if records:
                await self._require_leading(owed.asked)
        except BaseException:
            if records:
                self._producer.correct_later(records, newer)
            raise


def _seconds() -> float:
    """Return the time of the event loop's clock in seconds. Setting the machine's clock does not change it."""
    return asyncio.get_running_loop().time()


def _is_watched_since(member: Evidence, settled: datetime | None) -> bool:
    """Return True if the evidence is a payment to a payee on the watchlist, and the payment or the payee's entry came
    after the resident's last case was settled (`settled`; None: never).
    """
    if member.transfer is None or member.watch_at is None:
        return False
    return settled is None or max(member.at, member.watch_at) > settled
