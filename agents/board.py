"""Writes each case's latest state to a compacted topic, and observes latencies as metrics."""

from functools import partial

from faust import StreamT

from streams.casework.snapshots import Board
from streams.messaging import topics
from streams.messaging.app import App, ack_all, records
from streams.messaging.record import runs_of
from streams.runtime.tasks import until_done

BATCH = 200


def attach(app: App, flow: Board) -> None:
    """Add the agent that reads the journal (topic case-events) to the worker `app`.

    It passes the entries to `flow`, up to 200 at a time, repeats after transient errors without limit, and acknowledges
    the entries last.
    """

    @app.agent(app.topic(topics.CASE_EVENTS.name))
    async def board(events: StreamT[bytes]) -> None:
        async for batch in records(events, BATCH):
            for partition, raws in runs_of(batch):
                await until_done("board", partial(flow.take, partition, raws))
            ack_all(batch)
