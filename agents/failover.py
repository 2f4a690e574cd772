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
from streams.channels.escalating import OfficerEscalations
from streams.channels.waiting_red import WaitingRed
from streams.messaging import topics
from streams.messaging.app import App, every, owned
from streams.repositories.alarms import CheckIns
from streams.state.shared_state import Shared

WATCH_SECONDS = 1.0


class Failover:
    """Restores this worker's partitions, and processes those of silent owners with the worker's flows."""

    def __init__(
        self,
        owners: PartitionOwners,
        shared: Shared,
        due_work: DueWork,
        screening: Screening,
        casework: Casework,
        dispatching: Dispatching,
        waiting_red: WaitingRed,
        check_ins: CheckIns,
        escalations: OfficerEscalations,
    ) -> None:
        self.owners, self.shared, self.due_work, self.screening = owners, shared, due_work, screening
        self.casework, self.dispatching = casework, dispatching
        self.waiting_red, self.check_ins, self.escalations = waiting_red, check_ins, escalations

    async def watch(self, partitions: Iterable[int]) -> None:
        """Restore data of these partitions that Redis lost, check on officers at the door, and tell officers of visits
        that wait. Called once a second.

        Raises OtherInstallationError if this Redis is another installation's, and AheadError if a journal covers inputs
        beyond the end of case-inputs.
        """
        await self.shared.ensure()
        await self.shared.remember()
        await self.casework.upkeep.watch(mine := set(partitions))
        if 0 in mine:
            await self.check_ins.look()
        await self.escalations.look()  # every worker: the owner of a partition may be dead

    async def cover(self) -> None:
        """Process the partitions whose owner is silent and that no other worker covers, including their dispatches."""
        silent = await self.owners.silent()
        self.waiting_red.only(silent)
        for partition in silent:
            if await self.owners.take(partition):
                try:
                    await self.process(partition)
                finally:
                    await self.owners.leave(partition)

    async def process(self, partition: int) -> None:
        """Process all waiting work of a partition whose worker is silent: due deadlines, signals, case inputs, then
        dispatches.
        """
        await self.due_work.fire([partition])  # first: due work must not wait for the backlog of records
        await self.screening.lanes.cover(partition)
        entries = await self.casework.upkeep.cover(partition)
        decided = [each for entry in entries if isinstance(entry, CaseEvent) for each in entry.dispatches]
        self.dispatching.carry_beside([*decided, *await self.waiting_red.read(partition)])


def attach(app: App, flow: Failover) -> None:
    """Start the timers of the restoring, the heartbeat and the failover."""
    mine = partial(owned, app, topics.CASE_INPUTS.name)
    every(app, WATCH_SECONDS, "watch", lambda: flow.watch(mine()))
    every(app, HEARTBEAT_SECONDS, "heartbeat", lambda: flow.owners.heartbeat(mine()))
    every(app, HEARTBEAT_SECONDS, "cover", flow.cover, early=True)  # a consumer group that hangs must not delay it
