"""The policy breaker: counts the cases that a policy on trial raises, and reverts to the last good policy if too many.

The counts (`raised:{p}`, by policy and minute) are written with the cases and rebuilt with them. The decisions are in
topics: the policy change and the hold in every partition's inputs, the policy in force on `policies`, the act on
`audit`. If interrupted, it repeats them: the inputs have the same ids.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from domain.ids import short_hash
from domain.policy import trial
from domain.policy.breaker_rules import LOOKS_BACK, MINUTE, BreakerRules
from domain.wording.codes import in_language
from schemas.administration.audit import AuditEntry
from schemas.casework.inputs import HoldChange, PolicyChange
from schemas.casework.policies import InForce
from schemas.codes.plan import BreakerCode
from streams.messaging import case_inputs
from streams.messaging.producer import Producer
from streams.repositories.policies import Policies
from streams.runtime import metrics
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security import audit
from streams.state import locks
from streams.state.keys import BREAKER_FORGETTING, BREAKER_LOOKING, key
from streams.state.store_update import minute_of

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
FORGET_MS = 600_000


class Breaker:
    """Watches the policy in force, and puts the last good one back if it raises too many cases. Each worker has one;
    they check in turn, one at a time.
    """

    def __init__(
        self, settings: Settings, redis: "Redis", producer: Producer, policies: Policies, clock: Clock
    ) -> None:
        self._partitions = range(settings.partitions)
        self._redis: Any = redis
        self._producer, self._policies, self._clock = producer, policies, clock
        self._usual: tuple[InForce, list[int]] | None = None  # the usual counts before this policy: they do not change

    async def check(self) -> None:
        """If the policy in force raises too many cases, put the last good policy back and hold its cases below red.

        Does nothing if another worker has just checked, or the policy is no longer on trial. Raises UnknownPolicyError
        if the text of the last good policy is stored nowhere, and PolicyError if this version cannot read it.
        """
        if not await locks.take(self._redis, BREAKER_LOOKING, round(LOOK_SECONDS * 900)):
            return
        await self._drop_old_minutes()
        standing, now = await self._policies.in_force(), self._clock.now()
        _show(standing, now)
        rules = (await self._policies.get(standing.good)).breaker if standing else None
        if standing is None or rules is None or not trial.on_trial(standing, rules, now):
            return
        why = trial.reason_to_stop(await self._before(standing, rules), await self._since(standing, rules, now), rules)
        if why:
            await self._trip(standing, rules, why, now)

    async def _trip(self, standing: InForce, rules: BreakerRules, why: BreakerCode, now: datetime) -> None:
        words = in_language("en").sentence(why)
        hold = trial.hold_of(standing, words, rules, now)
        name = short_hash("breaker", standing.policy, standing.since.isoformat())
        back = PolicyChange(id=f"policy:{name}", at=now, policy=standing.good, by=trial.BY, reason=words)
        held = HoldChange(id=f"hold:{name}", at=now, hold=hold)
        for change in (held, back):  # the hold first: cases raised by the next input then belong to the bad policy
            await self._producer.send_all(case_inputs.to_all(change, self._partitions))
        entry = AuditEntry(at=now, by=trial.BY, act="policy-stopped", on=standing.policy, reason=words)
        await audit.write(self._producer, [entry])
        await self._policies.stand(trial.tripped(standing, hold, why, now))
        metrics.POLICIES_STOPPED.inc()
        log.error(
            "policy %s was stopped: %s. Policy %s is in force again; cases below red that it raised are held by %s. "
            "Look at `quanzu policy status`",
            standing.policy,
            words,
            standing.good,
            hold.id,
        )

    async def _before(self, standing: InForce, rules: BreakerRules) -> list[int]:
        """Return the cases raised in each minute under the previous policy, from the first minute that has any."""
        if self._usual is None or self._usual[0] != standing:
            end = minute_of(standing.since)
            counted = await self._counted(standing.good, range(end - rules.learn // MINUTE, end))
            first = next((n for n, count in enumerate(counted) if count), len(counted))
            self._usual = standing, counted[first:]
        return self._usual[1]

    async def _since(self, standing: InForce, rules: BreakerRules, now: datetime) -> list[int]:
        end = minute_of(now) + 1
        return await self._counted(
            standing.policy, range(max(minute_of(standing.since), end - rules.steady // MINUTE), end)
        )

    async def _counted(self, policy: str, minutes: Iterable[int]) -> list[int]:
        """Return the number of cases that a policy raised in each of these minutes, over all partitions."""
        fields = [f"{policy}|{minute}" for minute in minutes]
        if not fields:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in self._partitions:
                pipe.hmget(key("raised", partition), fields)
            parts = await pipe.execute()
        return [sum(int(count or 0) for count in counts) for counts in zip(*parts, strict=True)]

    async def _drop_old_minutes(self) -> None:
        """Delete counts of minutes that are no longer needed."""
        if not await locks.take(self._redis, BREAKER_FORGETTING, FORGET_MS):
            return
        oldest = minute_of(self._clock.now() - LOOKS_BACK)
        for partition in self._partitions:
            names = await self._redis.hkeys(key("raised", partition))
            if old := [name for name in names if int(name.rpartition(b"|")[2]) < oldest]:
                await self._redis.hdel(key("raised", partition), *old)


def _show(standing: InForce | None, now: datetime) -> None:
    stopped = standing.stopped.values() if standing else ()
    metrics.POLICY_HOLDS.set(sum(stop.until > now for stop in stopped))
