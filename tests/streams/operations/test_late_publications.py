"""Somebody gave up putting a policy in force, and Kafka gets the inputs of that after those of a later publication."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.policy import digest_of
from schemas.casework.inputs import PolicyChange, input_adapter
from schemas.casework.policies import InForce
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging import producer as messaging
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.operations import rules
from streams.runtime.settings import Settings
from streams.state import locks
from streams.state.shared_state import Shared
from tests.channel_rig import until

DATABASE = 11  # of Redis: this file's own


class Persons:
    """Two persons who publish policies, each by a process of their own. The way of the first one's inputs to Kafka is
    cut until `healed`.
    """

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.first, self.second = (Installation(settings, ChannelSettings()) for _ in range(2))
        self.settings, self._patch = settings, monkeypatch
        self._healed, self._begin = asyncio.Event(), self.first.producer._begin
        self._given: list[asyncio.Future[object]] = []
        monkeypatch.setattr(self.first.producer, "_begin", self._cut)

    async def gives_up(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        """The first person's work ends in a lock's timeout."""
        self._patch.setattr(locks, "WRITE_SECONDS", 4.0)
        with pytest.raises(TimeoutError):
            await work
        self._patch.setattr(locks, "WRITE_SECONDS", 8.0)

    async def heal(self) -> None:
        """Wait until Kafka has all records, and no work follows them any more."""
        self._healed.set()
        await asyncio.gather(*self._given)
        await until(lambda: not self.first.producer._following_up)

    async def in_partitions(self) -> set[str]:
        """The policies by which the partitions decide: those of their last inputs with an id that is new."""
        last, known = dict[int, str](), set[tuple[int, str]]()
        async for each in read_all(self.settings, topics.CASE_INPUTS.name):
            given = input_adapter.validate_json(each.value or b"")
            if isinstance(given, PolicyChange) and (each.partition, given.id) not in known:
                known.add((each.partition, given.id))
                last[each.partition] = given.policy
        return set(last.values())

    async def _cut(self, record: Record) -> asyncio.Future[object]:
        if record.topic != topics.CASE_INPUTS.name:
            return await self._begin(record)
        self._given.append(asyncio.ensure_future(self._later(record)))
        return asyncio.shield(self._given[-1])  # as aiokafka: it keeps the record, though nobody waits

    async def _later(self, record: Record) -> object:
        await self._healed.wait()
        return await (await self._begin(record))


@pytest.fixture
async def persons(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Persons]:
    monkeypatch.setattr(messaging, "AGAIN_SECONDS", 0.1)
    topics.create(settings)
    own = settings.model_copy(update={"redis": f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}"})
    both = Persons(own, monkeypatch)
    await both.first.redis.flushdb()
    await Shared(own, both.first.redis, [], lease_seconds=1).ensure()
    for line in (both.first, both.second):
        await line.producer.start()
    yield both
    await both.heal()
    for line in (both.first, both.second):
        await line.close()


async def test_a_publication_that_gave_up_undoes_no_later_one(persons: Persons) -> None:
    text = persons.settings.policy.read_text("utf-8")
    await persons.gives_up(rules.publish(persons.first, f"{text}\n# first\n", "li"))
    published = await rules.publish(persons.second, f"{text}\n# second\n", "wang")
    await persons.heal()
    standing = await persons.second.policies.in_force()
    assert standing is not None
    assert standing.policy == published == digest_of(f"{text}\n# second\n")
    assert await persons.in_partitions() == {published}


async def test_a_change_that_gave_up_before_its_record_was_written_is_not_undone(persons: Persons) -> None:
    """The breaker writes the inputs first, and repeats them under the same ids: what undid them would stay in force."""
    line = persons.first
    bad = await rules.publish(persons.second, f"{persons.settings.policy.read_text('utf-8')}\n# bad\n", "li")
    good = (await line.policies.default()).hash
    standing = await line.policies.in_force()
    assert standing is not None
    assert standing.policy == bad

    async def trips(standing: InForce) -> None:
        async with line.policies.changing_in_force("the breaker"):
            change = PolicyChange(id="policy:tripped", at=line.clock.now(), policy=good, by="breaker")
            await line.policies.tell(change, standing)

    await persons.gives_up(trips(standing))
    await persons.heal()
    assert await persons.in_partitions() == {good}
