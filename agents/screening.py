"""Screen signals: who is in danger goes to casework as an alert, and every signal is counted once.

Both lanes of a worker share its one core. The bulk lane takes small batches, so that each of red's steps (there are
some forty from its signal to the carrier) waits for little of it; and none at all while the urgent lane is behind.
"""

import asyncio
from contextlib import suppress
from functools import partial

from aiokafka import TopicPartition
from faust.types import EventT, StreamT

from streams import topics
from streams.app import App, ack_all, owned, records
from streams.line import Line
from streams.raw import by_partition
from streams.retry import until_done
from streams.screening.screening import BATCH

WATCH_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 1.0
BULK_BATCH = 4  # records
BUFFERED = 100  # records of up to 500 signals between the consumer and a lane's agent: some 15 MB


def attach(app: App, line: Line) -> None:
    """Add the lanes' agents to a worker, and the look each second whether what they have counted is still there."""
    caught_up = asyncio.Event()  # the urgent lane: its last batch was not full

    @app.agent(app.topic(topics.SIGNALS_URGENT.name, maxsize=BUFFERED))
    async def screening_urgent(signals: StreamT[bytes]) -> None:
        await _urgent(line, signals, caught_up)

    @app.agent(app.topic(topics.SIGNALS.name, maxsize=BUFFERED))
    async def screening(signals: StreamT[bytes]) -> None:
        await _bulk(line, signals, caught_up)

    async def watch_screening() -> None:
        while not app.should_stop:
            for lane in topics.LANES:
                for partition in owned(app, lane.name):
                    tp = TopicPartition(lane.name, partition)
                    await until_done("screening's watch", partial(line.screening.catch_up, tp))
            await asyncio.sleep(WATCH_SECONDS)

    app.task(watch_screening)


async def _urgent(line: Line, signals: StreamT[bytes], caught_up: asyncio.Event) -> None:
    caught_up.set()
    async for batch in records(signals, BATCH):
        if len(batch) == BATCH:
            caught_up.clear()
        await _screen(line, topics.SIGNALS_URGENT, batch)
        if len(batch) < BATCH:
            caught_up.set()


async def _bulk(line: Line, signals: StreamT[bytes], caught_up: asyncio.Event) -> None:
    async for batch in records(signals, BULK_BATCH):
        with suppress(TimeoutError):
            await asyncio.wait_for(caught_up.wait(), LONGEST_WAIT_SECONDS)
        caught_up.set()  # until another batch is full: the lane may have gone to another worker
        await _screen(line, topics.SIGNALS, batch)


async def _screen(line: Line, lane: topics.Topic, batch: list[EventT[bytes]]) -> None:
    for partition, raws in by_partition(batch).items():
        tp = TopicPartition(lane.name, partition)
        await until_done("screening", partial(line.screening.screen, tp, raws))
    ack_all(batch)
