"""Screening: whoever is in danger goes to casework as an alert, and every signal is counted once.

Both lanes of a worker share its one core. The bulk lane takes little at once, so that each of red's steps (there are
some forty from its signal to the carrier) waits for little of it; and it stands still while the urgent lane has work.
What a lost store owes is screened again beside both, and gives way to both.
"""

import asyncio
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
from streams.messaging.record import Raw, by_partition
from streams.runtime import tracing
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.tasks import until_done
from streams.screening.about import evidence_in
from streams.screening.lanes import BATCH, CASES_WAIT_SECONDS, Lanes
from streams.screening.owed import Rescreening
from streams.screening.positions import Owed, Position
from streams.screening.shadow import Shadow
from streams.screening.steps import ScreeningContext, ScreeningSteps, tally_of

WATCH_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 1.0  # of a batch of bulk, lest it starve
LOOK_SECONDS = 0.002
BULK_BATCH = 500  # records, of one signal each at the least
BUFFERED = 100  # records of up to 500 signals between the consumer and a lane's agent: some 15 MB
RESCORE_MOST = 200  # residents of a partition at once


class Screening(ScreeningSteps):
    """Screens the lanes' partitions that this worker owns, or covers. Its steps: streams/screening/steps.py."""

    def __init__(self, context: ScreeningContext, cases_wait_seconds: float | None = None) -> None:
        """`cases_wait_seconds`: how long a store that was lost waits for casework; CASES_WAIT_SECONDS without it."""
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
        """Screen one batch from signals to alerts. Returns False when it was not counted: another was first.

        The caller (streams/screening/lanes.py) holds the lane's lock, and has read where it is `expected` to stand.
        """
        with tracing.Spans("screening", records) as spans:
            now = self.clock.now()
            batch = await self.decode(lane, records, now, pause)  # unreadable: a dead letter
            resent = await self.deduplicate(lane, batch)
            matched = await self.matcher.match(lane, batch, rules, now, pause)  # residents, suspects, payers
            loaded = await self.load_evidence(evidence_in(matched), rules, now)
            evidence = self.evidence_records(loaded, rules, now)
            evaluator, result = loaded.evaluator, loaded.evaluator.result
            shadow = await self.shadow.fork(evaluator)
            traces: list[tracing.Trace | None] = []
            for record in matched.records:
                evaluator.evaluate(lane, record)  # domain.risk
                traces += [spans.trace(record.offset)] * (len(result.alerts) - len(traces))  # an alert has its record's
                await pause()
            await self.publish_watchlist(lane, matched)
            await self.publish_dead_letters(batch)
            await self.publish_alerts(result, traces, evidence)  # then remembered
            await self.record_fan_outs(matched.fanning)
            tally = tally_of(batch, matched, result)
            if not await self.state.positions.count(lane, expected, records[-1].offset, tally, resent):
                return False  # the fence
            self.measure(tally, now)
            await self.shadow.record(lane, shadow, matched.records, result)
            return True

    async def rescreen(
        self, lane: TopicPartition, owed: Owed, first: int, records: Sequence[Raw], pause: Pause
    ) -> bool:
        """Screen records again that were counted in a store that was lost: nothing is alerted or published again.

        They are counted from the offset `first` on. Returns False when something else is owed by now.
        """
        now, rules = self.clock.now(), await self.state.rules_of(lane)
        batch = await self.decode(lane, records, now, pause)
        resent = await self.deduplicate(lane, batch)
        matched = await self.matcher.match(lane, batch, rules, now, pause, past=True)
        evaluator = await self.load_past_evidence(matched, rules, now)
        for record in matched.records:
            evaluator.evaluate(lane, record)
            await pause()
        due = {who: at for who, at in evaluator.result.rescore.items() if at > now - rules.call.most}
        await self.state.evidence.remember({}, due)
        return await self.state.positions.pay(lane, owed, first, tally_of(batch, matched, evaluator.result), resent)

    async def rescore(self, partition: int, now: datetime) -> int:
        """Assess whom a call that goes on has brought into graver danger; returns how many were looked at."""
        due = await self.state.evidence.due(partition, now, RESCORE_MOST)
        if not due:
            return 0
        position = await self.state.positions.position(TopicPartition(topics.SIGNALS.name, partition))
        if position.policy is not None and not await self.state.evidence.cases_stand():
            return 0  # whom casework has settled is not known for the moment: they stay on the list
        evaluator, _ = await self.load_evidence(dict.fromkeys(due, ()), await self.state.rules(position.policy), now)
        for resident, at in due.items():
            if canonical := evaluator.canonical_id(resident):
                evaluator.assess(canonical, now, now, ("rescore", at))
        await self.publish_alerts(evaluator.result, [None] * len(evaluator.result.alerts))
        await self.state.evidence.rescored(partition, due)
        return len(due)


class Urgent:
    """Whether a lane that goes ahead has work: a batch in hand, or records that wait for it."""

    def __init__(self) -> None:
        self._in_hand = False
        self._waiting: Callable[[], int] = lambda: 0

    def watch(self, waiting: Callable[[], int]) -> None:
        """Look at how many records wait for the lane from here on."""
        self._waiting = waiting

    @contextmanager
    def batch(self) -> Iterator[None]:
        """The lane has a batch in hand for as long as the context lasts."""
        self._in_hand = True
        try:
            yield
        finally:
            self._in_hand = False

    @property
    def busy(self) -> bool:
        """Whether the lane has anything to do."""
        return self._in_hand or self._waiting() > 0

    async def first(self, until: float) -> None:
        """Let others run, and whatever the lane has to do, till then at most, of the monotonic clock."""
        await asyncio.sleep(0)
        while self.busy and time.monotonic() < until:  # noqa: ASYNC110 - it is told to nobody, and a look costs nothing
            await asyncio.sleep(LOOK_SECONDS)


def attach(app: App, flow: Screening) -> None:
    """Add the lanes' agents to a worker, the look each second whether what they have counted is still there, and the
    loop that screens again what a lost store owes.
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
            await until_done("screening's watch", partial(flow.lanes.catch_up, _lanes(app)))
            await asyncio.sleep(WATCH_SECONDS)

    async def screen_owed() -> None:
        while not app.should_stop:
            owed = partial(flow.rescreening.screen_owed, _lanes(app), partial(_after, urgent, bulk))
            if not await until_done("screening again", owed):
                await asyncio.sleep(WATCH_SECONDS)

    app.task(watch_screening)
    app.task(screen_owed)


def _lanes(app: App) -> list[TopicPartition]:
    """The partitions this worker owns, the urgent lane's first."""
    return [TopicPartition(lane.name, number) for lane in topics.LANES for number in owned(app, lane.name)]


def _after(*ahead: Urgent) -> Pause:
    """The pause of a batch that gives way to these lanes, for so long that it does not starve."""
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
    for partition, raws in by_partition(batch).items():
        tp = TopicPartition(lane.name, partition)
        await until_done("screening", partial(flow.lanes.screen, tp, raws, pause))
    ack_all(batch)
