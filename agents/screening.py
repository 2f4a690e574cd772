"""Screening: evaluates the risk of every signal, sends alerts to casework, and counts each signal once.

A worker's two lanes share one core. The bulk lane works in short pieces, so that each of the some forty steps from a
red signal to the carrier waits little for it; it pauses while the urgent lane has work. Records whose results a store
lost are screened again in the background, and yield to both lanes.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import cast

from aiokafka import TopicPartition
from faust import Channel
from faust.types import EventT, StreamT

from domain.policy.risk import RiskRules
from streams.messaging import topics
from streams.messaging.app import App, ack_all, owned, records
from streams.messaging.fetch_order import RUN_BYTES
from streams.messaging.record import Raw, runs_of
from streams.runtime import tracing
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.tasks import until_done
from streams.screening.about import evidence_in
from streams.screening.lanes import BATCH, CASES_WAIT_SECONDS, Lanes
from streams.screening.matching import tally_of
from streams.screening.owed import Rescreening
from streams.screening.positions import Owed, Position
from streams.screening.shadow import Shadow
from streams.screening.steps import BatchLostError, ScreeningContext, ScreeningSteps

log = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 1.0  # how long bulk waits at most, so that it does not starve
LOOK_SECONDS = 0.002
BULK_BATCH = 500  # records, each with at least one signal
BUFFERED = 100  # records of up to 500 signals between the consumer and a lane's agent: some 15 MB
RESCORE_MOST = 200  # residents per partition and call


class Screening(ScreeningSteps):
    """Screens the partitions of both lanes that this worker owns or covers.

    Its steps are in streams/screening/steps.py.
    """

    def __init__(self, context: ScreeningContext, cases_wait_seconds: float | None = None) -> None:
        """`cases_wait_seconds`: how many seconds a lost store waits until casework has restored the cases; None:
        CASES_WAIT_SECONDS.
        """
        super().__init__(context)
        self.state, self.clock, settings = context.state, context.clock, context.settings
        self.shadow = Shadow(
            context.state.redis, context.producer, context.policies, context.clock, settings.partitions
        )
        wait = CASES_WAIT_SECONDS if cases_wait_seconds is None else cases_wait_seconds
        self.lanes = Lanes(settings, context.state, context.shared, self.process, wait)
        self.rescreening = Rescreening(settings, context.state.positions, self.rescreen)

    async def process(
        self, lane: TopicPartition, records: Sequence[Raw], expected: Position, rules: RiskRules, pause: Pause
    ) -> bool:
        """Screen one batch, from signals to alerts.

        Returns True once its signals are counted. Publishes the alerts, watchlist changes and dead letters before, and
        stores evidence in Redis.

        Returns False, counting nothing, if the lane's position is no longer `expected`: another worker has counted the
        batch; or if another Redis leads than the one that gave `expected`. The caller (streams/screening/lanes.py)
        holds the lane's lock and has read `expected`. Awaits `pause` after each record. If this worker stood still, it
        first looks whether the batch is still its own. A batch that is not counted may nevertheless have left an older
        state as the last on the topics: a task puts that right.

        `records`: at least one. Raises SendError if Kafka refuses a record permanently, and PolicyError if this version
        cannot read the policy in shadow. Errors of Redis pass through.
        """
        if not await self.leads(expected):
            return False
        with tracing.Spans("screening", records) as spans:
            now = self.clock.now()
            batch = await self.decode(lane, records, now, pause)  # unreadable ones become dead letters
            resent = await self.deduplicate(lane, batch)
            matched = await self.matcher.match(lane, batch, rules, now, pause)  # residents, suspects, payers
            loaded = await self.load_evidence(evidence_in(matched), rules, now)
            evidence = self.evidence_records(loaded, rules, now)
            evaluator, result = loaded.evaluator, loaded.evaluator.result
            shadow = await self.shadow.fork(evaluator)
            traces: list[tracing.Trace | None] = []
            for record in matched.records:
                evaluator.evaluate(lane, record)  # domain.risk
                # An alert carries its record's trace.
                traces += [spans.trace(record.offset)] * (len(result.alerts) - len(traces))
                await pause()
            newer, counted = self.newer(matched, loaded, rules, now), False
            try:
                await self.require_own_batch(lane, expected, now)
                await self.publish_watchlist(lane, matched, newer)
                await self.publish_dead_letters(batch)
                await self.publish_alerts(result, traces)
                await self.require_own_batch(lane, expected, now)
                await self.publish_evidence(result, evidence, newer)
                await self.publish_newer(matched, loaded, rules, now)  # what others have changed meanwhile
                await self.record_fan_outs(matched.fanning)
                tally = tally_of(batch, matched, result)
                if await self.leads(expected):
                    counted = await self.state.positions.count(lane, expected, records[-1].offset, tally, resent)
            except BatchLostError as lost:
                log.warning("%s", lost)
            finally:
                if not counted:  # the fence
                    self.publish_newer_later(matched, loaded, newer)
            if counted:
                self.measure(tally, now)
                await self.shadow.record(lane, shadow, matched.records, result)
            return counted

    async def rescreen(
        self, lane: TopicPartition, owed: Owed, first: int, records: Sequence[Raw], pause: Pause
    ) -> bool:
        """Screen records again that were counted in a store that was lost, to restore the evidence in Redis. Publishes
        no alert.

        Residents whose danger was not alerted at the time are scheduled for a new evaluation at once: the store was
        lost before it had all their evidence. Returns True once the records at the offset `first` or later are counted,
        and False if the range `owed` has changed meanwhile, or another Redis leads. Raises UnknownPolicyError if the
        policy in force is stored nowhere, PolicyError if this version cannot read it, and EmptiedError, which is
        transient, if Redis is not restored yet. Errors of Redis pass through.
        """
        if not await self.may_screen_again(owed):
            return False
        now, rules = self.clock.now(), await self.state.rules_of(lane)
        batch = await self.decode(lane, records, now, pause)
        resent = await self.deduplicate(lane, batch)
        matched = await self.matcher.match(lane, batch, rules, now, pause, past=True)
        evaluator = await self.load_past_evidence(owed, matched, rules, now)
        for record in matched.records:
            evaluator.evaluate(lane, record)
            await pause()
        due = {who: at for who, at in evaluator.result.rescore.items() if at > now - rules.call.most}
        # After a case was settled no alert is remembered, and what was alerted before it is no news.
        unknown = {
            who: now
            for who, told in evaluator.result.alerted.items()
            if (settled := evaluator.known[who].settled) is None or told.at > settled
        }
        await self.state.evidence.remember({}, due | unknown)
        return await self.state.positions.count_owed(
            lane, owed, first, tally_of(batch, matched, evaluator.result), resent
        )

    async def rescore(self, partition: int, now: datetime) -> int:
        """Re-evaluate residents of a partition whose ongoing call may have raised their danger, at most 200 a call, and
        publish alerts.

        Returns how many residents were due and taken off the schedule; 0 if none was due, or, leaving them scheduled,
        while casework is not ready. Raises UnknownPolicyError if the policy in force is stored nowhere, PolicyError if
        this version cannot read it, and SendError if Kafka refuses a record permanently. Errors of Redis pass through.
        """
        due = await self.state.evidence.due(partition, now, RESCORE_MOST)
        if not due:
            return 0
        position = await self.state.positions.position(TopicPartition(topics.SIGNALS.name, partition))
        if position.policy is not None and not await self.state.evidence.casework_is_ready():
            return 0  # which cases are settled is unknown at the moment: the residents stay scheduled
        evaluator, _ = await self.load_evidence(dict.fromkeys(due, ()), await self.state.rules(position.policy), now)
        for resident, at in due.items():
            if canonical := evaluator.canonical_id(resident):
                evaluator.assess(canonical, now, now, ("rescore", at))
        await self.publish_alerts(evaluator.result, [None] * len(evaluator.result.alerts))
        await self.publish_evidence(evaluator.result)
        await self.state.evidence.rescored(partition, due, evaluator.result.rescore)
        return len(due)


class Urgent:
    """States whether a lane is busy: it has a batch in progress, or records waiting.

    Lanes with lower precedence wait for it.
    """

    def __init__(self) -> None:
        self._in_hand = False
        self._waiting: Callable[[], int] = lambda: 0

    def watch(self, waiting: Callable[[], int]) -> None:
        """Set the function that returns how many records are waiting for the lane. Until it is set, no record counts as
        waiting.
        """
        self._waiting = waiting

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Context manager: count the lane as having a batch in progress during the block."""
        self._in_hand = True
        try:
            yield
        finally:
            self._in_hand = False

    @property
    def busy(self) -> bool:
        """True if the lane has a batch in progress or records waiting; False if it is idle."""
        return self._in_hand or self._waiting() > 0

    async def first(self, until: float) -> None:
        """Let other tasks run once, then wait while the lane is busy, at the latest until `until` (seconds of
        time.monotonic).
        """
        await asyncio.sleep(0)
        while self.busy and time.monotonic() < until:  # noqa: ASYNC110 - no event announces it; polling is cheap
            await asyncio.sleep(LOOK_SECONDS)


