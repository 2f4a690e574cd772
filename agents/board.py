"""Keep each case's latest state on a compacted topic, and the clocks of the line as metrics."""

from collections import defaultdict
from functools import partial

from faust import StreamT

from streams import topics
from streams.app import App, ack_all, records
from streams.line import Line
from streams.retry import until_done

BATCH = 200


def attach(app: App, line: Line) -> None:
    """Add the agent to a worker."""

    @app.agent(app.topic(topics.CASE_EVENTS.name))
    async def board(events: StreamT[bytes]) -> None:
        async for batch in records(events, BATCH):
            values: dict[int, list[bytes]] = defaultdict(list)
            for event in batch:
                values[event.message.partition].append(event.message.value or b"")
            for partition, found in values.items():
                await until_done("board", partial(line.board.take, partition, found))
            ack_all(batch)
