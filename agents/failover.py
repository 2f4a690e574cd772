"""Failover: keeps the stores of a worker's partitions complete, and does the work of partitions whose owner is silent.

Kafka's consumer group takes seconds to notice a killed worker. Every write passes a fence or a lease, so any worker may
process the partition meanwhile, and each effect still happens once.
"""

from collections.abc import Iterable
from functools import partial

from agents.casework import Casework
from agents.deadlines import DueWork
from agents.dispatch import Dispatching
from agents.screening import Screening
from schemas.casework.events import CaseEvent
from streams.casework.failover import HEARTBEAT_SECONDS, PartitionOwners
from streams.casework.outside_inputs import OutsideInputs
from streams.channels.escalating import OfficerEscalations
from streams.channels.searches.search_watch import SearchWatch
from streams.channels.waiting_red import WaitingRed
from streams.messaging import topics
from streams.messaging.app import App, every, owned
from streams.repositories.alarms import CheckIns
from streams.state.shared_state import Shared

WATCH_SECONDS = 1.0


class Failover:
    """Restores the stores of this worker's partitions, and does the work of partitions whose owner is silent."""

    def __init__(
        self,
        owners: PartitionOwners,
        shared: Shared,
        due_work: DueWork,
        screening: Screening,
        casework: Casework,
        dispatching: Dispatching,
        outside_inputs: OutsideInputs,
        waiting_red: WaitingRed,
        check_ins: CheckIns,
        escalations: OfficerEscalations,
        searches: SearchWatch,
    ) -> None:
        self.owners, self.shared, self.due_work, self.screening = owners, shared, due_work, screening
        self.casework, self.dispatching = casework, dispatching
        self.outside_inputs = outside_inputs
        self.waiting_red, self.check_ins, self.escalations = waiting_red, check_ins, escalations
        self.searches = searches

    async def watch(self, partitions: Iterable[int]) -> None:
        """Restore the data of these partitions that Redis lost, remind officers of visits that are not accepted, and
        handle searches: notices and erasures. Called once a second.

        Also stores the shared topics' end offsets from time to time. Raises OtherInstallationError if this Redis is
        another installation's, AheadError if a journal covers inputs beyond the end of case-inputs, and SendError.
        Errors of Redis and Kafka pass through.
        """
        await self.shared.ensure()
        await self.shared.remember()
        await self.casework.upkeep.watch(set(partitions))
        await self.escalations.look()  # every worker: the owner of a partition may be dead
        await self.searches.look()

    async def watch_officers(self, partitions: Iterable[int]) -> None:
        """Raise an alarm for each officer at the door who has not reported in time that they are safe; in the worker
        that owns partition 0, once the data that all partitions share is complete. Called once a second.

        Runs beside `watch`, which may restore a partition for minutes: an officer in danger does not wait for that.
        Raises OtherInstallationError if this Redis is another installation's, SendError, and TimeoutError if Kafka or
        Redis does not answer within 8 s. Errors of Redis and Kafka pass through.
        """
        if 0 in set(partitions):
            await self.shared.ensure()
            await self.check_ins.look()

    async def cover(self) -> None:
        """Do the waiting work, including dispatches, of each partition whose owner is silent and that no other worker
        covers. Each is leased meanwhile, for 2 s at a time.

        Raises AheadError if Redis is beyond the end of a topic, UnknownPolicyError if a needed policy is stored
        nowhere, PolicyError if this version cannot read one, SendError if Kafka refuses a record permanently, and the
        errors of Kafka and Redis if they are unavailable.
        """
        silent = await self.owners.silent()
        self.waiting_red.only(silent)
        self.outside_inputs.waiting.only(silent)
        if silent:
            await self.casework.upkeep.read_journals(silent)
        for partition in silent:
            if await self.owners.take(partition):
                try:
                    await self.process(partition)
                finally:
                    await self.owners.leave(partition)

    async def process(self, partition: int) -> None:
        """Do all waiting work of one partition whose owner is silent: the reports of parties outside, due deadlines,
        signals, case inputs, then dispatches.

        The dispatches run in background tasks and are not awaited. Transient errors (Kafka or Redis unavailable)
        propagate. Raises AheadError if Redis is beyond the end of a topic, UnknownPolicyError if a needed policy is
        stored nowhere, PolicyError if this version cannot read it, and SendError if Kafka refuses a record permanently.
        """
        await self.outside_inputs.cover(partition)  # first: what was reported in time is no missed deadline
        await self.due_work.fire([partition])  # due work must not wait for the backlog of records
        await self.screening.lanes.cover(partition)
        entries = await self.casework.upkeep.cover(partition)
        decided = [each for entry in entries if isinstance(entry, CaseEvent) for each in entry.dispatches]
        self.dispatching.carry_beside([*decided, *await self.waiting_red.dispatches(partition)])


def attach(app: App, flow: Failover) -> None:
    """Add four timers to the worker `app`: one restores the stores of its partitions (each second), one watches over
    officers at the door (each second), one renews its heartbeat as the partitions' owner (each 0.2 s), and one covers
    the partitions of silent owners (each 0.2 s).
    """
    mine = partial(owned, app, topics.CASE_INPUTS.name)
    every(app, WATCH_SECONDS, "watch", lambda: flow.watch(mine()))
    every(app, WATCH_SECONDS, "officers", lambda: flow.watch_officers(mine()))
    every(app, HEARTBEAT_SECONDS, "heartbeat", lambda: flow.owners.heartbeat(mine()))
    every(app, HEARTBEAT_SECONDS, "cover", flow.cover, early=True)  # a consumer group that hangs must not delay it
