"""The desk of the anti-fraud centre: the choice of the next case, claims on cases, and operators' reports.

No case changes here: the results are written as case inputs. A claim is a lease in Redis that expires unless it is
renewed.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from domain.casework import triage
from domain.casework.orders.records import UNCONFIRMED
from domain.ids import resident_of, short_hash
from schemas.casework.acts import ClaimAct
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport, VictimReport
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
OPENS = timedelta(minutes=2)  # a case that was given to somebody comes back if it is not opened within this time
BEATS = 10  # an open page renews its claim so many times within a lease
ORDERED = ("stop.", "again.", UNCONFIRMED)  # ids of steps that a stop order sends, and of the timers of such orders
RINGS = timedelta(minutes=2)  # of the wall clock: longer than a telephone rings
LOOKED_AT = 16  # cases of each partition's queue read at once: the stored rank is coarse


class CaseClaims:
    """The actions of an operator, real or simulated: claim a case, renew or release the claim, report to casework.
    Operators are named by their logins. A claim is a lease in Redis for a time of the installation's clock.
    """

    def __init__(
        self, settings: Settings, store: CaseStore, producer: Producer, policies: Policies, clock: Clock
    ) -> None:
        self._settings, self._store, self._producer, self._clock = settings, store, producer, clock
        self._policies = policies
        self._redis: Any = store.redis
        self._give_back = self._redis.register_script(script("release"))
        self.lease = LEASE

    async def next(self, operator: str) -> Case | None:
        """Claim the most urgent unclaimed case for the operator, report the claim to casework, and return the case.
        Returns None if no unclaimed case waits. Looks again if other operators have claimed all cases found meanwhile.

        Raises UnknownPolicyError if the policy in force is stored nowhere, PolicyError if this version cannot read it,
        OSError if the settings' policy file is needed and cannot be read, and SendError if Kafka refuses the report.
        Errors of Redis pass through.
        """
        while waiting := await self._waiting():
            for case in triage.order(waiting, self._clock.now(), await self._policies.live()):
                if await self.claim(case, operator):
                    return case
        return None

    async def claim(self, case: Case, operator: str) -> bool:
        """Claim a case for 10 minutes of the installation's clock, and report the claim to casework. Returns True if it
        was unclaimed and the operator has claimed it now.

        Returns False, reporting nothing, if an operator, who may be the same one, had claimed it already. Raises
        SendError if Kafka refuses the report permanently; the claim then stays. Errors of Redis pass through.
        """
        if not await self.take(case.id, operator):
            return False
        await self.report(claimed(case, operator, self._clock))
        return True

    async def take(self, case_id: str, operator: str) -> bool:
        """Claim an unclaimed case for 10 minutes of the installation's clock, without a report to casework. Returns
        True if the operator has claimed it now.

        Returns False if an operator, who may be the same one, had claimed it already. Errors of Redis pass through.
        """
        token = f"{operator}|{secrets.token_hex(8)}"  # so that this claim is known, should its first answer be lost
        return await locks.take_own(self._redis, self._lease(case_id), self._milliseconds(), token)

    async def keep(self, case_id: str, operator: str) -> bool:
        """Renew the operator's claim, or claim an unclaimed case, for 10 minutes of the installation's clock from now,
        without a report.

        Returns True if the operator has the claim now; False if another operator has it. Errors of Redis pass through.
        """
        return await locks.keep(self._redis, self._lease(case_id), operator, self._milliseconds())

    async def holder(self, case_id: str) -> str | None:
        """Return the login of the operator who has claimed the case, or None if it is unclaimed or the claim has
        expired. Errors of Redis pass through.
        """
        found = await self._redis.get(self._lease(case_id))
        return found.decode().partition("|")[0] if found else None

    async def reserve(self, case_id: str, operator: str) -> bool:
        """Claim a case for an operator to whom it was assigned, for 2 minutes (OPENS) of the installation's clock: the
        time to open it. A claim that the operator already has is shortened to that.

        Returns True if the operator has the claim now; False if another operator has it. Errors of Redis pass through.
        """
        lasts = self._milliseconds(min(self.lease, OPENS))
        return await locks.keep(self._redis, self._lease(case_id), operator, lasts)

    async def release(self, case_id: str, operator: str | None = None) -> None:
        """Delete the claim on a case before it expires, without a report to casework.

        `operator`: delete it only if this operator has it; None: whoever has it. Does nothing if there is no such
        claim. Errors of Redis pass through.
        """
        if operator is None:
            await self._redis.delete(self._lease(case_id))
        else:
            await self._give_back(keys=[self._lease(case_id)], args=[operator])

    @asynccontextmanager
    async def reserve_call(self, case_id: str) -> AsyncIterator[bool]:
        """Context manager: reserve the case's resident for one telephone call. Yields True if no other call to this
        resident about the case is in progress, and it is reserved now; else False.

        The reservation ends with the block, at the latest after 2 minutes (RINGS) of wall-clock time: by then, the case
        itself states the result. Errors of Redis pass through.
        """
        name, own = f"{key('calling', self._partition(case_id))}:{case_id}", secrets.token_hex(8)
        free = await locks.take_own(self._redis, name, round(RINGS.total_seconds() * 1000), own)
        try:
            yield free
        finally:
            await self._give_back(keys=[name], args=[own])

    async def leased(self, case_ids: Sequence[str]) -> list[bool]:
        """Return for each case id, in this order, True if any operator has claimed the case, else False. Errors of
        Redis pass through.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for case_id in case_ids:
                pipe.exists(self._lease(case_id))
            return [bool(found) for found in await pipe.execute()]

    @property
    def beat(self) -> timedelta:
        """The time after which an open page renews its claim, in the installation's clock: a tenth of the lease, 1
        minute.
        """
        return self.lease / BEATS

    async def report(self, report: OperatorReport) -> None:
        """Write an operator's report to case-inputs, and return when Kafka has acknowledged it. Its id comes from the
        form, so a form sent twice counts once.

        Raises SendError if Kafka refuses it permanently, for example because it is too large; waits while Kafka is
        unavailable.
        """
        await self._write(report)

    async def report_victim(self, report: VictimReport) -> None:
        """Write a report that a resident was defrauded to case-inputs, and return when Kafka has acknowledged it.
        Raises SendError if Kafka refuses it permanently, for example because it is too large; waits while Kafka is
        unavailable.
        """
        await self._write(report)

    async def load(self, case_id: str) -> Case | None:
        """Return a case's current state.

        Returns None if its id is unknown, if it was not the resident's latest case and was deleted because of its age,
        or if its partition's store was lost and does not have it again yet. Errors of Redis pass through.
        """
        return await self._store.case(self._partition(case_id), case_id)

    async def proposed(self) -> list[Case]:
        """Return the cases that have a stop order on which a person may still decide, in no particular order; an empty
        list if there is none.

        They are found by their deadlines, because a case that waits for nothing else is in no queue. Errors of Redis
        pass through.
        """
        names: dict[str, None] = {}
        for partition in range(self._settings.partitions):
            found = await self._redis.zrange(key("deadlines", partition), 0, -1)
            parts = (raw.decode().partition("|") for raw in found)
            names |= {case: None for case, _, step in parts if step.startswith(ORDERED)}
        cases = [await self.load(name) for name in names]
        return [case for case in cases if case is not None and any(order.decidable for order in case.orders)]

    async def _write(self, report: OperatorReport | VictimReport) -> None:
        await self._producer.send_all([case_inputs.record(report, home(report.resident, self._settings.partitions))])

    async def _waiting(self) -> list[Case]:
        """Return the first unclaimed, unsettled cases of the queues. Claimed cases are in the queues too, often in
        front.
        """
        start = 0
        while names := await self._queued(start):
            leased = await self.leased(names)
            found = [await self.load(name) for name, taken in zip(names, leased, strict=True) if not taken]
            if waiting := [case for case in found if case is not None and not case.settled]:
                return waiting
            start += LOOKED_AT
        return []

    async def _queued(self, start: int) -> list[str]:
        """Return the ids of LOOKED_AT cases of each partition's queue, from index `start` on."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(self._settings.partitions):
                pipe.zrange(key("queue", partition), start, start + LOOKED_AT - 1)
            return [name.decode() for part in await pipe.execute() for name in part]

    def _partition(self, case_id: str) -> int:
        return home(resident_of(case_id), self._settings.partitions)

    def _lease(self, case_id: str) -> str:
        return f"{key('claim', self._partition(case_id))}:{case_id}"

    def _milliseconds(self, lasts: timedelta | None = None) -> int:
        return max(1, round(self._clock.wall_seconds(lasts or self.lease) * 1000))


def claimed(case: Case, operator: str, clock: Clock) -> OperatorReport:
    """Return the report that the operator has claimed this version of the case, at the clock's present time. Nothing is
    sent.

    Its id is the same each time for the same case, version and operator, so it counts once.
    """
    return _of(case, operator, clock, short_hash("claim", case.id, case.version, operator), ClaimAct(do="claim"))


def given_back(case: Case, operator: str, clock: Clock, input_id: str, *, ran_out: bool = False) -> OperatorReport:
    """Return the report, with the id `input_id`, that the operator has given up the case, at the clock's present time.
    Nothing is sent.

    `ran_out`: True if the claim expired.
    """
    return _of(case, operator, clock, input_id, ClaimAct(do="unclaim", ran_out=ran_out))


def _of(case: Case, operator: str, clock: Clock, input_id: str, act: ClaimAct) -> OperatorReport:
    return OperatorReport(
        id=input_id, at=clock.now(), resident=case.resident, case=case.id, by=operator, seen=case.version, act=act
    )
