"""Apply each input to its resident's case, and publish what follows."""

from collections import defaultdict
from functools import partial

from faust import StreamT
from faust.types import EventT

from streams import topics
from streams.app import App, ack_all, records
from streams.casework import BATCH, Raw
from streams.line import Line
from streams.retry import until_done


def attach(app: App, line: Line) -> None:
    """Add the agent to a worker."""

    @app.agent(app.topic(topics.CASE_INPUTS.name))
    async def casework(inputs: StreamT[bytes]) -> None:
        async for batch in records(inputs, BATCH):
            for partition, raws in by_partition(batch).items():
                await until_done("casework", partial(line.casework.apply, partition, raws))
            ack_all(batch)


def by_partition(batch: list[EventT[bytes]]) -> dict[int, list[Raw]]:
    """A batch's records, each partition's in order."""
    found: dict[int, list[Raw]] = defaultdict(list)
    for event in batch:
        found[event.message.partition].append(Raw(event.message.offset, event.message.value or b""))
    return found
