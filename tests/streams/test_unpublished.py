"""A worker dies between its commit and the journal: none of its inputs is lost, whoever goes on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.events import CaseEvent
from streams.channels.provider import Kind
from streams.keys import key
from streams.topics import home
from tests.streams.outliving import House, Worker, entered, house, somebody


class DiedError(Exception):
    """The worker's process is gone."""


@pytest.fixture
async def province(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, Kind.ASKABLE) as made:
        yield made


async def all_published(worker: Worker) -> bool:
    found = [await worker.line.redis.exists(key("outbox", n)) for n in range(worker.house.settings.partitions)]
    return not any(found)


def residents(province: House) -> tuple[list[str], str]:
    """Two residents of one partition each of whom is alerted, and a third of the same."""
    here = [name for number in range(1, 60) if home(name := somebody(number), province.settings.partitions) == 0]
    return here[:2], here[2]


async def test_a_wipe_after_another_worker_covered_loses_no_case_and_no_dispatch(province: House) -> None:
    dead, other = await province.worker(), await province.worker()
    first, later = residents(province)
    await other.line.residents.put(entered([*first, later]))
    await dead.watch()
    await alerted_by_a_dead_worker(dead, first[0])
    await other.alert(later)
    await other.line.casework.cover(0)
    await other.line.redis.flushall()
    await other.watch()
    cases = await other.cases()
    assert {first[0], later} <= cases.keys()
    assert set(await dispatched(province)) >= {first[0], later}
    assert cases == await other.folded()


async def test_a_wipe_after_the_new_owner_took_its_next_batch_loses_no_case(province: House) -> None:
    dead, other = await province.worker(), await province.worker()
    first, later = residents(province)
    await other.line.residents.put(entered([*first, later]))
    await dead.watch()
    await alerted_by_a_dead_worker(dead, first[0])
    await other.alert(later)
    await other.apply()
    await other.line.redis.flushall()
    await other.watch()
    assert {first[0], later} <= (await other.cases()).keys()
    assert set(await dispatched(province)) >= {first[0], later}


async def test_whoever_covers_publishes_the_dead_workers_outbox_and_is_told_of_its_dispatches(province: House) -> None:
    dead, other = await province.worker(), await province.worker()
    first, _ = residents(province)
    await dead.watch()
    await alerted_by_a_dead_worker(dead, first[0])
    entries = await other.line.casework.cover(0)
    assert [each.case.resident for each in entries if isinstance(each, CaseEvent)] == [first[0]]
    assert await all_published(other)
    assert await dispatched(province) == [first[0]]


async def test_a_part_of_a_commit_in_the_journal_proves_nothing_of_the_rest(province: House) -> None:
    dead, other = await province.worker(), await province.worker()
    first, _ = residents(province)
    await other.line.residents.put(entered(first))
    await dead.watch()
    for name in first:
        await dead.alert(name)
    await publishes_only_its_last_entry(dead)
    await other.line.redis.flushall()
    await other.watch()
    assert set(first) <= (await other.cases()).keys()
    assert set(await dispatched(province)) >= set(first)


async def alerted_by_a_dead_worker(dead: Worker, name: str) -> None:
    async def gone(*_: object, **__: object) -> Any:  # noqa: ANN401 - as the producer's
        raise DiedError

    await dead.alert(name)
    dead.line.producer.send_all = gone  # type: ignore[method-assign]
    with pytest.raises(DiedError):
        await dead.apply()


async def publishes_only_its_last_entry(dead: Worker) -> None:
    """Kafka takes the last of the records, and the worker dies before it can write the others again."""
    send_all = dead.line.producer.send_all

    async def last_only(records: Any) -> Any:  # noqa: ANN401 - as the producer's
        await send_all(records[-1:])
        raise DiedError

    dead.line.producer.send_all = last_only  # type: ignore[method-assign]
    with pytest.raises(DiedError):
        await dead.apply()


async def dispatched(province: House) -> list[str]:
    """The residents for whom a channel here was told to do something."""
    return sorted(name.partition("-")[0] for name in await province.dispatches())
