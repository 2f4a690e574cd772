"""Holds: only one that is in force can be lifted. Experiments: a stop reaches every partition, with its reason."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import tomlkit

from domain.policy import digest_of
from domain.policy.experiments.stop_text import with_stop
from schemas.casework.inputs import PolicyChange, input_adapter
from schemas.casework.policies import InForce, Stopped
from schemas.codes.plan import TooManyInMinute
from schemas.errors import UserError
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.operations import rules
from streams.runtime.settings import Settings
from streams.state.keys import key
from streams.state.shared_state import Shared
from tests.domain import builders
from tests.domain.experiments.plans import approval, fields

DATABASE = 11  # of Redis: this file's own
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def line(settings: Settings) -> AsyncIterator[Installation]:
    topics.create(settings)
    own = settings.model_copy(update={"redis": f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}"})
    line = Installation(own, ChannelSettings())
    await line.redis.flushdb()
    await Shared(own, line.redis, [], lease_seconds=1).ensure()  # else it is filled with what earlier tests published
    await line.producer.start()
    yield line
    await line.close()


async def test_a_hold_that_has_ended_cannot_be_lifted(line: Installation) -> None:
    now = line.clock.now()
    for name, until in (("ended", now - MINUTE), ("standing", now + MINUTE)):
        await line.redis.hset(key("holds", 0), name, builders.hold(name, until).model_dump_json())
    assert [hold.id for hold in await rules.holds_in_force(line)] == ["standing"]
    await rules.lift(line, "standing", "li", "the gateway is back", "release")
    with pytest.raises(UserError, match="no hold 'ended' is in force"):
        await rules.lift(line, "ended", "li", "the gateway is back", "drop")


def _with_experiments(line: Installation, *names: str) -> str:
    """The province's policy with experiments that have been running for 40 days, each about another level."""
    now = line.clock.now()
    before = {"on": (now - timedelta(days=90)).date()}
    plans = {
        name: fields(
            starts=(now - timedelta(days=40)).isoformat(),
            ends=(now + timedelta(days=60)).isoformat(),
            registered_on=before["on"],
            ethics=approval() | before,
            waiver=approval() | before,
            levels=[level],
        )
        for name, level in zip(names, ("yellow", "blue"), strict=False)
    }
    return line.settings.policy.read_text("utf-8") + tomlkit.dumps({"experiments": plans})


async def _changes(line: Installation, policy: str) -> list[PolicyChange]:
    """The inputs that put this policy in force, of all partitions."""
    read = read_all(line.settings, topics.CASE_INPUTS.name)
    found = [input_adapter.validate_json(each.value or b"") async for each in read if each.key == b"rules"]
    return [each for each in found if isinstance(each, PolicyChange) and each.policy == policy]


async def test_the_reason_of_a_stop_is_in_the_new_policys_input_and_audit_entry(line: Installation) -> None:
    await rules.publish(line, _with_experiments(line, "wording"), "li", others=["wang"])
    policy = await rules.stop_experiment(line, "wording", "li", "the ethics board asked for it")
    assert {each.reason for each in await _changes(line, policy)} == {"the ethics board asked for it"}
    audited = [each.value or b"" async for each in read_all(line.settings, topics.AUDIT.name)]
    (entry,) = [value for value in audited if policy.encode() in value]
    assert b"the ethics board asked for it" in entry


async def test_of_two_experiments_that_are_stopped_at_once_neither_goes_on(line: Installation) -> None:
    await rules.publish(line, _with_experiments(line, "one", "two"), "li", others=["wang"])
    await asyncio.gather(*(rules.stop_experiment(line, name, "li", "harm") for name in ("one", "two")))
    policy = await line.policies.get((await rules.standing(line)).policy)
    assert {name for name, plan in policy.experiments.items() if plan.stopped} == {"one", "two"}


async def test_a_stop_that_was_interrupted_reaches_the_partitions_when_it_is_sent_again(line: Installation) -> None:
    running = await rules.publish(line, _with_experiments(line, "wording"), "li", others=["wang"])
    standing = await rules.standing(line)
    policy = await line.policies.publish(with_stop(await line.policies.text(running), "wording", line.clock.now()))
    interrupted = standing.model_copy(update={"policy": policy.hash, "since": line.clock.now()})
    await line.policies.store_in_force(interrupted)  # and then the process ended
    for _ in range(2):
        with pytest.raises(rules.NotRunningError):
            await rules.stop_experiment(line, "wording", "li", "harm")
    changes = await _changes(line, policy.hash)
    assert len(changes) == 2 * line.settings.partitions
    assert len({each.id for each in changes}) == 2  # else a partition that has applied the first one ignores the second
    for partition in range(line.settings.partitions):
        await line.redis.hset(key("state", partition), "policy", policy.hash)
    with pytest.raises(rules.NotRunningError):
        await rules.stop_experiment(line, "wording", "li", "harm")
    assert len(await _changes(line, policy.hash)) == len(changes)


async def test_a_policy_that_was_stopped_stays_stopped_while_redis_is_filled_again(line: Installation) -> None:
    bad = line.settings.policy.read_text("utf-8") + "\n# bad\n"
    good, now = (await line.policies.default()).hash, line.clock.now()
    stop = Stopped(at=now, reason=TooManyInMinute(71, 7.0), hold="b1", until=now + timedelta(hours=1))
    await line.policies.store_in_force(
        InForce(policy=good, good=good, since=now, by="breaker", stopped={digest_of(bad): stop})
    )
    await line.redis.flushdb()  # a worker fills it again, the register first
    with pytest.raises(UserError, match="was stopped"):
        await rules.publish(line, bad, "li")
    standing = await rules.standing(line)
    assert set(standing.stopped) == {digest_of(bad)}
