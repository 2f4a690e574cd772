"""What parties outside report: of cases, and of frauds.

Providers' receipts and banks' objections become inputs of their cases. The police's records of frauds are matched to
residents, whose cases learn of them.
"""

from functools import partial

from faust import StreamT

from streams.casework.fraud_matching import FraudMatching
from streams.casework.outside_inputs import OutsideInputs
from streams.messaging import topics
from streams.messaging.app import App, ack_all, records
from streams.messaging.record import runs_of
from streams.runtime.tasks import until_done

BATCH = 200
FRAUDS = 100


def attach(app: App, outside: OutsideInputs, matching: FraudMatching) -> None:
    """Add the agents that read outside-inputs and reported-frauds to the worker `app`.

    They repeat after transient errors without limit, and acknowledge a batch (up to 200 inputs, or 100 frauds) once it
    is processed.
    """

    @app.agent(app.topic(topics.OUTSIDE_INPUTS.name))
    async def outside_inputs(stream: StreamT[bytes]) -> None:
        async for batch in records(stream, BATCH):
            for partition, raws in runs_of(batch):
                await until_done("outside inputs", partial(outside.pass_on, partition, raws))
            ack_all(batch)

    @app.agent(app.topic(topics.REPORTED_FRAUDS.name))
    async def reported_frauds(stream: StreamT[bytes]) -> None:
        async for batch in records(stream, FRAUDS):
            for partition, raws in runs_of(batch):
                await until_done("reported frauds", partial(matching.process, partition, raws))
            ack_all(batch)
