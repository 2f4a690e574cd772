"""Apply each input to its resident's case, and publish what follows."""

from functools import partial

from faust import StreamT

from streams.casework.partition import BATCH
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.app import App, ack_all, records
from streams.messaging.record import by_partition
from streams.runtime.tasks import until_done


def attach(app: App, line: Installation) -> None:
    """Add the agent to a worker."""

    @app.agent(app.topic(topics.CASE_INPUTS.name))
    async def casework(inputs: StreamT[bytes]) -> None:
        async for batch in records(inputs, BATCH):
            for partition, raws in by_partition(batch).items():
                await until_done("casework", partial(line.casework.apply, partition, raws))
            ack_all(batch)
