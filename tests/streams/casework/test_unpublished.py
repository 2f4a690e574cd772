"""A worker dies between its commit and the journal: none of its inputs is lost, whoever goes on."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.casework.draft import Decision
from schemas.casework.events import CaseEvent
from streams.casework import journal
from streams.channels.provider import Kind
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.messaging.topics import CASE_EVENTS, home
from streams.state.keys import key
from tests.streams.casework.outliving import House, Worker, entered, house, image, restored, somebody


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
    await other.stages.casework.upkeep.cover(0)
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
    entries = await other.stages.casework.upkeep.cover(0)
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


async def test_a_commit_of_a_replaced_primary_that_is_decided_again_in_another_batch_counts_once(
    province: House,
) -> None:
    """A worker commits two inputs on a primary, publishes one of them, and stands still. A replica without that commit
    is promoted, a third input comes, and another worker decides all three in one batch. Then the first worker's other
    entry comes, and Redis is wiped.
    """
    late, other = await province.worker(), await province.worker()
    first, third = residents(province)
    await other.line.residents.put(entered([*first, third]))
    await late.watch()
    replica = await image(other)
    for name in first:
        await late.alert(name)
    rest = await publishes_only_its_first_entry(late)
    await restored(other, replica)
    await other.line.redis.hset(key("state", 0), "run", "another")
    await other.alert(third)
    await other.watch()
    await other.line.producer.send_all(rest)
    told, counted = await events(province), await other.line.redis.hgetall(key("counts", 0))
    for name in first:
        once, again = (each for each in told if each.case.resident == name)
        assert once.commit != again.commit
        assert once.model_copy(update={"commit": again.commit}) == again
    cases = await other.cases()
    assert {*first, third} == cases.keys()
    assert cases == await other.folded()
    await other.line.redis.flushall()
    await other.watch()
    assert await other.cases() == cases
    assert await other.line.redis.hgetall(key("counts", 0)) == counted


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


async def publishes_only_its_first_entry(late: Worker) -> list[Record]:
    """Kafka takes the first of the records, and the worker stands still. Returns the other entries."""
    send_all, rest = late.line.producer.send_all, list[Record]()

    async def first_only(records: Sequence[Record]) -> Any:  # noqa: ANN401 - as the producer's
        await send_all(records[:1])
        rest.extend(records[1:])
        raise DiedError

    late.line.producer.send_all = first_only  # type: ignore[method-assign]
    with pytest.raises(DiedError):
        await late.apply()
    return rest


async def events(province: House) -> list[CaseEvent]:
    """The case events of partition 0, as they lie on the journal."""
    found = [
        journal.read_entry(record.offset, record.value or b"")
        async for record in read_all(province.settings, CASE_EVENTS.name)
        if record.partition == 0
    ]
    return [entry for entry in found if isinstance(entry, CaseEvent)]


async def dispatched(province: House) -> list[str]:
    """The residents for whom a channel here was told to do something."""
    return sorted(name.partition("-")[0] for name in await province.dispatches())


async def test_red_dispatches_that_wait_for_a_dead_worker_are_read_once_by_whoever_covers(province: House) -> None:
    worker = await province.worker()
    first, _ = residents(province)
    await worker.watch()
    await worker.alert(first[0])
    await worker.apply()
    waiting = worker.stages.failover.waiting_red
    assert [each.resident for each in await waiting.dispatches(0)] == [first[0]]
    assert await waiting.dispatches(0) == []
    waiting.only([1])  # partition 0 had an owner again, who is silent now
    assert [each.resident for each in await waiting.dispatches(0)] == [first[0]]


async def gone_back(province: House) -> tuple[Worker, list[str], str]:
    """A worker whose Redis has gone back to before its second alert, under the same run id; the two residents who were
    alerted, and one more.
    """
    worker = await province.worker()
    first, later = residents(province)
    await worker.line.residents.put(entered([*first, later]))
    await worker.watch()
    await worker.alert(first[0])
    await worker.apply()
    before = await image(worker)
    await worker.alert(first[1])
    await worker.apply()
    await restored(worker, before)
    return worker, first, later


async def test_a_store_with_older_data_and_the_same_run_takes_the_lost_commits_from_the_journal(
    province: House, caplog: pytest.LogCaptureFixture
) -> None:
    worker, first, later = await gone_back(province)
    await worker.alert(later)
    await worker.apply()
    cases = await worker.cases()
    assert {*first, later} == cases.keys()
    assert cases == await worker.folded()
    assert "Redis went back" in caplog.text
    unsure = await worker.line.redis.smembers(key("unsure", 0))
    assert any(name.decode().startswith(first[1]) for name in unsure)  # it may have been sent before Redis went back


async def test_a_worker_that_fails_while_it_catches_up_still_knows_that_redis_went_back(
    province: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, first, _ = await gone_back(province)
    with monkeypatch.context() as patched:
        patched.setattr(journal, "sent_since", unreachable)
        with pytest.raises(OSError, match="unreachable"):
            await worker.watch()
    await worker.watch()
    assert set(first) == (await worker.cases()).keys()


async def unreachable(*_: object) -> set[str]:
    """Stands for a broker that is away."""
    raise OSError("unreachable")


async def test_an_input_that_was_published_is_not_decided_again_by_newer_code(
    province: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await province.worker()
    first, later = residents(province)
    await worker.line.residents.put(entered([*first, later]))
    await worker.watch()
    before = await image(worker)
    await worker.alert(first[0])
    await worker.apply()
    decided = (await worker.cases())[first[0]]
    await restored(worker, before)
    monkeypatch.setattr("streams.casework.batch.decide", decides_nothing)
    await worker.line.redis.hset(key("state", 0), "run", "another")
    await worker.watch()
    assert (await worker.cases())[first[0]] == decided


def decides_nothing(*_: object) -> Decision:
    """Code that opens no case for what opened one before."""
    return Decision(None, [], [])
