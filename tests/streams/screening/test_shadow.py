"""A policy in shadow: scored on the same evidence, on a topic of its own, counted beside the other, told to nobody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.administration.drafts import InShadow
from schemas.casework.inputs import Alert
from streams.messaging import topics
from streams.messaging.reader import Tails, read_all
from streams.repositories.policies import Policies
from streams.runtime.clock import Clock
from streams.screening import shadow
from streams.screening.shadow import Count
from streams.state.keys import POLICIES, SHADOW_COUNTS
from tests.streams.screening.screening_line import ANNA, BERT, NOW, Line, call, running, sms


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


async def put_in_shadow(line: Line, blue: float) -> str:
    """The province's policy with another threshold for blue."""
    policies = Policies(line.settings, line.redis, line.producer)
    text = line.settings.policy.read_text("utf-8").replace("blue = -10.0", f"blue = {blue}")
    policy = await policies.publish(text)
    await policies.store_in_shadow(InShadow(policy=policy.hash, since=NOW, by="li"))
    line.screening = line.another()  # which has not looked yet
    return policy.hash


async def shadowed(line: Line) -> list[Alert]:
    found = [record.value or b"" async for record in read_all(line.settings, topics.SHADOW.name)]
    return [Alert.model_validate_json(value) for value in found]


async def test_a_stricter_policy_in_shadow_raises_less_and_changes_nothing(line: Line) -> None:
    policy = await put_in_shadow(line, blue=-7.3)
    await line.screen([call()])
    assert await line.levels() == ["blue"]
    assert await shadowed(line) == []
    await line.screen([sms(ago=9)], [call(uid="c3", ago=8)])
    assert await line.levels() == ["blue", "yellow"]
    (alert,) = await shadowed(line)
    assert (alert.resident, alert.policy, alert.danger.level) == (ANNA, policy, "yellow")
    assert await shadow.counts(line.redis, policy) == [
        Count("2026-03-01", "yellow", 1, 1),
        Count("2026-03-01", "blue", 1, 0),
    ]


async def test_what_the_policy_in_shadow_has_told_it_does_not_tell_again(line: Line) -> None:
    await put_in_shadow(line, blue=-11.0)
    await line.screen([sms(BERT)])
    first = await shadowed(line)
    await line.screen([sms(BERT, uid="s2", ago=9)])
    line.screening = line.another()
    await line.screen([sms(BERT, uid="s3", ago=8)])
    levels = [alert.danger.level for alert in await shadowed(line)]
    assert len(first) == 1
    assert len(levels) == len(set(levels)), "each level once"


async def test_without_a_policy_in_shadow_nothing_is_written(line: Line) -> None:
    await line.screen([call()])
    assert await shadowed(line) == []


async def test_a_policy_that_is_nowhere_to_be_found_holds_nothing_up(line: Line) -> None:
    policies = Policies(line.settings, line.redis, line.producer)
    await policies.store_in_shadow(InShadow(policy="0" * 16, since=NOW, by="li"))
    await line.screen([call()])
    assert await line.levels() == ["blue"]


async def test_a_policy_that_this_version_cannot_read_holds_nothing_up(line: Line) -> None:
    policies = Policies(line.settings, line.redis, line.producer)
    await line.redis.hset(POLICIES, "1" * 16, "[of_a_later_version]")
    await policies.store_in_shadow(InShadow(policy="1" * 16, since=NOW, by="li"))
    await line.screen([call()])
    assert await line.levels() == ["blue"]


class CountingPolicies(Policies):
    """Counts how often the topic is read for a policy that Redis lacks."""

    reads = 0

    async def restore(self, since: Tails | None = None) -> None:
        self.reads += 1
        await super().restore(since)


async def test_a_lost_policy_is_not_looked_for_on_the_topic_each_second_and_another_one_at_once(line: Line) -> None:
    policies = CountingPolicies(line.settings, line.redis, line.producer)
    looking = shadow.Shadow(line.redis, line.producer, policies, Clock.starting(1, NOW), line.settings.partitions)
    await policies.store_in_shadow(InShadow(policy="0" * 16, since=NOW, by="li"))
    for _ in range(3):  # a look of each second
        assert await looking._read() is None
    assert policies.reads == 1
    policy = await put_in_shadow(line, blue=-8.0)
    rules = await looking._read()
    assert rules is not None
    assert rules.policy == policy


async def test_which_policy_is_in_shadow_outlives_redis(line: Line) -> None:
    policy = await put_in_shadow(line, blue=-8.0)
    await line.redis.flushdb()
    policies = Policies(line.settings, line.redis, line.producer)
    await policies.restore()
    standing = await policies.in_shadow()
    assert standing is not None
    assert standing.policy == policy
    assert policy in await policies.known()


async def test_of_a_day_the_gravest_level_is_told_first(line: Line) -> None:
    for level in ("yellow", "red", "blue", "orange"):
        await line.redis.hset(SHADOW_COUNTS, f"p|2026-03-01|{level}|{shadow.LIVE}", 1)
    assert [count.level for count in await shadow.counts(line.redis, "p")] == ["red", "orange", "yellow", "blue"]
