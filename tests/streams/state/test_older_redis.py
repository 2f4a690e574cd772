"""A Redis that lost its tail: nobody is contacted again, nobody is unknown, the store is the journal's fold."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.levels import Result
from schemas.risk.signals import Watch, WatchState
from streams.channels.provider import Kind
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.record import Raw
from streams.messaging.topics import home
from streams.state.keys import key
from tests.channel_rig import until
from tests.dispatched import NOW
from tests.streams.casework.outliving import SECONDS, House, Worker, entered, house, somebody

NOT_IDEMPOTENT = (Kind.ASKABLE, Kind.NEITHER)


@pytest.fixture
async def house_of(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A house whose provider promises what the test asks for."""
    async with house(tmp_path, request.param) as made:
        yield made


async def again(worker: Worker) -> None:
    """Take the dispatches up that were not acked, and bring all to its end."""
    worker.house.rewind()
    await worker.settle()


async def begun(worker: Worker) -> asyncio.Task[None]:
    """A contact that the provider has, and has not answered."""
    worker.house.provider.silent = True
    task = asyncio.create_task(worker.carry())
    await until(lambda: bool(worker.house.provider.book))
    worker.house.provider.silent = False
    return task


async def cut_off(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("house_of", [Kind.IDEMPOTENT, Kind.ASKABLE, Kind.NEITHER], indirect=True)
async def test_whoever_was_contacted_in_the_lost_tail_is_not_contacted_again(house_of: House) -> None:
    worker = await house_of.worker()
    await worker.watch()
    await worker.alert(somebody(1))
    await worker.apply()
    house_of.keep()
    await cut_off(await begun(worker))
    house_of.lose()
    await again(await house_of.worker())
    assert set(house_of.provider.book.values()) == {1}


@pytest.mark.parametrize("house_of", NOT_IDEMPOTENT, indirect=True)
async def test_a_contact_whose_very_case_was_in_the_lost_tail_is_not_made_again(house_of: House) -> None:
    worker = await house_of.worker()
    await worker.watch()
    house_of.keep()
    await worker.alert(somebody(1))
    await worker.apply()
    await cut_off(await begun(worker))
    house_of.lose()
    await again(await house_of.worker())
    assert set(house_of.provider.book.values()) == {1}
    word = {Kind.ASKABLE: Result.SENT.value, Kind.NEITHER: Result.IN_DOUBT.value}[house_of.provider.kind]
    assert {word} in (await house_of.results()).values()


@pytest.mark.parametrize("house_of", NOT_IDEMPOTENT, indirect=True)
async def test_an_input_that_nobody_had_applied_is_contacted_for_and_not_in_doubt(house_of: House) -> None:
    worker = await house_of.worker()
    await worker.watch()
    house_of.keep()
    house_of.lose()
    await worker.alert(somebody(1))
    await worker.settle()
    assert set(house_of.provider.book.values()) == {1}
    assert list((await house_of.results()).values()) == [{Result.SENT.value}]


@pytest.mark.parametrize("house_of", [Kind.ASKABLE], indirect=True)
async def test_a_provider_is_not_asked_while_the_first_request_may_be_under_way(house_of: House) -> None:
    worker = await house_of.worker()
    await worker.watch()
    await worker.alert(somebody(1))
    await worker.apply()
    house_of.keep()
    house_of.provider.late = 2 * SECONDS
    task = asyncio.create_task(worker.carry())
    await until(lambda: bool(house_of.provider.begun))
    await cut_off(task)
    house_of.lose()
    house_of.provider.late = 0
    await again(await house_of.worker())
    assert set(house_of.provider.book.values()) == {1}


@pytest.mark.parametrize("house_of", NOT_IDEMPOTENT, indirect=True)
async def test_a_zombie_that_holds_its_lease_still_and_another_worker_make_one_contact(house_of: House) -> None:
    zombie, other = await house_of.worker(), await house_of.worker()
    await zombie.watch()
    await zombie.alert(somebody(1))
    await zombie.apply()
    first = asyncio.create_task(zombie.carry())
    await until(lambda: bool(house_of.provider.begun))
    house_of.keep()
    house_of.lose()
    await asyncio.gather(first, again(other))
    assert set(house_of.provider.book.values()) == {1}


@pytest.mark.parametrize("house_of", [Kind.NEITHER], indirect=True)
async def test_residents_imported_in_the_lost_tail_are_found(house_of: House) -> None:
    worker, people = await house_of.worker(), [somebody(number) for number in range(1, 6)]
    await worker.line.residents.put(entered(people[:2]))
    await worker.watch()
    house_of.keep()
    await worker.line.residents.put(entered(people[2:]))
    await worker.line.residents.erase(people[:1])
    house_of.lose()
    await worker.watch()
    assert set(await worker.line.residents.get(people)) == set(people[1:])


@pytest.mark.parametrize("house_of", [Kind.NEITHER], indirect=True)
async def test_a_full_register_is_not_read_again_for_a_lost_tail(house_of: House) -> None:
    worker, people = await house_of.worker(), [somebody(number) for number in range(1, 4)]
    await worker.line.residents.put(entered(people))
    for _ in range(2):
        await worker.line.redis.delete("turn:{whole}")
        await worker.watch()
    await worker.line.redis.delete(key("residents", home(people[0], 2)), key("residents", home(people[1], 2)))
    house_of.keep()
    house_of.lose()
    await worker.watch()
    assert people[0] not in await worker.line.residents.get(people)


@pytest.mark.parametrize("house_of", [Kind.NEITHER], indirect=True)
async def test_a_signal_screened_in_the_lost_tail_counts_and_is_on_the_watchlist_though_no_other_comes(
    house_of: House,
) -> None:
    worker, where = await house_of.worker(), TopicPartition(topics.SIGNALS.name, 0)
    await worker.watch()
    await worker.stages.screening.lanes.catch_up([where])
    house_of.keep()
    signal = Watch(
        source="police", id="w1", at=NOW, subject="account", value="9900000000000001", state=WatchState.CONFIRMED
    )
    value = signal.model_dump_json().encode()
    await worker.line.producer.send_all([Record(where.topic, b"", value, where.partition)])
    await worker.stages.screening.lanes.screen(where, [Raw(0, value)])
    counted = await worker.line.screening.tallies()
    house_of.lose()
    assert await worker.line.screening.tallies() == {}
    other = await house_of.worker()
    await other.watch()
    await other.stages.screening.lanes.catch_up([where])
    assert await other.line.screening.tallies() == counted
    assert sum([await other.line.redis.hlen(key("watch", q)) for q in range(house_of.settings.partitions)]) == 1


Deeds = st.lists(
    st.sampled_from(["alert", "apply", "carry", "cut off", "watch", "keep", "lose"]), min_size=3, max_size=12
)


@pytest.mark.parametrize("kind", [Kind.ASKABLE, Kind.NEITHER])
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=Deeds)
def test_whatever_happens_before_and_after_a_loss_each_contact_is_made_once(kind: Kind, deeds: list[str]) -> None:
    asyncio.run(_lived(kind, [*deeds, "lose"]))