def attach(app: App, flow: Screening) -> None:
    """Add the agents of both lanes to the worker `app`, and two background loops.

    One loop checks each second that the counted positions are still stored; the other screens the records again whose
    results a store lost.
    """
    urgent, bulk = Urgent(), Urgent()

    @app.agent(app.topic(topics.SIGNALS_URGENT.name, maxsize=BUFFERED))
    async def screening_urgent(signals: StreamT[bytes]) -> None:
        await _urgent(flow, signals, urgent)

    @app.agent(app.topic(topics.SIGNALS.name, maxsize=BUFFERED))
    async def screening(signals: StreamT[bytes]) -> None:
        await _bulk(flow, signals, urgent, bulk)

    async def watch_screening() -> None:
        while not app.should_stop:
            look = partial(flow.lanes.catch_up, _lanes(app), app.consumer_generation_id)
            await until_done("screening's watch", look)
            await asyncio.sleep(WATCH_SECONDS)

    async def screen_owed() -> None:
        while not app.should_stop:
            owed = partial(flow.rescreening.screen_owed, _lanes(app), partial(_after, urgent, bulk))
            if not await until_done("screening again", owed):
                await asyncio.sleep(WATCH_SECONDS)

    app.task(watch_screening)
    app.task(screen_owed)


def _lanes(app: App) -> list[TopicPartition]:
    """Return the partitions that this worker owns, the urgent lane's first."""
    return [TopicPartition(lane.name, number) for lane in topics.LANES for number in owned(app, lane.name)]


