"""Casework: applies each input to its resident's case and publishes the resulting journal entries and dispatches.

The order of case-inputs is decisive. After any failure of the worker, the partition or Redis, the offset of the last
input that the partition's store has applied decides what to do next.
"""

from collections.abc import Sequence
from functools import partial

from faust import StreamT

from streams.casework.batch import Entry
from streams.casework.checkpoints.schedule import Checkpoints
from streams.casework.journal import Progress
from streams.casework.recovery import Recovery
from streams.casework.steps import BATCH, CaseworkContext, CaseworkSteps, Decided
from streams.casework.upkeep import Upkeep
from streams.messaging import topics
from streams.messaging.app import App, ack_all, every, owned, records
from streams.messaging.record import Raw, runs_of
from streams.runtime import tracing
from streams.runtime.tasks import until_done

CHECKPOINT_LOOK_SECONDS = 30.0  # between two looks whether a checkpoint is due


class Casework(CaseworkSteps):
    """Decides on the inputs of the partitions that this worker owns or covers for a silent owner, and stores and
    publishes the results.
    """

    def __init__(self, context: CaseworkContext) -> None:
        super().__init__(context)
        self.recovery = Recovery(context, process=self.process, publish_outbox=self.publish_outbox)
        self.upkeep = Upkeep(context, self.recovery, self.publish_outbox)

    async def apply(self, partition: int, records: Sequence[Raw]) -> list[Entry]:
        """Process the partition's case inputs under its lock. Returns the journal entries that they made, in the order
        of the records; empty if all were applied before or went to the dead letters. `records`: at least one.

        Transient errors (Kafka or Redis unavailable) propagate: call it again. Raises AheadError if the store is beyond
        the end of case-inputs, UnknownPolicyError if the partition's policy is stored nowhere, PolicyError if this
        version cannot read it, and SendError if Kafka refuses a record permanently.
        """
        with self.recovery.order.waited_for(partition):
            async with self.upkeep.lock(partition):
                await self.upkeep.learn_applied([partition])
                return await self.process(partition, records)

    async def process(self, partition: int, records: Sequence[Raw]) -> list[Entry]:
        """Apply inputs in order, each exactly once even if retried, and publish the results. Returns the journal
        entries that they made, in the order of the inputs; empty if all were applied before or went to the dead
        letters. Restores the store first if it lacks commits or inputs.

        The caller holds the partition's lock. `records`: at least one. Transient errors (Kafka or Redis unavailable)
        propagate: call it again. Raises AheadError if the store is beyond the end of case-inputs, UnknownPolicyError if
        the partition's policy is stored nowhere, PolicyError if this version cannot read it, and SendError if Kafka
        refuses a record permanently; decided entries then stay in the outbox.
        """
        with tracing.Spans("casework", records) as spans:
            inputs = await self.decode(partition, records)  # unreadable ones go to the dead letters
            first, last = records[0].offset, records[-1].offset
            while True:
                state = await self.load(partition, inputs)
                if state is None:  # Redis was lost, or may lack the latest commits
                    await self.recovery.restore(partition)
                elif self.upkeep.lacks_inputs(partition, state.offset, first):  # gaps or regressions
                    await self.upkeep.catch_up(partition, first - 1)
                elif state.unpublished:  # a dead worker's decisions come first: later ones must not overtake them
                    await self.publish_outbox(partition)
                elif state.offset >= last:  # all were applied before
                    await self.upkeep.check_log_end(partition, state.offset)
                    return []
                else:
                    decided = await self.decide(partition, state, inputs, last)  # domain.casework
                    if not await self.upkeep.is_current(partition, max(state.offset, state.end - 1)):
                        continue  # others have applied more: Redis went back, or has it by now
                    if await self.commit(partition, state.offset, last, decided.update):  # the fence
                        self.upkeep.committed(partition, last)
                        return await self.publish(partition, decided, spans)  # the journal, then the dispatches

    async def publish(self, partition: int, decided: Decided, spans: tracing.Spans) -> list[Entry]:
        """Publish the entries and their dispatches to Kafka, remove the entries from the outbox, and remember them as
        published, so that this worker need not read them again.

        Returns the entries, in the order of their inputs, once Kafka has acknowledged all. Raises SendError if Kafka
        refuses a record permanently; the entries then stay in the outbox. Errors of Redis pass through.
        """
        entries = await super().publish(partition, decided, spans)
        self.upkeep.published(partition, self._published[partition], entries)
        return entries


async def rebuild(context: CaseworkContext, partition: int, progress: Progress, *, new_log: bool) -> None:
    """Rebuild a partition's store in Redis from its journal. No worker may be running.

    `progress` is called with the number of journal entries read so far and their total. `new_log`: the case-inputs
    topic was recreated; an entry that states so is then written to the journal first. Raises AheadError if the journal
    covers inputs beyond the end of case-inputs, OtherInstallationError if Redis belongs to another installation,
    PolicyError or OSError if the settings' policy file is needed and invalid or unreadable, and SendError. Errors of
    Redis and Kafka pass through.
    """
    upkeep = Casework(context).upkeep
    if new_log:
        await upkeep.begin_anew(partition)
    await upkeep.rebuild(partition, progress)


def attach(app: App, flow: Casework) -> None:
    """Add the agent that reads case-inputs to the worker `app`.

    It repeats after transient errors without limit, and acknowledges a batch once `flow` has applied and published it.
    """

    @app.agent(app.topic(topics.CASE_INPUTS.name))
    async def casework(inputs: StreamT[bytes]) -> None:
        async for batch in records(inputs, BATCH):
            for partition, raws in runs_of(batch):
                await until_done("casework", partial(flow.apply, partition, raws))
            ack_all(batch)


def attach_checkpoints(app: App, flow: Checkpoints) -> None:
    """Add the timer to the worker `app` that writes checkpoints of the partitions that it owns. An error that is not
    transient stops the worker.
    """
    mine = partial(owned, app, topics.CASE_INPUTS.name)
    every(app, CHECKPOINT_LOOK_SECONDS, "checkpoints", lambda: flow.look(mine))
