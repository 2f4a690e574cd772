"""A stopped experiment stays stopped when the breaker goes back to an earlier policy."""

from datetime import timedelta

import tomlkit

from domain.policy import Policy
from domain.policy.experiments.stop_text import with_stop
from schemas.casework.policies import Earlier, InForce
from streams.casework.breaker import Breaker
from streams.messaging import topics
from streams.repositories.policies import Policies
from streams.runtime.settings import Settings
from streams.state.keys import BREAKER_LOOKING, key
from streams.state.store_update import minute_of
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW
from tests.domain.experiments.plans import approval, fields


def _running(rig: Rig) -> str:
    """The province's policy with an experiment that runs."""
    before = {"on": "2026-01-01"}
    plan = fields(
        starts=(NOW - timedelta(days=40)).isoformat(),
        ends=(NOW + timedelta(days=60)).isoformat(),
        registered_on="2026-01-02",
        ethics=approval() | before,
        waiver=approval() | before,
    )
    return rig.settings.policy.read_text("utf-8") + tomlkit.dumps({"experiments": {"wording": plan}})


async def _looked(rig: Rig, policies: Policies, standing: InForce) -> InForce:
    """The policies in force after the breaker has looked at `standing`."""
    topics.create(rig.settings, [topics.AUDIT])
    await policies.store_in_force(standing)
    await rig.redis.delete(BREAKER_LOOKING)
    await Breaker(rig.settings, rig.redis, rig.producer, policies, rig.clock).check()
    found = await policies.in_force()
    assert found is not None
    return found


async def _raised(rig: Rig, policy: Policy, number: int, ago: int = 0) -> None:
    minute = minute_of(rig.clock.now()) - ago
    await rig.redis.hincrby(key("raised", 0), f"{policy.hash}|{minute}", number)


async def test_a_flood_after_a_stop_does_not_put_the_experiment_in_force_again(settings: Settings) -> None:
    async with rigged(settings) as rig:
        policies = Policies(rig.settings, rig.redis, rig.producer)
        good, now = _running(rig), rig.clock.now()
        proved, tried = await policies.publish(good), await policies.publish(f"# tried\n{good}")
        stopped = await policies.publish(with_stop(f"# tried\n{good}", "wording", now))
        await _raised(rig, stopped, 900)
        earlier = [Earlier(policy=tried.hash, since=now - timedelta(minutes=9), by="li")]
        since = now - timedelta(minutes=1)
        after = await _looked(
            rig, policies, InForce(policy=stopped.hash, good=proved.hash, since=since, by="li", earlier=earlier)
        )
        assert stopped.hash in after.stopped
        assert after.policy == after.good != proved.hash
        assert await policies.text(after.policy) == with_stop(good, "wording", now)


async def test_what_was_usual_before_a_stop_is_usual_after_it(settings: Settings) -> None:
    async with rigged(settings) as rig:
        policies = Policies(rig.settings, rig.redis, rig.producer)
        text, now = _running(rig), rig.clock.now()
        before, stopped = await policies.publish(text), await policies.publish(with_stop(text, "wording", now))
        tried = await policies.publish(with_stop(f"# tried\n{text}", "wording", now))
        for ago in range(3, 40):
            await _raised(rig, before, 20, ago)
        await _raised(rig, tried, 150)  # above ten times the least, below ten times the usual
        earlier = [Earlier(policy=each.hash, since=now - timedelta(minutes=3), by="li") for each in (stopped, before)]
        since = now - timedelta(minutes=1)
        after = await _looked(
            rig, policies, InForce(policy=tried.hash, good=stopped.hash, since=since, by="li", earlier=earlier)
        )
        assert after.policy == tried.hash
