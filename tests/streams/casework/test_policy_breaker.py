"""The breaker at work: it counts over all partitions, dies half-way and begins again, and outlives Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from domain.policy.trial import BY
from schemas.casework.inputs import HoldChange, PolicyChange, input_adapter
from schemas.casework.policies import InForce
from schemas.codes.plan import TooManyInMinute
from streams.casework.breaker import Breaker
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import read_range
from streams.repositories.policies import Policies
from streams.runtime.settings import Settings
from streams.state.keys import BREAKER_FORGETTING, BREAKER_LOOKING, key
from streams.state.store_update import minute_of
from tests.channel_rig import Rig, rigged

_versions = count(1)


@dataclass
class Trial:
    """A policy on trial, and the breaker that watches it."""

    rig: Rig
    breaker: Breaker
    policies: Policies
    good: str
    bad: str

    async def raised(self, policy: str, *counts: int, ago: int = 0) -> None:
        """So many cases raised in each partition, in the minute that is so long ago."""
        minute = minute_of(self.rig.clock.now()) - ago
        for partition, number in enumerate(counts):
            await self.rig.redis.hincrby(key("raised", partition), f"{policy}|{minute}", number)

    async def look(self) -> InForce:
        await self.rig.redis.delete(BREAKER_LOOKING)
        await self.breaker.check()
        found = await self.policies.in_force()
        assert found is not None
        return found

    async def changes(self, partition: int) -> list[str]:
        """The ids of the breaker's changes in a partition."""
        topic = topics.CASE_INPUTS.name
        end = (await end_offsets(self.rig.settings, topic))[partition]
        found = [record async for record in read_range(self.rig.settings, topic, partition, 0, end - 1)]
        given = [input_adapter.validate_json(record.value or b"") for record in found if record.key == b"rules"]
        mine = [each for each in given if isinstance(each, PolicyChange) and each.policy == self.good]
        held = [each for each in given if isinstance(each, HoldChange) and each.hold.policy == self.bad]
        return [each.id for each in (*mine, *held)]


@asynccontextmanager
async def trial(settings: Settings) -> AsyncIterator[Trial]:
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.AUDIT])
        policies = Policies(rig.settings, rig.redis, rig.producer)
        text = rig.settings.policy.read_text("utf-8")
        good = await policies.publish(f"{text}\n# good {next(_versions)}")
        bad = await policies.publish(f"{text}\n# bad {next(_versions)}")
        now = rig.clock.now()
        await policies.store_in_force(
            InForce(policy=bad.hash, good=good.hash, since=now - timedelta(minutes=1), by="li")
        )
        breaker = Breaker(rig.settings, rig.redis, rig.producer, policies, rig.clock)
        yield Trial(rig, breaker, policies, good.hash, bad.hash)


async def test_what_all_partitions_raise_together_is_too_much(settings: Settings) -> None:
    async with trial(settings) as on:
        await on.raised(on.bad, 20, 15, 15)
        assert (await on.look()).policy == on.bad
        await on.raised(on.bad, 0, 0, 0, 1)
        after = await on.look()
        assert (after.policy, after.by) == (on.good, BY)
        assert after.stopped[on.bad].reason == TooManyInMinute(51, 5.0)


async def test_what_another_policy_raises_counts_for_nothing(settings: Settings) -> None:
    async with trial(settings) as on:
        await on.raised(on.good, 500)
        assert (await on.look()).policy == on.bad


async def test_what_was_usual_before_is_learnt(settings: Settings) -> None:
    async with trial(settings) as on:
        for ago in range(2, 40):
            await on.raised(on.good, 4, 5, ago=ago)
        await on.raised(on.bad, 90)
        assert (await on.look()).policy == on.bad
        await on.raised(on.bad, 1)
        assert (await on.look()).stopped[on.bad].reason == TooManyInMinute(91, 9.0)


async def test_dying_half_way_it_begins_again_with_the_same_inputs(settings: Settings) -> None:
    async with trial(settings) as on:
        before = await on.policies.in_force()
        assert before is not None
        await on.raised(on.bad, 60)
        await on.look()
        first = await on.changes(0)
        await on.policies.store_in_force(before)  # as if it had died before this was written
        await on.look()
        again = await on.changes(0)
        assert (len(first), len(again)) == (2, 4), "a change of policy and a hold, and both once more"
        assert set(again) == set(first)


async def test_of_two_workers_one_looks(settings: Settings) -> None:
    async with trial(settings) as on:
        await on.raised(on.bad, 60)
        await on.rig.redis.set(BREAKER_LOOKING, 1)
        await on.breaker.check()
        found = await on.policies.in_force()
        assert found is not None
        assert found.policy == on.bad


async def test_what_was_stopped_outlives_redis(settings: Settings) -> None:
    async with trial(settings) as on:
        await on.raised(on.bad, 60)
        stopped = await on.look()
        await on.rig.redis.flushdb()
        assert await on.policies.in_force() is None
        await on.policies.restore()
        assert await on.policies.in_force() == stopped


async def test_minutes_that_nobody_asks_for_are_forgotten(settings: Settings) -> None:
    async with trial(settings) as on:
        await on.raised(on.good, 1, 1, ago=5 * 24 * 60)
        await on.raised(on.good, 1, ago=10)
        await on.rig.redis.delete(BREAKER_FORGETTING)
        await on.look()
        assert [await on.rig.redis.hlen(key("raised", partition)) for partition in (0, 1)] == [1, 0]
