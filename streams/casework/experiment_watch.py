"""Reads the journal for the experiments in the policy in force, stores what their outcomes show, and stops one that
does harm.

A reading is computed from the journal alone, so it may be lost with Redis. A stop is a new version of the policy, in
which only `stopped_at` is added: it is on the topics `policies`, `case-inputs` and `audit`, as any change of policy.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from domain.experiments.outcomes import Observed, final, observed_in
from domain.experiments.reading import read_experiment
from domain.experiments.stopping import must_stop
from domain.ids import short_hash
from domain.policy import Policy, trial
from domain.policy.experiments.plan import ExperimentPlan
from domain.policy.experiments.stop_text import UnstoppableError, with_stop
from schemas.administration.audit import AuditEntry
from schemas.administration.experiments import ExperimentReading
from schemas.base import ANY_VERSION
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import PolicyChange
from schemas.casework.policies import InForce
from streams.casework.journal import read_entry
from streams.messaging import topics
from streams.messaging.producer import Producer
from streams.messaging.reader import read_on
from streams.repositories.policies import Policies
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security import audit
from streams.state import locks
from streams.state.keys import EXPERIMENT_READINGS, EXPERIMENTS_READING

log = logging.getLogger(__name__)

BY = "experiments"  # who stops an experiment that does harm, in the audit
LOOK_SECONDS = 60.0
READ_MS = 3_600_000  # between two readings, of all workers together: outcomes take three days
_ASSIGNED = b'"experiments":{"'  # in an entry about a case that has an arm


@dataclass(slots=True)
class _Seen:
    """A case of an experiment. `version`: the latest read; `revisions`: what was known of its outcome since when."""

    version: int = 0
    revisions: list[tuple[datetime, Observed]] = field(default_factory=list)


class AssignedCases:
    """The cases in the journal that were assigned to an arm of an experiment, with the money that left the residents'
    accounts since then, and when the journal had it. Each reading begins where the last one ended.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._next = dict.fromkeys(range(settings.partitions), 0)
        self._known: dict[str, dict[str, _Seen]] = {}  # experiment -> case

    async def update(self) -> None:
        """Read the journal of every partition from where the last call stopped to its end, and remember the assigned
        cases in it. Invalid entries are skipped. Raises CodecError if this process cannot decrypt it; errors of Kafka
        pass through.
        """
        for partition, first in self._next.items():
            async for record in read_on(self._settings, topics.CASE_EVENTS.name, partition, first):
                self._next[partition] = record.offset + 1
                if record.value and _ASSIGNED in record.value:
                    self._take(read_entry(record.offset, record.value))

    def of(self, name: str, plan: ExperimentPlan) -> list[Observed]:
        """Return the assignment of each case of the experiment `name` with what was known of its outcome when that
        became final by the plan, or is known so far; in the order in which the journal first names them. An empty list
        if no case was read. Reads only what `update` has remembered.
        """
        return [final(plan, seen.revisions) for seen in self._known.get(name, {}).values()]

    def _take(self, entry: object) -> None:
        if not isinstance(entry, CaseEvent):
            return
        case = entry.case
        for name in case.experiments:
            seen = self._known.setdefault(name, {}).setdefault(case.id, _Seen())
            observed = observed_in(case, name)
            if observed and seen.version < case.version:
                seen.version = case.version
                if not seen.revisions or seen.revisions[-1][1] != observed:
                    seen.revisions.append((entry.at, observed))