async def _lived(kind: Kind, deeds: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder), kind) as made:
            worker, people = await made.worker(), 0
            await worker.watch()
            made.keep()
            for deed in deeds:
                people += deed == "alert"
                await _do(deed, worker, made, people)
            await again(worker)
            assert set(made.provider.book.values()) <= {1}
            assert await worker.cases() == await worker.folded()
            assert len(await worker.cases()) == people


async def _do(deed: str, worker: Worker, made: House, people: int) -> None:
    if deed == "alert":
        await worker.alert(somebody(people))
    elif deed == "keep":
        made.keep()
    elif deed == "lose":
        made.lose()
    elif deed == "cut off":
        made.provider.silent = True
        task = asyncio.create_task(worker.carry())
        await asyncio.wait([task], timeout=SECONDS / 4)
        made.provider.silent = False
        await cut_off(task)
    elif deed == "carry":
        await _carried(worker)
    else:
        await {"apply": worker.apply, "watch": worker.watch}[deed]()


async def _carried(worker: Worker) -> None:
    """Carry out, beside the look of each second: in a Redis that was not looked at yet nothing may be taken."""
    task = asyncio.create_task(worker.carry())
    while not task.done():
        await worker.watch()
        await asyncio.wait([task], timeout=SECONDS / 4)
    await task
