"""A partition's store built anew: by one of those who try, whole, each number once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.identity.identifiers import new_resident_id
from schemas.casework.cases import Case
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import key
from streams.state.store_update import PartitionRules, StoreUpdate
from tests.dispatched import NOW, case_of, dispatch_for
from tests.tools.field.faults.rebuild import run
from tests.tools.servers.redis import RedisServer

PARTITION, DATABASE = 0, 6


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    """An empty Redis of this file's own."""
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as client:
        await client.flushdb()
        yield client


def new_case(number: int) -> Case:
    return case_of(dispatch_for(new_resident_id(number.to_bytes(10))))


def storing(case: Case) -> StoreUpdate:
    change = StoreUpdate()
    change.case(None, case)
    change.applied(f"input-{case.id}", NOW - timedelta(minutes=1))
    return change


async def rebuilt(store: CaseStore, mark: str, changes: list[StoreUpdate], offset: int, end: int) -> bool:
    steps = store.steps(PARTITION, mark)
    return await steps.write(changes) and await steps.finish(offset, end)


async def cases(redis: Any) -> int:  # noqa: ANN401 - as redis-py has it
    return int(await redis.hlen(key("cases", PARTITION)))


async def test_of_two_who_rebuild_at_once_one_finishes_and_nothing_is_mixed(redis: Any) -> None:  # noqa: ANN401
    one, other = CaseStore(redis), CaseStore(redis)
    changes = [storing(new_case(number)) for number in (1, 2, 3)]
    first = await one.begin_rebuild(PARTITION)
    assert first is not None
    await one.commit(PARTITION, first, None, storing(new_case(9)))
    second = await other.begin_rebuild(PARTITION)
    assert second is not None
    assert not await rebuilt(one, first, [storing(new_case(1))], 7, 8)
    assert await rebuilt(other, second, changes, 7, 8)
    assert await cases(redis) == 3
    assert (await one.sums("ledger", [PARTITION]))["cases"] == 3
    assert await one.offset(PARTITION) == 7
    assert await one.begin_rebuild(PARTITION) is None


async def test_a_store_lost_again_while_it_is_rebuilt_never_stands_half(redis: Any) -> None:  # noqa: ANN401
    store = CaseStore(redis)
    mark = await store.begin_rebuild(PARTITION)
    assert mark is not None
    await redis.flushdb()
    assert not await rebuilt(store, mark, [storing(new_case(1))], 7, 8)
    assert await store.offset(PARTITION) is None


async def test_a_change_written_twice_because_its_answer_was_lost_counts_once(redis: Any) -> None:  # noqa: ANN401
    store = CaseStore(redis)
    mark = await store.begin_rebuild(PARTITION)
    assert mark is not None
    change = storing(new_case(1)).add("HSET", 0, "rebuilding", f"{mark}/0")
    assert await store.commit(PARTITION, mark, None, change)
    assert not await store.commit(PARTITION, mark, None, change)
    assert (await store.sums("ledger", [PARTITION]))["cases"] == 1


async def test_a_rebuilt_store_says_what_it_lacks_until_it_is_applied(redis: Any) -> None:  # noqa: ANN401
    store = CaseStore(redis)
    mark = await store.begin_rebuild(PARTITION)
    assert mark is not None
    assert await rebuilt(store, mark, [], 4, 7)
    assert await store.behind(PARTITION) == (4, 6)
    assert await store.commit(PARTITION, 4, 6, StoreUpdate())
    assert await store.behind(PARTITION) is None


async def test_where_a_partition_stands_is_kept_with_how_many_logs_were_lost(redis: Any) -> None:  # noqa: ANN401
    store, standing = CaseStore(redis), PartitionRules(4, "a policy", (), 2)
    mark = await store.begin_rebuild(PARTITION)
    assert mark is not None
    change = StoreUpdate()
    change.standing(standing)
    assert await rebuilt(store, mark, [change], standing.offset, 5)
    loaded = await store.load(PARTITION, [], [])
    assert loaded is not None
    assert loaded.standing == standing


def test_a_province_whose_redis_was_wiped_is_rebuilt_to_the_same_store(tmp_path: Path) -> None:
    with Embedded(tmp_path / "embedded") as embedded, RedisServer(tmp_path / "redis") as server:
        settings = embedded.settings(Settings(partitions=2)).model_copy(update={"redis": server.url})
        found = run(settings, server, cases=60, rounds=6)
    kept = ("cases", "applied", "deadlines", "queue", "settled", "ledger", "books", "counts", "awaited", "watch")
    assert all(found["members"][name] for name in kept)
    assert found["differences"] == {}
