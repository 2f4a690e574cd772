"""The policy breaker: counts the cases that a policy on trial raises, and reverts to the last good policy if too many.

The counts (`raised:{p}`, by policy and minute) are written with the cases and rebuilt with them. The decisions are in
topics: the policy change and the hold in every partition's inputs, the policy in force on `policies`, the act on
`audit`. If interrupted, it repeats them: the inputs have the same ids.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from domain.ids import short_hash
from domain.policy import Policy, PolicyError, trial
from domain.policy.breaker_rules import LOOKS_BACK, MINUTE, BreakerRules
from domain.policy.experiments.publishing import same_but_for_stops, with_stops_of
from domain.policy.experiments.stop_text import UnstoppableError
from domain.wording.codes import in_language
from schemas.administration.audit import AuditEntry
from schemas.casework.inputs import HoldChange, PolicyChange
from schemas.casework.policies import InForce
from schemas.codes.plan import BreakerCode
from streams.messaging import case_inputs
from streams.messaging.producer import Producer
from streams.repositories.policies import Policies, UnknownPolicyError
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
    """Watches the policy in force, and reverts to the last good policy if it raises too many cases.

    Every worker has a breaker; a short lease in Redis lets only one of them check at a time.
    """

    def __init__(
        self, settings: Settings, redis: "Redis", producer: Producer, policies: Policies, clock: Clock
    ) -> None:
        self._partitions = range(settings.partitions)
        self._redis: Any = redis
        self._producer, self._policies, self._clock = producer, policies, clock
        self._usual: tuple[InForce, list[int]] | None = None  # the usual counts before this policy: they do not change

    async def check(self) -> None:
        """If the policy in force raises too many cases, put the last good policy in force again, and hold the cases
        below red that the stopped one raised.

        Both are written as case inputs for every partition, and the act to the audit topic. Does nothing if a worker
        has checked in the last 0.45 s, or if the policy is not on trial: it is the last good one, a person has put it
        in force again, or the time in which a new policy is watched is over. Raises UnknownPolicyError if the text of
        the last good policy is stored nowhere, PolicyError if this version cannot read it, SendError, and LockBusyError
        (a TimeoutError) if the stop takes over 8 s. Errors of Redis pass through.
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
        if why is None:
            return
        async with self._policies.changing_in_force("the policy breaker"):
            if await self._policies.in_force() == standing:  # else a person was first: judged at the next look
                await self._trip(standing, rules, why, now)

    async def _trip(self, standing: InForce, rules: BreakerRules, why: BreakerCode, now: datetime) -> None:
        words = in_language("en").sentence(why)
        hold = trial.hold_of(standing, words, rules, now)
        name = short_hash("breaker", standing.policy, standing.since.isoformat())
        good = await self._restored(standing)
        back = PolicyChange(id=f"policy:{name}", at=now, policy=good, by=trial.BY, reason=words)
        held = HoldChange(id=f"hold:{name}", at=now, hold=hold)
        # The hold first: cases raised by the next input then belong to the bad policy.
        await self._producer.send_all(case_inputs.to_all(held, self._partitions))
        await self._policies.tell(back, standing)
        entry = AuditEntry(at=now, by=trial.BY, act="policy-stopped", on=standing.policy, reason=words)
        await audit.write(self._producer, [entry])
        await self._policies.store_in_force(trial.tripped(standing, hold, why, now, good))
        metrics.POLICIES_STOPPED.inc()
        log.error(
            "policy %s was stopped: %s. Policy %s is in force again; cases below red that it raised are held by %s. "
            "Look at `quanzu policy status`",
            standing.policy,
            words,
            good,
            hold.id,
        )

    async def _restored(self, standing: InForce) -> str:
        """Return the hash of the policy to revert to: the last good one, in which every experiment that was stopped
        since is stopped too. Stores it.
        """
        if all(plan.stopped for plan in (await self._policies.get(standing.good)).experiments.values()):
            return standing.good
        since = [await self._policies.get(standing.policy), *await self._earlier(standing)]
        try:
            text = with_stops_of(await self._policies.text(standing.good), since)
        except UnstoppableError as error:
            log.error("experiment %s runs again, and no line can stop it: publish a policy without it", error)  # noqa: TRY400 - it says where
            return standing.good
        return (await self._policies.publish(text)).hash

    async def _earlier(self, standing: InForce) -> list[Policy]:
        """Return the earlier policies, the latest first, without those that this version cannot read."""
        found = []
        for name in dict.fromkeys(each.policy for each in standing.earlier):
            with suppress(PolicyError, UnknownPolicyError):
                found.append(await self._policies.get(name))
        return found

    async def _before(self, standing: InForce, rules: BreakerRules) -> list[int]:
        """Return the cases raised in each minute under the previous policy, from the first minute that has any."""
        if self._usual is None or self._usual[0] != standing:
            end = minute_of(standing.since)
            minutes = range(end - rules.learn // MINUTE, end)
            parts = [await self._counted(name, minutes) for name in await self._alike(standing)]
            counted = [sum(counts) for counts in zip(*parts, strict=True)]
            first = next((n for n, count in enumerate(counted) if count), len(counted))
            self._usual = standing, counted[first:]
        return self._usual[1]

    async def _alike(self, standing: InForce) -> list[str]:
        """Return the hashes of the last good policy and of earlier ones that lack only a stop of an experiment."""
        good = await self._policies.get(standing.good)
        if not any(plan.stopped for plan in good.experiments.values()):
            return [good.hash]
        others = [each for each in await self._earlier(standing) if same_but_for_stops(each, good)]
        return list(dict.fromkeys((good.hash, *(each.hash for each in others))))

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
