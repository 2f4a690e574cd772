"""The desk of the warning centre: which case to take, a lease on it, and what the operator reports.

It decides nothing: it writes case inputs. A claim is a lease in Redis that runs out by itself.
"""

from datetime import timedelta
from typing import Any

from domain import triage
from domain.ids import resident_of, short_hash
from schemas.cases import Case
from schemas.inputs import ClaimAct, OperatorReport, VictimReport
from streams import case_inputs
from streams.clock import Clock
from streams.keys import key
from streams.producer import Producer
from streams.settings import Settings
from streams.store import CaseStore
from streams.topics import home

LEASE = timedelta(minutes=10)
LOOKED_AT = 16  # of each partition's queue: the stored rank is coarse


class Desk:
    """What an operator, at a screen or simulated, may ask for and say."""

    def __init__(self, settings: Settings, store: CaseStore, producer: Producer, clock: Clock) -> None:
        self._settings, self._store, self._producer, self._clock = settings, store, producer, clock
        self._redis: Any = store.redis

    async def next(self, operator: str) -> Case | None:
        """Claim the case that is best taken now; None when nobody waits."""
        for item in triage.order(await self._waiting(), self._clock.now()):
            if await self.claim(item.case, operator):
                return item.case
        return None

    async def claim(self, case: Case, operator: str) -> bool:
        """Take the lease on a case; False when another has it."""
        lease = max(1, round(self._clock.wall_seconds(LEASE) * 1000))
        if not await self._redis.set(self._lease(case.id), operator, nx=True, px=lease):
            return False
        await self.report(self._claimed(case, operator))
        return True

    async def release(self, case_id: str) -> None:
        """Give a case back before the lease runs out."""
        await self._redis.delete(self._lease(case_id))

    async def report(self, report: OperatorReport) -> None:
        """Write what the operator did. Its id is the form's: sent twice, it counts once."""
        await self._write(report)

    async def victim(self, report: VictimReport) -> None:
        """Write that a resident was defrauded."""
        await self._write(report)

    async def load(self, case_id: str) -> Case | None:
        """A case as it stands."""
        return await self._store.case(self._partition(case_id), case_id)

    async def _write(self, report: OperatorReport | VictimReport) -> None:
        await self._producer.send_all([case_inputs.record(report, home(report.resident, self._settings.partitions))])

    async def _waiting(self) -> list[Case]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(self._settings.partitions):
                pipe.zrange(key("queue", partition), 0, LOOKED_AT - 1)
            names = [name.decode() for part in await pipe.execute() for name in part]
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.exists(self._lease(name))
            leased = await pipe.execute()
        found = [await self.load(name) for name, taken in zip(names, leased, strict=True) if not taken]
        return [case for case in found if case is not None and not case.settled]

    def _claimed(self, case: Case, operator: str) -> OperatorReport:
        return OperatorReport(
            id=short_hash("claim", case.id, case.version, operator),
            at=self._clock.now(),
            resident=case.resident,
            case=case.id,
            by=operator,
            seen=case.version,
            act=ClaimAct(do="claim"),
        )

    def _partition(self, case_id: str) -> int:
        return home(resident_of(case_id), self._settings.partitions)

    def _lease(self, case_id: str) -> str:
        return f"{key('claim', self._partition(case_id))}:{case_id}"
