"""The desk of the warning centre: which case to take, a lease on it, and what the operator reports.

It decides nothing: it writes case inputs. A claim is a lease in Redis that runs out by itself, unless it is renewed.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from domain.casework import triage
from domain.ids import resident_of, short_hash
from schemas.casework.cases import Case
from schemas.casework.inputs import ClaimAct, OperatorReport, VictimReport
from streams.messaging import case_inputs
from streams.messaging.producer import Producer
from streams.messaging.topics import home
from streams.repositories.policies import Policies
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state import locks
from streams.state.case_store import CaseStore
from streams.state.keys import key
from streams.state.scripts import script

LEASE = timedelta(minutes=10)
BEATS = 10  # so often a page that is open renews its lease before it would run out
LOOKED_AT = 16  # of each partition's queue at once: the stored rank is coarse


class CaseClaims:
    """What an operator, at a screen or simulated, may ask for and say."""

    def __init__(
        self, settings: Settings, store: CaseStore, producer: Producer, policies: Policies, clock: Clock
    ) -> None:
        self._settings, self._store, self._producer, self._clock = settings, store, producer, clock
        self._policies = policies
        self._redis: Any = store.redis
        self._keep = self._redis.register_script(script("keep"))
        self._give_back = self._redis.register_script(script("release"))
        self.lease = LEASE

    async def next(self, operator: str) -> Case | None:
        """Claim the case that is best taken now; None when nobody waits."""
        waiting = await self._waiting()
        for case in triage.order(waiting, self._clock.now(), await self._policies.live()) if waiting else ():
            if await self.claim(case, operator):
                return case
        return None

    async def claim(self, case: Case, operator: str) -> bool:
        """Take the lease on a case, and report it; False when somebody has it."""
        if not await self.take(case.id, operator):
            return False
        await self.report(claimed(case, operator, self._clock))
        return True

    async def take(self, case_id: str, operator: str) -> bool:
        """Take the lease on a case that nobody has; False when somebody has it."""
        return await locks.take(self._redis, self._lease(case_id), self._milliseconds(), operator)

    async def keep(self, case_id: str, operator: str) -> bool:
        """Let the operator's lease last from now on, or take it where nobody has it; False when another has it."""
        return bool(await self._keep(keys=[self._lease(case_id)], args=[operator, self._milliseconds()]))

    async def release(self, case_id: str, operator: str | None = None) -> None:
        """Give a case back before the lease runs out; with a name, only if it still is that operator's."""
        if operator is None:
            await self._redis.delete(self._lease(case_id))
        else:
            await self._give_back(keys=[self._lease(case_id)], args=[operator])

    async def leased(self, case_ids: Sequence[str]) -> list[bool]:
        """Whether somebody has the lease, for each."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for case_id in case_ids:
                pipe.exists(self._lease(case_id))
            return [bool(found) for found in await pipe.execute()]

    @property
    def beat(self) -> timedelta:
        """How long a page that is open waits before it renews its lease again."""
        return self.lease / BEATS

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
        """The first whom nobody has: those who are being talked to stand in the queue too, the gravest in front."""
        start = 0
        while names := await self._queued(start):
            leased = await self.leased(names)
            found = [await self.load(name) for name, taken in zip(names, leased, strict=True) if not taken]
            if waiting := [case for case in found if case is not None and not case.settled]:
                return waiting
            start += LOOKED_AT
        return []

    async def _queued(self, start: int) -> list[str]:
        """The ids of the LOOKED_AT cases from there on of each partition's queue."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(self._settings.partitions):
                pipe.zrange(key("queue", partition), start, start + LOOKED_AT - 1)
            return [name.decode() for part in await pipe.execute() for name in part]

    def _partition(self, case_id: str) -> int:
        return home(resident_of(case_id), self._settings.partitions)

    def _lease(self, case_id: str) -> str:
        return f"{key('claim', self._partition(case_id))}:{case_id}"

    def _milliseconds(self) -> int:
        return max(1, round(self._clock.wall_seconds(self.lease) * 1000))


def claimed(case: Case, operator: str, clock: Clock) -> OperatorReport:
    """The operator takes the case as it stands. The same claim twice counts once."""
    return _of(case, operator, clock, short_hash("claim", case.id, case.version, operator), ClaimAct(do="claim"))


def given_back(case: Case, operator: str, clock: Clock, input_id: str, *, ran_out: bool = False) -> OperatorReport:
    """The operator no longer has the case; `ran_out`: nobody renewed the claim."""
    return _of(case, operator, clock, input_id, ClaimAct(do="unclaim", ran_out=ran_out))


def _of(case: Case, operator: str, clock: Clock, input_id: str, act: ClaimAct) -> OperatorReport:
    return OperatorReport(
        id=input_id, at=clock.now(), resident=case.resident, case=case.id, by=operator, seen=case.version, act=act
    )
