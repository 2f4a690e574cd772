"""What a worker knows to be applied: as much as the journal proves, with few questions to Kafka."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from streams.casework.applied import AppliedInputs
from streams.channels.provider import Kind
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import Read, read_on
from streams.messaging.topics import home
from streams.runtime.settings import Settings
from streams.state.keys import key
from tests.streams.casework.outliving import House, house, image, restored, somebody
from tests.streams.messaging.first_offsets import partitions_asked

MANY = 120  # more dispatches that wait for a result than one step back from the journal's end has entries


@pytest.fixture
async def province(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, Kind.ASKABLE) as made:
        yield made


def of_partition_0(province: House, count: int) -> list[str]:
    found: list[str] = []
    number = 0
    while len(found) < count:
        number += 1
        if home(name := somebody(number), province.settings.partitions) == 0:
            found.append(name)
    return found


async def test_a_redis_that_went_back_is_noticed_though_a_rebuild_repeated_many_entries_since(
    province: House, caplog: pytest.LogCaptureFixture
) -> None:
    worker, other = await province.worker(), await province.worker()
    people = of_partition_0(province, MANY)
    await worker.watch()
    for name in people:
        await worker.alert(name)
    await worker.apply()
    before = await image(worker)
    await worker.alert(people[0])  # known by its id: its commit has no dispatch that could be repeated
    await worker.apply()
    await worker.line.redis.flushall()
    await other.watch()  # builds the store anew, and publishes all entries that wait for a result once more
    await restored(worker, before)
    newcomer = await province.worker()
    await newcomer.watch()
    assert "Redis went back" in caplog.text
    assert await newcomer.line.redis.hget(key("state", 0), "offset") == str(MANY).encode()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What Kafka is asked for, by what it is asked: where topics begin and end, and for records."""
    found: Counter[str] = Counter()

    def counting(name: str) -> None:
        real = getattr(AIOKafkaConsumer, name)

        async def counted(self: AIOKafkaConsumer, *given: object, **options: object) -> object:
            found[name] += 1
            return await real(self, *given, **options)

        monkeypatch.setattr(AIOKafkaConsumer, name, counted)

    for name in ("beginning_offsets", "end_offsets", "getmany"):
        counting(name)
    return found


async def test_a_look_asks_kafka_once_for_all_partitions_of_which_nothing_is_new(
    province: House, asked: Counter[str]
) -> None:
    worker = await province.worker()
    await worker.watch()
    await worker.alert(of_partition_0(province, 1)[0])
    await worker.apply()
    applied = AppliedInputs(province.settings, worker.line.store)
    await applied.read_journals([0, 1])
    assert (applied.last(0), applied.last(1)) == (0, -1)
    asked.clear()
    await applied.read_journals([0, 1])
    assert (asked["end_offsets"], asked["beginning_offsets"]) == (1, 0)
    await applied.read_journals([0, 1], within=60)
    assert asked["end_offsets"] == 1, "this look is still good"


async def test_a_partition_that_is_built_anew_asks_kafka_only_where_it_begins_itself(
    province: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await province.worker()
    await worker.watch()
    await worker.alert(of_partition_0(province, 1)[0])
    await worker.apply()
    await worker.line.redis.flushall()
    asked = partitions_asked(monkeypatch)
    await worker.stages.casework.recovery.restore(0)
    assert (asked["case-events"], asked["case-inputs"]) == ({1}, {1})


async def test_a_look_reads_what_was_committed_since_by_others(province: House) -> None:
    worker, people = await province.worker(), of_partition_0(province, 3)
    await worker.watch()
    applied = AppliedInputs(province.settings, worker.line.store)
    for number, name in enumerate(people):
        await worker.alert(name)
        await worker.apply()
        await applied.read_journals([0])
        assert applied.last(0) == number


async def test_a_store_that_lacks_a_commit_of_the_journal_is_not_current(province: House) -> None:
    worker = await province.worker()
    await worker.watch()
    redis, applied = worker.line.redis, AppliedInputs(province.settings, worker.line.store)
    assert await applied.is_current(0)
    image = await redis.hgetall(key("state", 0))
    await worker.alert(of_partition_0(province, 1)[0])
    await worker.apply()
    await applied.read_journals([0])
    assert await applied.is_current(0)
    await redis.hset(key("state", 0), mapping=image)
    assert not await applied.is_current(0), "it is as it was before the commit"
    await redis.delete(key("state", 0))
    assert not await applied.is_current(0), "it is lost"


def noted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the first journal offset of each later read by `AppliedInputs`."""
    begun: list[int] = []

    def noting(settings: Settings, topic: str, partition: int, first: int) -> AsyncGenerator[Read, None]:
        begun.append(first)
        return read_on(settings, topic, partition, first)

    monkeypatch.setattr("streams.casework.applied.read_on", noting)
    return begun


async def test_a_worker_does_not_read_what_it_has_published_itself(
    province: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.casework.upkeep.LOOK_SECONDS", 0.0)  # it looks before each commit
    worker, people = await province.worker(), of_partition_0(province, 3)
    await worker.watch()
    begun = noted(monkeypatch)
    for name in people:
        await worker.alert(name)
        await worker.apply()
    assert begun == []


async def test_a_worker_that_finds_its_commit_made_by_another_sends_it_once(province: House) -> None:
    frozen, other = await province.worker(), await province.worker()
    name = of_partition_0(province, 1)[0]
    await frozen.watch()
    before = await image(frozen)
    await frozen.alert(name)
    await other.stages.casework.upkeep.cover(0)  # it stands in for the frozen one, and carries the dispatches out
    await other.carry()
    carried = province.provider.book.copy()
    assert set(carried.values()) == {1}
    await restored(frozen, before)
    await frozen.apply()
    unsure = await frozen.line.redis.smembers(key("unsure", 0))
    assert {each.decode() for each in unsure} >= carried.keys()


async def test_a_look_begins_where_the_store_says_that_it_was(province: House, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, people = await province.worker(), of_partition_0(province, 4)
    await worker.watch()
    for name in people:
        await worker.alert(name)
        await worker.apply()
    begun = noted(monkeypatch)
    applied = AppliedInputs(province.settings, worker.line.store)
    await applied.read_journals([0])
    assert applied.last(0) == 3
    ends = await end_offsets(province.settings, topics.CASE_EVENTS.name)
    assert begun == [ends[0] - 1], "the last commit's entry alone may be unknown to the store"


async def test_a_lost_store_proves_nothing_until_it_is_rebuilt(province: House) -> None:
    worker = await province.worker()
    await worker.watch()
    await worker.alert(of_partition_0(province, 1)[0])
    await worker.apply()
    applied = AppliedInputs(province.settings, worker.line.store)
    await worker.line.redis.flushall()
    await applied.read_journals([0])
    assert applied.last(0) is None
    await worker.watch()
    await applied.read_journals([0])
    assert applied.last(0) == 0
