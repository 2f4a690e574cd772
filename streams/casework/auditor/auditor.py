"""The auditor's loop: sweeps partitions in slices, confirms, repairs and reports violations, and writes a heartbeat.

It reads only Redis and topics, so it also audits partitions whose owner is silent.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prometheus_client import Counter
from redis.asyncio import Redis

from domain.casework.audit import InvariantViolation, Kind, examine
from domain.policy import Policy
from schemas.administration.audit import AUDITOR, AuditEntry
from schemas.casework.cases import Case
from streams.casework.auditor.heartbeat import STALE_SECONDS, Beats
from streams.casework.auditor.repair import Repairer, is_repairable
from streams.casework.auditor.snapshots import Snapshots
from streams.casework.auditor.sweep import CaseReading, Reader
from streams.messaging.producer import Producer
from streams.repositories.policies import Policies, UnknownPolicyError
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security import audit
from streams.state.case_store import CaseStore

log = logging.getLogger(__name__)

GRACE_SECONDS = 15.0  # wall-clock: a deadline is handled within 12 s even if its worker was killed
CONFIRM_SECONDS = 4.0  # wall-clock: lateness must last so long, because setting the clock makes everything late at once
WALK_SECONDS = 10.0  # least time between the starts of two sweeps of a partition
CHOOSE_SECONDS = 1.0  # between two choices of partitions; each also writes the heartbeats
OTHERS_SECONDS = 2.0  # between two looks at the heartbeats of other workers' partitions
PAUSE_SECONDS = 0.02  # between two slices: with four partitions 4,000 cases a second, 100,000 within a minute
TOLD_SECONDS = 600.0  # a violation that persists is reported again after this
TRIES = 5  # to read a case while its partition does not change

AUDIT_FINDINGS = Counter("quanzu_audit_findings_total", "Violations found by the auditor", ["kind"])

_TIMELY = (Kind.OVERDUE, Kind.RESULT_OVERDUE, Kind.UNKNOWN_CASE)  # real only if they persist

Key = tuple[Kind, str, str]


@dataclass(slots=True)
class Round:
    """The state of one sweep through one partition.

    `began`: monotonic seconds; `cases`: number of cases audited so far; `open`: number of violations found that could
    not be repaired; `cursor`: of the HSCAN through the cases, -1 once finished; `strays`: cursor of the ZSCAN through
    the deadlines.
    """

    began: float
    cases: int = 0
    open: int = 0
    cursor: int = 0
    strays: int = 0


@dataclass(slots=True)
class Memory:
    """The violations that the auditor has seen, by kind, case id, and step with due time. `suspected`: when each was
    first seen; `told`: when each was last reported; both in monotonic seconds.
    """

    suspected: dict[Key, float] = field(default_factory=dict)
    told: dict[Key, float] = field(default_factory=dict)


class Auditor:
    """Checks the open cases of partitions, so that none waits forever. Each worker has one auditor; of a partition,
    only the worker with its lease in Redis audits it.

    `wall`: returns monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        store: CaseStore,
        producer: Producer,
        policies: Policies,
        clock: Clock,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._producer, self._policies = settings, producer, policies
        self._clock, self._wall = clock, wall
        self._reader, self._mender = Reader(redis), Repairer(store, producer)
        self._beats = Beats(redis, uuid.uuid4().hex)
        self._snapshots = Snapshots(settings, redis)
        self._rounds: dict[int, Round] = {}
        self._memory = Memory()
        self._chosen, self._looked = -CHOOSE_SECONDS, -OTHERS_SECONDS

    async def walk(self, owned: Collection[int]) -> None:
        """Audit the next slice of each partition that this worker audits, repair violations or report them (audit
        topic, metrics, log), and write heartbeats.

        It audits the partitions that it owns (`owned`), and every 2 s those without a heartbeat in the last 5 s, if it
        gets their audit lease. Raises PolicyError if this version cannot read a partition's policy, and SendError.
        Errors of Redis and Kafka pass through.
        """
        now = self._wall()
        if now - self._chosen >= CHOOSE_SECONDS:
            self._chosen = now
            await self._choose(owned, now)
        for partition, current in list(self._rounds.items()):
            if current.cursor >= 0 and await self._slice(partition, current):
                await self._ended(partition, current)

    async def _choose(self, owned: Collection[int], now: float) -> None:
        """Take the audit leases of partitions, write their heartbeats, and begin the sweeps that are due."""
        taken = await self._beats.take([*sorted(owned), *await self._stale(owned, now)])
        self._rounds = {partition: current for partition, current in self._rounds.items() if partition in taken}
        await self._beats.write_heartbeats(taken, self._clock.wall.time())
        for partition in taken:
            current = self._rounds.get(partition)
            if current is None or (current.cursor < 0 and now - current.began >= WALK_SECONDS):
                self._rounds[partition] = Round(now, strays=current.strays if current else 0)

    async def _stale(self, owned: Collection[int], now: float) -> list[int]:
        """Return the partitions of other workers that nobody has audited for 5 s. They are looked for every 2 s."""
        if now - self._looked < OTHERS_SECONDS:
            return []
        self._looked = now
        others = [partition for partition in range(self._settings.partitions) if partition not in owned]
        beats = await self._beats.read(others)
        return [beat.partition for beat in beats if beat.age is None or beat.age > STALE_SECONDS]

    async def _slice(self, partition: int, current: Round) -> bool:
        """Audit one slice; return whether it was the last. Skips a partition that is lost or being rebuilt: casework
        restores it.
        """
        _, digest = await self._reader.position_and_policy(partition)
        if digest is None or (policy := await self._policy(digest)) is None:
            return False
        current.cursor, looks = await self._reader.slice(partition, current.cursor)
        current.cases += len(looks)
        for look in looks:
            if self._examined(look.case, look, policy):
                current.open += await self._confirm(partition, look.case.resident, policy)
        if current.cursor:
            return False
        current.cursor = -1
        await self._strays(partition, current)
        current.open += await self._missing(partition)
        return True

    async def _policy(self, digest: str) -> Policy | None:
        try:
            return await self._policies.get(digest)
        except UnknownPolicyError:
            return None  # casework stops on it and reports it

    def _examined(self, case: Case, look: CaseReading, policy: Policy) -> list[InvariantViolation]:
        grace = timedelta(seconds=GRACE_SECONDS * self._clock.speed)
        return examine(case, look.kept, policy.plan, self._clock.now(), grace)

    async def _confirm(self, partition: int, resident: str, policy: Policy) -> int:
        """Read a case again at one offset; repair and report its violations. Returns how many remain unrepaired."""
        for _ in range(TRIES):
            look = await self._reader.read_case(partition, resident)
            if look is None:
                return 0
            if look.offset is None:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            findings = [each for each in self._examined(look.case, look, policy) if self._sure(each)]
            if not findings:
                return 0
            if await self._mender.repair(partition, look.offset, look.case, findings, self._clock.now()):
                await self._report(findings)
                return sum(not is_repairable(each) for each in findings)
        return 0  # the partition never paused, so its inputs are being processed

    async def _strays(self, partition: int, current: Round) -> None:
        """Remove and report deadlines without a case, up to a fixed number in each sweep."""
        offset, _ = await self._reader.position_and_policy(partition)
        current.strays, members = await self._reader.strays(partition, current.strays)
        members = await self._reader.without_case(partition, members)
        if members and offset is not None and await self._mender.strays(partition, offset, members):
            parts = [member.partition("|") for member in members]
            await self._report(
                [
                    InvariantViolation(Kind.DEADLINE_STRAY, case, f"{step}: no case has it", step)
                    for case, _, step in parts
                ]
            )

    async def _missing(self, partition: int) -> int:
        """Report each case whose snapshot in the journal is certainly newer than the store's, as an UNKNOWN_CASE
        violation. Returns how many there are.
        """
        found = [
            InvariantViolation(
                Kind.UNKNOWN_CASE, case, f"the journal has version {version}, the store {stored or 'none'}"
            )
            for case, version, stored in await self._snapshots.unknown(partition)
        ]
        sure = [each for each in found if self._sure(each)]
        await self._report(sure)
        return len(sure)

    def _sure(self, finding: InvariantViolation) -> bool:
        """Return whether a violation is certain; kinds that mean lateness must have lasted CONFIRM_SECONDS."""
        if finding.kind not in _TIMELY:
            return True
        name, now = (finding.kind, finding.case, f"{finding.step} {finding.due}"), self._wall()
        return now - self._memory.suspected.setdefault(name, now) >= CONFIRM_SECONDS

    async def _report(self, findings: Sequence[InvariantViolation]) -> None:
        """Write new violations to the audit topic, the metrics and the log: case ids only, no personal data."""
        now, at = self._wall(), self._clock.now()
        fresh = [each for each in findings if self._untold(each, now)]
        for each in fresh:
            AUDIT_FINDINGS.labels(each.kind).inc()
            log.warning(
                "auditor: %s: %s (%s)", each.case, each.kind, "repaired" if is_repairable(each) else "needs a person"
            )
        await audit.write(self._producer, [_entry(each, at) for each in fresh])

    def _untold(self, finding: InvariantViolation, now: float) -> bool:
        name = finding.kind, finding.case, f"{finding.step} {finding.due}"
        fresh = now - self._memory.told.get(name, -TOLD_SECONDS) >= TOLD_SECONDS
        if fresh:
            self._memory.told[name] = now
        return fresh

    async def _ended(self, partition: int, current: Round) -> None:
        """Record the end of a sweep in the heartbeat, and forget old violations."""
        now = self._wall()
        seconds = now - current.began
        await self._beats.write_heartbeat(
            partition, self._clock.wall.time(), cases=current.cases, seconds=seconds, open=current.open
        )
        for known in (self._memory.suspected, self._memory.told):
            for name in [name for name, seen in known.items() if now - seen > TOLD_SECONDS]:
                del known[name]


def _entry(finding: InvariantViolation, at: datetime) -> AuditEntry:
    act = f"audit-{finding.kind.replace('_', '-')}"
    what = "repaired" if is_repairable(finding) else "not repaired: it needs a person"
    return AuditEntry(at=at, by=AUDITOR, act=act, on=finding.case, reason=f"{finding.words}; {what}")