class ExperimentWatch:
    """Evaluates the experiments in the policy in force, and stops those in which an arm does harm. Every worker has
    one; a lease in Redis lets only one of them evaluate, at most once an hour.
    """

    def __init__(
        self, settings: Settings, redis: "Redis", producer: Producer, policies: Policies, clock: Clock
    ) -> None:
        self._policies, self._producer, self._clock = policies, producer, clock
        self._redis: Any = redis
        self._cases = AssignedCases(settings)
        self._unfinished = False  # this worker has taken the lease, and has not evaluated yet

    async def check(self) -> None:
        """Do what `read` does, unless a worker has begun to do so in the last hour. If `read` failed, the next call of
        this worker repeats it, but no other worker does so in this hour. Does nothing if the policy has no experiment.
        Raises the errors of `read`, and OSError if the settings' policy file is needed and cannot be read.
        """
        policy = await self._policies.live()
        if policy.experiments and (self._unfinished or await locks.take(self._redis, EXPERIMENTS_READING, READ_MS)):
            self._unfinished = True
            await self.read()
            self._unfinished = False

    async def read(self) -> list[ExperimentReading]:
        """Evaluate the running experiments of the policy in force from the journal, store the results in Redis, stop
        the experiments in which an arm does harm, and return the results, in the policy's order; an empty list if none
        is running.

        To stop one publishes a version of the policy in which the experiment is stopped, and writes it to the topics
        case-inputs and audit. An experiment is evaluated from its start until its last outcome is complete; its last
        result stays stored. One whose assignments do not fit its plan is logged and left out. Raises UnknownPolicyError
        if the policy in force is stored nowhere, PolicyError if this version cannot read it, CodecError if the journal
        cannot be decrypted, SendError, and LockBusyError (a TimeoutError) if a stop takes over 8 s. Errors of Redis and
        Kafka pass through.
        """
        policy, now = await self._policies.live(), self._clock.now()
        await self._cases.update()
        found = []
        for name, plan in policy.experiments.items():
            if (reading := await self._reading(name, plan, policy, now)) is not None:
                await self._redis.hset(EXPERIMENT_READINGS, name, reading.model_dump_json())
                found.append(reading)
                if not plan.stopped and must_stop([each.finding for each in reading.contrasts]):
                    await self._stop(name, now)
        return found

    async def _reading(
        self, name: str, plan: ExperimentPlan, policy: Policy, now: datetime
    ) -> ExperimentReading | None:
        if now < plan.starts or now > plan.complete_at + plan.final_after:
            return None
        try:
            # in a thread: the sequences of a long experiment take seconds, and Kafka waits for heartbeats meanwhile
            return await asyncio.to_thread(read_experiment, name, plan, self._cases.of(name, plan), policy.hash, now)
        except ValueError:
            log.exception(
                "experiment %s cannot be read: its assignments do not fit its plan. Stop it, and register anew", name
            )
            return None

    async def _stop(self, name: str, now: datetime) -> None:
        async with self._policies.changing_in_force("the harm rule of an experiment"):
            await self._put_stop_in_force(name, now)

    async def _put_stop_in_force(self, name: str, now: datetime) -> None:
        standing = await self._standing()
        try:
            text = with_stop(await self._policies.text(standing.policy), name, now)
        except UnstoppableError:
            log.exception("experiment %s does harm, and its table cannot be stopped: publish a policy without it", name)
            return
        policy = await self._policies.publish(text)
        why = f"experiment {name}: harm rule"
        proved = not trial.on_trial(standing, (await self._policies.get(standing.good)).breaker, now)
        await self._policies.store_in_force(
            trial.published(standing, policy.hash, BY, now, proved=proved, only_stops=True)
        )
        change = PolicyChange(
            id=short_hash("experiment-stop", policy.hash), at=now, policy=policy.hash, by=BY, reason=why
        )
        await self._policies.tell(change, standing)
        entry = AuditEntry(at=now, by=BY, act="experiment-stopped", on=name, reason=why, detail=policy.hash)
        await audit.write(self._producer, [entry])
        log.error(
            "experiment %s was stopped by its harm rule. Policy %s is in force; see the page 对照试验",
            name,
            policy.hash,
        )

    async def _standing(self) -> InForce:
        if found := await self._policies.in_force():
            return found
        live = await self._policies.default()
        return InForce(policy=live.hash, good=live.hash, since=self._clock.now(), by="settings")


async def stored_readings(redis: "Redis") -> dict[str, ExperimentReading]:
    """Return the latest stored evaluation of each experiment, by the experiment's name; an empty dict if none is
    stored. Raises ValidationError if a stored one is invalid. Errors of Redis pass through.
    """
    client: Any = redis
    raw = await client.hgetall(EXPERIMENT_READINGS)
    return {
        name.decode(): ExperimentReading.model_validate_json(value, extra=ANY_VERSION) for name, value in raw.items()
    }
