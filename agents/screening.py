"""Screen signals: who is in danger goes to casework as an alert, and every signal is counted once."""

import asyncio
from functools import partial

from aiokafka import TopicPartition
from faust.types import StreamT

from streams import topics
from streams.app import App, ack_all, owned, records
from streams.line import Line
from streams.raw import by_partition
from streams.retry import until_done
from streams.screening.screening import BATCH

WATCH_SECONDS = 1.0


def attach(app: App, line: Line) -> None:
    """Add the lanes' agents to a worker, and the look each second whether what they have counted is still there."""

    @app.agent(app.topic(topics.SIGNALS_URGENT.name))
    async def screening_urgent(signals: StreamT[bytes]) -> None:
        await _screen(line, topics.SIGNALS_URGENT, signals)

    @app.agent(app.topic(topics.SIGNALS.name))
    async def screening(signals: StreamT[bytes]) -> None:
        await _screen(line, topics.SIGNALS, signals)

    async def watch_screening() -> None:
        while not app.should_stop:
            for lane in topics.LANES:
                for partition in owned(app, lane.name):
                    tp = TopicPartition(lane.name, partition)
                    await until_done("screening's watch", partial(line.screening.catch_up, tp))
            await asyncio.sleep(WATCH_SECONDS)

    app.task(watch_screening)


async def _screen(line: Line, lane: topics.Topic, signals: StreamT[bytes]) -> None:
    async for batch in records(signals, BATCH):
        for partition, raws in by_partition(batch).items():
            tp = TopicPartition(lane.name, partition)
            await until_done("screening", partial(line.screening.screen, tp, raws))
        ack_all(batch)