def _after(*ahead: Urgent) -> Pause:
    """Return the pause of a batch that yields to these lanes for at most LONGEST_WAIT_SECONDS, so that it does not
    starve.
    """
    until = time.monotonic() + LONGEST_WAIT_SECONDS

    async def others() -> None:
        for lane in ahead:
            await lane.first(until)

    return in_pieces(others)


async def _urgent(flow: Screening, signals: StreamT[bytes], urgent: Urgent) -> None:
    urgent.watch(cast("Channel[bytes]", signals.channel).queue.qsize)
    async for batch in records(signals, BATCH):
        with urgent.batch():
            await _screen(flow, topics.SIGNALS_URGENT, batch, in_pieces())


async def _bulk(flow: Screening, signals: StreamT[bytes], urgent: Urgent, bulk: Urgent) -> None:
    bulk.watch(cast("Channel[bytes]", signals.channel).queue.qsize)
    async for batch in records(signals, BULK_BATCH, most_bytes=RUN_BYTES):
        with bulk.batch():
            gives_way = partial(urgent.first, time.monotonic() + LONGEST_WAIT_SECONDS)
            await gives_way()
            await _screen(flow, topics.SIGNALS, batch, in_pieces(gives_way))


async def _screen(flow: Screening, lane: topics.Topic, batch: list[EventT[bytes]], pause: Pause) -> None:
    for partition, raws in runs_of(batch):
        tp = TopicPartition(lane.name, partition)
        await until_done("screening", partial(flow.lanes.screen, tp, raws, pause))
    ack_all(batch)
