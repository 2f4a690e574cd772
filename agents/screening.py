"""Screen signals: who is in danger goes to casework as an alert, and every signal is counted once.

Both lanes of a worker share its one core. The bulk lane takes little at once, so that each of red's steps (there are
some forty from its signal to the carrier) waits for little of it; and it stands still while the urgent lane has work.
What a lost store owes is screened again beside both, and gives way to both.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import cast

from aiokafka import TopicPartition
from faust import Channel
from faust.types import EventT, StreamT

from streams.messaging import topics
from streams.messaging.app import App, ack_all, owned, records
from streams.messaging.fetch_order import RUN_BYTES
from streams.messaging.record import by_partition
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.tasks import until_done
from streams.screening.lanes import BATCH, Screening

WATCH_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 1.0  # of a batch of bulk, lest it starve
LOOK_SECONDS = 0.002
BULK_BATCH = 500  # records, of one signal each at the least
BUFFERED = 100  # records of up to 500 signals between the consumer and a lane's agent: some 15 MB


class Urgent:
    """Whether a lane that goes ahead has work: a batch in hand, or records that wait for it."""

    def __init__(self) -> None:
        self.in_hand = False
        self.waiting: Callable[[], int] = lambda: 0

    @property
    def busy(self) -> bool:
        return self.in_hand or self.waiting() > 0

    async def first(self, until: float) -> None:
        """Others' turn, and whatever the lane has to do, till then at most, of the monotonic clock."""
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
            await until_done("screening's watch", partial(flow.catch_up, _lanes(app)))
            await asyncio.sleep(WATCH_SECONDS)

    async def screen_owed() -> None:
        while not app.should_stop:
            owed = partial(flow.screen_owed, _lanes(app), partial(_after, urgent, bulk))
            if not await until_done("screening again", owed):
                await asyncio.sleep(WATCH_SECONDS)

    app.task(watch_screening)
    app.task(screen_owed)


def _lanes(app: App) -> list[TopicPartition]:
    """The partitions this worker owns, the urgent lane's first."""
    return [TopicPartition(lane.name, number) for lane in topics.LANES for number in owned(app, lane.name)]


def _after(*ahead: Urgent) -> Pause:
    """The turn of a batch that gives way to these lanes, for so long that it does not starve."""
    until = time.monotonic() + LONGEST_WAIT_SECONDS

    async def others() -> None:
        for lane in ahead:
            await lane.first(until)

    return in_pieces(others)


async def _urgent(flow: Screening, signals: StreamT[bytes], urgent: Urgent) -> None:
    urgent.waiting = cast("Channel[bytes]", signals.channel).queue.qsize
    async for batch in records(signals, BATCH):
        urgent.in_hand = True
        await _screen(flow, topics.SIGNALS_URGENT, batch, in_pieces())
        urgent.in_hand = False


async def _bulk(flow: Screening, signals: StreamT[bytes], urgent: Urgent, bulk: Urgent) -> None:
    bulk.waiting = cast("Channel[bytes]", signals.channel).queue.qsize
    async for batch in records(signals, BULK_BATCH, most_bytes=RUN_BYTES):
        bulk.in_hand = True
        gives_way = partial(urgent.first, time.monotonic() + LONGEST_WAIT_SECONDS)
        await gives_way()
        await _screen(flow, topics.SIGNALS, batch, in_pieces(gives_way))
        bulk.in_hand = False


async def _screen(flow: Screening, lane: topics.Topic, batch: list[EventT[bytes]], turn: Pause) -> None:
    for partition, raws in by_partition(batch).items():
        tp = TopicPartition(lane.name, partition)
        await until_done("screening", partial(flow.screen, tp, raws, turn))
    ack_all(batch)
