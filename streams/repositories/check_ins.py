"""Officers at the door who have not said in time that they are safe: an alarm for each, once.

The owner of partition 0 looks, each second; the moments lie beside the tasks (streams/repositories/rosters), and are
made of them again when Redis was lost.
"""

from domain.ids import resident_of
from domain.visits import check_in
from schemas.audit import AuditEntry
from schemas.cases import Case
from schemas.rosters import Officer, Task
from streams.messaging.producer import Producer
from streams.messaging.topics import home
from streams.repositories.alarms import Alarms
from streams.repositories.rosters import Rosters
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security import audit
from streams.state.case_store import CaseStore


class CheckIns:
    """The clocks of the officers at the door."""

    def __init__(
        self, settings: Settings, rosters: Rosters, alarms: Alarms, store: CaseStore, producer: Producer, clock: Clock
    ) -> None:
        self._partitions = settings.partitions
        self._rosters, self._alarms, self._store = rosters, alarms, store
        self._producer, self._clock = producer, clock

    async def look(self) -> None:
        """Raise an alarm for each check-in that was missed."""
        for task in await self._rosters.unheard(self._clock.now()):
            await self._tell(task)

    async def _tell(self, task: Task) -> None:
        now, due = self._clock.now(), check_in.due(task)
        if due is None or now < due:  # he has said so meanwhile
            return
        if await self._alarms.get(check_in.missed(task, None, None, now).id) is not None:
            return  # told before, and he still says nothing
        alarm = check_in.missed(task, await self._officer(task.officer), await self._case(task.case), now)
        await self._alarms.raise_(alarm)
        entry = AuditEntry(at=now, by="check-in", act="check-in-missed", on=task.case, detail=task.officer)
        await audit.write(self._producer, [entry])

    async def _officer(self, name: str) -> Officer | None:
        roster = await self._rosters.roster_of(name)
        return next((each for each in roster.officers if each.id == name), None) if roster else None

    async def _case(self, name: str) -> Case | None:
        return await self._store.case(home(resident_of(name), self._partitions), name)
